import { readFile } from "node:fs/promises"
import type { Page } from "playwright-core"
import { expect, test } from "vitest"
import {
  atWidth,
  expectAccessible,
  lookedAt,
  NARROW,
  PHONE,
  shot,
  signedIn,
  TABLET,
  type Visit,
  visiting,
  WIDE,
} from "./browser"
import { book, speaking } from "./peers"

const TABS = ["Activities", "People", "Customers and projects", "Rules"]
const SIZES = [
  ["1440", WIDE, TABLET],
  ["390", PHONE, NARROW],
] as const
const PATIENCE = 180_000 // ms; axe looks at the whole page each time, on a busy machine

/** By how much the section itself sticks out of the window. */
async function tooWide(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const section = document.getElementById("mappings-title")?.closest("section")
    return section ? section.scrollWidth - section.clientWidth : 999
  })
}

for (const [name, size, other] of SIZES) {
  test(`mappings at ${name} are accessible in both themes and on archive paper`, {
    timeout: PATIENCE,
  }, async () => {
    await visiting({ size, touch: size.width < 500 }, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#mappings")
      await page.getByText("Consulting").first().waitFor()
      for (const tab of TABS) {
        await page.getByRole("tab", { name: tab }).click()
        await page.getByRole("tab", { name: tab, selected: true }).waitFor()
        await lookedAt(page, `mappings-${tab.split(" ")[0]?.toLowerCase()}-${name}`)
        expect(await tooWide(page), "pixels of the section too wide").toBeLessThanOrEqual(0)
      }
      await page.getByRole("tab", { name: TABS[0] }).click()
      await atWidth(page, other, "mappings")
      expect(await tooWide(page), "pixels of the section too wide").toBeLessThanOrEqual(0)
      await page.setViewportSize(size)
      await page.goto(`/?as_of=${encodeURIComponent(new Date().toISOString())}#mappings`)
      await page.getByText("What the service believed then. Read only.").waitFor()
      await page.getByText("Consulting").first().waitFor()
      const add = page.getByRole("button", { name: "Add mapping" })
      expect(await add.getAttribute("aria-disabled")).toBe("true")
      await expectAccessible(page)
      await shot(page, `mappings-archive-${name}`)
    })
  })
}

/** An activity of its own in both systems and a booking of it, so that no other test loses one. */
async function booked(name: string): Promise<void> {
  const systems = await speaking()
  const type = await systems.zammad<{ id: number }>("POST", "/api/v1/time_accounting/types", {
    name,
  })
  await systems.kimai("POST", "/api/activities", { name, visible: true, billable: true })
  await book(systems, 1, 45, type.id)
  // The service keeps Kimai's list for a minute; earlier tests have read it already.
  const connectors = await systems.service<{ id: number }[]>("GET", "/api/v1/connectors")
  for (const { id } of connectors) {
    await systems.service("GET", `/api/v1/connectors/${id}/activities?refresh=true`)
  }
  await systems.service("POST", "/api/v1/sync/run", {})
}

test("a suggestion is accepted, edited, exported, imported and removed", {
  timeout: PATIENCE,
}, async () => {
  const name = `On call ${Date.now() % 100_000}`
  await booked(name)
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/#mappings")
    const row = page.getByRole("row", { name: new RegExp(name) })
    await row.getByText("Not mapped", { exact: true }).waitFor({ timeout: 60_000 }) // as soon as the run saw it
    await row.getByText("1 waiting").waitFor()
    await row.getByRole("button", { name: `Accept ${name} for ${name}` }).click()
    await page
      .getByText(/1.entry, 45.m continues\./)
      .first()
      .waitFor()
    await row.getByText("Mapped", { exact: true }).waitFor()

    const more = page.getByRole("button", { name: `More for ${name}` })
    await more.focus()
    await page.keyboard.press("Enter")
    await page.getByRole("menuitem", { name: "Edit…" }).click()
    const edit = page.getByRole("dialog", { name: `Edit the mapping of ${name}` })
    await edit.waitFor()
    await lookedAt(page, "mappings-edit")
    await edit.getByRole("radio", { name: "Not billable" }).click()
    await edit.getByRole("button", { name: "Save", exact: true }).click()
    await edit.waitFor({ state: "detached" })
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))
    await expect.poll(focused).toBe(`More for ${name}`)
    await row.getByText("not billable").waitFor()

    await page.locator("#mappings").getByRole("button", { name: "Export", exact: true }).click()
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("menuitem", { name: "Activities as CSV" }).click(),
    ])
    const text = await readFile(await download.path(), "utf-8")
    expect(text).toContain(`${name},`)
    // of a try before this one another row may be left
    const changed = text.replace(new RegExp(`(${name},[^\\r\\n]*),true,false`), "$1,true,true")
    expect(changed).not.toBe(text)

    await page.getByRole("button", { name: "Import…" }).click()
    const dialog = page.getByRole("dialog", { name: "Import activities" })
    const file = (content: string) =>
      dialog.getByLabel("File to import").setInputFiles({
        name: "mappings.csv",
        mimeType: "text/csv",
        buffer: Buffer.from(content),
      })
    await file(changed.replace(/,true,true/, ",perhaps,true"))
    await dialog.getByText(/1.row cannot be read/).waitFor()
    await expectAccessible(page)
    await shot(page, "mappings-import-error")
    await file(changed)
    await dialog.getByText("1 change", { exact: true }).waitFor()
    await expectAccessible(page)
    await shot(page, "mappings-import-light")
    await dialog.getByRole("button", { name: /Import 1.change/ }).click()
    await dialog.waitFor({ state: "detached" })
    await row.getByText("billable", { exact: true }).waitFor()

    await more.click()
    await page.getByRole("menuitem", { name: /^Remove/ }).click()
    const confirm = page.getByRole("dialog", { name: `Remove the mapping of ${name}?` })
    await confirm.waitFor()
    await expectAccessible(page)
    await shot(page, "mappings-remove-light")
    await confirm.getByRole("button", { name: "Remove mapping" }).click()
    await row.waitFor({ state: "detached" })
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).not.toBe("BODY")
  })
})

test("what somebody else changed meanwhile is shown in the open form", {
  timeout: PATIENCE,
}, async () => {
  await visiting({ expected: [/409/] }, async (one) => {
    await visiting({}, async (other) => {
      await signedIn(one, "/#mappings")
      await signedIn(other, "/#mappings")
      const opened = async ({ page }: Visit) => {
        await page.getByRole("button", { name: "More for Maintenance" }).click()
        await page.getByRole("menuitem", { name: "Edit…" }).click()
        const dialog = page.getByRole("dialog", { name: "Edit the mapping of Maintenance" })
        await dialog.waitFor()
        return dialog
      }
      const mine = await opened(one)
      await mine.getByRole("radio", { name: "Not billable" }).click()
      const theirs = await opened(other)
      await theirs.getByRole("radio", { name: "Billable", exact: true }).click()
      await theirs.getByRole("button", { name: "Save", exact: true }).click()
      await theirs.waitFor({ state: "detached" })
      await mine.getByText(/changed this mapping at .* while you had it open/).waitFor()
      await mine.getByText("What you entered is kept.").waitFor()
      expect(await mine.getByRole("radio", { name: "Not billable" }).isChecked()).toBe(true)
      await expectAccessible(one.page)
      await shot(one.page, "mappings-conflict-light")
      await mine.getByRole("button", { name: "Take theirs" }).click()
      expect(await mine.getByRole("radio", { name: "Billable", exact: true }).isChecked()).toBe(
        true,
      )
      await mine.getByRole("radio", { name: "Kimai decides" }).click() // as it was before
      await mine.getByRole("button", { name: "Save", exact: true }).click()
      await mine.waitFor({ state: "detached" })
    })
  })
})
