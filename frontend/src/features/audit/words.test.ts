import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { ACTIONS, actionLabel, EVENTS, sentence, told } from "./words"

const ROOT = join(import.meta.dirname, "../../../..")
const GOLDEN = join(ROOT, "tests/data/events") // one file for every event type and schema
const files = readdirSync(GOLDEN).filter((name) => /^\w+\.\d+\.json$/.test(name))

test("every event type of the service has its sentence, and no other is named", () => {
  const types = new Set(files.map((name) => name.split(".")[0]))
  expect(types.size).toBeGreaterThan(70)
  expect(Object.keys(EVENTS).toSorted()).toEqual([...types].toSorted())
})

test("every audit action of the service has its words and its event", () => {
  const source = readFileSync(join(ROOT, "src/projections/audit_log.py"), "utf-8")
  const table = /ACTIONS: Mapping[\s\S]*?\n\)/.exec(source)?.[0] ?? ""
  const pairs = [...table.matchAll(/^ {8}(\w+): (.+),$/gm)].flatMap(([, type = "", actions = ""]) =>
    [...actions.matchAll(/"(\w+)"/g)].map(([, action = ""]) => [action, type] as const),
  )
  expect(pairs.length).toBeGreaterThan(45)
  expect(
    Object.fromEntries(Object.entries(ACTIONS).map(([name, one]) => [name, one.type])),
  ).toEqual(Object.fromEntries(pairs))
  const labels = pairs.map(([action]) => actionLabel(action))
  expect(new Set(labels).size).toBe(labels.length)
})

test.each(files)("%s reads as a sentence", (name) => {
  const data = JSON.parse(readFileSync(join(GOLDEN, name), "utf-8"))
  const said = sentence(name.split(".")[0] ?? "", data)
  expect(said).toMatch(/^\p{Lu}|^“/u)
  expect(said).not.toMatch(/undefined|null|NaN|\[object|\{|_id|DLQ|desync|exception|!/)
  expect(said.length).toBeGreaterThan(6)
})

test.each(Object.keys(EVENTS))("%s survives data it does not know", (type) => {
  for (const data of [null, {}, { booking: 7, context: [], username: { erased: true } }]) {
    expect(sentence(type, data)).not.toMatch(/undefined|\[object/)
  }
})

test("what happened is said with its figures", () => {
  const written = { timesheet_id: 88506, duration: "PT7200S" }
  expect(sentence("TimesheetUpdated", { written })).toBe(
    "Timesheet 88506 updated in Kimai to 120\u00a0m",
  )
  expect(
    sentence("EntryObserved", {
      booking: { time_unit: "20.0", ticket_id: 1 },
      context: { ticket_number: "65061", type_name: "Remote support" },
    }),
  ).toBe("Seen in Zammad: 20 booked on ticket #65061, Remote support")
  expect(sentence("EntryDecided", { outcome: "hold", reason: "UNMAPPED_ACTIVITY" })).toBe(
    "Held back: activity not mapped",
  )
  expect(sentence("UserLoggedIn", { username: { erased: true } })).toBe(
    "Signed in as an erased name",
  )
})

test("an event of a newer service is named by its type", () => {
  expect(told("EntryForwarded").label).toBe("EntryForwarded")
  expect(sentence("EntryForwarded", {})).toBe("Entry forwarded")
})
