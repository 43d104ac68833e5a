/**
 * Reading what an event recorded. Events of all ages are read, personal values may be erased or
 * sealed, and nothing here may fail on what it does not know.
 */
import { formatDuration, formatMinutes } from "@/ui/format"

export type Data = Readonly<Record<string, unknown>>

export function isData(value: unknown): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** A value as a person reads it; "" for what is not there. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return ""
  if (typeof value === "boolean") return value ? "yes" : "no"
  if (Array.isArray(value)) return value.map(text).filter(Boolean).join(", ")
  if (!isData(value)) return String(value)
  if (value.erased === true) return "an erased name"
  if ("sealed" in value) return "a sealed name"
  if (typeof value.name === "string" || isData(value.name)) return text(value.name)
  return Object.entries(value)
    .map(([name, one]) => `${words(name)} ${text(one)}`)
    .join(", ")
}

/** `kimai_activity_id` as "Kimai activity id": names of fields, codes and states in words. */
export function words(name: string): string {
  const known = FIELDS[name]
  if (known !== undefined) return known
  return name.toLowerCase().replaceAll(/[_-]/g, " ").replaceAll("kimai", "Kimai")
}

const FIELDS: Readonly<Record<string, string>> = {
  time_unit: "time",
  type_id: "activity",
  created_by_id: "person",
  ticket_id: "ticket",
  updated_at: "time of change",
  work_date: "day",
  begin: "begin",
  end: "end",
  duration: "duration",
  activity_id: "activity",
  project_id: "project",
  user_id: "person",
  base_url: "address",
  is_active: "on or off",
  full_name: "name",
  cron: "times",
}

export function part(data: Data, name: string): Data {
  const value = data[name]
  return isData(value) ? value : {}
}

export function list(data: Data, name: string): readonly unknown[] {
  const value = data[name]
  return Array.isArray(value) ? value : []
}

export function number(value: unknown): number | null {
  const read = typeof value === "number" ? value : typeof value === "string" ? Number(value) : NaN
  return Number.isFinite(read) && value !== "" ? read : null
}

/** Minutes between two instants, or of `PT5400S`. */
export function minutesOf(work: Data): number | null {
  const seconds = /^PT(\d+(?:\.\d+)?)S$/.exec(text(work.duration))?.[1]
  if (seconds !== undefined) return Number(seconds) / 60
  const span = Date.parse(text(work.end)) - Date.parse(text(work.begin))
  return Number.isFinite(span) ? span / 60_000 : null
}

/** " of 40 m", "" when nobody knows how long. */
export function lasting(work: Data, before = " of "): string {
  const minutes = minutesOf(work)
  return minutes === null ? "" : before + formatMinutes(minutes)
}

export function inWords(minutes: unknown): string {
  const read = number(minutes)
  return read === null ? "" : formatDuration(read)
}

/** "3 entries", "1 entry". */
export function count(value: unknown, one: string, many = `${one}s`): string {
  const read = number(value) ?? 0
  return `${read.toLocaleString("en-GB")} ${read === 1 ? one : many}`
}

/** ": name from A to B, address to C" of recorded changes; "" without any. */
export function changed(data: Data): string {
  const said = [...list(data, "changes"), ...list(data, "personal_changes")]
    .filter(isData)
    .map((one) => {
      const [from, to] = [text(one.old), text(one.new)]
      const name = words(text(one.field))
      if (from === "" && to === "") return name
      return from === "" ? `${name} ${to}` : `${name} ${from} → ${to || "nothing"}`
    })
  return said.length === 0 ? "" : `: ${said.join(", ")}`
}
