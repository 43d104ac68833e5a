/** A secret that was just stored, until the page is left: the guide shows it to be copied. */
import { useSyncExternalStore } from "react"

type Fresh = { secret: string; at: number }
const kept = new Map<number, Fresh>()
const watching = new Set<() => void>()

export function rememberSecret(connector: number, secret: string) {
  kept.set(connector, { secret, at: Date.now() })
  for (const told of watching) told()
}

function watch(told: () => void) {
  watching.add(told)
  return () => void watching.delete(told)
}

export function useFreshSecret(connector: number): Fresh | undefined {
  return useSyncExternalStore(watch, () => kept.get(connector))
}
