import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import type { SyncRun } from "@/api/shapes"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import Runs from "."

const one = example("GET /api/v1/sync/runs/{run_id}")
const list = (...changes: Partial<SyncRun>[]) => ({
  data: changes.map((change, index) => ({ ...one, id: 40 - index, ...change })),
  total: 45,
})

test("all runs: filtered from the address, exported as filtered, a page at a time", async () => {
  const asked = answering("GET /api/v1/sync/runs", list({}, { state: "failed", id: 12 }))
  const { user } = renderWithApp(<Runs />, {
    at: "/?dialog=runs&runs.state=failed&runs.from=2026-11-01&runs.q=503",
  })
  const drawer = await screen.findByRole("dialog", { name: "Sync runs" })
  const table = await within(drawer).findByRole("table", { name: /Sync runs/ })
  expect(within(table).getByText("Failed", { selector: "span" })).toBeInTheDocument()
  const query = Object.fromEntries(asked.at(-1)?.url.searchParams ?? [])
  expect(query).toEqual({
    state: "failed",
    start_date: "2026-11-01",
    search: "503",
    skip: "0",
    limit: "20",
  })
  expect(within(drawer).getByRole("link", { name: /as CSV/ })).toHaveAttribute(
    "href",
    "/api/v1/sync/runs/export?state=failed&start_date=2026-11-01&search=503&format=csv",
  )
  expect(within(drawer).getByText("1 to 20 of 45")).toBeInTheDocument()
  await user.click(within(drawer).getByRole("button", { name: "Older" }))
  await waitFor(() => expect(asked.at(-1)?.url.searchParams.get("skip")).toBe("20"))
  expect(window.location.search).toContain("runs.page=2")
  await user.click(within(drawer).getByRole("button", { name: "Clear" }))
  await waitFor(() => expect(window.location.search).toBe("?dialog=runs"))
})

test("a day that is none is said at the field and not asked for", async () => {
  const asked = answering("GET /api/v1/sync/runs", list({}))
  const { user } = renderWithApp(<Runs />, { at: "/?dialog=runs" })
  await user.type(await screen.findByLabelText("Started from"), "1.11.2026")
  expect(screen.getByText("A day is written 2026-11-28.")).toBeInTheDocument()
  expect(asked.every((each) => each.url.searchParams.get("start_date") === null)).toBe(true)
})

test("a filter that finds nothing says so and can be cleared", async () => {
  answering("GET /api/v1/sync/runs", { data: [], total: 0 })
  renderWithApp(<Runs />, { at: "/?dialog=runs&runs.trigger=webhook" })
  expect(await screen.findByText("No run matches these filters.")).toBeInTheDocument()
})

test("a run: what it did to each entry, its audit, what caused it, its error", async () => {
  answering("GET /api/v1/sync/runs/{run_id}", {
    ...one,
    id: 12,
    state: "failed",
    status: "failed",
    error_message: "Kimai answered 503 for 90 s.",
    cause: { kind: "user", id: "alice" },
    correlation_id: "run-12",
    entries_failed: 2,
  })
  const entry = example("GET /api/v1/sync/runs/{run_id}/entries").items[0]
  if (entry === undefined) throw new Error("The example has no entry.")
  const asked = answering("GET /api/v1/sync/runs/{run_id}/entries", {
    items: [
      { ...entry, ticket_number: "10005", minutes: 90, timesheet_id: 2 },
      {
        ...entry,
        entry_id: 8,
        ticket_number: "10006",
        action: "failed",
        position: 9,
        timesheet_id: null,
        message: "Kimai refuses the project.",
      },
    ],
    next_cursor: null,
  })
  const [log] = example("GET /api/v1/audit-logs").data
  if (log === undefined) throw new Error("The example has no audit log.")
  answering("GET /api/v1/audit-logs", {
    data: [{ ...log, id: 2431, action: "sync_failed", user: "sync" }],
    total: 1,
  })
  const { user } = renderWithApp(<Runs />, { at: "/?dialog=runs&run=12" })
  const drawer = await screen.findByRole("dialog", { name: "Run #12" })
  expect(await within(drawer).findByText("Kimai answered 503 for 90 s.")).toBeInTheDocument()
  expect(within(drawer).getByText("alice, by hand")).toBeInTheDocument()
  const table = await within(drawer).findByRole("table", { name: "Entries of run 12" })
  expect(within(table).getByRole("row", { name: /#10005/ })).toHaveTextContent(/Created90.m2/)
  expect(within(table).getByText("Kimai refuses the project.")).toBeInTheDocument()
  expect(await within(drawer).findByText("event 2,431")).toBeInTheDocument()
  expect(within(drawer).getByText("sync_failed")).toBeInTheDocument()
  await user.click(within(drawer).getByRole("combobox", { name: "Show only" }))
  await user.click(await screen.findByRole("option", { name: "Not written" }))
  await waitFor(() => expect(asked.at(-1)?.url.searchParams.get("action")).toBe("failed"))
  expect(window.location.search).toContain("run.action=failed")
  const where = (name: RegExp) => within(drawer).getByRole("link", { name }).getAttribute("href")
  expect(where(/^#10006, open the entry/)).toBe("/?entry=8#reconcile")
  expect(where(/^event 2,431/)).toBe("/?audit.event=2431#audit")
  await user.click(within(drawer).getByRole("link", { name: /^run-12/ }))
  expect(window.location.search).toBe("?audit.correlation=run-12")
  expect(window.location.hash).toBe("#audit")
})

test("a run that does not exist is said", async () => {
  refusing("GET /api/v1/sync/runs/{run_id}", 404, "not_found", "There is no such run.")
  renderWithApp(<Runs />, { at: "/?dialog=runs&run=999" })
  expect(await screen.findByText(/There is no such run\./)).toBeInTheDocument()
})

test("a run that goes on in the past has taken until the moment shown, not until now", async () => {
  const began = { state: "running", status: "running", duration_seconds: null } as const
  answering("GET /api/v1/sync/runs", list({ ...began, started_at: "2026-11-27T09:59:48Z" }))
  const { unmount } = renderWithApp(<Runs />, { at: "/?dialog=runs&as_of=2026-11-27T10:00:00Z" })
  expect(await screen.findByText("12 s")).toBeInTheDocument()
  unmount()
  renderWithApp(<Runs />, { at: "/?dialog=runs&as_of=position:12" })
  expect(await screen.findByText("not ended")).toBeInTheDocument()
})
