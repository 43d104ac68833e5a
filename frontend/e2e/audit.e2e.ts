import { expect, test } from "vitest"
import {
  atWidth,
  expectAccessible,
  lookedAt,
  NARROW,
  PHONE,
  setTheme,
  shot,
  signedIn,
  TABLET,
  visiting,
} from "./browser"

test("the ledger: an event, its causes, its moment, and back", async () => {
  await visiting({ size: { width: 1440, height: 960 } }, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/#audit")
    await page.getByText("Following live").waitFor()
    const rows = page.getByRole("table", { name: "Events" }).getByRole("row")
    await expect.poll(() => rows.count()).toBeGreaterThan(10)
    await page.getByLabel("Event number, stream or operation").fill("100")
    await page.keyboard.press("Enter")
    const about = page.getByRole("article", { name: "Event 100" })
    await about.getByText("What caused what").waitFor()
    await about.locator("[aria-current=true]").waitFor()
    await page.getByText("Stopped where you read").waitFor()
    await lookedAt(page, "audit")
    await about.getByRole("button", { name: "Dashboard at this moment" }).click()
    await page.getByText("Read only.", { exact: false }).first().waitFor()
    await page.getByText(/^event 100 of/).waitFor()
    await lookedAt(page, "time-machine", "body") // its bar belongs to no section
    await page
      .getByRole("button", { name: /Back to live/ })
      .first()
      .click()
    await page.locator("[data-live=live]").waitFor()
  })
})

test("ten thousand rows are scrolled with few in the page", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/#audit")
    const table = page.getByRole("table", { name: "Events" })
    await expect.poll(() => table.getByRole("row").count()).toBeGreaterThan(10)
    const scroller = page.getByRole("region", { name: "Events, scrollable" })
    await scroller.evaluate((one) => one.scrollTo(0, one.scrollHeight))
    await table.getByText("UserAdded · user-1").waitFor() // the very first event
    expect(await table.getByRole("row").count()).toBeLessThan(60)
    await page.getByText("Stopped where you read").waitFor()
  })
})

test("events of some kinds, by people, of a day; the link shows the same", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/#audit")
    const kinds = page.getByRole("group", { name: "Kinds of events" })
    await kinds.getByRole("button", { name: "Settings" }).click()
    const rows = page.getByRole("table", { name: "Events that fit the filters" }).getByRole("row")
    await rows.nth(3).waitFor()
    expect(await rows.filter({ hasText: "time-entry-" }).count()).toBe(0)
    await page.getByRole("button", { name: "More filters" }).click()
    await page.getByRole("combobox", { name: "By" }).click()
    await page.getByRole("option", { name: "People" }).click()
    const today = await page.evaluate(() => new Date().toLocaleDateString("sv-SE"))
    await page.getByLabel("From day").fill(today)
    await page.getByLabel("To day").fill(today)
    await page.getByRole("button", { name: "More filters, 3 set" }).waitFor()
    const found = page.getByText(/^\d+ found$/)
    await found.waitFor()
    const count = await found.textContent()
    await page.goto(page.url())
    await page.getByText(count ?? "", { exact: true }).waitFor()
    await lookedAt(page, "audit-filters")
    for (const width of [TABLET, NARROW, PHONE.width]) {
      await atWidth(page, width, "audit-filters")
      await kinds.scrollIntoViewIfNeeded()
    }
    await shot(page, "audit-filters-in-sight")
    await page.getByLabel("To day").fill("2020-01-01")
    await page.getByText("No event fits these filters.").waitFor()
  })
})

test("the chain is verified anew, the views are compared, and the log is exported", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/?audit.view=log&audit.kind=sync#audit")
    await page.getByRole("button", { name: "Verify now" }).click()
    await page.getByText(/took \d/).waitFor()
    await page.getByText("Chain verified").first().waitFor()
    await page.getByRole("button", { name: "Replay and compare…" }).click()
    const dialog = page.getByRole("dialog", { name: "Replay and compare" })
    await dialog.getByRole("button", { name: /^Compare/ }).click()
    await dialog
      .getByText("Replay matches all views", { exact: false })
      .waitFor({ timeout: 60_000 })
    await expectAccessible(page)
    await shot(page, "replay-light")
    await page.keyboard.press("Escape")
    await page.getByRole("button", { name: "Export…" }).click()
    const download = page.waitForEvent("download")
    await page.getByRole("link", { name: "Download CSV" }).click()
    expect((await download).suggestedFilename()).toBe("audit-logs.csv")
    await page.getByRole("radio", { name: /Events with proof/ }).click()
    await expect.poll(() => page.getByText("…", { exact: true }).count()).toBe(0)
    await expectAccessible(page)
    await shot(page, "export-light")
    await page.keyboard.press("Escape")
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.textContent))
      .toBe("Export…")
    await setTheme(page, "dark")
    await expectAccessible(page)
    await shot(page, "audit-log-dark")
  })
})

test("the time machine by keys: T, a moment, [ and ], compare, Esc", async () => {
  await visiting({ size: { width: 1440, height: 1080 } }, async (visit) => {
    const { page } = visit
    await signedIn(visit)
    await page.locator("[data-live=live]").waitFor()
    await page.keyboard.press("t")
    const field = page.getByLabel(/^Moment/)
    await field.fill("not a moment")
    await page.keyboard.press("Enter")
    await page.getByText("Write it as", { exact: false }).waitFor()
    await field.fill("#1200")
    await page.keyboard.press("Enter")
    await page.getByText(/^event 1,200 of/).waitFor()
    await page.locator("[data-moment]").click() // out of the field
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press("[")
    await page.getByText(/^event 1,199 of/).waitFor()
    await page.keyboard.press("]")
    await page.getByText(/^event 1,200 of/).waitFor()
    await page.getByRole("button", { name: "Run sync now" }).hover()
    await page
      .getByText(/This is the past/)
      .first()
      .waitFor()
    await page.mouse.move(700, 800, { steps: 5 }) // the tooltip lies over the bar
    await page.mouse.move(720, 820)
    await expect.poll(() => page.getByRole("tooltip").count()).toBe(0)
    await page.getByRole("button", { name: "Compare with now" }).click()
    const panel = page.getByRole("dialog", { name: "What changed since" })
    await panel.getByText("Entries in Kimai").waitFor()
    await panel.getByRole("listitem").first().waitFor()
    await lookedAt(page, "changes")
    await page.keyboard.press("Escape")
    await panel.waitFor({ state: "detached" })
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press("Escape")
    await page.locator("[data-live=live]").waitFor()
    expect(new URL(page.url()).search).toBe("")
    await page.goto("/?as_of=2020-01-01T00:00:00Z")
    await page.getByText(/Nothing was recorded before/).waitFor()
  })
})

test("audit and time machine on a phone and on a tablet", async () => {
  await visiting({ size: PHONE, touch: true }, async (visit) => {
    const { page } = visit
    const everyWidth = async (name: string) => {
      await expectAccessible(page)
      for (const width of [TABLET, NARROW, PHONE.width]) await atWidth(page, width, name)
    }
    await signedIn(visit, "/#audit")
    await page.getByText("Following live").waitFor()
    await page.getByRole("table", { name: "Events" }).getByRole("row").nth(3).waitFor()
    await everyWidth("audit")
    await page.getByRole("table", { name: "Events" }).getByRole("button").first().click()
    await page.getByRole("dialog").getByText("What caused what").waitFor()
    await expectAccessible(page)
    await shot(page, "event-390")
    await page.goto("/?as_of=position:1200")
    await page.getByText(/^event 1,200 of/).waitFor()
    await everyWidth("time-machine")
  })
})
