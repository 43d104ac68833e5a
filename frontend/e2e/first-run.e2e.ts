/** From nothing to the first sync, as a new user goes: on a demo of its own, with nothing connected. */
import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import {
  expectAccessible,
  expectNoSidewaysScroll,
  lookedAt,
  PHONE,
  signedIn,
  visiting,
  WIDE,
} from "./browser"
import { bareHouse } from "./house"
import { delivered } from "./peers"

let house: Awaited<ReturnType<typeof bareHouse>>
beforeAll(async () => {
  house = await bareHouse()
})
afterAll(async () => {
  await house?.stop()
})

async function connect(page: Page, system: "Zammad" | "Kimai", address: string, token: string) {
  await page
    .getByRole("listitem")
    .getByRole("button", { name: `Connect ${system}` })
    .first()
    .click()
  const drawer = page.getByRole("dialog", { name: `Connect ${system}` })
  await drawer.getByLabel("Name").fill(`Northwind ${system}`)
  await drawer.getByLabel("Address").fill(address)
  await drawer.getByLabel("Access token", { exact: true }).fill(token)
  await drawer.getByRole("button", { name: "Test connection" }).click()
  return drawer
}

const step = (page: Page, name: string) => page.locator(`[data-step=${name}]`)

test("a new user comes from nothing to the first sync", { timeout: 240_000 }, async () => {
  await visiting({ demo: house.demo }, async (visit) => {
    const { page, demo } = visit
    await signedIn(visit)
    await page.getByRole("heading", { level: 1, name: "Set up Timeledger" }).waitFor()
    await page.getByText("0 of 6 done").waitFor()
    await lookedAt(page, "first-run-nothing")
    await expectNoSidewaysScroll(page)

    // 1 Zammad: a wrong token is said and nothing is lost; the right one shows what it may do.
    const zammad = await connect(page, "Zammad", demo.zammad_url, "not-the-token-at-all")
    await zammad.getByText("Zammad refuses the token.").waitFor()
    expect(await zammad.getByLabel("Address").inputValue()).toBe(demo.zammad_url)
    await expectAccessible(page)
    await zammad.getByLabel("Access token", { exact: true }).fill(demo.zammad_token)
    await zammad.getByRole("button", { name: "Test connection" }).click()
    await zammad.getByText(/^Connected to Zammad as/).waitFor()
    await zammad.getByText("Finds and reads tickets.").waitFor()
    await lookedAt(page, "connector-tested")
    await zammad.getByRole("button", { name: "Add Zammad" }).click()
    await zammad.waitFor({ state: "detached" })
    await step(page, "zammad").and(page.locator("[data-done]")).waitFor()
    await page.getByText("1 of 6 done").waitFor()

    // 2 Kimai
    const kimai = await connect(page, "Kimai", demo.kimai_url, demo.kimai_token)
    await kimai.getByText(/^Connected to Kimai as/).waitFor()
    await kimai.getByRole("button", { name: "Add Kimai" }).click()
    await kimai.waitFor({ state: "detached" })
    await step(page, "kimai").and(page.locator("[data-done]")).waitFor()

    // What is read already shows at once.
    await page.getByText("People", { exact: true }).waitFor()
    await page.getByText("Customers", { exact: true }).waitFor()

    // 3 Activities: those of the same name are accepted, one is chosen.
    await page.getByRole("button", { name: /^Accept \d+ match/ }).waitFor()
    await lookedAt(page, "first-run")
    await page.getByRole("button", { name: /^Accept \d+ match/ }).click()
    await page.getByRole("button", { name: /^Accept \d+ match/ }).waitFor({ state: "detached" })
    await page.getByRole("button", { name: "Leave the rest for later" }).click()

    // 4 Webhook: a secret, then the first delivery turns the check green by itself.
    await step(page, "webhook").getByRole("button", { name: "Set up in Zammad" }).click()
    const guide = page.getByRole("dialog", { name: "Let Zammad call" })
    await guide.getByRole("button", { name: "Make a secret" }).click()
    await guide.getByText("Copy it now").waitFor()
    const secret = await guide.locator("code").first().textContent()
    await guide.locator("[data-waiting=waiting]").waitFor()
    await lookedAt(page, "webhook-guide")
    expect(await delivered(demo, 1, "not the secret of anybody")).toBe(403)
    await guide.getByText(/but was refused/).waitFor()
    expect(await delivered(demo, 1, secret ?? "")).toBe(202)
    await guide.locator("[data-waiting=arrived]").waitFor()
    await expectAccessible(page)
    await guide.getByRole("button", { name: "Done" }).click()
    await step(page, "webhook").and(page.locator("[data-done]")).waitFor()

    // Run sync stays off until a dry run was seen.
    const run = page.getByRole("button", { name: /^Run sync/ }).first()
    expect(await run.getAttribute("aria-disabled")).toBe("true")

    // 5 The dry run; its dialog has tests of its own, here the service makes the plan.
    const headers = { Origin: demo.url }
    const made = await page.request.post(`${demo.url}/api/v1/sync/plans`, { data: {}, headers })
    expect([201, 202]).toContain(made.status())
    await step(page, "dry-run").and(page.locator("[data-done]")).waitFor()
    await step(page, "dry-run")
      .getByText(/would be created in Kimai/)
      .waitFor()
    await expect.poll(() => run.getAttribute("aria-disabled")).toBe(null)
    await lookedAt(page, "first-run-planned")

    // The first sync; the checklist stays for its last step, then it is gone for good.
    await run.click()
    await page.getByRole("button", { name: "Go to the dashboard" }).waitFor({ timeout: 90_000 })
    await expectAccessible(page)
    const on = await page.request.put(`${demo.url}/api/v1/schedule`, {
      data: { enabled: true, cron: "*/15 * * * 1-5" },
      headers,
    })
    expect(on.status()).toBe(200)
    await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
    const figures = page.waitForResponse(/sync\/kpi/)
    await page.reload()
    await figures
    await page.locator("[data-live=live]").waitFor()
    await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
  })
})

test("disabling a connector later does not bring the checklist back", async () => {
  await visiting({ demo: house.demo, size: PHONE, touch: true }, async (visit) => {
    const { page } = visit
    await signedIn(visit, "/#connectors")
    await page.getByRole("button", { name: "More for Northwind Kimai" }).click()
    await page.getByRole("menuitem", { name: "Disable…" }).click()
    const dialog = page.getByRole("dialog", { name: "Disable Northwind Kimai?" })
    await dialog.getByText(/Nothing is written to Kimai any more/).waitFor()
    await expectAccessible(page)
    await dialog.getByRole("button", { name: "Disable" }).click()
    await page.getByText("Disabled", { exact: true }).waitFor()
    const figures = page.waitForResponse(/sync\/kpi/)
    await page.reload()
    await figures
    await page.getByText("Disabled", { exact: true }).waitFor()
    await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
    await page.getByRole("button", { name: "More for Northwind Kimai" }).click()
    await page.getByRole("menuitem", { name: "Enable" }).click()
    await page.getByText("Disabled", { exact: true }).waitFor({ state: "detached" })
    await expectNoSidewaysScroll(page)
    await page.setViewportSize(WIDE)
  })
})
