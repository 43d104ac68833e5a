/** A live list that holds still while somebody reads in it: new rows wait, known ones go on. */
import { type FocusEvent, type PointerEvent, useRef, useState } from "react"

type Options<T> = {
  /** The same for one item whatever becomes of it. */
  key: (item: T) => string
  paused: boolean
  /** Another list (filter, length): nothing is held back from it. */
  of: string
}

export function useHeld<T>(items: readonly T[], { key, paused, of }: Options<T>) {
  const [pointed, setPointed] = useState(false)
  const [focused, setFocused] = useState(false)
  const resting = paused || pointed || focused
  const known = useRef<{ of: string; keys: Set<string>; fresh: Set<string> }>({
    of: "",
    keys: new Set(),
    fresh: new Set(),
  })
  const [, again] = useState(0)
  const take = (fresh: Set<string>) => {
    known.current = { of, keys: new Set(items.map(key)), fresh }
  }
  const isNew = (item: T) => !known.current.keys.has(key(item))
  const first = known.current.of !== of
  if (first) take(new Set())
  else if (!resting && items.some(isNew)) take(new Set(items.filter(isNew).map(key)))
  const waiting = items.filter(isNew)
  return {
    resting,
    shown: items.filter((item) => !isNew(item)),
    /** Rows that came since the list was there: they are tinted for a moment. */
    fresh: known.current.fresh as ReadonlySet<string>,
    waiting: waiting.length,
    show: () => {
      take(new Set(waiting.map(key)))
      again((count) => count + 1)
    },
    while: {
      onPointerEnter: (event: PointerEvent) => setPointed(event.pointerType === "mouse"),
      onPointerLeave: () => setPointed(false),
      onFocus: () => setFocused(true),
      onBlur: (event: FocusEvent<HTMLElement>) =>
        setFocused(event.currentTarget.contains(event.relatedTarget)),
    },
  }
}
