import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import {
  expectAccessible,
  launched,
  PHONE,
  setTheme,
  shot,
  signedIn,
  type Visit,
  visiting,
  WIDE,
} from "./browser"

let browser: Browser
beforeAll(async () => {
  browser = await launched()
})
afterAll(async () => {
  await browser?.close()
})

const TABS = ["Activities", "People", "Customers and projects", "Rules"]
const SIZES = [
  ["1440", WIDE, TABS],
  ["768", { width: 768, height: 1024 }, ["Activities"]],
  ["390", PHONE, TABS],
  ["320", { width: 320, height: 700 }, ["Activities"]],
] as const
const PATIENCE = 180_000 // ms; axe looks at the whole page each time, on a busy machine

/** By how much the section itself sticks out of the window. */
async function tooWide(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const section = document.getElementById("mappings-title")?.closest("section")
    return section ? section.scrollWidth - section.clientWidth : 999
  })
}

for (const [name, size, tabs] of SIZES) {
  test(`mappings at ${name} are accessible in both themes and on archive paper`, {
    timeout: PATIENCE,
  }, async () => {
    await visiting(browser, { size, touch: size.width < 500 }, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#mappings")
      await page.getByText("Consulting").first().waitFor()
      for (const tab of tabs) {
        await page.getByRole("tab", { name: tab }).click()
        await page.getByRole("tab", { name: tab, selected: true }).waitFor()
        for (const theme of ["light", "dark"] as const) {
          await setTheme(page, theme)
          await expectAccessible(page)
          await shot(page, `mappings-${tab.split(" ")[0]?.toLowerCase()}-${name}-${theme}`)
        }
        expect(await tooWide(page), "pixels of the section too wide").toBeLessThanOrEqual(0)
      }
      await page.goto(`/?as_of=${encodeURIComponent(new Date().toISOString())}#mappings`)
      await page.getByText("Read only.").waitFor()
      await page.getByText("Consulting").first().waitFor()
      const add = page.getByRole("button", { name: "Add mapping" })
      expect(await add.getAttribute("aria-disabled")).toBe("true")
      await expectAccessible(page)
      await shot(page, `mappings-archive-${name}`)
    })
  })
}

test("what somebody else changed meanwhile is shown in the open form", {
  timeout: PATIENCE,
}, async () => {
  await visiting(browser, { expected: [/409/] }, async (one) => {
    await visiting(browser, {}, async (other) => {
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
