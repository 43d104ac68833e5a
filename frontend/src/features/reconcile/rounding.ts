/**
 * What Kimai's rounding means for a row. Rows carry no list of what differs and no minutes after
 * rounding, so both are read from what the service does say; what nobody knows is marked as such.
 */
import type { Connector, Row, RowDetail } from "@/api/shapes"

/** Minutes by which Kimai may store a length otherwise than asked; 0 while it does not round. */
export function roundingOf(connectors: readonly Connector[]): number {
  const sums = connectors
    .filter((one) => one.type === "kimai" && one.is_active)
    .map(({ settings: of }) => step(of.round_begin) + step(of.round_end) + step(of.round_duration))
  return Math.max(0, ...sums)
}

function step(minutes: unknown): number {
  return typeof minutes === "number" ? minutes : 0
}

const EDITED =
  /(?:^|, )(user_id|project_id|activity_id|begin|end|duration|description|billable)(?=[, ]|$)/g
const LENGTH = String.raw`(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)`
const LENGTHS = new RegExp(`duration ${LENGTH} → ${LENGTH}`)

export type Edits = {
  /** The service's names of what was edited in Kimai. */
  fields: ReadonlySet<string>
  /** Minutes that Kimai held after our last write, and holds now. */
  duration: { from: number; to: number } | null
  /** The booking in Zammad is as it was when it was carried. */
  alone: boolean
}

/** What was edited in Kimai, as the sentence of the row lists it; null when it lists nothing. */
export function editsOf({
  reasonCode,
  conflictReason: text,
}: Pick<Row, "reasonCode" | "conflictReason">): Edits | null {
  if (reasonCode !== "TARGET_EDITED") return null
  const told = /was edited in Kimai after it was written: (.+)/.exec(text)?.[1]
  const listed = told ?? /was edited in Kimai \(([^)]+)\)/.exec(text)?.[1]
  if (listed === undefined) return null
  const fields = new Set([...listed.matchAll(EDITED)].map((one) => String(one[1])))
  const lengths = LENGTHS.exec(listed)?.slice(1).map(Number)
  return {
    fields,
    duration: lengths
      ? { from: minutes(lengths.slice(0, 4)), to: minutes(lengths.slice(4)) }
      : null,
    alone: told !== undefined || text.includes(". Keep the edit, or have it updated"),
  }
}

function minutes([days = 0, hours = 0, rest = 0, seconds = 0]: readonly number[]): number {
  return (days || 0) * 1440 + hours * 60 + rest + seconds / 60
}

/**
 * Minutes that Kimai makes of the booking: what it stored of the same one last time, where that is
 * known. Null where it rounds and nobody asked it yet.
 */
export function storedOf(
  booked: number | null,
  held: number | null,
  edits: Edits | null,
  rounding: number,
): number | null {
  if (booked === null || rounding === 0) return booked
  if (held === null || edits === null || !edits.alone) return null
  const { duration } = edits
  if (duration === null && edits.fields.has("duration")) return null
  const before = duration === null ? held : held + duration.from - duration.to
  return Math.abs(before - booked) <= rounding ? before : null
}

type Difference = RowDetail["fields"][number]
const TIMES = ["minutes", "begin", "end"]

/** Kimai holds what it stored of our last write, and nobody changed anything since: it rounded. */
export function isRounded(one: Difference, rounding: number): boolean {
  if (rounding === 0 || !TIMES.includes(one.field)) return false
  if (one.changed_by !== null || one.base === null || one.base !== one.target) return false
  const [ours, theirs] = [inMinutes(one.source), inMinutes(one.target)]
  return ours !== null && theirs !== null && Math.abs(ours - theirs) <= rounding
}

function inMinutes(value: unknown): number | null {
  const found = typeof value === "string" ? Date.parse(value) / 60_000 : value
  return typeof found === "number" && Number.isFinite(found) ? found : null
}

/** What Kimai stored last time of the times that are asked for again; null when they are others. */
export function storedLastTime(
  { base, fields }: Pick<RowDetail, "base" | "fields">,
  asked: number,
  rounding: number,
): { minutes: number; begin: unknown; end: unknown } | null {
  const anew = fields.some(
    (one) =>
      TIMES.includes(one.field) && (one.changed_by === "source" || one.changed_by === "both"),
  )
  const held = base?.minutes
  if (anew || !base || typeof held !== "number") return null
  return Math.abs(held - asked) <= rounding
    ? { minutes: held, begin: base.begin, end: base.end }
    : null
}
