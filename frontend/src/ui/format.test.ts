import { expect, test } from "vitest"
import {
  formatDay,
  formatDuration,
  formatInstant,
  formatMinutes,
  formatNumber,
  formatSeconds,
  formatWhen,
} from "./format"

const plain = (text: string) => text.replaceAll("\u00a0", " ")

test.each([
  [75, "1 h 15 m"],
  [60, "1 h"],
  [65, "1 h 05 m"],
  [5, "5 m"],
  [0, "0 m"],
  [-15, "\u221215 m"],
  [-0.2, "0 m"],
  [75_581, "1,259 h 41 m"],
])("%d minutes are %s", (minutes, said) => {
  expect(plain(formatDuration(minutes))).toBe(said)
})

test("columns are in minutes, with a true minus and at most two decimals", () => {
  expect(plain(formatMinutes(75))).toBe("75 m")
  expect(plain(formatMinutes(-15))).toBe("\u221215 m")
  expect(plain(formatMinutes(30, { signed: true }))).toBe("+30 m")
  expect(plain(formatMinutes(95.5))).toBe("95.5 m")
  expect(plain(formatMinutes(0.1234))).toBe("0.12 m")
})

test("seconds", () => {
  expect(plain(formatSeconds(41))).toBe("41 s")
  expect(plain(formatSeconds(72))).toBe("1 m 12 s")
  expect(plain(formatSeconds(7500))).toBe("2 h 05 m")
})

test("instants are shown in the zone that is asked for, days as they are", () => {
  expect(formatInstant("2026-11-02T23:30:00Z", "time", "Europe/Berlin")).toBe("00:30")
  expect(formatInstant("2026-11-02T23:30:00Z", "day", "Europe/Berlin")).toBe("3 Nov")
  expect(formatInstant("2026-07-01T08:00:00.412Z", "millis", "UTC")).toBe("08:00:00.412")
  expect(formatDay("2026-11-02")).toBe("2 Nov")
})

test("a time of another day has its day", () => {
  const now = "2026-11-28T20:00:00Z" // 21:00 in Berlin
  expect(formatWhen("2026-11-28T05:00:00Z", "Europe/Berlin", now)).toBe("06:00")
  expect(formatWhen("2026-11-28T23:30:00Z", "Europe/Berlin", now)).toBe("29 Nov, 00:30")
  expect(formatWhen("2026-11-30T05:00:00Z", "Europe/Berlin", now)).toBe("30 Nov, 06:00")
})

test("numbers", () => {
  expect(formatNumber(48213)).toBe("48,213")
  expect(formatNumber(-3)).toBe("\u22123")
})
