import { expect, test } from "vitest"
import {
  atWidth,
  expectAccessible,
  lookedAt,
  NARROW,
  PHONE,
  signedIn,
  visiting,
  WIDE,
} from "./browser"

const PATIENCE = 150_000 // ms for a test that looks at many dialogs with axe
test(
  "schedule: what is on the screen is what the service computes, and what is saved",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page
        .getByRole("banner")
        .getByRole("button", { name: /^Schedule/ })
        .click()
      const dialog = page.getByRole("dialog", { name: "Schedule" })
      await dialog.getByRole("radio", { name: "Every 15 min" }).click()
      await dialog.getByLabel("From").fill("06:00")
      await dialog.getByLabel("Until").fill("20:00")
      for (const day of ["Saturday", "Sunday"]) {
        const button = dialog.getByRole("button", { name: day })
        if ((await button.getAttribute("aria-pressed")) === "true") await button.click()
      }
      const cron = dialog.getByRole("textbox", { name: "Cron expression" })
      await expect.poll(() => cron.inputValue()).toBe("*/15 6-19 * * 1-5")
      await dialog.getByText("Valid. 56 runs a day, 280 a week.").waitFor()
      await dialog
        .getByText("Every 15 minutes, Monday to Friday. First run 06:00, last 19:45.")
        .waitFor()
      await dialog.getByRole("button", { name: "Time zone" }).click()
      await page.getByRole("combobox", { name: "City or region" }).fill("new york")
      const answer = page.waitForResponse((one) => {
        const asked = one.url().includes("/schedule/preview") ? one.request().postData() : null
        return asked?.includes("America/New_York") === true && asked.includes("6-19 * * 1-5")
      })
      await page.getByRole("option", { name: /America\/New York/ }).click()
      const { next_runs } = (await (await answer).json()) as { next_runs: string[] }
      expect(next_runs).toHaveLength(5)
      for (const run of next_runs) {
        const hour = Number(run.slice(11, 13))
        expect(hour >= 6 && hour < 20, run).toBe(true)
        expect([0, 6]).not.toContain(new Date(`${run.slice(0, 10)}T12:00:00Z`).getUTCDay())
      }
      await expect.poll(() => dialog.locator("ol time").count()).toBe(5)
      await lookedAt(page, "schedule-1440")

      // An error is said at its field, and the focus goes there.
      await cron.fill("61 * * * *")
      await dialog.getByRole("button", { name: "Save schedule" }).click()
      await dialog.getByText("Minute must be 0 to 59.").waitFor()
      expect(await cron.evaluate((field) => field === document.activeElement)).toBe(true)
      await expectAccessible(page)
      await cron.fill("*/20 7-18 * * mon-fri")
      await dialog.getByText(/^Every 20 minutes, Monday to Friday\./).waitFor()
      const saved = page.waitForResponse((one) => one.request().method() === "PUT")
      await dialog.getByRole("button", { name: "Save schedule" }).click()
      expect((await saved).status()).toBe(200)
      await dialog.waitFor({ state: "detached" })
      await page
        .getByRole("banner")
        .getByRole("button", { name: /^Schedule/ })
        .click()
      await expect.poll(() => cron.inputValue()).toBe("*/20 7-18 * * mon-fri")
      await dialog.getByText(/Last changed .* by you/).waitFor()
      // As it was for the next test.
      await dialog.getByRole("radio", { name: "Every 6 hours" }).click()
      await dialog.getByRole("button", { name: "Save schedule" }).click()
      await dialog.waitFor({ state: "detached" })
    })
  },
  PATIENCE,
)

test(
  "notifications: a webhook channel is added, tested, changed and removed",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/?dialog=notifications")
      const dialog = page.getByRole("dialog")
      await dialog.getByRole("button", { name: "Add a channel" }).click()
      await dialog.getByRole("button", { name: "Add channel" }).click()
      await dialog.getByText("Name it, so that others know whom it tells.").waitFor()
      await lookedAt(page, "channel-1440")
      await dialog.getByLabel("Name", { exact: true }).fill("Nobody listens")
      await dialog.getByRole("combobox", { name: "How" }).click()
      await page.getByRole("option", { name: "Webhook (JSON)" }).click()
      await dialog.getByLabel("Address").fill("http://127.0.0.1:9/hook")
      await dialog.getByRole("button", { name: "Add channel" }).click()
      await dialog.getByText("Webhook (JSON), address hidden").waitFor()
      expect(await dialog.textContent()).not.toContain("127.0.0.1:9")
      await dialog.getByRole("button", { name: "Send a test to Nobody listens" }).click()
      await dialog.getByText(/The test failed/).waitFor()
      await lookedAt(page, "notifications-1440")
      await dialog.getByRole("button", { name: "Remove Nobody listens" }).click()
      await dialog.getByRole("button", { name: "Remove channel" }).click()
      await dialog.getByText("Nobody listens", { exact: true }).waitFor({ state: "detached" })
    })
  },
  PATIENCE,
)

test(
  "dry run: planned, looked at, written; the earlier ones stay",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page.getByRole("heading", { level: 1 }).waitFor()
      await page.keyboard.press("Shift+R")
      const dialog = page.getByRole("dialog", { name: "Dry run" })
      await dialog.getByText("Create timesheets").waitFor({ timeout: 45_000 })
      await expect.poll(() => page.url()).toMatch(/dialog=dry-run&plan=\d+/)
      await lookedAt(page, "dry-run-1440")
      const conflicts = dialog.getByRole("button", { name: /Left for you/ })
      await conflicts.click()
      expect(await conflicts.getAttribute("aria-pressed")).toBe("true")
      const first = dialog.locator("button[aria-expanded]").first()
      if ((await first.count()) > 0) {
        await first.click()
        await dialog.getByText("Nothing is sent to Kimai for it.").first().waitFor()
        await lookedAt(page, "dry-run-open-1440")
      }
      await dialog.getByRole("button", { name: "Earlier dry runs" }).click()
      await page
        .getByRole("dialog", { name: "Earlier dry runs" })
        .getByText("Ready")
        .first()
        .waitFor()
      await lookedAt(page, "dry-run-earlier-1440")
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
    })
  },
  PATIENCE,
)

test(
  "other days: checked at the field, planned over them",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/?dialog=run-range")
      const dialog = page.getByRole("dialog", { name: "Run for other days" })
      await dialog.getByLabel("First day").fill("2026-02-30")
      await dialog.getByRole("button", { name: "Make dry run" }).click()
      await dialog.getByText(/Write a day as YYYY-MM-DD/).waitFor()
      await lookedAt(page, "run-range-1440")
      await dialog.getByRole("button", { name: "Last 7 days" }).click()
      await dialog.getByRole("button", { name: "Make dry run" }).click()
      const plan = page.getByRole("dialog", { name: "Dry run" })
      await plan.getByText("Create timesheets").waitFor({ timeout: 45_000 })
    })
  },
  PATIENCE,
)

test(
  "palette: commands, sections, entries, runs and events by name; the keyboard alone",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page.getByRole("heading", { level: 1 }).waitFor()
      await page.keyboard.press("Control+k")
      const palette = page.getByRole("dialog", { name: "Search or jump to" })
      await palette.getByText("Run sync now").waitFor()
      await lookedAt(page, "palette-1440")
      await page.keyboard.type("1")
      await palette.getByText("Events", { exact: true }).waitFor()
      await palette.getByRole("option", { name: /^Event 1 / }).waitFor()
      await lookedAt(page, "palette-number-1440")
      await page.getByRole("combobox").fill("zzzz nothing")
      await palette.getByText("Nothing matches “zzzz nothing”.").waitFor()
      await expectAccessible(page)
      await page.getByRole("combobox").fill("reconc")
      await page.keyboard.press("Enter")
      await page.waitForURL(/#reconcile$/)
      await palette.waitFor({ state: "detached" })
      await page.keyboard.press("Control+k")
      await palette.waitFor()
      await page.keyboard.type("edit sched")
      await page.keyboard.press("Enter")
      await page.getByRole("dialog", { name: "Schedule" }).waitFor()
    })
  },
  PATIENCE,
)

test(
  "accounts: one is added, its role changed, and it is deactivated",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page.getByRole("button", { name: /^Account of/ }).click()
      await page.getByRole("menuitem", { name: "Accounts…" }).click()
      const dialog = page.getByRole("dialog")
      await dialog.getByRole("table", { name: "Accounts" }).waitFor()
      await lookedAt(page, "accounts-1440")
      await dialog.getByRole("button", { name: "Add an account" }).click()
      const name = `vera-${Date.now()}`
      await dialog.getByLabel("Username").fill(name)
      await dialog.getByLabel("Password").fill("short")
      await dialog.getByRole("button", { name: "Add account" }).click()
      await dialog.locator("[aria-invalid=true]").waitFor()
      await lookedAt(page, "account-1440")
      await dialog.getByLabel("Password").fill("long enough for an account")
      await dialog.getByRole("button", { name: "Add account" }).click()
      await dialog.getByRole("button", { name: `Edit ${name}` }).click()
      await dialog.getByRole("radio", { name: /^Operator/ }).click()
      await dialog.getByRole("switch", { name: /May sign in/ }).click()
      await dialog.getByRole("button", { name: "Save account" }).click()
      const row = dialog.getByRole("row").filter({ hasText: name })
      await row.getByText("Deactivated").waitFor()
    })
  },
  PATIENCE,
)

test(
  "dialogs on a phone",
  async () => {
    await visiting({ size: PHONE, touch: true }, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      for (const dialog of [
        "schedule",
        "notifications",
        "run-range",
        "palette",
        "accounts",
        "dry-run",
      ]) {
        await page.goto(`/?dialog=${dialog}`)
        await page.getByRole("dialog").waitFor()
        if (dialog === "dry-run")
          await page.getByText("Create timesheets").waitFor({ timeout: 45_000 })
        await expectAccessible(page)
        for (const width of [NARROW, PHONE.width]) await atWidth(page, width, dialog)
      }
    })
  },
  PATIENCE,
)

test(
  "dialogs on archive paper say that the past is read only",
  async () => {
    await visiting({ size: WIDE }, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      const past = encodeURIComponent(new Date().toISOString())
      await page.goto(`/?as_of=${past}&dialog=schedule`)
      const dialog = page.getByRole("dialog", { name: "Schedule" })
      await dialog.getByText("This is the past: read only.", { exact: false }).first().waitFor()
      await lookedAt(page, "schedule-archive")
    })
  },
  PATIENCE,
)
