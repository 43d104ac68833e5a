/** A working day: Zammad calls, a peer fails, the line is cut, the session ends, a plan is written. */
import { expect, test } from "vitest"
import { everySection, expectAccessible, shot, signedIn, visiting } from "./browser"
import { book, ourDemo, setZammadUp, speaking, typeCalled } from "./peers"

const PATIENCE = 120_000 // ms

test("an edit in Zammad is seen live, called by Zammad's own trigger", {
  timeout: PATIENCE,
}, async () => {
  const { url, webhook_secret } = ourDemo()
  const systems = await speaking()
  const { webhooks } = await systems.zammad<{ webhooks: number[] }>("POST", "/_control/seed", {
    webhooks: [
      {
        name: "Timeledger",
        endpoint: `${url}/api/v1/webhook/zammad`,
        signature_token: webhook_secret,
      },
    ],
  })
  await systems.zammad("POST", "/_control/seed", {
    triggers: [
      {
        name: "Timeledger",
        condition: { "ticket.time_unit": { operator: "has changed" } },
        perform: { "notification.webhook": { webhook_id: webhooks[0] } },
      },
    ],
  })
  await visiting({}, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/?audit.view=events#audit")
    await page.getByText("Following live").waitFor()
    const booking = await book(systems, 7, 37, await typeCalled(systems, "Maintenance"))
    const events = page.getByRole("table", { name: "Events" })
    const entries = "/api/v1/entries?sort=-updated_at&limit=5"
    type Found = { items: { id: number; source_id: string; state: string }[] }
    let entry = 0
    await expect
      .poll(
        async () => {
          const { items } = await systems.service<Found>("GET", entries)
          const found = items.find((one) => one.source_id === String(booking))
          entry = found?.id ?? 0
          return found?.state
        },
        { timeout: 20_000 },
      )
      .toBe("synced")
    await events
      .getByText(new RegExp(`time-entry-${entry}`))
      .first()
      .waitFor()
    await page.goto(`/?entry=${entry}#reconcile`)
    const drawer = page.getByRole("dialog")
    await drawer.getByText(/37.m/).first().waitFor()
    await systems.zammad("PUT", `/api/v1/tickets/7/time_accountings/${booking}`, {
      time_unit: "52",
    })
    // Nothing is pressed: Zammad calls, the service looks and writes, the drawer follows.
    await drawer.getByText(/52.m/).first().waitFor({ timeout: 20_000 })
    await drawer.getByRole("button", { name: /^Updated in Kimai/ }).waitFor({ timeout: 20_000 })
    await expectAccessible(page)
    await shot(page, "live-edit-light")
  })
})

test("Kimai is down: the run fails in words, nothing is lost, the next one carries it across", {
  timeout: PATIENCE,
}, async () => {
  const systems = await speaking()
  const expected = [/502 \(Bad Gateway\)/] // what is read of Kimai itself
  await visiting({ expected }, async (visit) => {
    const { page } = visit
    await signedIn(visit)
    await page.locator("[data-live=live]").waitFor()
    await systems.kimai("PUT", "/_control/faults", {
      rules: [{ kind: "error_before", path_prefix: "/api" }],
    })
    const runs = page.getByRole("region", { name: "Sync runs" })
    try {
      await page.getByRole("button", { name: "Run sync now" }).click()
      await runs.getByText("Failed").first().waitFor({ timeout: 90_000 })
      await runs
        .getByRole("button", { name: /^Run #\d+$/ })
        .first()
        .click()
      const drawer = page.getByRole("dialog", { name: /^Run #/ })
      await drawer.getByText(/Kimai/).first().waitFor()
      await expectAccessible(page)
      await shot(page, "peer-down-light")
      await page.keyboard.press("Escape")
      await drawer.waitFor({ state: "detached" })
    } finally {
      await systems.kimai("DELETE", "/_control/faults")
    }
    await page.goto("/#connectors")
    const card = page.getByRole("region", { name: "Northwind billing", exact: true })
    await card.getByRole("button", { name: "Test connection" }).click()
    await card.getByText("Healthy").waitFor({ timeout: 30_000 })
    await page.goto("/")
    await page.getByRole("button", { name: "Run sync now" }).click()
    await runs.getByText("Completed").first().waitFor({ timeout: 60_000 })
  })
})

test("offline and back: what was known stays, commands rest, then it catches up", {
  timeout: PATIENCE,
}, async () => {
  const systems = await speaking()
  const expected = [/ERR_INTERNET_DISCONNECTED/]
  await visiting({ expected }, async (visit) => {
    const { page, context } = visit
    await signedIn(visit)
    await page.locator("[data-live=live]").waitFor()
    const entries = page.locator("#dashboard header p").filter({ hasText: "decision" })
    await entries.waitFor()
    await everySection(page)
    await context.setOffline(true)
    await page.locator("[data-live=offline]").waitFor({ timeout: 40_000 })
    await entries.waitFor() // still there
    const run = page.getByRole("button", { name: "Run sync now" })
    expect(await run.getAttribute("aria-disabled")).toBe("true")
    await expectAccessible(page)
    await shot(page, "offline-light")
    await page.keyboard.press("?") // its script was never loaded
    await systems.service("POST", "/api/v1/sync/run", {})
    const { data } = await systems.service<{ data: { id: number }[] }>(
      "GET",
      "/api/v1/sync/runs?limit=1",
    )
    await context.setOffline(false)
    await page.locator("[data-live=live]").waitFor({ timeout: 40_000 })
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor()
    await page.keyboard.press("Escape")
    await page
      .getByRole("region", { name: "Sync runs" })
      .getByRole("button", { name: `Run #${data[0]?.id}`, exact: true })
      .waitFor()
    await expect.poll(() => run.getAttribute("aria-disabled")).toBe(null)
  })
})

test("a session that ended asks for the password once and goes on where it was", {
  timeout: PATIENCE,
}, async () => {
  const { username, password, url } = ourDemo()
  await visiting({ expected: [/401/] }, async (visit) => {
    const { page, context } = visit
    await signedIn(visit, "/?tab=decision&reconcile.q=VPN#reconcile")
    await page.getByRole("heading", { name: "Reconcile" }).waitFor()
    await page.getByRole("tab", { name: /Ignored/ }).click()
    await page.getByRole("tab", { name: /Ignored/, selected: true }).waitFor()
    await context.clearCookies({ domain: new URL(url).hostname })
    // The next read meets it: of this click, or of the page itself a moment before.
    const next = page.getByRole("tab", { name: /Failed/ })
    await next.click({ timeout: 5_000 }).catch(() => undefined)
    await page.getByText("Your session has ended. Sign in to go on where you were.").waitFor()
    await expectAccessible(page)
    await shot(page, "session-ended-light")
    await page.getByLabel("Username").fill(username)
    await page.getByRole("textbox", { name: "Password" }).fill(password)
    await page.keyboard.press("Enter")
    await page.getByRole("tab", { name: /Ignored|Failed/, selected: true }).waitFor()
    expect(new URL(page.url()).searchParams.get("reconcile.q")).toBe("VPN")
    await page.locator("[data-live=live]").waitFor()
  })
})

test("a dry run's plan is written, and what it wrote is what it said", {
  timeout: PATIENCE,
}, async () => {
  const systems = await speaking()
  const type = await typeCalled(systems, "Maintenance")
  // What Zammad does not tell of waits for the next run: a booking on which no trigger fires.
  await setZammadUp(systems, { accept_webhooks: false })
  try {
    await book(systems, 9, 41, type)
    await book(systems, 9, 43, type)
    await visiting({}, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
      await page.keyboard.press("Shift+R")
      const dialog = page.getByRole("dialog", { name: "Dry run" })
      await dialog.getByText("Create timesheets").waitFor({ timeout: 45_000 })
      await expectAccessible(page)
      await shot(page, "plan-light")
      await dialog.getByRole("button", { name: /^Write 2.changes/ }).click()
      await dialog.getByText(/2 created/).waitFor({ timeout: 30_000 })
      await expectAccessible(page)
      await shot(page, "plan-written-light")
    })
  } finally {
    await setZammadUp(systems, { accept_webhooks: true })
  }
})
