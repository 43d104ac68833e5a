import { lazy } from "react"

const AGAIN = 2_000 // ms until the second try: a service that starts anew takes about a second

/**
 * React's `lazy`, for a line that may be cut: it remembers a failure for good, and its section
 * would have to be loaded again by hand. What is asked for offline comes once the line is back.
 */
export const lazily: typeof lazy = (load) => lazy(() => patiently(load))

/** Rejects with what `load` said last. Exported for its test. */
export async function patiently<T>(load: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await load()
    } catch (error) {
      if (!navigator.onLine) {
        await new Promise((back) => window.addEventListener("online", back, { once: true }))
      } else if (tries === 0) {
        await new Promise((later) => setTimeout(later, AGAIN))
      } else {
        throw error
      }
    }
  }
}
