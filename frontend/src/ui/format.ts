/** How the page writes time, instants and numbers. Pure; components are in ./bits. */
import { formatDistanceStrict } from "date-fns"

const NBSP = "\u00a0"
const MINUS = "\u2212"

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 })

export function formatNumber(value: number, digits = 0): string {
  const text =
    digits === 0
      ? grouped.format(Math.abs(value))
      : new Intl.NumberFormat("en-GB", {
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
        }).format(Math.abs(value))
  return value < 0 ? MINUS + text : text
}

/** "1 entry", "4,812 entries". */
export function formatEntries(count: number): string {
  return `${formatNumber(count)} ${count === 1 ? "entry" : "entries"}`
}

export function formatPercent(share: number, digits = 1): string {
  return `${formatNumber(share * 100, digits)}${NBSP}%`
}

export type Part = { number: string; unit: string }

/** Minutes as hours and minutes: 75 → 1 h 15 m; 0.5 → 1 m; -15 → −15 m. */
export function durationParts(minutes: number): Part[] {
  const whole = Math.round(Math.abs(minutes))
  const sign = minutes < 0 && whole > 0 ? MINUS : ""
  const [hours, rest] = [Math.floor(whole / 60), whole % 60]
  if (hours === 0) return [{ number: sign + rest, unit: "m" }]
  const first = { number: sign + grouped.format(hours), unit: "h" }
  if (rest === 0) return [first]
  return [first, { number: String(rest).padStart(hours > 0 ? 2 : 1, "0"), unit: "m" }]
}

export function formatDuration(minutes: number): string {
  return durationParts(minutes).map(joined).join(NBSP)
}

/** In a column: minutes with at most two decimals, "75 m". */
export function formatMinutes(minutes: number, { signed = false } = {}): string {
  const text = formatNumber(minutes, Number.isInteger(minutes) ? 0 : 2).replace(/(\.\d)0$/, "$1")
  return `${signed && minutes > 0 ? "+" : ""}${text}${NBSP}m`
}

/** Seconds as a person says them: 41 s, 1 m 12 s, 2 h 05 m. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}${NBSP}s`
  if (whole < 3600)
    return `${Math.floor(whole / 60)}${NBSP}m${NBSP}${String(whole % 60).padStart(2, "0")}${NBSP}s`
  return formatDuration(whole / 60)
}

function joined(part: Part): string {
  return `${part.number}${NBSP}${part.unit}`
}

type Look = "time" | "seconds" | "millis" | "day" | "long-day" | "day-time" | "full"
const LOOKS: Record<Look, Intl.DateTimeFormatOptions> = {
  time: { hour: "2-digit", minute: "2-digit" },
  seconds: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  millis: { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 },
  day: { day: "numeric", month: "short" },
  "long-day": { weekday: "long", day: "numeric", month: "long" },
  "day-time": { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  full: {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  },
}
const kept = new Map<string, Intl.DateTimeFormat>()

/** An instant in a zone, 24 hours, whatever the browser's language. */
export function formatInstant(at: string | number | Date, look: Look, timeZone: string): string {
  const name = `${look} ${timeZone}`
  let format = kept.get(name)
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", { ...LOOKS[look], timeZone, hourCycle: "h23" })
    kept.set(name, format)
  }
  return format.format(new Date(at))
}

/** Whether an instant lies on the day of `now` in the zone. */
export function isSameDay(at: string | number, now: string | number, timeZone: string): boolean {
  return formatInstant(at, "long-day", timeZone) === formatInstant(now, "long-day", timeZone)
}

/** The time alone on the day of `now`, else with its day: 13:28, or 27 Nov, 13:28. */
export function formatWhen(
  at: string | number,
  timeZone: string,
  now: string | number = Date.now(),
): string {
  return formatInstant(at, isSameDay(at, now, timeZone) ? "time" : "day-time", timeZone)
}

/** A calendar day (`2026-11-02`) as it is: no zone moves it. */
export function formatDay(day: string, look: "day" | "long-day" = "day"): string {
  return formatInstant(`${day}T12:00:00Z`, look, "UTC")
}

/** "2 s ago", "in 12 min". */
export function formatAgo(at: string | number | Date, now: number = Date.now()): string {
  const text = formatDistanceStrict(new Date(at), now, { addSuffix: true })
  return text
    .replace(/ seconds?/, `${NBSP}s`)
    .replace(/ minutes?/, `${NBSP}min`)
    .replace(/ hours?/, `${NBSP}h`)
}
