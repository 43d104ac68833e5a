/**
 * How a cron expression is spoken of and drawn: words, runs a day, the strip of a week. Which
 * expressions are valid and when runs really begin is the service's word (`/schedule/preview`).
 */

export type Cron = {
  minutes: number[]
  hours: number[]
  /** Days of the month; null is every day. */
  days: number[] | null
  /** 1 to 12; null is every month. */
  months: number[] | null
  /** 1 is Monday, 7 is Sunday; null is every weekday. */
  weekdays: number[] | null
}
export type Reading = { cron: Cron; error?: never } | { cron?: never; error: string }

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
]
export const WEEKDAYS = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
]
const short = (names: string[]) => names.map((name) => name.slice(0, 3).toLowerCase())

type Field = { name: string; low: number; high: number; says: string; names?: string[] }
const FIELDS: readonly Field[] = [
  { name: "minute", low: 0, high: 59, says: "Minute must be 0 to 59." },
  { name: "hour", low: 0, high: 23, says: "Hour must be 0 to 23." },
  { name: "day of the month", low: 1, high: 31, says: "Day of the month must be 1 to 31." },
  {
    name: "month",
    low: 1,
    high: 12,
    says: "Month must be 1 to 12, or jan to dec.",
    names: ["", ...short(MONTHS)],
  },
  {
    name: "weekday",
    low: 0,
    high: 7,
    says: "Weekday must be 0 to 7 (0 and 7 are Sunday), or sun to sat.",
    names: ["sun", ...short(WEEKDAYS)],
  },
]

/** The five fields, or what is wrong in words. */
export function readCron(text: string): Reading {
  const parts = text.trim().split(/\s+/).filter(Boolean)
  if (parts.length !== FIELDS.length) {
    const names = FIELDS.map((field) => field.name).join(", ")
    return { error: `Five fields are needed (${names}); there are ${parts.length}.` }
  }
  const read: number[][] = []
  for (const [index, field] of FIELDS.entries()) {
    const values = valuesOf(parts[index] ?? "", field)
    if (typeof values === "string") return { error: values }
    read.push(values)
  }
  const [minutes = [], hours = [], days = [], months = [], raw = []] = read
  const weekdays = sorted(raw.map((day) => (day === 0 ? 7 : day)))
  const choice = (values: number[], of: number) => (values.length === of ? null : values)
  return {
    cron: {
      minutes,
      hours,
      days: choice(days, 31),
      months: choice(months, 12),
      weekdays: choice(weekdays, 7),
    },
  }
}

function valuesOf(text: string, field: Field): number[] | string {
  const found: number[] = []
  for (const part of text.split(",")) {
    const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d{1,2}))?$/.exec(part)
    if (match === null || (match[3] !== undefined && match[1] !== undefined && !match[2])) {
      return `“${part}” cannot be the ${field.name}. Use a number, *, a list (1,15), a range (1-5) or a step (*/15).`
    }
    const step = Number(match[3] ?? 1)
    if (step === 0) return `A step of 0 in the ${field.name} never comes.`
    const week = field.names?.[0] === "sun"
    const first = match[1] === undefined ? field.low : numberOf(match[1], field)
    const end = match[1] === undefined ? field.high - (week ? 1 : 0) : numberOf(match[2], field)
    if (first === null || (match[2] !== undefined && end === null)) return field.says
    let last = end ?? first
    let from = first
    const span = field.high - field.low + (week ? 0 : 1)
    if (week && from === 7 && match[2] !== undefined) [from, last] = [0, last % 7]
    if (last < from) last += span // fri-mon
    for (let value = from; value <= last; value += step) {
      const within = value > field.high || (week && value > 7) ? value - span : value
      found.push(week ? within % 7 : within)
    }
  }
  return sorted(found)
}

function numberOf(text: string | undefined, { names, low, high }: Field): number | null {
  if (text === undefined) return null
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  if (text !== "" && named >= 0) return named
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= low && value <= high ? value : null
}

function sorted(values: number[]): number[] {
  return [...new Set(values)].sort((one, other) => one - other)
}

/** Minutes after midnight of the runs of one day. */
export function runsOfDay({ hours, minutes }: Cron): number[] {
  return hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute))
}

export function clock(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, "0")
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** "Every 15 minutes, Monday to Friday. First run 06:00, last 19:45." */
export function inWords(cron: Cron): string {
  const runs = runsOfDay(cron)
  const [first = 0, last = 0] = [runs[0], runs.at(-1)]
  const often = frequency(cron)
  const bounds =
    runs.length > 2 &&
    !often.startsWith(`At ${clock(first)}`) &&
    `First run ${clock(first)}, last ${clock(last)}.`
  return [`${often}, ${daysInWords(cron)}.`, bounds].filter(Boolean).join(" ")
}

function frequency({ minutes, hours }: Cron): string {
  const step = stepOf(minutes, 60)
  const [minute = 0] = minutes
  const past = minute === 0 ? "" : ` at ${minute} minutes past`
  const hourly = hours.length > 1 && hours.every((hour, at) => hour === (hours[0] ?? 0) + at)
  if (minutes.length > 1 && step && (hourly || hours.length === 1)) {
    return step === 1 ? "Every minute" : `Every ${step} minutes`
  }
  if (minutes.length === 1 && hourly && hours.length > 2) return `Every hour${past}`
  const hoursStep = stepOf(hours, 24)
  if (minutes.length === 1 && hoursStep && hours.length > 2) {
    return `Every ${hoursStep} hours${past}`
  }
  const times = runsOfDay({ minutes, hours, days: null, months: null, weekdays: null })
  if (times.length <= 6) return `At ${list(times.map(clock))}`
  const inHours = hours.length === 24 ? "every hour" : `the hours ${list(hours.map(String))}`
  if (step) return `Every ${step === 1 ? "minute" : `${step} minutes`} in ${inHours}`
  return `At ${list(minutes.map(String))} minutes past ${inHours}`
}

/** Even distance of values that go round (0, 15, 30, 45), or null. */
function stepOf(values: number[], of: number): number | null {
  const [first, second] = values
  if (first === undefined || second === undefined) return null
  const step = second - first
  const even = values.every((value, at) => value === first + at * step)
  return even && of % step === 0 && first < step ? evenly(values, step, of) : null
}

function evenly(values: number[], step: number, of: number): number | null {
  // 6, 12, 18 is every six hours of a window; 0, 15 of an hour is not every 15 minutes.
  return values.length === of / step || of === 24 ? step : null
}

function daysInWords({ days, months, weekdays }: Cron): string {
  const parts: string[] = []
  if (days) parts.push(`on day ${list(days.map(String))} of the month`)
  if (weekdays) parts.push(days ? `on ${weekdaysInWords(weekdays)}` : weekdaysInWords(weekdays))
  const text = parts.length > 0 ? parts.join(" or ") : "every day"
  return months ? `${text} in ${list(months.map((month) => MONTHS[month - 1] ?? ""))}` : text
}

export function weekdaysInWords(weekdays: number[]): string {
  const [first = 1] = weekdays
  const inRow = weekdays.length > 2 && weekdays.every((day, at) => day === first + at)
  const names = weekdays.map((day) => WEEKDAYS[day - 1] ?? "")
  return inRow ? `${names[0]} to ${names.at(-1)}` : list(names)
}

function list(words: string[]): string {
  return words.length < 2
    ? (words[0] ?? "")
    : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`
}

/** "56 runs a day, 280 a week", as far as a week is like the next. */
export function countInWords(cron: Cron): string {
  const day = runsOfDay(cron).length
  const runs = (count: number) => `${count} ${count === 1 ? "run" : "runs"}`
  if (cron.days || cron.months) return `${runs(day)} on each of its days`
  return `${runs(day)} a day, ${day * (cron.weekdays?.length ?? 7)} a week`
}

/** Parts of a day in which runs follow each other within the hour; minutes after midnight. */
export function stretches(cron: Cron): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = []
  const runs = runsOfDay(cron)
  for (const [index, run] of runs.entries()) {
    const before = found.at(-1)
    const gap = index === 0 ? Number.POSITIVE_INFINITY : run - (runs[index - 1] ?? 0)
    if (before && gap <= 60) before.to = run + gap
    else found.push({ from: run, to: run })
  }
  return found.map(({ from, to }) => ({ from, to: Math.min(to, 24 * 60) }))
}

// ── What the dialog offers, as an expression and back ───────────────────────

export type Preset = "quarter" | "hourly" | "six" | "daily" | "weekly" | "monthly" | "custom"
export type Choice = {
  preset: Preset
  /** Full hours; the run at `until` itself is not one any more. */
  from: string
  until: string
  /** Of the daily, weekly and monthly run. */
  at: string
  weekdays: number[]
  cron: string
}
export type Wrong = Partial<Record<"from" | "until" | "at" | "weekdays" | "cron", string>>

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
export const WINDOWED: readonly Preset[] = ["quarter", "hourly", "six"]
export const WITH_DAYS: readonly Preset[] = ["quarter", "hourly", "six", "weekly"]

/** Minutes of `HH:MM`, 24:00 included; null when it is no time. */
export function readClock(text: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text.trim())
  if (match === null) return null
  const [hour, minute] = [Number(match[1]), Number(match[2])]
  const total = hour * 60 + minute
  return minute <= 59 && total <= 24 * 60 ? total : null
}

const NO_TIME = "Write a time from 00:00 to 23:59, such as 06:00."

/** What is wrong with the choice, at its fields. */
export function wrongWith(choice: Choice): Wrong {
  const wrong: Wrong = {}
  if (choice.preset === "custom") {
    const { error } = readCron(choice.cron)
    return error ? { cron: error } : {}
  }
  if (WINDOWED.includes(choice.preset)) {
    const [from, until] = [readClock(choice.from), readClock(choice.until)]
    const full = "Full hours only, such as 06:00. Custom takes any minute."
    if (from === null || from >= 24 * 60) wrong.from = NO_TIME
    else if (from % 60 !== 0) wrong.from = full
    if (until === null) wrong.until = "Write a time up to 24:00, such as 20:00."
    else if (until % 60 !== 0) wrong.until = full
    else if (from !== null && until <= from) wrong.until = `Until must be after ${choice.from}.`
    else if (choice.preset === "six" && from !== null && hoursOfSix(from, until).length === 0) {
      wrong.until = "No run falls into these hours: they begin at 00, 06, 12 and 18."
    }
  } else {
    const at = readClock(choice.at)
    if (at === null || at >= 24 * 60) wrong.at = NO_TIME
  }
  if (WITH_DAYS.includes(choice.preset) && choice.weekdays.length === 0) {
    wrong.weekdays = "Choose at least one day."
  }
  return wrong
}

function hoursOfSix(from: number, until: number): number[] {
  return [0, 6, 12, 18].filter((hour) => hour * 60 >= from && hour * 60 < until)
}

/** The expression of a choice that has nothing wrong with it. */
export function toCron(choice: Choice): string {
  const { preset } = choice
  if (preset === "custom") return choice.cron.trim().replace(/\s+/g, " ")
  const weekdays = daysText(choice.weekdays)
  if (WINDOWED.includes(preset)) {
    const [from, until] = [readClock(choice.from) ?? 0, readClock(choice.until) ?? 24 * 60]
    const whole = from === 0 && until === 24 * 60
    const [first, last] = [from / 60, until / 60 - 1]
    const range = whole ? "*" : first === last ? String(first) : `${first}-${last}`
    if (preset === "quarter") return `*/15 ${range} * * ${weekdays}`
    if (preset === "hourly") return `0 ${range} * * ${weekdays}`
    return `0 ${whole ? "*/6" : hoursOfSix(from, until).join(",")} * * ${weekdays}`
  }
  const at = readClock(choice.at) ?? 0
  const time = `${at % 60} ${Math.floor(at / 60)}`
  if (preset === "daily") return `${time} * * *`
  if (preset === "weekly") return `${time} * * ${weekdays}`
  return `${time} 1 * *`
}

function daysText(weekdays: number[]): string {
  const days = sorted(weekdays)
  if (days.length === 7) return "*"
  const [first = 1, last = first] = [days[0], days.at(-1)]
  const inRow = days.length > 2 && last - first === days.length - 1
  return inRow ? `${first}-${last}` : days.join(",")
}

/** The choice that makes this expression; what no preset makes is custom. */
export function fromCron(text: string): Choice {
  const custom: Choice = {
    preset: "custom",
    from: "00:00",
    until: "24:00",
    at: "09:00",
    weekdays: EVERY_DAY,
    cron: text,
  }
  const { cron } = readCron(text)
  if (cron === undefined || cron.months) return custom
  const weekdays = cron.weekdays ?? EVERY_DAY
  const [first = 0, last = first] = [cron.hours[0], cron.hours.at(-1)]
  const window = { from: clock(first * 60), until: clock((last + 1) * 60), weekdays }
  const at = clock(first * 60 + (cron.minutes[0] ?? 0))
  const candidates: Choice[] = [
    { ...custom, at, preset: "daily" },
    { ...custom, at, weekdays, preset: "weekly" },
    { ...custom, at, preset: "monthly" },
    { ...custom, ...window, preset: "quarter" },
    { ...custom, ...window, preset: "hourly" },
    { ...custom, weekdays, preset: "six" },
    { ...custom, ...window, preset: "six" },
  ]
  const same = JSON.stringify(cron)
  const found = candidates.find((choice) => {
    if (Object.keys(wrongWith(choice)).length > 0) return false
    return JSON.stringify(readCron(toCron(choice)).cron) === same
  })
  return found ? { ...found, cron: text } : custom
}
