/** Reconcile on the real demo: decide, take back, bulk, drawer and keyboard. */
import type { Page } from "playwright-core"
import { beforeAll, expect, test } from "vitest"
import {
  atWidth,
  expectAccessible,
  lookedAt,
  NARROW,
  PHONE,
  settled,
  signedIn,
  visiting,
} from "./browser"
import { speaking } from "./peers"

beforeAll(async () => {
  await editedInKimai(4)
})

/** Somebody prolongs timesheets in Kimai by a quarter of an hour; the next run finds it. */
async function editedInKimai(count: number): Promise<void> {
  const { service, kimai } = await speaking()
  const { items } = await service<{
    items: { target: { timesheet_id: number; exported: boolean } | null }[]
  }>("GET", "/api/v1/entries?state=synced&limit=200")
  const open = items.flatMap(({ target }) => (target && !target.exported ? [target] : []))
  for (const { timesheet_id } of open.slice(-count)) {
    const path = `/api/timesheets/${timesheet_id}`
    const sheet = await kimai<{ end: string }>("GET", path)
    const wall = new Date(Date.parse(`${sheet.end.slice(0, 19)}Z`) + 15 * 60_000)
    await kimai("PATCH", path, { end: wall.toISOString().slice(0, 19) })
  }
  await service("POST", "/api/v1/sync/run", {})
}

const rowOf = (page: Page, name: string | RegExp) => page.getByRole("row", { name }).first()

async function inConflicts(page: Page): Promise<void> {
  await page.getByRole("tab", { name: /Conflicts/ }).click()
  await page
    .getByRole("row", { name: /Duration changed in Kimai/ })
    .first()
    .waitFor()
}

test("the list, the drawer and the preview are accessible in both themes, wide and on a phone", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/?tab=conflicts#reconcile")
    await rowOf(page, /Duration changed in Kimai/).waitFor()
    await lookedAt(page, "reconcile")
    await page.locator("[data-row]").first().click()
    await page.getByRole("button", { name: /^Apply, update Kimai/ }).waitFor()
    await page.getByRole("button", { name: /^Waits for a person/ }).click()
    await page.getByText('"type": "ConflictOpened"').waitFor()
    await lookedAt(page, "reconcile-drawer")
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    // Focus is back on the row that opened it.
    expect(await page.evaluate(() => document.activeElement?.hasAttribute("data-row"))).toBe(true)
    await page.getByRole("checkbox", { name: "Select all rows read so far" }).click()
    await page.getByRole("button", { name: "Preview proposals" }).click()
    await page.getByRole("dialog", { name: "Preview of the proposals" }).waitFor()
    await lookedAt(page, "reconcile-bulk")
  })
  await visiting({ size: PHONE, touch: true }, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/?tab=conflicts#reconcile")
    await page.getByRole("article").first().waitFor()
    await lookedAt(page, "reconcile-390")
    for (const width of [NARROW, PHONE.width]) await atWidth(page, width, "reconcile")
    await page.locator("[data-row]").first().click()
    await page.getByRole("button", { name: /^Apply, update Kimai/ }).waitFor()
    await expectAccessible(page)
    for (const width of [NARROW, PHONE.width]) await atWidth(page, width, "reconcile-drawer")
  })
})

test("a decision by the keyboard alone, taken back, then applied from the drawer", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/#reconcile")
    await inConflicts(page)
    await settled(page)
    await page.keyboard.press("j")
    const opened = page.locator("[data-row]:focus")
    await opened.waitFor()
    const key = await opened.getAttribute("data-row")
    await page.keyboard.press("u")
    await page.getByText("Kimai stays as it is", { exact: true }).waitFor()
    await page.locator("[data-sonner-toast]").first().hover() // it stays as long as it is read
    await lookedAt(page, "toast", "[data-sonner-toast]")
    await page.locator(`[data-row="${key}"]`).waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Undo" }).click()
    await page.getByText("Taken back", { exact: true }).waitFor()
    await page.locator(`[data-row="${key}"]`).waitFor()
    await page.locator(`[data-row="${key}"]`).click()
    await page.getByRole("button", { name: /^Apply, update Kimai to/ }).waitFor()
    await page.keyboard.press("Control+Enter")
    await page.getByText("Kimai was brought to what Zammad says", { exact: true }).waitFor()
    await page.getByRole("button", { name: /^Updated in Kimai/ }).waitFor()
    await page.keyboard.press("Escape")
    await page.locator(`[data-row="${key}"]`).waitFor({ state: "detached" })
  })
})

test("bulk: preview, apply, report; what was decided leaves the list", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/?tab=conflicts#reconcile")
    await rowOf(page, /Duration changed in Kimai/).waitFor()
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("Shift+X")
    await page.getByRole("region", { name: "Selection" }).getByText("2 selected").waitFor()
    const keys = await page
      .locator("[role=row][aria-selected=true] [data-row]")
      .evaluateAll((all) => all.map((one) => one.getAttribute("data-row")))
    expect(keys).toHaveLength(2)
    await page.keyboard.press("z")
    const dialog = page.getByRole("dialog")
    await dialog.getByRole("button", { name: "Decide 2 rows" }).click()
    await dialog.getByText("2 decided.").waitFor()
    await expectAccessible(page)
    await dialog.getByRole("button", { name: "Done" }).click()
    for (const key of keys) {
      await page.locator(`[data-row="${key}"]`).waitFor({ state: "detached" })
    }
    await page.getByRole("tab", { name: /Resolved/ }).click()
    await rowOf(page, /Zammad’s values were taken/).waitFor()
    await expectAccessible(page)
  })
})
