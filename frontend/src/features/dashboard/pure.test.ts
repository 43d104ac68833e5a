import { expect, test } from "vitest"
import { secondsLeft } from "@/app/runs"
import { example } from "@/testing/server"
import { change, punctuality } from "./comparing"
import type { KeyFigures } from "./reads"
import { answer } from "./sentence"

function given(decide: number, failed: number, pending: number, share = 1): KeyFigures {
  const figures = example("GET /api/v1/sync/kpi").key_figures
  const held = (entries: number) => ({ entries, minutes: entries * 15 })
  return {
    ...figures,
    coverage: { minutes_booked: 100, minutes_in_kimai: 100 * share, share },
    held_back: {
      ...held(decide + failed + pending),
      pending: held(pending),
      conflict: held(decide),
      failed: held(failed),
    },
    decisions: { entries: decide, oldest_since: null },
  }
}

test.each([
  [given(23, 0, 4), "23 entries need a decision. Everything else is in Kimai or on its way."],
  [given(1, 0, 0), "1 entry needs a decision. Everything else is in Kimai."],
  [given(0, 2, 0), "2 entries gave up and can be tried again. Everything else is in Kimai."],
  [given(0, 0, 3, 0.9), "Nothing needs a decision. 3 entries on the way to Kimai."],
  [given(0, 0, 0), "Nothing needs a decision. Every tracked minute is in Kimai."],
  [given(0, 0, 0, 0.9), "Nothing needs a decision, and nothing is held back from Kimai."],
])("the sentence answers first", (figures, sentence) => {
  expect(answer(figures)).toBe(sentence)
})

test("good and bad follow meaning, not direction", () => {
  expect(change(5, 3, { more: "good" })).toEqual({ way: "up", good: true })
  expect(change(5, 3, { more: "bad" })).toEqual({ way: "up", good: false })
  expect(change(2, 3, { more: "bad" })).toEqual({ way: "down", good: true })
  expect(change(3, 3, { more: "bad" }).way).toBe("same")
})

test("late is amber, and red when the oldest has waited two intervals", () => {
  expect(punctuality(0, 100, 900)).toEqual({ state: "synced", words: "On time" })
  expect(punctuality(2, 1799, 900)).toEqual({ state: "conflict", words: "2 late" })
  expect(punctuality(2, 1800, 900)).toEqual({ state: "failed", words: "2 late" })
  expect(punctuality(null, 0, null).words).toBe("Schedule off")
})

test("the time left follows the pace seen, and is not told too early", () => {
  const first = { at: 0, done: 10 }
  expect(secondsLeft(first, { at: 20_000, done: 30, left: 50 })).toBe(50)
  expect(secondsLeft(first, { at: 20_000, done: 11, left: 50 })).toBeNull()
  expect(secondsLeft(first, { at: 1_000, done: 30, left: 50 })).toBeNull()
})
