/** Work days of a run, as text: `2026-11-28`. Pure. */
export const LONGEST = 366 // days that the service takes in one run

const A_DAY = /^(\d{4})-(\d{2})-(\d{2})$/

function parsed(day: string): number | null {
  const [, year, month, date] = A_DAY.exec(day) ?? []
  if (year === undefined) return null
  const at = Date.UTC(Number(year), Number(month) - 1, Number(date))
  return new Date(at).toISOString().slice(0, 10) === day ? at : null
}

export function wrongDay(day: string): string | undefined {
  return parsed(day) === null ? "A day is written 2026-11-28." : undefined
}

/** Both included; null when one of them is no day. */
export function daysBetween(start: string, end: string): number | null {
  const [from, to] = [parsed(start), parsed(end)]
  return from === null || to === null ? null : Math.round((to - from) / 86_400_000) + 1
}

/** Usual choices, ending with the day it is in the zone. */
export function presets(now: Date, zone: string) {
  const today = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(now)
  const back = (days: number) =>
    new Date((parsed(today) ?? 0) - days * 86_400_000).toISOString().slice(0, 10)
  const [year, month] = today.split("-").map(Number)
  const first = (index: number) =>
    new Date(Date.UTC(year ?? 0, index, 1)).toISOString().slice(0, 10)
  const before = (index: number) =>
    new Date(Date.UTC(year ?? 0, index, 0)).toISOString().slice(0, 10)
  const at = (month ?? 1) - 1
  return [
    { label: "Last 30 days", start: back(30), end: today },
    { label: "Last 7 days", start: back(7), end: today },
    { label: "This month", start: first(at), end: today },
    { label: "Last month", start: first(at - 1), end: before(at) },
    { label: "Last 90 days", start: back(90), end: today },
  ]
}
