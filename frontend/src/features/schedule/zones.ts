/** Time zones: all that the browser knows, their offset now, and when their clocks change. */
import { formatInstant } from "@/ui/format"

export type Zone = { value: string; label: string; hint: string }

const formats = new Map<string, Intl.DateTimeFormat>()
function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "longOffset" })
  formats.set(zone, made)
  return made
}

/** Minutes east of Greenwich at an instant. */
export function offsetOf(zone: string, at: number): number {
  const parts = format(zone).formatToParts(at)
  const text = parts.find((part) => part.type === "timeZoneName")?.value ?? "GMT"
  const match = /([+-])(\d{2}):(\d{2})/.exec(text)
  if (match === null) return 0
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]))
}

export function offsetText(minutes: number): string {
  if (minutes === 0) return "UTC"
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  const sign = minutes < 0 ? "\u2212" : "+"
  return `UTC${sign}${hours}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`
}

/** Every zone with its offset, the chosen one too when the browser calls it by another name. */
export function allZones(chosen: string, now: number): Zone[] {
  const names = new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])
  if (isZone(chosen)) names.add(chosen)
  return [...names].sort().map((name) => ({
    value: name,
    label: name.replaceAll("_", " "),
    hint: name === "UTC" ? "" : offsetText(offsetOf(name, now)),
  }))
}

export function isZone(name: string): boolean {
  try {
    format(name)
    return true
  } catch {
    return false
  }
}

const DAY = 24 * 60 * 60_000
const AHEAD = 240 // days: the next change of a zone that has two a year

/** The next change of the clocks: when, and by how many minutes they go forward. */
export function clockChange(zone: string, now: number): { at: number; by: number } | null {
  const before = offsetOf(zone, now)
  for (let day = 1; day <= AHEAD; day += 1) {
    if (offsetOf(zone, now + day * DAY) === before) continue
    let [low, high] = [now + (day - 1) * DAY, now + day * DAY]
    while (high - low > 60_000) {
      const middle = Math.floor((low + high) / 2)
      if (offsetOf(zone, middle) === before) low = middle
      else high = middle
    }
    return { at: high, by: offsetOf(zone, high) - before }
  }
  return null
}

/** "Clocks go forward on 28 March. No run is lost or doubled." The service's rule, contract 9. */
export function clockChangeInWords(zone: string, now: number): string {
  const change = clockChange(zone, now)
  if (change === null) return "Clocks do not change in this zone within the next months."
  const day = formatInstant(change.at, "long-day", zone).replace(/^\w+,? /, "")
  return `Clocks go ${change.by > 0 ? "forward" : "back"} on ${day}. No run is lost or doubled.`
}

/** Where the hands stand in a zone: weekday (1 is Monday) and minutes after midnight. */
export function wallOf(zone: string, at: number): { weekday: number; minutes: number } {
  const wall = new Date(at + offsetOf(zone, at) * 60_000)
  return {
    weekday: wall.getUTCDay() === 0 ? 7 : wall.getUTCDay(),
    minutes: wall.getUTCHours() * 60 + wall.getUTCMinutes(),
  }
}
