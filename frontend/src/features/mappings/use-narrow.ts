import { useSyncExternalStore } from "react"

const query = () => window.matchMedia("(max-width: 767.98px)")

/** Whether tables are cards now (design, section 4: below 768). */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const one = query()
      one.addEventListener("change", changed)
      return () => one.removeEventListener("change", changed)
    },
    () => query().matches,
  )
}
