import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, refusing } from "@/testing/server"
import RunRange from "."
import { daysBetween, rangesOf, wrongWith } from "./days"

const AT = "/?dialog=run-range"
const box = async () => within(await screen.findByRole("dialog", { name: "Run for other days" }))

test("ranges follow the day of the zone", () => {
  const at = Date.parse("2026-11-30T23:30:00Z")
  expect(rangesOf(at, "Europe/Brussels")[0].range).toEqual({
    start: "2026-11-25",
    end: "2026-12-01",
  })
  expect(rangesOf(at, "UTC")[4].range).toEqual({ start: "2026-10-01", end: "2026-10-31" })
  expect(daysBetween({ start: "2026-11-01", end: "2026-11-30" })).toBe(30)
})

test("wrong days are said in words", () => {
  expect(wrongWith({ start: "2026-02-30", end: "30.11.2026" })).toEqual({
    start: expect.stringMatching(/YYYY-MM-DD/),
    end: expect.stringMatching(/YYYY-MM-DD/),
  })
  expect(wrongWith({ start: "2026-11-02", end: "2026-11-01" }).end).toMatch(/before the first/)
  expect(wrongWith({ start: "2025-01-01", end: "2026-11-01" }).end).toBe(
    "At most 366 days at once.",
  )
})

test("plans the days with the connector, then shows the dry run", async () => {
  const made = answering("POST /api/v1/sync/plans", { plan_id: 9 }, 202)
  const { user } = renderWithApp(<RunRange />, { at: AT })
  const dialog = await box()
  const first = dialog.getByLabelText("First day")
  await user.clear(first)
  await user.type(first, "2026-1")
  await user.click(dialog.getByRole("button", { name: "Make dry run" }))
  expect(await dialog.findByText(/Write a day as YYYY-MM-DD/)).toBeInTheDocument()
  expect(first).toHaveFocus()
  expect(made).toHaveLength(0)
  await user.click(dialog.getByRole("button", { name: "Last month" }))
  await user.click(dialog.getByRole("combobox", { name: "Connector" }))
  await user.click(await screen.findByRole("option", { name: /Desk/ }))
  await user.click(dialog.getByRole("button", { name: "Make dry run" }))
  await waitFor(() => expect(window.location.search).toBe("?dialog=dry-run&plan=9"))
  expect(made[0]?.body).toMatchObject({ connector_id: 1 })
  expect(JSON.stringify(made[0]?.body)).toMatch(/"start_date":"\d{4}-\d\d-01"/)
})

test("runs at once when that is wanted; a refusal keeps the input and shows the run", async () => {
  const asked = refusing("POST /api/v1/sync/run", 409, "run_active", "Run 7 is active.")
  const { user } = renderWithApp(<RunRange />, { at: AT })
  const dialog = await box()
  await user.click(dialog.getByRole("checkbox", { name: /Dry run first/ }))
  await user.click(dialog.getByRole("button", { name: "Run sync" }))
  expect(await dialog.findByText(/Run 7 is active\./)).toBeInTheDocument()
  expect(asked[0]?.headers.get("Prefer")).toBe("respond-async")
  expect(dialog.getByRole("button", { name: "Show the run" })).toBeInTheDocument()
})

test("a viewer sees why not", async () => {
  renderWithApp(<RunRange />, { at: AT, role: "viewer" })
  expect(await (await box()).findByText(/An operator may do this/)).toBeInTheDocument()
})
