/** A line of the list, whatever it was read from: a row of Reconcile, an entry, a conflict. */
import type { components } from "@/api/schema.gen"
import type { DeadLetter, Entry, Mapping, Row, UserMapping } from "@/api/shapes"
import { formatDay, formatMinutes } from "@/ui/format"
import type { StateName } from "@/ui/state-badge"
import {
  type Alternative,
  alternativesOf,
  changeOf,
  type Gain,
  type Proposal,
  proposalOf,
} from "./proposals"
import { isReason, REASONS } from "./words"

export type Conflict = components["schemas"]["ConflictOut"]
export type Side = {
  minutes: number | null
  activity: string
  person: string
  /** `2026-11-17`, in the zone of the booking. */
  day: string | null
}
export type SideField = keyof Side
export type Line = {
  /** Stays the same while the row does: selection, focus and the open drawer go by it. */
  key: string
  entryId: number | null
  conflictId: number | null
  version: number
  ticket: string
  title: string
  customer: string
  zammad: Side | null
  kimai: Side | null
  /** What stands where a side is not there. */
  zammadNote: string
  kimaiNote: string
  differs: ReadonlySet<SideField>
  state: StateName
  why: string
  detail: string
  /** When somebody decided, or it failed last. */
  at: string | null
  proposal: Proposal | null
  alternatives: readonly Alternative[]
  /** Minutes that Kimai holds once the booking is carried; null while nobody has rounded them. */
  stored: number | null
  change: Gain | null
  /** Changes when the row does, in whatever a person decides on. */
  signature: string
}

/** Kimai's names by id, and which names mean the same on both sides, as the mappings have them. */
export type Names = {
  activities: ReadonlyMap<number, string>
  people: ReadonlyMap<number, string>
  activityOf: ReadonlyMap<string, string>
  personOf: ReadonlyMap<string, string>
}

export const NO_NAMES: Names = {
  activities: new Map(),
  people: new Map(),
  activityOf: new Map(),
  personOf: new Map(),
}

export function namesOf(mappings: readonly Mapping[], people: readonly UserMapping[]): Names {
  const activities = new Map<number, string>()
  const activityOf = new Map<string, string>()
  for (const one of mappings) {
    if (!one.is_active) continue
    activities.set(one.kimai_activity_id, one.kimai_activity_name)
    activityOf.set(plain(one.zammad_type_name), one.kimai_activity_name)
  }
  const persons = new Map<number, string>()
  const personOf = new Map<string, string>()
  for (const { is_active, kimai_user_id, kimai_user_name, zammad_user_name } of people) {
    if (!is_active || kimai_user_name === null) continue
    persons.set(kimai_user_id, kimai_user_name)
    if (zammad_user_name !== null) personOf.set(plain(zammad_user_name), kimai_user_name)
  }
  return { activities, people: persons, activityOf, personOf }
}

/**
 * Where both sides differ. Names are compared through the mappings, for Zammad's "Support" may be
 * Kimai's "Remote support"; what no mapping knows is not called a difference. `stored` are the
 * minutes that the booking is to have there.
 */
export function differences(
  zammad: Side | null,
  kimai: Side | null,
  stored: number | null,
  names: Names,
): ReadonlySet<SideField> {
  const found = new Set<SideField>()
  if (zammad === null || kimai === null) return found
  const meant = stored ?? zammad.minutes
  if (meant !== null && kimai.minutes !== null && meant !== kimai.minutes) found.add("minutes")
  if (zammad.day !== null && kimai.day !== null && zammad.day !== kimai.day) found.add("day")
  if (other(zammad.activity, kimai.activity, names.activityOf)) found.add("activity")
  if (other(zammad.person, kimai.person, names.personOf)) found.add("person")
  return found
}

function other(ours: string, theirs: string, mapped: ReadonlyMap<string, string>): boolean {
  if (theirs.startsWith("Unknown ") || plain(ours) === plain(theirs)) return false
  const meant = mapped.get(plain(ours))
  return meant !== undefined && plain(meant) !== plain(theirs)
}

function plain(name: string): string {
  return name.trim().toLowerCase()
}

const FIELD_OF: Record<string, SideField> = {
  duration: "minutes",
  activity_id: "activity",
  user_id: "person",
}

/** Marks what the service names; where it names nothing, what the sides show. */
function marksOf(
  row: Row,
  zammad: Side | null,
  kimai: Side | null,
  stored: number | null,
  names: Names,
): ReadonlySet<SideField> {
  const found = new Set(differences(zammad, kimai, stored, names))
  if (zammad === null || kimai === null) return found
  if (row.reasonCode === "TIME_MISMATCH") found.add("minutes")
  for (const name of row.edited ?? []) {
    const field = FIELD_OF[name]
    if (field !== undefined) found.add(field)
  }
  return found
}

const CHANGED: Record<string, string> = {
  duration: "Duration changed in Kimai",
  activity_id: "Activity changed in Kimai",
  user_id: "Person changed in Kimai",
  begin: "Begin changed in Kimai",
  end: "End changed in Kimai",
  project_id: "Project changed in Kimai",
  description: "Description changed in Kimai",
  billable: "Billable changed in Kimai",
}

/** The one thing that was edited; an end that moves along with the rest is no second one. */
function onlyEdit(edited: readonly string[]): string | null {
  const own = edited.filter(
    (name) => name !== "end" || !(edited.includes("duration") || edited.includes("begin")),
  )
  return own.length === 1 ? (own[0] ?? null) : null
}

/** "10 m → 25 m" under "Duration changed in Kimai"; more than one field needs the sentence. */
function whatChanged(edited: string, base: Side, kimai: Side): string | null {
  switch (edited) {
    case "duration":
      return base.minutes === null || kimai.minutes === null
        ? null
        : `${formatMinutes(base.minutes)} → ${formatMinutes(kimai.minutes)}`
    case "activity_id":
      return `${base.activity} → ${kimai.activity}`
    case "user_id":
      return `${base.person} → ${kimai.person}`
    case "begin":
      if (!base.day || !kimai.day || base.day === kimai.day) return null
      return `${formatDay(base.day)} → ${formatDay(kimai.day)}`
    default:
      return null
  }
}

function sideOf(from: Row["base"] | Row["source"]): Side | null {
  if (!from) return null
  const { minutes, activity, user: person, startedAt } = from
  return { minutes, activity, person, day: startedAt?.slice(0, 10) ?? null }
}

/** "#10050 VPN down": what people call it. */
export function nameOfLine({ ticket, title }: Pick<Line, "ticket" | "title">): string {
  return ticket ? `#${ticket} ${title}` : title
}

export function lineOfRow(row: Row, names: Names): Line {
  const booked = sideOf(row.source)
  const zammad = booked && {
    ...booked,
    minutes: row.reasonCode === "UNIT_UNKNOWN" ? null : booked.minutes,
  }
  const [kimai, base] = [sideOf(row.target), sideOf(row.base)]
  const only = onlyEdit(row.edited ?? [])
  const reason = isReason(row.reasonCode) ? REASONS[row.reasonCode] : REASONS.CONFLICT
  const stored = row.minutesAfter ?? null
  const proposal = proposalOf(row)
  return {
    key: row.id,
    entryId: row.entryId,
    conflictId: /^\d+$/.test(row.id) ? Number(row.id) : null,
    version: row.version,
    ticket: row.ticketId,
    title: row.ticketTitle || "Ticket without title",
    customer: row.customer,
    zammad,
    kimai,
    zammadNote: "Deleted in Zammad",
    kimaiNote: row.reasonCode === "TARGET_DELETED" ? "Deleted in Kimai" : "Not in Kimai",
    differs: marksOf(row, zammad, kimai, stored, names),
    state: reason.state,
    why: (only && CHANGED[only]) ?? reason.title,
    detail: (only && base && kimai && whatChanged(only, base, kimai)) || row.conflictReason,
    at: row.openedAt ?? null,
    proposal,
    alternatives: alternativesOf(row),
    stored,
    // Once it is mended elsewhere, it is created.
    change: changeOf("act" in proposal ? proposal.act : "create", { zammad, kimai, stored }),
    signature: JSON.stringify([row.id, row.version, zammad, kimai, row.reasonCode, row.allowedOps]),
  }
}

const STATE_OF: Partial<Record<Entry["state"], StateName>> = {
  synced: "synced",
  conflict: "conflict",
  failed: "failed",
  ignored: "ignored",
  withdrawn: "ignored",
}

export function lineOfEntry(entry: Entry, names: Names): Line {
  const zammad = {
    minutes: entry.time_minutes,
    activity: entry.activity_name ?? "Without activity",
    person: entry.user_name ?? entry.user_email ?? "Unknown person",
    day: entry.entry_date,
  }
  const target = entry.target
  const kimai = target
    ? {
        minutes: target.minutes,
        activity: names.activities.get(target.activity_id) ?? `Activity ${target.activity_id}`,
        person: names.people.get(target.user_id) ?? `Person ${target.user_id}`,
        day: target.begin.slice(0, 10),
      }
    : null
  const stored = entry.minutes_after
  const act = entry.state === "failed" ? "retry" : entry.state === "ignored" ? "unignore" : null
  const onItsWay = entry.state === "pending" || entry.state === "writing"
  const reason = isReason(entry.reason_code) ? REASONS[entry.reason_code].title : null
  return {
    key: `entry-${entry.id}`,
    entryId: entry.id,
    conflictId: entry.conflict_id,
    version: entry.version,
    ticket: entry.ticket_number,
    title: entry.ticket_title ?? "Ticket without title",
    customer: entry.customer_name ?? "Unknown customer",
    zammad: entry.state === "withdrawn" ? null : zammad,
    kimai,
    zammadNote: "Deleted in Zammad",
    kimaiNote: entry.state === "failed" ? "Never written" : "Not in Kimai",
    differs: entry.state === "withdrawn" ? new Set() : differences(zammad, kimai, stored, names),
    state: STATE_OF[entry.state] ?? "pending",
    why:
      entry.state === "failed"
        ? `Gave up after ${entry.attempts} ${entry.attempts === 1 ? "attempt" : "attempts"}`
        : entry.state === "ignored"
          ? "Ignored until it changes"
          : (reason ?? (onItsWay ? "On its way to Kimai" : "Nothing to decide")),
    detail: reason ?? entry.description,
    at: entry.updated_at,
    proposal:
      act === "retry"
        ? { act, because: "It is sent again with today’s settings." }
        : act === "unignore"
          ? { act, because: "It is decided again and carried across." }
          : null,
    alternatives: act === "retry" ? [{ act: "retry" }, { act: "ignore" }] : act ? [{ act }] : [],
    stored,
    change:
      act === "unignore"
        ? null
        : changeOf(act ?? (onItsWay ? "create" : "ignore"), { zammad, kimai, stored }),
    signature: JSON.stringify([entry.id, entry.version]),
  }
}

const RESOLVED: Record<string, string> = {
  keep_target: "Kimai was kept",
  update_from_source: "Zammad’s values were taken",
  create_in_target: "Created in Kimai",
  skipped: "Left out of Kimai",
  corrected: "Corrected by a second timesheet",
}

export function lineOfConflict(conflict: Conflict, names: Names): Line {
  const side = (data: Conflict["zammad_data"]) =>
    data && {
      minutes: data.duration_sec === null ? null : data.duration_sec / 60,
      activity: data.activity_name ?? "Unknown activity",
      person: data.user_name ?? data.user_email ?? "Unknown person",
      day: data.entry_date,
    }
  const zammad = side(conflict.zammad_data)
  const kimai = side(conflict.kimai_data)
  const who = conflict.resolved_by === "system" ? "the service" : conflict.resolved_by
  const action = conflict.resolution_action
  return {
    key: String(conflict.id),
    entryId: conflict.time_entry_id,
    conflictId: conflict.id,
    version: conflict.version,
    ticket: conflict.ticket_number ?? "",
    title: conflict.zammad_data?.ticket_title ?? "Ticket without title",
    customer: conflict.customer_name ?? "Unknown customer",
    zammad,
    kimai,
    zammadNote: "Deleted in Zammad",
    kimaiNote: "Not in Kimai",
    differs: differences(zammad, kimai, conflict.minutes_after, names),
    state: "synced",
    why: action ? (RESOLVED[action] ?? "Resolved") : "Its cause is gone",
    detail: who ? `Resolved by ${who}` : "Resolved",
    at: conflict.resolved_at,
    proposal: null,
    alternatives: [],
    stored: null,
    change: null,
    signature: JSON.stringify([conflict.id, conflict.version]),
  }
}

export function lineOfDeadLetter(letter: DeadLetter): Line {
  const isEntry = letter.kind === "entry"
  const reason = isReason(letter.reason_code) ? REASONS[letter.reason_code].title : null
  const tries = `${letter.attempts} ${letter.attempts === 1 ? "attempt" : "attempts"}`
  return {
    key: letter.id,
    entryId: letter.entry_id ?? null,
    conflictId: null,
    version: 0,
    ticket: "",
    title: isEntry ? `Time entry ${letter.entry_id}` : "Webhook delivery",
    customer: isEntry ? "Write to Kimai" : (letter.delivery_id ?? ""),
    zammad: null,
    kimai: null,
    zammadNote: "",
    kimaiNote: "",
    differs: new Set(),
    state: "dead",
    why: `Gave up after ${tries}`,
    detail: reason ? `${reason}. ${letter.message}` : letter.message,
    at: letter.last_failed_at,
    proposal: {
      act: "retry",
      label: "Replay",
      because: "It is tried again with today’s settings.",
    },
    alternatives: [{ act: "retry" }],
    stored: null,
    change: null,
    signature: JSON.stringify([letter.id, letter.attempts, letter.last_failed_at]),
  }
}
