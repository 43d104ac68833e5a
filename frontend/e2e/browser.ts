/** A real Chromium on the real demo: signing in, themes, sizes, axe, screenshots, measures. */
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { AxeBuilder } from "@axe-core/playwright"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, expect } from "vitest"
import type { Demo } from "./house"
import { ourDemo } from "./peers"

const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"]
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]
/** Where screenshots to look at go; without it none are taken. */
const SHOTS = process.env.SHOTS
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

export type Theme = "light" | "dark"
export const WIDE = { width: 1440, height: 900 }
export const PHONE = { width: 390, height: 844 }
/** The narrowest that has to work (WCAG 1.4.10), and a tablet held upright. */
export const NARROW = 320
export const TABLET = 768

let browser: Browser
// One for each file: whoever imports this has it.
beforeAll(async () => {
  const executablePath = CHROMIUM.find((path) => path && existsSync(path))
  if (executablePath === undefined) {
    throw new Error("No Chromium. On Debian: apt-get install chromium; else set CHROMIUM.")
  }
  browser = await chromium.launch({ executablePath, args: FLAGS })
})
afterAll(async () => {
  await browser?.close()
})

type Options = {
  theme?: Theme
  size?: { width: number; height: number }
  touch?: boolean
  reducedMotion?: boolean
  /** Console errors this test causes on purpose: a refused login, a peer that is away. */
  expected?: RegExp[]
  /** Another house than that of all tests. */
  demo?: Demo
}

export type Visit = { page: Page; context: BrowserContext; errors: string[]; demo: Demo }

/** A page for one test; afterwards it fails on any console error that was not expected. */
export async function visiting(
  {
    theme = "light",
    size = WIDE,
    touch = false,
    reducedMotion = false,
    expected = [],
    demo = ourDemo(),
  }: Options,
  use: (visit: Visit) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    baseURL: demo.url,
    viewport: size,
    colorScheme: theme,
    hasTouch: touch,
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
    locale: "en-US", // formats must not follow it
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(`${error.name}: ${error.message}`))
  page.on("console", (message) => {
    const text = `${message.text()} ${message.location().url}`
    if (message.type() === "error" && !expected.some((one) => one.test(text))) errors.push(text)
  })
  try {
    await use({ page, context, errors, demo })
    expect(errors, "console errors").toEqual([])
  } catch (error) {
    // a second try that passes would hide why the first did not
    console.error(`${expect.getState().currentTestName}: ${error}`)
    throw error
  } finally {
    await context.close()
  }
}

/** Signed in by the API, as a browser that was here before; then `path` is opened. */
export async function signedIn(
  { page, context, demo: { url, username, password } }: Visit,
  path = "/",
): Promise<void> {
  const answer = await context.request.post(`${url}/token`, {
    form: { username, password },
    headers: { Origin: url },
  })
  expect(answer.status()).toBe(200)
  await page.goto(path)
  await page.getByRole("navigation", { name: "Sections" }).first().waitFor()
}

/**
 * No violation of A, AA, 2.2 and best practice; what is wrong is named with its element. Looked at
 * is `only`, else what lies on top (a menu, a dialog), else the section of the address, else all of
 * the page. Toasts fade meanwhile: they are looked at by `only`, as long as they stand.
 */
export async function expectAccessible(page: Page, only?: string, rules?: string[]): Promise<void> {
  await settled(page)
  const part = only ?? (await onTop(page))
  // Nothing here is in a frame, and what passes need not be told: half the time, the same findings.
  let axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] }).setLegacyMode()
  axe = rules ? axe.withRules(rules) : axe.withTags(TAGS)
  // A part belongs to no landmark of its own.
  if (part) axe = axe.include(part).disableRules(["region"])
  else axe = axe.exclude("[data-sonner-toaster]")
  const { violations } = await axe.analyze()
  const said = violations.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.html}\n    ${node.failureSummary}`),
  )
  expect(said, "axe").toEqual([])
}

async function onTop(page: Page): Promise<string | undefined> {
  for (const part of ["[data-radix-popper-content-wrapper]", "[role=dialog]"]) {
    if ((await page.locator(part).count()) > 0) return part
  }
  return new URL(page.url()).hash || undefined
}

/** Wait until nothing moves or loads: a colour in the middle of a fade is no finding. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]:not(button)") === null)
  await page.evaluate(async () => {
    await document.fonts.ready
    const running = document
      .getAnimations()
      .filter((one) => one.effect?.getTiming().iterations === 1)
    await Promise.allSettled(running.map((one) => one.finished))
  })
}

export async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return
  await settled(page)
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

/** Wait for all that comes after the first section, each with the script it needs. */
export async function everySection(page: Page): Promise<void> {
  for (const name of ["Connectors", "Mappings", "Reconcile", "Audit"]) {
    await page.getByRole("heading", { level: 2, name }).waitFor()
  }
}

/** Both themes: all rules in the light one; in the dark one only colours are others. */
export async function lookedAt(page: Page, name: string, only?: string): Promise<void> {
  await setTheme(page, "dark")
  await expectAccessible(page, only, ["color-contrast"])
  await shot(page, `${name}-dark`)
  await setTheme(page, "light")
  await expectAccessible(page, only)
  await shot(page, `${name}-light`)
}

export async function setTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await page.waitForFunction((one) => document.documentElement.dataset.theme === one, theme)
}

/** Nothing sticks out to the right: the page never scrolls sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  expect(over, "pixels too wide").toBeLessThanOrEqual(0)
}

/** The same page in a window of another width: nothing sticks out. Axe has seen its parts before. */
export async function atWidth(page: Page, width: number, name: string): Promise<void> {
  await page.setViewportSize({ width, height: width < WIDE.width / 2 ? PHONE.height : WIDE.height })
  await settled(page)
  await expectNoSidewaysScroll(page)
  await shot(page, `${name}-${width}`)
}

export type Measures = { lcp: number; cls: number }

/** Largest contentful paint and layout shift of a load of `path`, with the CPU `slower` times. */
export async function measured(
  { page, context }: Visit,
  path: string,
  slower = 1,
): Promise<Measures> {
  const session = await context.newCDPSession(page)
  await session.send("Network.clearBrowserCache") // as a person who comes for the first time
  await session.send("Emulation.setCPUThrottlingRate", { rate: slower })
  await page.addInitScript(() => {
    const seen = { lcp: 0, cls: 0 }
    Object.assign(window, { seen })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.lcp = entry.startTime
    }).observe({ type: "largest-contentful-paint", buffered: true })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number
        hadRecentInput: boolean
      })[]) {
        if (!entry.hadRecentInput) seen.cls += entry.value
      }
    }).observe({ type: "layout-shift", buffered: true })
  })
  await page.goto(path)
  await page.getByRole("heading", { level: 1 }).waitFor()
  await settled(page)
  await page.waitForTimeout(500)
  const found = await page.evaluate(() => (window as unknown as { seen: Measures }).seen)
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 })
  return found
}
