/** What a change of a figure means. Pure. */
import { formatDistanceStrict } from "date-fns"
import { formatNumber } from "@/ui/format"
import type { StateName } from "@/ui/state-badge"

export type Trend = { way: "up" | "down" | "same"; good: boolean }

export function change(now: number, before: number, { more }: { more: "good" | "bad" }): Trend {
  if (now === before) return { way: "same", good: true }
  return { way: now > before ? "up" : "down", good: now > before === (more === "good") }
}

/** "10 days" between two instants, in the largest unit. */
export function age(since: string, until: string): string {
  return formatDistanceStrict(new Date(since), new Date(until), { roundingMethod: "floor" })
}

/**
 * On time until an entry waits for the service for more than a whole interval of the schedule;
 * red once the oldest has waited for two. `late` is null while the schedule is off.
 */
export function punctuality(
  late: number | null,
  oldestSeconds: number,
  intervalSeconds: number | null,
): { state: StateName; words: string } {
  if (late === null || intervalSeconds === null) return { state: "ignored", words: "Schedule off" }
  if (late === 0) return { state: "synced", words: "On time" }
  const red = oldestSeconds >= 2 * intervalSeconds
  return { state: red ? "failed" : "conflict", words: `${formatNumber(late)} late` }
}
