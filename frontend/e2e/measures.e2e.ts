/**
 * What is measured in the real browser, with nothing else at work: the first paint on the real demo,
 * and ten thousand rows from a mocked network, scrolled without a frame over 50 ms.
 */
import type { Page, Route } from "playwright-core"
import { expect, test } from "vitest"
import { measured, settled, signedIn, visiting } from "./browser"

const ROWS = 10_000
const SMOOTH = 50 // ms that a frame may take
const PASSES = 3 // of which one must be smooth

/**
 * The bound is 1.5 s on a machine that is left alone. This one may be shared: the same scripts drawing
 * the login, in the same minute, say how much slower it is just now.
 */
const SOON = 1_500 // ms, largest contentful paint at a quarter of the speed
const LOGIN = 740 // ms, that of the login when the machine is left alone

test("the page is there soon and does not shift", { timeout: 120_000 }, async () => {
  await visiting({ expected: [/401/] }, async (signedOut) => {
    await visiting({}, async (visit) => {
      await signedIn(visit)
      // The best of three: other work on the machine makes a load slower, never quicker.
      const found = []
      const login = []
      for (let load = 0; load < 3; load += 1) {
        found.push(await measured(visit, "/", 4))
        login.push((await measured(signedOut, "/login", 4)).lcp)
      }
      const lcp = Math.min(...found.map((one) => one.lcp))
      const cls = Math.max(...found.map((one) => one.cls))
      const slower = Math.max(1, Math.min(...login) / LOGIN)
      console.log(
        `LCP ${Math.round(lcp)} ms at a quarter of the speed, the login's ${Math.round(Math.min(...login))}: the machine is ${slower.toFixed(2)} times slower than alone; CLS ${cls.toFixed(3)}`,
      )
      expect(lcp / slower).toBeLessThan(SOON)
      expect(cls).toBeLessThan(0.05)
    })
  })
})

const rowOf = (page: Page, name: RegExp) => page.getByRole("row", { name }).first()

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
