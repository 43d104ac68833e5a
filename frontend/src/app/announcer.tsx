import { createContext, type ReactNode, use, useCallback, useRef, useState } from "react"

const AnnounceContext = createContext<((text: string) => void) | null>(null)

/** One polite live region: run finished, bulk result, connection lost; never each webhook. */
export function Announcer({ children }: { children: ReactNode }) {
  const [text, setText] = useState("")
  const odd = useRef(false)
  const announce = useCallback((said: string) => {
    odd.current = !odd.current // the same sentence twice has to be a change
    setText(odd.current ? said : `${said}\u00a0`)
  }, [])
  return (
    <AnnounceContext value={announce}>
      {children}
      <div className="sr-only" role="status" aria-live="polite" aria-atomic="true">
        {text}
      </div>
    </AnnounceContext>
  )
}

export function useAnnounce(): (text: string) => void {
  const announce = use(AnnounceContext)
  if (announce === null) throw new Error("useAnnounce needs an Announcer.")
  return announce
}
