import { expect, test } from "vitest"
import {
  everySection,
  expectAccessible,
  expectNoSidewaysScroll,
  lookedAt,
  PHONE,
  settled,
  shot,
  signedIn,
  visiting,
  WIDE,
} from "./browser"
import { ourDemo } from "./peers"

test("signing in: a wrong password is said, the right one leads back to the same address", async () => {
  const expected = [/401/]
  await visiting({ expected }, async ({ page }) => {
    const { username, password } = ourDemo()
    await page.goto("/?tab=failed#reconcile")
    await page.getByRole("heading", { name: "Sign in" }).waitFor()
    await expectAccessible(page)
    await shot(page, "login-light")
    await page.getByLabel("Username").fill(username)
    await page.getByRole("textbox", { name: "Password" }).fill("not the password")
    await page.keyboard.press("Enter")
    await page.getByText("Username or password is wrong.").waitFor()
    await expectAccessible(page)
    expect(await page.getByLabel("Username").inputValue()).toBe(username)
    await page.getByRole("textbox", { name: "Password" }).fill(password)
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: "Reconcile" }).waitFor()
    expect(page.url()).toMatch(/\/\?tab=failed#reconcile$/)
    await page.waitForFunction(() => {
      const top = document.getElementById("reconcile")?.getBoundingClientRect().top ?? 999
      return Math.abs(top) < 120
    })
    expect(await page.locator("[aria-current=true]").first().textContent()).toContain("Reconcile")
  })
})

for (const [name, size] of [
  ["1440", WIDE],
  ["390", PHONE],
] as const) {
  test(`the shell at ${name} is accessible in both themes and on archive paper`, async () => {
    await visiting({ size, touch: size === PHONE }, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
      await page.locator("[data-live=live]").waitFor()
      await everySection(page)
      if (size === WIDE) await expectAccessible(page) // all of it, once: landmarks, headings, names
      await lookedAt(page, `shell-${name}`, "header")
      await expectNoSidewaysScroll(page)
      await page.goto(`/?as_of=${encodeURIComponent(new Date().toISOString())}`)
      await page.getByText("What the service believed then. Read only.").waitFor()
      await lookedAt(page, `archive-${name}`, "[data-time-machine]")
      await page.keyboard.press("Escape")
      await page.locator("[data-moment]").waitFor({ state: "detached" })
      await page.locator("[data-live=live]").waitFor()
    })
  })
}

test("the keyboard alone: skip link, sections, shortcuts sheet; focus returns", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit)
    await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
    await page.keyboard.press("Tab")
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.textContent))
      .toBe("Skip to content")
    await page.keyboard.press("Enter")
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("content")
    await page.keyboard.press("g")
    await page.keyboard.press("a")
    await page.waitForURL(/#audit$/)
    await page.getByRole("button", { name: "Time machine" }).focus()
    await page.keyboard.press("?")
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor()
    await expectAccessible(page)
    await shot(page, "shortcuts-light")
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))
    await expect.poll(focused).toBe("Time machine")
  })
})

// A window of 1440 × 900 at 200 % is laid out as one of half the size.
test("at 200 % nothing sticks out, and what acts stays in reach", async () => {
  await visiting({ size: { width: 720, height: 450 } }, async (visit) => {
    const { page } = visit
    await signedIn(visit)
    await everySection(page)
    await settled(page)
    await expectNoSidewaysScroll(page)
    await shot(page, "zoom-200")
    for (const [dialog, act] of [
      ["schedule", "Save"],
      ["dry-run", "Close"],
      ["run-range", "Close"],
    ] as const) {
      await page.goto(`/?dialog=${dialog}`)
      const button = page.getByRole("dialog").getByRole("button", { name: act }).first()
      await button.waitFor()
      await settled(page)
      const box = await button.boundingBox()
      expect(box && box.y + box.height, dialog).toBeLessThanOrEqual(450)
      await shot(page, `zoom-200-${dialog}`)
    }
    // The text spacing that WCAG 1.4.12 asks to bear.
    await page.goto("/")
    await page.addStyleTag({
      content:
        "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }",
    })
    await page.getByRole("heading", { level: 2, name: "Reconcile" }).waitFor()
    await settled(page)
    await expectNoSidewaysScroll(page)
  })
})

test("in forced colours the focus and the present section are still seen", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await page.emulateMedia({ forcedColors: "active" })
    await signedIn(visit)
    await page.locator("[data-live=live]").waitFor()
    await shot(page, "forced-colours")
    const seen = (
      selector: string,
      property: "outlineStyle" | "borderTopStyle" | "backgroundColor",
    ) =>
      page
        .locator(selector)
        .first()
        .evaluate((element, name) => getComputedStyle(element)[name], property)
    expect(await seen("aside [aria-current=true]", "backgroundColor")).not.toBe(
      await seen("aside nav a:not([aria-current])", "backgroundColor"),
    )
    expect(await seen("header button", "borderTopStyle")).toBe("solid")
    expect(await seen("[role=progressbar] > *", "backgroundColor")).not.toBe(
      await seen("[role=progressbar]", "backgroundColor"),
    )
    for (const role of ["button", "link", "tab", "switch"] as const) {
      const control = page.getByRole(role).first()
      await control.waitFor({ state: "attached" })
      await page.keyboard.press("Tab") // so that the focus is one of the keyboard
      await control.focus()
      expect(await seen(":focus-visible", "outlineStyle"), role).not.toBe("none")
    }
  })
})
