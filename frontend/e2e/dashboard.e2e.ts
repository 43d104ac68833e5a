import { createHmac, randomUUID } from "node:crypto"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import {
  expectAccessible,
  expectNoSidewaysScroll,
  launched,
  PHONE,
  setTheme,
  settled,
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

/** As Zammad's trigger does it; with another key the service refuses it. */
async function delivered(ticket: number, key = inject("demo").webhook_secret): Promise<number> {
  const body = JSON.stringify({ ticket: { id: ticket }, article: { id: ticket } })
  const signature = createHmac("sha1", key).update(body).digest("hex")
  const answer = await fetch(`${inject("demo").url}/api/v1/webhook/zammad`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-Hub-Signature": `sha1=${signature}`,
      "X-Zammad-Delivery": randomUUID(),
    },
    body,
  })
  return answer.status
}

test("shots", async () => {
  for (const ticket of [3, 4, 5]) expect(await delivered(ticket)).toBe(202)
  expect(await delivered(6, "another key of sixteen")).toBe(403)
  for (const [name, size] of [
    ["1440", WIDE],
    ["768", { width: 768, height: 1024 }],
    ["390", PHONE],
    ["320", { width: 320, height: 700 }],
  ] as const) {
    await visiting(browser, { size, touch: size.width < 700 }, async (visit) => {
      const { page } = visit
      await signedIn(visit)
      await page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor()
      await page.locator(".recharts-surface").first().waitFor()
      for (const theme of ["light", "dark"] as const) {
        await setTheme(page, theme)
        await settled(page)
        await page
          .locator("#dashboard")
          .screenshot({ path: `${process.env.SHOTS}/d-${name}-${theme}.png` })
      }
      console.log(
        name,
        await page.evaluate(() =>
          [...document.querySelectorAll("#dashboard *, header *")]
            .filter(
              (e) =>
                e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 &&
                !e.closest(".overflow-x-auto"),
            )
            .slice(0, 6)
            .map((e) => e.outerHTML.slice(0, 160)),
        ),
      )
    })
  }
})
