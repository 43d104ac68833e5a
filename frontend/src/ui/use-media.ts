import { useSyncExternalStore } from "react"

/** Whether a media query holds; for what styles alone cannot do (a table or cards). */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (told) => {
      const media = window.matchMedia(query)
      media.addEventListener("change", told)
      return () => media.removeEventListener("change", told)
    },
    () => window.matchMedia(query).matches,
  )
}
