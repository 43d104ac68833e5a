import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import {
  expectAccessible,
  expectNoSidewaysScroll,
  launched,
  PHONE,
  setTheme,
  shot,
  signedIn,
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
  ["1440", WIDE],
  ["768", { width: 768, height: 1024 }],
  ["390", PHONE],
  ["320", { width: 320, height: 700 }],
] as const

/** By how much the section itself sticks out of the window. */
async function tooWide(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const section = document.getElementById("mappings-title")?.closest("section")
    return section ? section.scrollWidth - section.clientWidth : 999
  })
}

for (const [name, size] of SIZES) {
  test(`mappings at ${name}: every tab is accessible in both themes and on archive paper`, async () => {
    await visiting(browser, { size, touch: size.width < 500 }, async (visit) => {
      const { page } = visit
      await signedIn(visit, "/#mappings")
      await page.getByText("Remote support").or(page.getByText("Consulting")).first().waitFor()
      for (const tab of TABS) {
        await page.getByRole("tab", { name: tab }).click()
        await page.getByRole("tab", { name: tab, selected: true }).waitFor()
        for (const theme of ["light", "dark"] as const) {
          await setTheme(page, theme)
          await expectAccessible(page)
          await shot(page, `mappings-${tab.split(" ")[0]?.toLowerCase()}-${name}-${theme}`)
        }
        if (size.width >= 390) await expectNoSidewaysScroll(page)
        expect(await tooWide(page), "pixels of the section too wide").toBeLessThanOrEqual(0)
      }
      await page.goto(`/?as_of=${encodeURIComponent(new Date().toISOString())}#mappings`)
      await page.getByText("Read only.").waitFor()
      await page.getByText("Consulting").first().waitFor()
      expect(
        await page.getByRole("button", { name: "Add mapping" }).getAttribute("aria-disabled"),
      ).toBe("true")
      await expectAccessible(page)
      await shot(page, `mappings-archive-${name}`)
    })
  })
}
