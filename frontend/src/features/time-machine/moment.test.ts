import { expect, test } from "vitest"
import { fieldText, longMoment, parseMoment } from "./moment"

const zone = "Europe/Brussels"
const now = Date.parse("2026-11-19T13:32:06Z")
const shown = Date.parse("2026-11-12T15:32:00Z")
const parsed = (text: string) => parseMoment(text, { zone, now, shown })

test.each([
  ["12 Nov 2026, 16:32", "2026-11-12T15:32:00.000Z"],
  ["12 november 2026 16:32:41", "2026-11-12T15:32:41.000Z"],
  ["2026-11-12 16:32", "2026-11-12T15:32:00.000Z"],
  ["2026-11-12T16:32:05", "2026-11-12T15:32:05.000Z"],
  ["12.11.2026 16:32", "2026-11-12T15:32:00.000Z"],
  ["12 Nov", "2026-11-11T23:00:00.000Z"],
  ["9:05", "2026-11-12T08:05:00.000Z"],
  ["#41007", "position:41007"],
  ["event 12", "position:12"],
])("%s is a moment", (text, to) => {
  expect(parsed(text)).toEqual({ to })
})

test.each([
  ["yesterday", /Write it as/],
  ["", /Write it as/],
  ["12 Nov 2026, 24:00", /hour must be 0 to 23/],
  ["12 Nov 2026, 16:75", /minute must be 0 to 59/],
  ["31 Feb 2026, 10:00", /day must be 1 to 28/],
  ["2026-13-01", /month must be 1 to 12/],
  ["20 Nov 2026, 10:00", /still to come/],
])("%s is none, and the sentence says why", (text, error) => {
  expect(parsed(text)).toEqual({ error: expect.stringMatching(error) })
})

test("a moment is written so that it can be read again", () => {
  expect(fieldText(shown, zone)).toBe("12 Nov 2026, 16:32")
  expect(fieldText("2026-11-12T15:32:09Z", zone)).toBe("12 Nov 2026, 16:32:09")
  expect(longMoment(shown, zone)).toBe("Thursday 12 November, 16:32:00")
  expect(parsed(fieldText(shown, zone))).toEqual({ to: new Date(shown).toISOString() })
})
