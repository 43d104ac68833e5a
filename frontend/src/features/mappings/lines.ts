/** What the table shows, worked out of what was read. Pure. */
import type { AuditLog, Suggestion } from "@/api/shapes"
import {
  type Kind,
  type Noun,
  type Row,
  SOURCE_KINDS,
  type Source,
  sourceKey,
  sourceName,
  suggestedSource,
  suggestedTarget,
  type Target,
  targetName,
} from "./model"
import type { Choice, Usage } from "./reads"

export type LineState = "unmapped" | "gone" | "mapped" | "off"
export type Amount = { entries: number; minutes: number }

export type Line = {
  key: string
  source: Source
  name: string
  row: Row | null
  /** With the names that Kimai tells now, where the row has none. */
  targets: readonly Target[]
  /** Of the targets, those that Kimai does not list, or not as visible. */
  gone: readonly Target[]
  state: LineState
  proposal: { target: Target; basis: Suggestion["basis"] } | null
  waiting: Amount
  /** Of the last 30 days; null while it is not known, and for groups, which are not counted. */
  used: Amount | null
  changed: { at: string; who: string | null; added: boolean } | null
}

type Known = {
  kind: Kind
  rows: readonly Row[]
  suggestions: readonly Suggestion[]
  changes?: Map<number, AuditLog>
  usage?: readonly Usage[]
  /** What Kimai lists; a list that is not there says nothing about targets. */
  lists: Partial<Record<Noun, readonly Choice[]>>
}

const NOTHING: Amount = { entries: 0, minutes: 0 }
const ORDER: Record<LineState, number> = { unmapped: 0, gone: 1, mapped: 2, off: 3 }

export function linesOf({ kind, rows, suggestions, changes, usage, lists }: Known): Line[] {
  const waiting = new Map<string, Suggestion>()
  for (const one of suggestions)
    if (one.kind === kind) waiting.set(sourceKey(suggestedSource(one)), one)
  const used = (source: Source) => usedBy(kind, source, usage)
  const lines: Line[] = []
  for (const row of rows) {
    const held = row.isActive ? waiting.get(sourceKey(row.source)) : undefined
    if (held) waiting.delete(sourceKey(row.source))
    const targets = row.targets.map((one) => named(one, lists[one.list]))
    const gone = row.isActive ? targets.filter((one) => isGone(one, lists[one.list])) : []
    const last = changes?.get(row.id)
    lines.push({
      key: `row-${row.id}`,
      source: row.source,
      name: sourceName(kind, row.source),
      row,
      targets,
      gone,
      state: !row.isActive ? "off" : gone.length > 0 ? "gone" : "mapped",
      proposal: null,
      waiting: held ? amount(held) : NOTHING,
      used: row.isActive ? used(row.source) : null,
      changed: {
        at: last?.created_at ?? row.updatedAt,
        who: last?.user ?? null,
        added: row.version === 1,
      },
    })
  }
  for (const one of waiting.values()) {
    const source = suggestedSource(one)
    const target = suggestedTarget(one)
    lines.push({
      key: `waiting-${sourceKey(source)}`,
      source,
      name: sourceName(kind, source),
      row: null,
      targets: [],
      gone: [],
      state: "unmapped",
      // A customer whose id nobody knows has to be chosen by a person.
      proposal:
        target && (kind !== "projects" || source.id !== null) ? { target, basis: one.basis } : null,
      waiting: amount(one),
      used: used(source),
      changed: null,
    })
  }
  return lines.sort(
    (one, other) =>
      ORDER[one.state] - ORDER[other.state] ||
      other.waiting.entries - one.waiting.entries ||
      other.waiting.minutes - one.waiting.minutes ||
      one.name.localeCompare(other.name, "en"),
  )
}

function usedBy(kind: Kind, source: Source, usage: readonly Usage[] | undefined): Amount | null {
  if (usage === undefined || source.kind === "group") return null
  // The row for everyone is used by whoever has none; that is not counted apart.
  if (kind === "users" && source.id === null) return null
  const of = kind === "activities" ? "type" : kind === "users" ? "user" : source.kind
  const found = usage.find(
    (one) =>
      one.kind === of &&
      (of === "organization" ? one.name === source.name : one.source_id === source.id),
  )
  return found ? { entries: found.entries, minutes: found.minutes } : NOTHING
}

function amount(one: Suggestion): Amount {
  return { entries: one.waiting_entries, minutes: one.waiting_minutes }
}

function named(target: Target, list: readonly Choice[] | undefined): Target {
  if (target.name !== "" || list === undefined) return target
  return { ...target, name: list.find((one) => one.id === target.id)?.name ?? "" }
}

function isGone(target: Target, list: readonly Choice[] | undefined): boolean {
  if (list === undefined) return false
  return !(list.find((one) => one.id === target.id)?.active ?? false)
}

export function sumOf(lines: readonly { waiting: Amount }[]): Amount {
  return lines.reduce(
    (sum, { waiting }) => ({
      entries: sum.entries + waiting.entries,
      minutes: sum.minutes + waiting.minutes,
    }),
    NOTHING,
  )
}

/** Words in any order, in names, addresses, ids and states. */
export function filtered(lines: readonly Line[], text: string): readonly Line[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return lines
  return lines.filter((line) => {
    const hay = [
      line.name,
      line.source.email,
      line.source.id,
      line.source.kind && SOURCE_KINDS[line.source.kind],
      ...line.targets.flatMap((one) => [targetName(one), one.id]),
      line.proposal && targetName(line.proposal.target),
      STATE_WORDS[line.state],
    ]
      .join(" ")
      .toLowerCase()
    return words.every((word) => hay.includes(word))
  })
}

export const STATE_WORDS: Record<LineState, string> = {
  unmapped: "Not mapped",
  gone: "Target not found",
  mapped: "Mapped",
  off: "Off",
}

export const BASIS_WORDS: Record<NonNullable<Suggestion["basis"]>, string> = {
  email: "Same e-mail address",
  same_name: "Same name",
  history: "As before",
}

/** "9 entries, 4 h 25 m": what continues, or what waits. */
export function countWord(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en-GB")}\u00a0${count === 1 ? one : many}`
}

export type Difference = { field: string; mine: string; theirs: string }

/** In words, what differs between the row a person began with and what it is now. */
export function differencesOf(
  kind: Kind,
  before: Row,
  now: Row,
  lists: Known["lists"],
): Difference[] {
  const words = (row: Row): Record<string, string> => ({
    "From Zammad": `${sourceName(kind, row.source)}${row.source.id === null ? "" : ` (${row.source.id})`}`,
    "In Kimai": row.targets.map((one) => targetName(named(one, lists[one.list]))).join(" and "),
    Billable: billableWord(row.billable),
    "Time zone": row.timezone ?? "as the connector's",
    State: row.isActive ? "On" : "Off",
  })
  const [was, is] = [words(before), words(now)]
  return Object.keys(was)
    .filter((field) => was[field] !== is[field])
    .map((field) => ({ field, mine: was[field] ?? "", theirs: is[field] ?? "" }))
}

export function billableWord(billable: boolean | null): string {
  return billable === null ? "Kimai decides" : billable ? "Billable" : "Not billable"
}

/** What a form begins with: a row, or who waits, or nothing. */
export type Start = { row: Row | null; source: Source | null; targets: readonly Target[] }

export function startOf(line: Line): Start {
  return {
    row: line.row,
    source: line.source,
    targets: line.row?.targets ?? (line.proposal ? [line.proposal.target] : []),
  }
}
