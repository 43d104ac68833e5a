import { expect, test } from "vitest"
import {
  atWidth,
  expectAccessible,
  expectNoSidewaysScroll,
  lookedAt,
  NARROW,
  PHONE,
  setTheme,
  shot,
  signedIn,
  TABLET,
  visiting,
  WIDE,
} from "./browser"
import { delivered } from "./peers"

const SLOW = 180_000 // ms: axe in both themes on a busy machine

for (const [name, size, other] of [
  ["1440", WIDE, TABLET],
  ["390", PHONE, NARROW],
] as const) {
  test(
    `the dashboard at ${name} is accessible in both themes, nothing sticks out`,
    async () => {
      await visiting({ size, touch: size.width < 700 }, async (visit) => {
        const { page } = visit
        await signedIn(visit, "/#dashboard")
        await page.locator("#dashboard header p").filter({ hasText: "decision" }).waitFor()
        await page.getByRole("application").waitFor() // the chart
        await lookedAt(page, `dashboard-${name}`)
        await expectNoSidewaysScroll(page)
        await atWidth(page, other, "dashboard")
      })
    },
    SLOW,
  )
}

test(
  "the chart is read with the arrow keys, and as a table",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#dashboard")
      const chart = page.getByRole("application")
      await chart.focus()
      await page.keyboard.press("ArrowRight")
      const tip = page.locator("#dashboard").getByRole("status")
      await tip.filter({ hasText: "Synced" }).waitFor()
      const first = await tip.textContent()
      await page.keyboard.press("ArrowRight")
      await expect.poll(() => tip.textContent()).not.toBe(first)
      await expectAccessible(page)
      await page.getByRole("button", { name: "Show as table" }).click()
      const table = page.getByRole("table", { name: /Minutes per day/ })
      await table.getByRole("row").nth(30).waitFor() // thirty days and their head
      await expectAccessible(page)
      await page.reload()
      await table.waitFor()
    })
  },
  SLOW,
)

test(
  "a run: started, listed, opened, what it did filtered; the focus comes back",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#dashboard")
      const panel = page.getByRole("region", { name: "Sync runs" })
      const newest = panel.getByRole("button", { name: /^Run #\d+$/ }).first()
      const before = await newest.textContent()
      await page.getByRole("button", { name: "Run sync now" }).click()
      await expect.poll(() => newest.textContent(), { timeout: 15_000 }).not.toBe(before)
      await panel.getByRole("region", { name: /^Run/ }).waitFor({ state: "detached" })
      const opened = (await newest.textContent()) ?? ""
      await newest.focus()
      await page.keyboard.press("Enter")
      await page
        .getByRole("dialog", { name: "Run #" })
        .getByText("Started by", { exact: true })
        .waitFor()
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
      expect(new URL(page.url()).search).toBe("")
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(opened)
      await page.goto("/?dialog=runs&run=1")
      const drawer = page.getByRole("dialog", { name: "Run #1" })
      await drawer.getByRole("table", { name: "Entries of run 1" }).waitFor()
      await lookedAt(page, "run")
      await drawer.getByRole("combobox", { name: "Show only" }).click()
      await page.getByRole("option", { name: "Needs a decision" }).click()
      await drawer
        .getByText(/Add an activity mapping/)
        .first()
        .waitFor()
      await drawer.getByRole("button", { name: "All runs" }).click()
      const all = page.getByRole("dialog", { name: "Sync runs" })
      await all.getByRole("table", { name: /Sync runs/ }).waitFor()
      await expectAccessible(page)
      await shot(page, "runs-dark")
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        all.getByRole("link", { name: /as CSV/ }).click(),
      ])
      expect(download.suggestedFilename()).toBe("sync-history.csv")
      await page.keyboard.press("Escape")
      await all.waitFor({ state: "detached" })
    })
  },
  SLOW,
)

test(
  "on a phone a run's drawer and the other days fill the screen and fit it",
  async () => {
    await visiting({ size: PHONE, touch: true }, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#dashboard")
      await page.goto("/?dialog=runs&run=1")
      await page.getByRole("table", { name: "Entries of run 1" }).waitFor()
      await expectAccessible(page)
      await expectNoSidewaysScroll(page)
      await shot(page, "run-390-light")
      await page.goto("/?dialog=runs")
      await page.getByRole("table", { name: /Sync runs/ }).waitFor()
      await expectAccessible(page)
      await expectNoSidewaysScroll(page)
      await page.goto("/?dialog=run-range")
      await page.getByRole("dialog", { name: "Run for other days" }).waitFor()
      await setTheme(page, "dark")
      await expectAccessible(page)
      await shot(page, "run-range-390-dark")
    })
  },
  SLOW,
)

test(
  "deliveries come live, wait under the pointer, and are repeated",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#dashboard")
      await page.locator("[data-live=live]").waitFor()
      const panel = page.getByRole("region", { name: "Webhook deliveries" })
      const list = panel.getByRole("list")
      const newest = list.getByRole("listitem").first()
      const before = (await list.count()) > 0 ? await newest.textContent() : null
      expect(await delivered(visit.demo, 3)).toBe(202)
      await newest.filter({ hasText: "Ticket id 3" }).waitFor()
      await expect.poll(() => newest.textContent()).not.toBe(before)
      await list.hover()
      expect(await delivered(visit.demo, 4)).toBe(202)
      expect(await delivered(visit.demo, 5)).toBe(202)
      await panel.getByRole("button", { name: "2 new" }).waitFor()
      await expectAccessible(page)
      await shot(page, "deliveries-light")
      await panel.getByRole("button", { name: "2 new" }).click()
      await list.getByRole("listitem").filter({ hasText: "Ticket id 5" }).first().waitFor()
      expect(await delivered(visit.demo, 6, "another key of sixteen")).toBe(403)
      await panel.getByRole("button", { name: "1 new" }).click()
      await panel.getByText("Rejected").first().waitFor()
      await list
        .getByRole("listitem")
        .filter({ hasText: "Ticket id 3" })
        .first()
        .getByRole("button", { name: /Repeat/ })
        .click()
      await page.getByText("The delivery is processed again.").waitFor()
      await list
        .getByRole("listitem")
        .filter({ hasText: "Ticket id 3" })
        .filter({ hasText: "attempt 2" })
        .first()
        .waitFor()
    })
  },
  SLOW,
)

test(
  "the dashboard of an earlier moment is on archive paper and read only",
  async () => {
    await visiting({}, async (visit) => {
      const { page } = visit
      expect(await delivered(visit.demo, 3)).toBe(202)
      await signedIn(visit, `/?as_of=${encodeURIComponent(new Date().toISOString())}#dashboard`)
      await page
        .getByText(/in 24 h$/)
        .first()
        .waitFor()
      await page.getByRole("list", { name: /Webhook deliveries/ }).waitFor()
      expect(await page.getByRole("button", { name: "Pause" }).count()).toBe(0)
      await page.getByRole("application").waitFor()
      await lookedAt(page, "dashboard-archive")
    })
  },
  SLOW,
)
