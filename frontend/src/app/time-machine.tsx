import { createContext, type ReactNode, use, useEffect, useMemo } from "react"
import { useUrlParams } from "./url-state"

type Moment = {
  /** The `as_of` of every read: an ISO instant with offset or `position:<n>`; null is now. */
  asOf: string | null
  travel: (to: string) => void
  backToLive: () => void
  /** "Compare with now": figures add "now …", read with `useRead(…, { at: "now" })`. */
  comparing: boolean
  compare: (on: boolean) => void
}
const MomentContext = createContext<Moment | null>(null)

export function TimeMachineProvider({ children }: { children: ReactNode }) {
  const { params, set } = useUrlParams()
  const asOf = params.get("as_of")
  const comparing = asOf !== null && params.get("compare") === "now"
  useEffect(() => {
    if (asOf === null) delete document.documentElement.dataset.paper
    else document.documentElement.dataset.paper = "archive"
    return () => {
      delete document.documentElement.dataset.paper
    }
  }, [asOf])
  const moment = useMemo<Moment>(
    () => ({
      asOf,
      // The first step into the past is one for the back button; further ones replace it.
      travel: (to) => set({ as_of: to }, { push: asOf === null }),
      backToLive: () => set({ as_of: null, compare: null }),
      comparing,
      compare: (on) => set({ compare: on ? "now" : null }),
    }),
    [asOf, comparing, set],
  )
  return <MomentContext value={moment}>{children}</MomentContext>
}

export function useMoment(): Moment {
  const moment = use(MomentContext)
  if (moment === null) throw new Error("useMoment needs a TimeMachineProvider.")
  return moment
}
