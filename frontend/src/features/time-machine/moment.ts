/** Moments as people write them, in the zone of the page. Pure: now and zone are arguments. */
import { formatInstant } from "@/ui/format"
import { instantOf, type Wall, wallOf } from "@/ui/wall-time"

/** "Thursday 12 November, 16:32:00" */
export function longMoment(at: string | number, zone: string): string {
  return `${formatInstant(at, "long-day", zone)}, ${formatInstant(at, "seconds", zone)}`
}

/** "12 Nov 2026, 16:32", with seconds where there are any. */
export function fieldText(at: string | number, zone: string): string {
  const wall = wallOf(new Date(at).getTime(), zone)
  const time = formatInstant(at, wall.second === 0 ? "time" : "seconds", zone)
  return `${formatInstant(at, "day", zone)} ${wall.year}, ${time}`
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const TIME = "(?:(?:,|t|\\s)\\s*(\\d{1,2}):(\\d{2})(?::(\\d{2}))?)?"
const ISO = new RegExp(`^(\\d{4})-(\\d{1,2})-(\\d{1,2})${TIME}$`)
const DOTTED = new RegExp(`^(\\d{1,2})[./](\\d{1,2})[./](\\d{4})${TIME}$`)
const WORDS = new RegExp(`^(\\d{1,2})\\s+([a-z]{3,9})\\.?(?:\\s+(\\d{4}))?${TIME}$`)
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/
const EVENT = /^(?:#|event\s+)(\d{1,15})$/

export const EXAMPLE = "12 Nov 2026, 16:32"
export type Parsed = { to: string } | { error: string }

/** `as_of` for what was typed; a time alone is one of the day that is shown. */
export function parseMoment(
  typed: string,
  { zone, now, shown }: { zone: string; now: number; shown: number },
): Parsed {
  const text = typed.trim().toLowerCase().replaceAll(/\s+/g, " ")
  const event = EVENT.exec(text)?.[1]
  if (event !== undefined) return { to: `position:${Number(event)}` }
  const wall = read(text, wallOf(shown, zone), wallOf(now, zone))
  if (wall === null) return { error: `Write it as ${EXAMPLE}, or only 16:32.` }
  if (wall.month < 1 || wall.month > 12) return { error: "The month must be 1 to 12." }
  if (wall.hour > 23) return { error: "The hour must be 0 to 23." }
  if (wall.minute > 59) return { error: "The minute must be 0 to 59." }
  if (wall.second > 59) return { error: "The second must be 0 to 59." }
  const days = new Date(Date.UTC(wall.year, wall.month, 0)).getUTCDate()
  if (wall.day < 1 || wall.day > days) return { error: `The day must be 1 to ${days}.` }
  const at = instantOf(wall, zone)
  if (at > now) return { error: "This moment is still to come." }
  return { to: new Date(at).toISOString() }
}

function read(text: string, shown: Wall, today: Wall): Wall | null {
  const number = (value: string | undefined) => Number(value ?? 0)
  const clock = CLOCK.exec(text)
  if (clock) {
    const [, hour, minute, second] = clock
    return { ...shown, hour: number(hour), minute: number(minute), second: number(second) }
  }
  const iso = ISO.exec(text)
  const dotted = DOTTED.exec(text)
  const worded = WORDS.exec(text)
  const found = iso ?? dotted ?? worded
  if (found === null) return null
  const [, one, two, three, hour, minute, second] = found
  const time = { hour: number(hour), minute: number(minute), second: number(second) }
  if (iso) return { year: number(one), month: number(two), day: number(three), ...time }
  if (dotted) return { year: number(three), month: number(two), day: number(one), ...time }
  const month = MONTHS.indexOf(two?.slice(0, 3) ?? "") + 1
  if (month === 0) return null
  return { year: three ? number(three) : today.year, month, day: number(one), ...time }
}
