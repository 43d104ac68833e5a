import { describe, expect, test } from "vitest"
import {
  type Choice,
  countInWords,
  fromCron,
  inWords,
  readCron,
  runsOfDay,
  stretches,
  toCron,
  wrongWith,
} from "./cron"

const words = (text: string) => {
  const { cron, error } = readCron(text)
  return cron ? inWords(cron) : error
}

test.each([
  ["*/15 6-19 * * 1-5", "Every 15 minutes, Monday to Friday. First run 06:00, last 19:45."],
  ["0 * * * *", "Every hour, every day. First run 00:00, last 23:00."],
  ["5 8-18 * * *", "Every hour at 5 minutes past, every day. First run 08:05, last 18:05."],
  ["0 */6 * * *", "Every 6 hours, every day. First run 00:00, last 18:00."],
  ["0 6,12,18 * * *", "At 06:00, 12:00 and 18:00, every day."],
  ["30 9 * * *", "At 09:30, every day."],
  ["0 9,17 * * 1,3,5", "At 09:00 and 17:00, Monday, Wednesday and Friday."],
  ["0 9 1 * *", "At 09:00, on day 1 of the month."],
  ["0 9 1 * 1", "At 09:00, on day 1 of the month or on Monday."],
  ["0 9 * jan,jul 0", "At 09:00, Sunday in January and July."],
  ["0,15 * * * *", "At 0 and 15 minutes past every hour, every day. First run 00:00, last 23:15."],
])("%s in words", (text, said) => {
  expect(words(text)).toBe(said)
})

test.each([
  ["60 * * * *", "Minute must be 0 to 59."],
  ["0 24 * * *", "Hour must be 0 to 23."],
  ["0 0 0 * *", "Day of the month must be 1 to 31."],
  ["0 0 * 13 *", "Month must be 1 to 12, or jan to dec."],
  ["0 0 * * 8", "Weekday must be 0 to 7 (0 and 7 are Sunday), or sun to sat."],
  ["0 0 * *", /Five fields are needed .* there are 4/],
  ["*/0 * * * *", /step of 0 in the minute/],
  ["5/10 * * * *", /“5\/10” cannot be the minute/],
])("%s: %s", (text, error) => {
  expect(readCron(text).error).toMatch(error)
})

test("weekdays mean what the service means: 0 and 7 are Sunday, a range may go round", () => {
  expect(readCron("0 0 * * 0").cron?.weekdays).toEqual([7])
  expect(readCron("0 0 * * 7").cron?.weekdays).toEqual([7])
  expect(readCron("0 0 * * fri-mon").cron?.weekdays).toEqual([1, 5, 6, 7])
  expect(readCron("0 0 * * 7-2").cron?.weekdays).toEqual([1, 2, 7])
  expect(readCron("0 0 * * 0-6").cron?.weekdays).toBeNull()
  expect(readCron("0 22-2 * * *").cron?.hours).toEqual([0, 1, 2, 22, 23])
})

test("a day's runs are counted and drawn as stretches", () => {
  const { cron } = readCron("*/15 6-19 * * 1-5")
  if (!cron) throw new Error("not read")
  expect(countInWords(cron)).toBe("56 runs a day, 280 a week")
  expect(runsOfDay(cron)).toHaveLength(56)
  expect(stretches(cron)).toEqual([{ from: 360, to: 1200 }])
  const six = readCron("0 */6 * * *").cron
  expect(six && stretches(six)).toEqual([0, 360, 720, 1080].map((at) => ({ from: at, to: at })))
})

describe("presets", () => {
  test.each([
    ["*/15 6-19 * * 1-5", { preset: "quarter", from: "06:00", until: "20:00" }],
    ["*/15 * * * *", { preset: "quarter", from: "00:00", until: "24:00" }],
    ["0 * * * *", { preset: "hourly" }],
    ["0 */6 * * *", { preset: "six", from: "00:00", until: "24:00" }],
    ["30 9 * * *", { preset: "daily", at: "09:30" }],
    ["0 9 * * 1-5", { preset: "weekly", at: "09:00", weekdays: [1, 2, 3, 4, 5] }],
    ["0 9 1 * *", { preset: "monthly", at: "09:00" }],
    ["*/7 * * * *", { preset: "custom" }],
    ["0 9 1 1 *", { preset: "custom" }],
    ["nonsense", { preset: "custom", cron: "nonsense" }],
  ] as const)("%s is recognised and written again", (text, expected) => {
    const choice = fromCron(text)
    expect(choice).toMatchObject(expected)
    if (choice.preset !== "custom") expect(toCron(choice)).toBe(text)
  })

  test("what is wrong is said at its field", () => {
    const base: Choice = { ...fromCron("*/15 6-19 * * 1-5") }
    expect(wrongWith(base)).toEqual({})
    expect(wrongWith({ ...base, from: "25:00" }).from).toMatch(/00:00 to 23:59/)
    expect(wrongWith({ ...base, from: "06:30" }).from).toMatch(/Full hours only/)
    expect(wrongWith({ ...base, until: "06:00" }).until).toBe("Until must be after 06:00.")
    expect(wrongWith({ ...base, weekdays: [] }).weekdays).toBe("Choose at least one day.")
    expect(wrongWith({ ...base, preset: "daily", at: "9" }).at).toMatch(/Write a time/)
    expect(wrongWith({ ...base, preset: "six", from: "07:00", until: "11:00" }).until).toMatch(
      /No run falls into these hours/,
    )
  })
})
