/** What lies over the page: dialogs, drawers and popovers. Keys go to the topmost one only. */
import { createContext } from "react"

/** The layer that something is rendered in, as its `data-layer` names it; null is the page. */
export const Layer = createContext<string | null>(null)

/** Of those that are open the one opened last; null while the page itself is on top. */
export function topmostLayer(): string | null {
  const open = document.querySelectorAll<HTMLElement>("[data-layer][data-state=open]")
  return open[open.length - 1]?.dataset.layer ?? null
}
