import { expect, test } from "vitest"
import type { Row } from "@/api/shapes"
import { afterOf } from "./after"
import { plainTitle } from "./history"
import { differences, lineOfRow, NO_NAMES, namesOf } from "./model"
import { alternativesOf, changeOf, proposalOf } from "./proposals"
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
  expect([...differences(side, kimai, names)]).toEqual([])
  expect([...differences(side, { ...kimai, activity: "Project work" }, names)]).toEqual([
    "activity",
  ])
  expect([...differences(side, { ...kimai, minutes: 60, day: "2026-11-18" }, names)]).toEqual([
    "minutes",
    "day",
  ])
  expect([...differences(side, null, names)]).toEqual([])
})

test("a row says in its own words what differs, and what the proposal changes in Kimai", () => {
  const line = lineOfRow(row(), NO_NAMES)
  expect(line.why).toBe("Duration changed in Kimai")
  expect(line.detail).toBe(`75${NBSP}m → 90${NBSP}m`)
  expect(line.change).toBe(-15)
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
  expect(changeOf("update", side, { minutes: 60 })).toBe(-15)
  expect(changeOf("create", side, null)).toBe(45)
  expect(changeOf("delete", null, { minutes: 25 })).toBe(-25)
  expect(changeOf("keep-target", side, { minutes: 60 })).toBe(0)
  expect(changeOf("create", { minutes: null }, null)).toBeNull()
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
  const updated = afterOf(
    preview("PATCH", { begin: "2026-11-17T08:45:00+00:00", end: "2026-11-17T10:00:00+00:00" }),
    target,
  )
  expect(updated).toMatchObject({
    is: "written",
    timesheet: "same",
    values: { minutes: 75, activity_id: 3 },
  })
  expect(afterOf(preview("DELETE", null), target)).toEqual({ is: "deleted" })
  expect(afterOf({ ...(preview("PATCH", null) as object), requests: [] } as never, target)).toEqual(
    {
      is: "unchanged",
      values: target,
    },
  )
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
