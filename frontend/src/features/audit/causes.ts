/** Who caused what, as lines with a depth: the way to the event, what went beside it, its effects. */
import type { LedgerEvent } from "@/api/shapes"
import { type Causes, linked } from "./reads"

export type Branch = {
  event: LedgerEvent
  depth: number
  /** Milliseconds after the first cause shown. */
  after: number
}
const MOST = 12 // effects and neighbours shown; a run has thousands

export function tree(event: LedgerEvent, causes: Causes): { branches: Branch[]; more: number } {
  const root = causes.before[0] ?? event
  const since = Date.parse(root.recorded_at)
  const at = (one: LedgerEvent, depth: number): Branch => ({
    event: one,
    depth,
    after: Date.parse(one.recorded_at) - since,
  })
  const branches = causes.before.map((one, index) => at(one, index))
  const depth = branches.length
  const beside = around(
    linked(event).cause === null ? [event] : withIt(causes.beside, event),
    event,
  )
  for (const one of beside) {
    branches.push(at(one, depth))
    if (one.position !== event.position) continue
    branches.push(...causes.after.slice(0, MOST).map((effect) => at(effect, depth + 1)))
  }
  const shown = beside.length + Math.min(MOST, causes.after.length)
  const all = Math.max(1, causes.beside.length) + causes.after.length
  return { branches, more: Math.max(0, all - shown) }
}

function withIt(beside: readonly LedgerEvent[], event: LedgerEvent): LedgerEvent[] {
  return beside.some((one) => one.position === event.position)
    ? [...beside]
    : [...beside, event].toSorted((one, other) => one.position - other.position)
}

/** Of many neighbours those around the event. */
function around(beside: readonly LedgerEvent[], event: LedgerEvent): LedgerEvent[] {
  const index = beside.findIndex((one) => one.position === event.position)
  const begin = Math.max(0, Math.min(index - MOST / 2, beside.length - MOST))
  return beside.slice(begin, begin + MOST)
}

/** "+35 ms", "+2.4 s", "+3 min". */
export function delay(milliseconds: number): string {
  if (milliseconds < 1_000) return `+${milliseconds}\u00a0ms`
  if (milliseconds < 60_000) return `+${(milliseconds / 1_000).toFixed(1)}\u00a0s`
  return `+${Math.round(milliseconds / 60_000).toLocaleString("en-GB")}\u00a0min`
}
