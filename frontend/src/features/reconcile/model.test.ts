import { expect, test } from "vitest"
import type { Row } from "@/api/shapes"
import { afterOf } from "./after"
import { plainTitle } from "./history"
import { differences, lineOfRow, NO_NAMES, namesOf } from "./model"
import { alternativesOf, changeOf, netOf, proposalOf } from "./proposals"
import { row } from "./row.example"
import { plainSentence } from "./words"

const NBSP = "\u00a0"
const side = { minutes: 45, activity: "Support", person: "Emma Taylor", day: "2026-11-17" }
test("names are compared through the mappings, and what nobody mapped is no difference", () => {
  const names = namesOf(
    [
      {
        zammad_type_name: "Support",
        kimai_activity_id: 3,
        kimai_activity_name: "Remote support",
        is_active: true,
      },
    ] as never,
    [],
  )
  const kimai = { ...side, activity: "Remote support", person: "emma" }
  expect([...differences(side, kimai, null, names)]).toEqual([])
  expect([...differences(side, { ...kimai, activity: "Project work" }, null, names)]).toEqual([
    "activity",
  ])
  expect([...differences(side, { ...kimai, minutes: 60, day: "2026-11-18" }, 45, names)]).toEqual([
    "minutes",
    "day",
  ])
  expect([...differences(side, null, null, names)]).toEqual([])
  // An hour is what rounding makes of the booking.
  expect([...differences(side, { ...kimai, minutes: 60 }, 60, names)]).toEqual([])
})

test("a row says in its own words what differs, and what the proposal changes in Kimai", () => {
  const line = lineOfRow(row(), NO_NAMES)
  expect(line.why).toBe("Duration changed in Kimai")
  expect(line.detail).toBe(`75${NBSP}m → 90${NBSP}m`)
  expect(line.change).toEqual({ minutes: -15, about: false })
  expect(line.proposal).toEqual({ act: "update", because: "Zammad is the source of truth." })
})

test.each<[string, Partial<Row>, object]>([
  [
    "unmapped activity leads to the mappings",
    {
      status: "missing",
      reasonCode: "UNMAPPED_ACTIVITY",
      target: null,
      allowedOps: ["skip"],
      blockedBy: "No activity mapping.",
    },
    { goTo: "mappings", label: "Map activity", because: "No activity mapping." },
  ],
  [
    "a refused creation is tried again",
    {
      status: "missing",
      reasonCode: "CREATION_ERROR",
      target: null,
      allowedOps: ["create", "skip"],
    },
    { act: "create", label: "Try again" },
  ],
  [
    "a booking gone in Zammad is deleted in Kimai",
    { reasonCode: "SOURCE_DELETED", source: null },
    { act: "delete" },
  ],
  [
    "what is billed gets a correction",
    { reasonCode: "SOURCE_CHANGED_AFTER_EXPORT", allowedOps: ["keep-target", "correct"] },
    { act: "correct" },
  ],
  [
    "what is billed and has too much stays",
    { reasonCode: "LOCKED_OR_EXPORTED", allowedOps: ["keep-target"], blockedBy: "It is exported." },
    { act: "keep-target", because: "It is exported." },
  ],
  [
    "a lost answer is looked up first",
    { reasonCode: "WRITE_UNCERTAIN", allowedOps: [] },
    { act: "retry" },
  ],
  [
    "negative time is left out",
    { status: "missing", reasonCode: "NEGATIVE_TIME", target: null, allowedOps: ["skip"] },
    { act: "skip" },
  ],
])("%s", (_, more, expected) => {
  expect(proposalOf(row(more))).toMatchObject(expected)
})

test("what the service would refuse is offered with the reason, and can be checked again", () => {
  const found = alternativesOf(
    row({ reasonCode: "LOCKED_OR_EXPORTED", allowedOps: ["keep-target"], blockedBy: "Unlock it." }),
  )
  expect(found).toEqual([
    { act: "update", blocked: "Unlock it." },
    { act: "keep-target" },
    { act: "correct", blocked: "Unlock it." },
    { act: "retry" },
    { act: "ignore" },
  ])
})

test("the change in Kimai is that of the act", () => {
  const of = (zammad: number | null, kimai: number | null) => ({
    zammad: { minutes: zammad },
    kimai: kimai === null ? null : { minutes: kimai },
    stored: zammad,
  })
  const exact = (minutes: number) => ({ minutes, about: false })
  expect(changeOf("update", of(45, 60))).toEqual(exact(-15))
  expect(changeOf("create", of(45, null))).toEqual(exact(45))
  expect(changeOf("delete", of(null, 25))).toEqual(exact(-25))
  expect(changeOf("keep-target", of(45, 60))).toEqual(exact(0))
  expect(changeOf("create", of(null, null))).toBeNull()
  expect(changeOf("create", { ...of(45, null), stored: null })).toEqual({
    minutes: 45,
    about: true,
  })
})

/** 35 minutes were booked, and rounding made 45 of them. */
function rounded(more: Partial<Row>, held = 45) {
  const { source, target, base } = row()
  return row({
    source: source && { ...source, minutes: 35 },
    target: target && { ...target, minutes: held },
    base: base && { ...base, minutes: 45 },
    minutesAfter: 45,
    ...more,
  })
}

test("what rounding makes is no difference: only what was edited is named and counted", () => {
  const text = lineOfRow(rounded({ edited: ["description"] }), NO_NAMES)
  expect(text.why).toBe("Description changed in Kimai")
  expect([...text.differs]).toEqual([])
  expect(text.change).toEqual({ minutes: 0, about: false })
  const time = lineOfRow(rounded({ edited: ["end", "duration"] }, 60), NO_NAMES)
  expect(time.why).toBe("Duration changed in Kimai")
  expect(time.detail).toBe(`45${NBSP}m → 60${NBSP}m`)
  expect([...time.differs]).toEqual(["minutes"])
  expect(time.change).toEqual({ minutes: -15, about: false })
})

test("an edit is told from what Kimai held before it, whatever Zammad says by now", () => {
  const { source, base } = row()
  const moved = row({
    edited: ["activity_id"],
    source: source && { ...source, activity: "Travel" },
    base: base && { ...base, activity: "Remote support" },
  })
  expect(lineOfRow(moved, NO_NAMES).detail).toBe("Remote support → Support")
  const later = row({
    edited: ["begin", "end"],
    base: base && { ...base, startedAt: "2026-11-16T09:45:00+01:00" },
  })
  expect(lineOfRow(later, NO_NAMES).detail).toBe("16 Nov → 17 Nov")
})

test("while nobody has rounded a booking, what it adds is told as about so much", () => {
  const missing = row({ status: "missing", target: null, reasonCode: "CREATION_ERROR" })
  delete missing.minutesAfter
  expect(lineOfRow({ ...missing, allowedOps: ["create"] }, NO_NAMES).change?.about).toBe(true)
  expect(netOf([{ minutes: 5, about: false }, null])).toBeNull()
  expect(
    netOf([
      { minutes: 5, about: false },
      { minutes: -15, about: true },
    ]),
  ).toEqual({ minutes: -10, about: true })
})

test("Kimai after is read from the exact request", () => {
  const target = {
    timesheet_id: 11,
    minutes: 90,
    begin: "2026-11-17T09:45:00+01:00",
    end: "2026-11-17T11:15:00+01:00",
    activity_id: 3,
  }
  const preview = (method: string, body: object | null) =>
    ({
      op: "update",
      applicable: true,
      effects: [],
      requests: [{ method, path: "/api/timesheets/11", body }],
    }) as never
  const times = { begin: "2026-11-17T08:45:00+00:00", end: "2026-11-17T10:00:00+00:00" }
  expect(afterOf(preview("PATCH", times), target)).toMatchObject({
    is: "written",
    timesheet: "same",
    values: { minutes: 75, activity_id: 3 },
  })
  expect(afterOf(preview("DELETE", null), target)).toEqual({ is: "deleted" })
  const nothing = { ...(preview("PATCH", null) as object), requests: [] } as never
  expect(afterOf(nothing, target)).toEqual({ is: "unchanged", values: target })
  // What Kimai's own rounding makes of it is said beside the request.
  const stored = { minutes: 80, begin: target.begin, end: "2026-11-17T11:05:00+01:00" }
  const odd = { ...(preview("PATCH", times) as object), stored } as never
  expect(afterOf(odd, target)).toMatchObject({ values: stored })
  expect(afterOf(preview("PATCH", { description: "x" }), target)).toMatchObject({
    values: { minutes: 90 },
  })
})

test("the service's sentences lose codes, instants and clock lengths", () => {
  expect(plainTitle("Waits for a person: TARGET_EDITED. Timesheet 11 was edited.")).toEqual({
    title: "Waits for a person: changed in Kimai",
    rest: "Timesheet 11 was edited.",
  })
  expect(
    plainSentence("end 2026-11-23T22:13:00+00:00, duration 0:10:00 → 1:25:00.", "Europe/Brussels"),
  ).toBe(`end 23 Nov, 23:13, duration 10${NBSP}m → 85${NBSP}m.`)
})
