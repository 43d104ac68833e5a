/** Connectors: cards, editing, a token that is refused, the webhook; all put back as it was. */
import type { Page } from "playwright-core"
import { expect, test } from "vitest"
import {
  atWidth,
  expectAccessible,
  expectNoSidewaysScroll,
  lookedAt,
  NARROW,
  PHONE,
  shot,
  signedIn,
  type Visit,
  visiting,
  WIDE,
} from "./browser"
import { ourDemo, setZammadUp, speaking } from "./peers"

async function opened(visit: Visit): Promise<void> {
  await signedIn(visit, "/#connectors")
  await visit.page.getByRole("list", { name: "Connected systems" }).waitFor()
  await visit.page
    .getByText(/half hours healthy|nothing known yet/)
    .first()
    .waitFor({ state: "attached" })
}

const card = (page: Page, name: string) => page.getByRole("region", { name, exact: true })
const DESK = "Northwind service desk"
const BILLING = "Northwind billing"

for (const [name, size] of [
  ["1440", WIDE],
  ["390", PHONE],
] as const) {
  test(`both cards and the webhook at ${name}, both themes and the past`, async () => {
    await visiting({ size, touch: size !== WIDE }, async (visit) => {
      const { page } = visit
      await opened(visit)
      await page.getByRole("button", { name: "Test all" }).click()
      await card(page, DESK).getByText("Finds and reads tickets.").waitFor()
      await card(page, BILLING).getByText("Books for every user.").waitFor()
      await page.getByText("2 of 2 connections work.").first().waitFor()
      await lookedAt(page, `connectors-${name}`)
      await expectNoSidewaysScroll(page)
      if (size === PHONE) await atWidth(page, NARROW, "connectors")
      const now = encodeURIComponent(new Date().toISOString())
      await page.goto(`/?as_of=${now}#connectors`)
      await page.getByText("The address is shown for now only.").waitFor()
      await expectAccessible(page)
      const test = card(page, DESK).getByRole("button", { name: "Test connection" })
      expect(await test.getAttribute("aria-disabled")).toBe("true")
      await shot(page, `connectors-past-${name}`)
    })
  })
}

test("a setting is changed in words, what is wrong is said at its field", async () => {
  await visiting({ expected: [/422/] }, async (visit) => {
    const { page } = visit
    await opened(visit)
    const edit = card(page, DESK).getByRole("button", { name: "Edit" })
    await edit.click()
    const drawer = page.getByRole("dialog", { name: DESK })
    await drawer.getByLabel("Look back").fill("99999")
    await drawer.getByRole("button", { name: "Save" }).click()
    await drawer.getByText("It must be a whole number from 0 to 10080.").waitFor()
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-invalid")))
      .toBe("true")
    await lookedAt(page, "connector-edit")
    await drawer.getByLabel("Look back").fill("20")
    await drawer.getByRole("button", { name: "Save" }).click()
    await drawer.waitFor({ state: "detached" })
    await card(page, DESK)
      .getByText(/20.min back/)
      .waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    await expect.poll(focused).toBe("Edit")
    await edit.click()
    await drawer.getByLabel("Look back").fill("15")
    await drawer.getByRole("button", { name: "Save" }).click()
    await card(page, DESK)
      .getByText(/15.min back/)
      .waitFor()
  })
})

test("Kimai's settings are all there and accessible", async () => {
  await visiting({ size: PHONE, touch: true }, async (visit) => {
    const { page } = visit
    await opened(visit)
    await card(page, BILLING).getByRole("button", { name: "Edit" }).click()
    const drawer = page.getByRole("dialog", { name: BILLING })
    for (const group of ["Customers and projects", "Activities", "Rounding", "Writing"]) {
      await drawer.getByRole("group", { name: group }).waitFor()
    }
    await expectAccessible(page)
    await drawer.getByLabel("That project").click()
    await page.getByRole("option").nth(1).waitFor()
    await expectAccessible(page)
    await page.keyboard.press("Escape")
    await shot(page, "connector-kimai-390")
    await page.keyboard.press("Escape")
    await drawer.waitFor({ state: "detached" })
  })
})

test("another address asks for the token; a refused token changes nothing", async () => {
  await visiting({ expected: [/422/] }, async (visit) => {
    const { page } = visit
    await opened(visit)
    await card(page, BILLING).getByRole("button", { name: "Edit" }).click()
    const drawer = page.getByRole("dialog", { name: BILLING })
    await drawer.getByLabel("Address").fill("http://127.0.0.1:9")
    await drawer.getByRole("button", { name: "Test connection" }).click()
    await drawer.getByText("Enter the token.").waitFor()
    await page.keyboard.press("Escape")
    await drawer.waitFor({ state: "detached" })
    await page.getByRole("button", { name: `More for ${BILLING}` }).click()
    await page.getByRole("menuitem", { name: "New token…" }).click()
    const dialog = page.getByRole("dialog", { name: `New token for ${BILLING}` })
    await dialog.getByLabel("New token").fill("not-the-token-of-anybody")
    await dialog.getByRole("button", { name: "Use new token" }).click()
    await dialog.getByText(/refuses the token. The old token stays./).waitFor()
    await expectAccessible(page)
    await dialog.getByLabel("New token").fill(ourDemo().kimai_token)
    await dialog.getByRole("button", { name: "Use new token" }).click()
    await dialog.waitFor({ state: "detached" })
    await page.getByText(`${BILLING} uses the new token.`).waitFor()
  })
})

test("a token that Kimai takes away needs you; the right one mends it", async () => {
  await visiting({ expected: [/502 \(Bad Gateway\)/] }, async (visit) => {
    const { page } = visit
    const { kimai_url } = ourDemo()
    await opened(visit)
    const faults = `${kimai_url}/_control/faults`
    const rules = [{ kind: "unauthorized", path_prefix: "/api" }]
    await page.request.put(faults, { data: { rules } })
    try {
      await card(page, BILLING).getByRole("button", { name: "Test connection" }).click()
      await card(page, BILLING).getByText("Needs you.").waitFor()
      await lookedAt(page, "connectors-needs-you")
    } finally {
      await page.request.delete(faults)
    }
    await card(page, BILLING).getByRole("button", { name: "Use it again as it is" }).click()
    await card(page, BILLING).getByText("Needs you.").waitFor({ state: "detached" })
    await card(page, BILLING).getByRole("button", { name: "Test connection" }).click()
    await card(page, BILLING).getByText("Healthy").waitFor()
  })
})

test("webhooks: off and on again, two secrets during a rotation", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await opened(visit)
    const panel = page.getByRole("region", { name: "Webhook endpoint" })
    await panel.getByRole("switch", { name: "Accept webhooks" }).click()
    const ask = page.getByRole("dialog", { name: "Switch webhooks off?" })
    await expectAccessible(page)
    await ask.getByRole("button", { name: "Switch off" }).click()
    await panel.getByText(/Off: Zammad's deliveries are refused/).waitFor()
    await panel.getByRole("switch", { name: "Accept webhooks" }).click()
    await panel.getByText(/When off, the schedule alone/).waitFor()
    await panel.getByRole("button", { name: "Rotate secret…" }).click()
    const rotate = page.getByRole("dialog", { name: "Rotate the webhook secret" })
    await expectAccessible(page)
    await shot(page, "webhook-rotate-light")
    await rotate.getByRole("button", { name: "Save new secret" }).click()
    const guide = page.getByRole("dialog", { name: "Let Zammad call" })
    await guide.getByText(/Two secrets are valid/).waitFor()
    await expectAccessible(page)
    await guide.getByRole("button", { name: "Done" }).click()
    await panel.getByText(/Two secrets are valid/).waitFor()
    // Put the demo's own secret back for the tests after this one.
    await setZammadUp(await speaking(), { webhook_secret: visit.demo.webhook_secret })
  })
})

test("removing names what stops and wants the name", async () => {
  await visiting({}, async (visit) => {
    const { page } = visit
    await opened(visit)
    await page.getByRole("button", { name: `More for ${DESK}` }).click()
    await expectAccessible(page)
    await page.getByRole("menuitem", { name: "Remove…" }).click()
    const dialog = page.getByRole("dialog", { name: `Remove ${DESK}?` })
    await dialog.getByText(/No booking is read any more/).waitFor()
    await dialog.getByRole("button", { name: "Remove connector" }).click()
    await dialog.getByText(`This is not “${DESK}”.`).waitFor()
    await lookedAt(page, "connector-remove")
    await dialog.getByRole("button", { name: "Cancel" }).click()
    await dialog.waitFor({ state: "detached" })
  })
})
