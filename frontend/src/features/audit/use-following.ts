import { type UIEvent, useCallback, useState } from "react"

/**
 * A list that follows what comes until the reader scrolls or chooses a row: from then on it stays
 * at the event that was the newest, and tells how many came since.
 */
export function useFollowing(head: number | undefined, { hold }: { hold: boolean }) {
  const [held, setHeld] = useState<number | null>(null)
  const stop = useCallback(() => setHeld((before) => before ?? head ?? null), [head])
  if (hold && held === null && head !== undefined) setHeld(head)
  // In another moment, or after a restore, the ledger may end before.
  const shown = head === undefined ? undefined : held === null ? head : Math.min(held, head)
  return {
    shown,
    following: held === null,
    behind: head !== undefined && held !== null ? Math.max(0, head - held) : 0,
    follow: useCallback(() => setHeld(null), []),
    stop,
    onScrollCapture: useCallback(
      (event: UIEvent<HTMLElement>) => {
        if ((event.target as HTMLElement).scrollTop > 0) stop()
      },
      [stop],
    ),
  }
}
