import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import DryRun from "."
import { rangeInWords } from "./words"

const NEW = "/?dialog=dry-run"
const OLD = "/?dialog=dry-run&plan=2"
const plan = example("GET /api/v1/sync/plans/{plan_id}")
const box = async (name = "Dry run") => within(await screen.findByRole("dialog", { name }))

test("opening it makes a plan of now and shows counts, time and every change", async () => {
  answering("GET /api/v1/sync/plans/{plan_id}", { ...plan, plan_id: 1 })
  const made = answering("POST /api/v1/sync/plans", { ...plan, plan_id: 1, state: "building" }, 202)
  renderWithApp(<DryRun />, { at: NEW })
  const dialog = await box()
  const create = await dialog.findByRole("button", { name: /Create timesheets/ })
  expect(create).toHaveTextContent("14")
  expect(create).toHaveTextContent("+12 h 55 m")
  expect(dialog.getByRole("button", { name: /Left for you/ })).toHaveTextContent("6")
  expect(dialog.getByRole("button", { name: "Write 14 changes" })).toBeInTheDocument()
  expect(dialog.getByText(/Nothing has been written\./)).toBeInTheDocument()
  expect(await dialog.findByText("#10006 Password reset for the night shift")).toBeInTheDocument()
  expect(made).toHaveLength(1)
  expect(made[0]?.headers.get("Prefer")).toBe("respond-async")
  expect(new URLSearchParams(window.location.search).get("plan")).toBe("1")
})

test("a change opens to before, after and the exact request", async () => {
  const { user } = renderWithApp(<DryRun />, { at: OLD })
  const dialog = await box()
  const row = await dialog.findByRole("button", { name: /Password reset/ })
  await user.click(row)
  expect(row).toHaveAttribute("aria-expanded", "true")
  expect(dialog.getByText(/POST \/api\/timesheets/)).toHaveTextContent('"activity": 1')
  expect(dialog.getByRole("table", { name: "#10006: before and after" })).toBeInTheDocument()
})

test("a tile shows its rows only; the filter looks into the rows and can be cleared", async () => {
  const asked = answering(
    "GET /api/v1/sync/plans/{plan_id}/rows",
    example("GET /api/v1/sync/plans/{plan_id}/rows"),
  )
  const { user } = renderWithApp(<DryRun />, { at: OLD })
  const dialog = await box()
  const left = await dialog.findByRole("button", { name: /Left for you/ })
  await user.click(left)
  await waitFor(() => expect(asked.at(-1)?.url.searchParams.get("action")).toBe("conflict"))
  await user.click(left)
  await user.type(dialog.getByRole("searchbox", { name: "Filter changes" }), "zzz")
  expect(await dialog.findByText("No change matches “zzz”.")).toBeInTheDocument()
  await user.click(dialog.getByRole("button", { name: "Clear filter" }))
  expect(await dialog.findByText(/Password reset/)).toBeInTheDocument()
})

test("writing sends the digest and follows the run to its end", async () => {
  const applied = answering(
    "POST /api/v1/sync/plans/{plan_id}/apply",
    { run_id: 1, status_url: "/api/v1/sync/runs/1" },
    202,
  )
  const { user } = renderWithApp(<DryRun />, { at: OLD })
  const dialog = await box()
  await user.click(await dialog.findByRole("button", { name: "Write 14 changes" }))
  expect(
    await dialog.findByText("Run 1 has written it: 14 created, 0 updated, 0 deleted."),
  ).toBeInTheDocument()
  expect(applied[0]?.body).toEqual({ digest: plan.digest })
  expect(dialog.queryByRole("button", { name: /^Write/ })).not.toBeInTheDocument()
})

test("what moved meanwhile is listed, and a new plan is offered", async () => {
  answering("GET /api/v1/sync/plans/{plan_id}", {
    ...plan,
    drifted_rows: 1,
    drift: [{ row: 7, entry_id: 10000000002, field: "minutes", planned: "90", now: "105" }],
  })
  const { user } = renderWithApp(<DryRun />, { at: OLD })
  const dialog = await box()
  const table = within(await dialog.findByRole("table", { name: "What changed since the plan" }))
  expect(table.getByText("105")).toBeInTheDocument()
  const made = answering("POST /api/v1/sync/plans", { ...plan, plan_id: 2 }, 202)
  await user.click(dialog.getByRole("button", { name: "Plan again" }))
  await waitFor(() => expect(made).toHaveLength(1))
})

test("a refusal with its drift stands in the dialog", async () => {
  answering(
    "POST /api/v1/sync/plans/{plan_id}/apply",
    {
      detail: "One row of plan 2 moved since it was made. Nothing was written; make a new one.",
      code: "plan_drifted",
      errors: [],
      request_id: "r",
      drift: [{ row: 7, entry_id: 10000000002, field: "activity_id", planned: "4", now: "1" }],
    },
    409,
  )
  const { user } = renderWithApp(<DryRun />, { at: OLD })
  const dialog = await box()
  await user.click(await dialog.findByRole("button", { name: "Write 14 changes" }))
  expect(await dialog.findByText(/Nothing was written; make a new one\./)).toBeInTheDocument()
  expect(dialog.getByRole("table", { name: "What changed since the plan" })).toBeInTheDocument()
})

test("expired and applied plans cannot be written any more; the earlier ones are listed", async () => {
  answering("GET /api/v1/sync/plans/{plan_id}", { ...plan, state: "expired" })
  const { user } = renderWithApp(<DryRun />, { at: OLD })
  const dialog = await box()
  expect(await dialog.findByText(/Expired: plan again/)).toBeInTheDocument()
  expect(dialog.queryByRole("button", { name: /^Write/ })).not.toBeInTheDocument()
  await user.click(dialog.getByRole("button", { name: "Earlier dry runs" }))
  const earlier = await box("Earlier dry runs")
  expect(await earlier.findByRole("button", { name: "Show plan 1" })).toBeInTheDocument()
})

test("a run that is active refuses the plan; a viewer makes none", async () => {
  refusing("POST /api/v1/sync/plans", 409, "run_active", "Run 7 is active.")
  const { unmount } = renderWithApp(<DryRun />, { at: NEW })
  expect(await (await box()).findByText("Run 7 is active.")).toBeInTheDocument()
  expect((await box()).getByRole("button", { name: "Try again" })).toBeInTheDocument()
  unmount()
  const made = answering("POST /api/v1/sync/plans", plan, 202)
  renderWithApp(<DryRun />, { at: NEW, role: "viewer" })
  expect(await (await box()).findByText(/An operator may do this/)).toBeInTheDocument()
  expect(made).toHaveLength(0)
})

test("ranges in words", () => {
  expect(rangeInWords("2026-11-13", "2026-11-19")).toBe("13 to 19 November")
  expect(rangeInWords("2026-10-29", "2026-11-28")).toBe("29 October to 28 November")
  expect(rangeInWords(null, null)).toBe("the entries asked for")
})
