import { defineConfig } from "vitest/config"

const shared = {
  environment: "node" as const,
  // A machine that is shared stands still now and then: what fails three times is no accident.
  // Each try that failed says why, and their number stands beside the test's name.
  retry: 2,
  testTimeout: 60_000,
  expect: { poll: { timeout: 15_000 } },
  hookTimeout: 180_000,
}
const ALL = "e2e/**/*.e2e.ts"
const MEASURES = "e2e/measures.e2e.ts"

export default defineConfig({
  test: {
    globalSetup: ["e2e/house.ts"],
    // As many workers as houses, each with a browser: files beside each other change nothing of
    // what the others see.
    maxWorkers: process.env.TIMELEDGER_DEMO ? 1 : 2,
    projects: [
      { test: { ...shared, name: "sections", include: [ALL], exclude: [MEASURES] } },
      // Last and alone: first paint and frames are those of a machine without other work.
      {
        test: { ...shared, name: "measures", include: [MEASURES], sequence: { groupOrder: 1 } },
      },
    ],
  },
})
