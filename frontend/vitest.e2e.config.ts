import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.e2e.ts"],
    globalSetup: ["e2e/house.ts"],
    maxWorkers: 1, // one demo, one browser
    fileParallelism: false,
    // A machine that is shared stands still now and then: what fails three times is no accident.
    // Each try that failed says why, and their number stands beside the test's name.
    retry: 2,
    testTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 180_000,
  },
})
