import { expect, test } from "vitest"
import { allZones, clockChange, clockChangeInWords, offsetOf, offsetText, wallOf } from "./zones"

const NOVEMBER = Date.parse("2026-11-28T12:00:00Z")

test("offsets and their words", () => {
  expect(offsetOf("Europe/Berlin", NOVEMBER)).toBe(60)
  expect(offsetText(offsetOf("Europe/Berlin", NOVEMBER))).toBe("UTC+1")
  expect(offsetText(offsetOf("America/St_Johns", NOVEMBER))).toBe("UTC\u22123:30")
  expect(offsetText(0)).toBe("UTC")
})

test("the next change of the clocks, to the minute, with the day in the zone", () => {
  const change = clockChange("Europe/Berlin", NOVEMBER)
  expect(change && new Date(change.at).toISOString().slice(0, 16)).toBe("2027-03-28T01:00")
  expect(change?.by).toBe(60)
  expect(clockChangeInWords("Europe/Berlin", NOVEMBER)).toBe(
    "Clocks go forward on 28 March. No run is lost or doubled.",
  )
  expect(clockChangeInWords("Australia/Sydney", NOVEMBER)).toMatch(/^Clocks go back on 4 April\./)
  expect(clockChange("Asia/Kolkata", NOVEMBER)).toBeNull()
})

test("every zone is there, and the stored one under its own name", () => {
  const zones = allZones("Asia/Kolkata", NOVEMBER)
  expect(zones.length).toBeGreaterThan(400)
  expect(zones.filter((zone) => zone.value === "Asia/Kolkata")).toHaveLength(1)
  expect(zones.find((zone) => zone.value === "Europe/Brussels")?.hint).toBe("UTC+1")
})

test("where the hands stand", () => {
  expect(wallOf("Asia/Tokyo", Date.parse("2026-11-28T20:30:00Z"))).toEqual({
    weekday: 7,
    minutes: 5 * 60 + 30,
  })
})
