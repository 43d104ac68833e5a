/** Ranges of calendar days as text, `2026-11-28`; which day is today depends on the zone. */
export type Range = { start: string; end: string }

const DAY = 24 * 60 * 60_000
const MOST = 366 // days, contract, section 6

function today(now: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(now)
}

function moved(day: string, by: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * DAY).toISOString().slice(0, 10)
}

type Named = { label: string; range: Range }

export function rangesOf(now: number, timeZone: string): [Named, Named, Named, Named, Named] {
  const end = today(now, timeZone)
  const first = `${end.slice(0, 8)}01`
  const before = moved(first, -1)
  const last = (days: number) => ({ start: moved(end, 1 - days), end })
  return [
    { label: "Last 7 days", range: last(7) },
    { label: "Last 30 days", range: last(30) },
    { label: "Last 90 days", range: last(90) },
    { label: "This month", range: { start: first, end } },
    { label: "Last month", range: { start: `${before.slice(0, 8)}01`, end: before } },
  ]
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const at = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
}

export function daysBetween({ start, end }: Range): number {
  return (Date.parse(end) - Date.parse(start)) / DAY + 1
}

export function wrongWith(range: Range): { start?: string; end?: string } {
  const wrong: { start?: string; end?: string } = {}
  const says = "Write a day as YYYY-MM-DD, such as 2026-11-28."
  if (!isDay(range.start)) wrong.start = says
  if (!isDay(range.end)) wrong.end = says
  if (wrong.start || wrong.end) return wrong
  if (range.end < range.start) wrong.end = "The last day must not be before the first."
  else if (daysBetween(range) > MOST) wrong.end = `At most ${MOST} days at once.`
  return wrong
}
