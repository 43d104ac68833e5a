import { expect, test } from "vitest"
import { sentence, type Waiting } from "./sentence"

const CALM: Waiting = { decisions: 0, failed: 0, dead: 0, pending: 0, compared: true }

test.each<[Partial<Waiting>, string]>([
  [{}, "Zammad and Kimai agree. Nothing waits for you."],
  [{ compared: false }, "Zammad and Kimai were not compared yet."],
  [{ failed: 3 }, "Nothing needs a decision. 3 entries gave up and can be tried again."],
  [{ dead: 1 }, "Nothing needs a decision. 1 delivery gave up and can be tried again."],
  [{ pending: 1 }, "Nothing needs a decision. 1 entry is on the way to Kimai."],
  [{ decisions: 2 }, "Entries where Zammad and Kimai disagree, with a proposal for each."],
  [
    { decisions: 2, failed: 1, pending: 4 },
    "Entries where Zammad and Kimai disagree, with a proposal for each. 1 entry gave up and can be tried again.",
  ],
])("what waits is named before anybody is told that all is well: %o", (waiting, said) => {
  expect(sentence({ ...CALM, ...waiting })).toBe(said)
})
