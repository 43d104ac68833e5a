/**
 * Reconcile on the real demo: decide, take back, bulk, drawer and keyboard. And ten thousand rows
 * from a mocked network, scrolled in the real browser: no frame over 50 ms.
 */
import type { Page, Route } from "playwright-core"
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

const ROWS = 10_000
const SMOOTH = 50 // ms that a frame may take
const PASSES = 3 // of which one must be smooth

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

/** Ten thousand conflicts, page by page, as the service would answer. */
async function tenThousand(page: Page): Promise<void> {
  await page.route("**/api/v1/reconcile?*", async (route: Route) => {
    const query = new URL(route.request().url()).searchParams
    const size = Number(query.get("pageSize") ?? 50)
    const first = (Number(query.get("page") ?? 1) - 1) * size
    const total = query.get("filter") === "missing" ? 0 : ROWS
    const items = Array.from({ length: Math.max(0, Math.min(size, total - first)) }, (_, at) =>
      conflict(first + at),
    )
    const counts = { conflicts: ROWS, missing: 0, matches: 0 }
    await route.fulfill({ json: { items, total, counts } })
  })
}

function conflict(at: number) {
  const side = {
    activity: at % 3 ? "Remote support" : "Project work",
    user: "Jana Weber",
    startedAt: `2026-11-${String(1 + (at % 27)).padStart(2, "0")}T09:45:00+01:00`,
    description: "",
  }
  return {
    id: String(1_000_000 + at),
    status: "conflict",
    ticketId: String(60_000 + at),
    ticketTitle: `VPN drops after client update ${at}`,
    customer: "Klinik am Park",
    source: { ...side, minutes: 60 + (at % 5) * 15, ticketNumber: String(60_000 + at) },
    target: { ...side, minutes: 60 },
    conflictReason: "Edited in Kimai after it was written.",
    reasonCode: "TARGET_EDITED",
    entryId: 5_000_000 + at,
    conflictType: "conflict",
    openedAt: "2026-11-20T06:00:00Z",
    allowedOps: ["keep-target", "update"],
    blockedBy: null,
    version: 1,
    links: {},
  }
}

type Scrolled = { frames: number[]; tasks: number[]; rows: number }

test("ten thousand rows scroll without a frame over 50 ms, and every row can be reached", {
  timeout: 120_000,
}, async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await tenThousand(page)
    await signedIn(visit, "/?tab=conflicts#reconcile")
    // What the page itself takes too long for it takes every time; a machine that is shared stands
    // still for others. So one pass of a few must be smooth, each from a page that was just loaded.
    const passes: string[] = []
    for (let smooth = false; !smooth && passes.length < PASSES; ) {
      if (passes.length) await page.reload()
      const { frames, tasks, rows } = await scrolledThrough(page)
      frames.sort((one, other) => one - other)
      const at = (share: number) => Math.round(frames[Math.floor(frames.length * share)] ?? 0)
      // Three refreshes of the screen are 50 ms, give or take the tenth that the clock is rounded to.
      const longest = Math.round(frames.at(-1) ?? 0)
      smooth = longest <= SMOOTH && tasks.every((one) => one <= SMOOTH)
      passes.push(
        `${frames.length} frames: median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${longest} ms; long tasks ${JSON.stringify(tasks)}; at most ${rows} rows in the page`,
      )
      console.log(passes.at(-1))
      expect(rows).toBeLessThanOrEqual(60)
      if (!smooth) expect(passes.length, passes.join("\n")).toBeLessThan(PASSES)
    }
  })
})

/** Through all of it once: 580 000 px, 1 000 px a frame, pages read as they come. */
async function scrolledThrough(page: Page): Promise<Scrolled> {
  const table = page.getByRole("table", { name: "Conflicts, 10,000 rows" })
  await table.waitFor()
  expect(await table.getAttribute("aria-rowcount")).toBe(String(ROWS + 1))
  await rowOf(page, /update 3/).waitFor()
  await settled(page)
  await page.waitForTimeout(1_000)
  const scrolled = await page.evaluate(async () => {
    const box = document.querySelector<HTMLElement>("section[aria-label$=', scrollable']")
    if (box === null) throw new Error("no list")
    const seen: Scrolled = { frames: [], tasks: [], rows: 0 }
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.tasks.push(Math.round(entry.duration))
    })
    observer.observe({ type: "longtask" })
    await new Promise<void>((done) => {
      let before = performance.now()
      const step = (now: number) => {
        seen.frames.push(now - before)
        before = now
        seen.rows = Math.max(seen.rows, box.querySelectorAll("[role=row]").length)
        const top = box.scrollTop
        box.scrollTop += 1_000
        if (box.scrollTop === top) done()
        else requestAnimationFrame(step)
      }
      requestAnimationFrame(step)
    })
    observer.disconnect()
    return seen
  })
  await rowOf(page, new RegExp(`update ${ROWS - 1}`)).waitFor()
  expect(await page.locator(`[role=row][aria-rowindex="${ROWS + 1}"]`).textContent()).toContain(
    `update ${ROWS - 1}`,
  )
  return scrolled
}
