import type { Plan } from "@/api/shapes"
import { formatDay, formatDuration, formatInstant, formatNumber } from "@/ui/format"
import type { Action, Names, Row, Summary } from "./reads"

/** What is written to Kimai; the number on the button. */
export const WRITES: readonly Action[] = ["create", "update", "delete"]

export function changesOf({ counts }: Summary | Plan): number {
  return counts.create + counts.update + counts.delete
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${formatNumber(number)} ${number === 1 ? one : many}`
}

/** "13 to 19 November", "29 October to 28 November". */
export function rangeInWords(start?: string | null, end?: string | null): string {
  if (!start || !end) return "the entries asked for"
  const long = (day: string) => formatDay(day, "long-day").replace(/^\w+,? /, "")
  if (start === end) return long(end)
  const from = start.slice(0, 7) === end.slice(0, 7) ? String(Number(start.slice(8))) : long(start)
  return `${from} to ${long(end)}`
}

export type Line = { label: string; before: string | null; after: string | null; differs: boolean }

/** Field by field, as it is in Kimai and as it would be. */
export function linesOf(row: Row, names: Names | undefined, zone: string): Line[] {
  const { before, after } = row
  const side = (work: Row["before"] | Row["after"]) =>
    work && {
      Begin: formatInstant(work.begin, "day-time", zone),
      End: work.end ? formatInstant(work.end, "day-time", zone) : "open",
      Duration: formatDuration(work.minutes),
      Person: named(names?.users, work.user_id, "person"),
      Activity: named(names?.activities, work.activity_id, "activity"),
      Project: named(names?.projects, work.project_id, "project"),
      Description: work.description ?? "",
      Billable: work.billable === null ? "Kimai decides" : work.billable ? "yes" : "no",
    }
  const [old, next] = [side(before), side(after)]
  const labels = Object.keys(next ?? old ?? {}) as (keyof NonNullable<typeof next>)[]
  return labels.map((label) => {
    const [was, becomes] = [old?.[label] ?? null, next?.[label] ?? null]
    // Without a word about it the service leaves what Kimai has.
    const silent = label === "Billable" && after?.billable === null
    return { label, before: was, after: becomes, differs: !silent && was !== becomes }
  })
}

export function named(map: Map<number, string> | undefined, id: number, what: string): string {
  if (id === 0) return `a new ${what}`
  return map?.get(id) ?? `${what} ${id}`
}

/** First line of the description without the service's own mark: what the row is about. */
export function subjectOf(row: Row): string {
  const text = (row.after ?? row.before)?.description ?? ""
  const first = text.split("\n")[0]?.trim() ?? ""
  return first.startsWith("Zammad #") ? "" : first
}
