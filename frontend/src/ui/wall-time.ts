/** Clocks on the walls of a zone. Pure: the instant and the zone are arguments. */

export type Wall = {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const MIDNIGHT = { hour: 0, minute: 0, second: 0 }

/** What the clock on the wall of a zone shows. */
export function wallOf(at: number, zone: string): Wall {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at)
  const of = (type: string) => Number(parts.find((one) => one.type === type)?.value)
  return {
    year: of("year"),
    month: of("month"),
    day: of("day"),
    hour: of("hour"),
    minute: of("minute"),
    second: of("second"),
  }
}

const utc = (wall: Wall) =>
  Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second)

/** The instant at which the clock of a zone shows this; when it does so twice, the later one. */
export function instantOf(wall: Wall, zone: string, of = Math.max): number {
  const asked = utc(wall)
  const offset = (at: number) => utc(wallOf(at, zone)) - Math.floor(at / 1000) * 1000
  // The zone's offsets around that day; a change of the clock has two.
  const tried = [asked - offset(asked - 86_400_000), asked - offset(asked + 86_400_000)]
  const shown = tried.filter((at) => utc(wallOf(at, zone)) === asked)
  return shown.length > 0 ? of(...shown) : Math.max(...tried) // skipped: one hour on
}

/** When the day began that a zone has at `at`. */
export function dayStart(at: number, zone: string): number {
  return instantOf({ ...wallOf(at, zone), ...MIDNIGHT }, zone, Math.min)
}

/** When a day, written 2026-11-02, begins in a zone, or the one `later` days on; null for no day. */
export function dayBegins(text: string, zone: string, later = 0): number | null {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)?.map(Number) ?? []
  if (year === undefined || month === undefined || day === undefined) return null
  if (!new Date(Date.UTC(year, month - 1, day)).toISOString().startsWith(text)) return null
  return instantOf({ year, month, day: day + later, ...MIDNIGHT }, zone, Math.min)
}
