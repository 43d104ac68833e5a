import { expect, test } from "vitest"
import { dayBegins, dayStart, instantOf } from "./wall-time"

const zone = "Europe/Brussels"

test("a clock that was put back or forward names one instant", () => {
  const at = (hour: number, minute: number, day: number, month: number) =>
    new Date(instantOf({ year: 2026, month, day, hour, minute, second: 0 }, zone)).toISOString()
  expect(at(2, 30, 25, 10)).toBe("2026-10-25T01:30:00.000Z") // twice: the later one
  expect(at(1, 30, 25, 10)).toBe("2026-10-24T23:30:00.000Z")
  expect(at(2, 30, 29, 3)).toBe("2026-03-29T01:30:00.000Z") // skipped: 03:30 of summer time
  expect(at(12, 0, 29, 3)).toBe("2026-03-29T10:00:00.000Z")
})

test.each([
  ["2026-11-28", zone, 0, "2026-11-27T23:00:00.000Z"],
  ["2026-10-25", zone, 1, "2026-10-25T23:00:00.000Z"], // a day of 25 hours
  ["2026-12-31", zone, 1, "2026-12-31T23:00:00.000Z"],
  ["2024-02-29", "UTC", 0, "2024-02-29T00:00:00.000Z"],
  ["2026-11-01", "America/Havana", 0, "2026-11-01T04:00:00.000Z"], // its midnight comes twice
  ["2026-03-08", "America/Havana", 0, "2026-03-08T05:00:00.000Z"], // its midnight is skipped
])("%s begins in %s, %d days on", (text, where, later, at) => {
  const begin = dayBegins(text, where, later)
  expect(new Date(begin ?? 0).toISOString()).toBe(at)
  if (later === 0) expect(dayStart(Date.parse(at) + 3_600_000, where)).toBe(begin)
})

test.each(["", "2026-02-31", "2026-13-01", "26-01-01", "2026-1-1", "9999-99-99"])(
  "%s is no day",
  (text) => expect(dayBegins(text, zone)).toBeNull(),
)
