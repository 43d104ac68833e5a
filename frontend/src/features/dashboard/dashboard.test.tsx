import { act, screen, waitFor, within } from "@testing-library/react"
import { HttpResponse, http } from "msw"
import { beforeEach, expect, test } from "vitest"
import type { Delivery, Kpi, SyncRun } from "@/api/shapes"
import { FakeEventSource } from "@/testing/event-source"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing, server } from "@/testing/server"
import Dashboard from "."

const NBSP = /\u00a0/g
const text = (element: Element | null) => (element?.textContent ?? "").replace(NBSP, " ")

function figures(change: (kpi: Kpi) => void = () => {}): Kpi {
  const kpi = example("GET /api/v1/sync/kpi")
  const { key_figures: now } = kpi
  kpi.display_timezone = "Europe/Berlin"
  kpi.series.days = [
    { date: "2026-11-18", synced: 3600, pending: 0, conflict: 30, failed: 0, ignored: 0 },
    { date: "2026-11-19", synced: 1800, pending: 45, conflict: 0, failed: 190, ignored: 15 },
  ]
  now.at = "2026-11-19T13:30:00Z"
  now.coverage = { minutes_in_kimai: 75_581, minutes_booked: 76_676, share: 0.9857 }
  now.held_back = {
    entries: 23,
    minutes: 1095,
    pending: { entries: 9, minutes: 465 },
    conflict: { entries: 11, minutes: 440 },
    failed: { entries: 3, minutes: 190 },
  }
  now.decisions = { entries: 23, oldest_since: "2026-11-09T13:30:00Z" }
  now.sync_lag = {
    ...now.sync_lag,
    p95_seconds: 108,
    seen_p95_seconds: 3,
    late: 0,
    interval_seconds: 900,
  }
  const { before: _, ...rest } = structuredClone(now)
  now.before = {
    ...rest,
    at: "2026-10-20T13:30:00Z",
    coverage: { minutes_in_kimai: 70_000, minutes_booked: 71_000, share: 0.9859 },
    held_back: { ...rest.held_back, minutes: 875 },
  }
  change(kpi)
  return kpi
}

function runs(...changes: Partial<SyncRun>[]) {
  const one = example("GET /api/v1/sync/runs/{run_id}")
  const data = changes.map((change, index) => ({ ...one, id: 10 - index, ...change }))
  return { data, total: data.length }
}

const delivery = (position: number, change: Partial<Delivery> = {}): Delivery => ({
  ...(example("GET /api/v1/webhook/deliveries").items[0] as Delivery),
  delivery_id: `d-${position}`,
  position,
  ticket_id: position,
  status: "processed",
  attempts: 1,
  run_id: 7,
  ...change,
})

beforeEach(() => {
  answering("GET /api/v1/sync/kpi", figures())
})

test("the answer comes first, then four figures and what they compare with", async () => {
  renderWithApp(<Dashboard />)
  expect(
    await screen.findByText(
      "23 entries need a decision. 3 entries gave up and can be tried again. Everything else is in Kimai or on its way.",
    ),
  ).toBeInTheDocument()
  const inKimai = screen.getByRole("region", { name: "Time in Kimai" })
  expect(text(inKimai)).toContain("1,259 h 41 m")
  expect(text(inKimai)).toContain("8.0 % vs prior 30 days")
  expect(text(inKimai)).toContain("98.5 % of 1,277 h 56 m booked in Zammad")
  const held = screen.getByRole("region", { name: "Held back from Kimai" })
  expect(text(held)).toContain("18 h 15 m")
  expect(text(held)).toContain("up3 h 40 m since 20 Oct")
  expect(text(held)).toMatch(/Pending7 h 45 m.*Conflict7 h 20 m.*Failed3 h 10 m/)
  const decide = screen.getByRole("region", { name: "Needs a decision" })
  expect(text(decide)).toContain("oldest waits 10 days")
  expect(within(decide).getByRole("link", { name: "Review" })).toHaveAttribute(
    "href",
    "/#reconcile",
  )
  const lag = screen.getByRole("region", { name: "Sync lag, p95" })
  expect(text(lag)).toContain("1 m 48 s")
  expect(within(lag).getByText("On time")).toBeInTheDocument()
})

test("each part of what is held back leads to its rows", async () => {
  renderWithApp(<Dashboard />, { at: "/?range=7d&tab=dead&reconcile.q=vpn" })
  const held = await screen.findByRole("region", { name: "Held back from Kimai" })
  const leads = (name: RegExp) => within(held).getByRole("link", { name }).getAttribute("href")
  expect(leads(/9 entries/)).toBe("/?range=7d&tab=pending#reconcile")
  expect(leads(/11 entries/)).toBe("/?range=7d#reconcile")
  expect(leads(/3 entries/)).toBe("/?range=7d&tab=failed#reconcile")
})

test("each figure says what it is", async () => {
  const { user } = renderWithApp(<Dashboard />)
  await user.click(await screen.findByRole("button", { name: "What is Time in Kimai?" }))
  expect(await screen.findByText(/share of all time booked in Zammad/)).toBeInTheDocument()
  await user.keyboard("{Escape}")
  await waitFor(() =>
    expect(screen.getByRole("button", { name: "What is Time in Kimai?" })).toHaveFocus(),
  )
})

test("what nobody knows is not shown as a number", async () => {
  answering(
    "GET /api/v1/sync/kpi",
    figures((kpi) => {
      kpi.key_figures.before = null
      kpi.key_figures.coverage = { minutes_in_kimai: 0, minutes_booked: 0, share: null }
      kpi.key_figures.sync_lag = {
        ...kpi.key_figures.sync_lag,
        p95_seconds: null,
        seen_p95_seconds: null,
      }
    }),
  )
  renderWithApp(<Dashboard />)
  expect(await screen.findByText("Nothing was booked in Zammad on these days.")).toBeInTheDocument()
  expect(screen.getByText("Nothing was written on these days.")).toBeInTheDocument()
  expect(screen.queryByText(/vs prior/)).not.toBeInTheDocument()
})

test("when nothing comes through, what is late is said all the same", async () => {
  answering(
    "GET /api/v1/sync/kpi",
    figures((kpi) => {
      kpi.lag_seconds = 7_200
      kpi.key_figures.sync_lag = { ...kpi.key_figures.sync_lag, p95_seconds: null, late: 4 }
    }),
  )
  renderWithApp(<Dashboard />)
  const lag = await screen.findByRole("region", { name: "Sync lag, p95" })
  expect(within(lag).getByText("4 late")).toBeInTheDocument()
  expect(within(lag).getByText("Nothing was written on these days.")).toBeInTheDocument()
})

test("the range is kept in the address and asked for", async () => {
  const asked = answering("GET /api/v1/sync/kpi", figures())
  const { user } = renderWithApp(<Dashboard />)
  await screen.findByText(/need a decision/)
  await user.click(screen.getByRole("button", { name: "90 days" }))
  await waitFor(() => expect(asked.at(-1)?.url.searchParams.get("range")).toBe("90d"))
  expect(window.location.search).toBe("?range=90d")
  expect(screen.getByRole("button", { name: "90 days" })).toHaveAttribute("aria-pressed", "true")
})

test("the chart has a table with the same figures, one click away", async () => {
  const { user } = renderWithApp(<Dashboard />)
  await user.click(await screen.findByRole("button", { name: "Show as table" }))
  const table = await screen.findByRole("table", { name: /Minutes per day/ })
  const row = within(table).getByRole("row", { name: /Thursday/ })
  expect(within(row).getAllByRole("cell").map(text)).toEqual([
    "1,800 m",
    "45 m",
    "0 m",
    "190 m",
    "15 m",
    "2,050 m",
  ])
  expect(screen.getByText("Days follow Europe/Berlin. Today is still open.")).toBeInTheDocument()
  expect(window.location.search).toBe("?days=table")
})

test("a failed panel says what failed and leaves the others alive", async () => {
  refusing("GET /api/v1/sync/runs", 503, "database_unavailable", "The database is not reachable.")
  const { user } = renderWithApp(<Dashboard />)
  expect(await screen.findByText(/Could not load the sync runs/)).toBeInTheDocument()
  expect(screen.getByText(/23 entries need a decision/)).toBeInTheDocument()
  answering("GET /api/v1/sync/runs", runs({ id: 4, entries_synced: 9 }))
  const panel = screen.getByRole("region", { name: "Sync runs" })
  await user.click(within(panel).getByRole("button", { name: "Retry" }))
  expect(await screen.findByRole("table", { name: "Recent sync runs" })).toBeInTheDocument()
})

test("the run that goes on shows its phases and can be stopped with a reason", async () => {
  const going: Partial<SyncRun> = {
    id: 12,
    state: "running",
    status: "running",
    ended_at: null,
    duration_seconds: null,
    cause: { kind: "schedule", id: "schedule" },
    progress: {
      phase: "write",
      done: 41,
      total: 89,
      found: 120,
      decided: 100,
      written: 41,
      failed: 0,
      left: 48,
    },
  }
  answering("GET /api/v1/sync/runs", runs(going, { id: 11, entries_synced: 31 }))
  const { user } = renderWithApp(<Dashboard />)
  const current = await screen.findByRole("region", { name: "Run 12, running" })
  const phases = within(current).getAllByRole("listitem")
  expect(phases.map(text)).toEqual([
    "Read, done",
    "Decide, done",
    "Write 41 of 89, now",
    "Verify, to come",
  ])
  expect(phases[2]).toHaveAttribute("aria-current", "step")
  await user.click(within(current).getByRole("button", { name: "Cancel run 12" }))
  const asked = refusing(
    "POST /api/v1/sync/runs/{run_id}/cancel",
    409,
    "run_not_active",
    "Run 12 has ended.",
  )
  await user.type(await screen.findByLabelText(/Reason/), "wrong mapping")
  await user.click(screen.getByRole("button", { name: "Stop the run" }))
  expect(await screen.findByText("Run 12 has ended.")).toBeInTheDocument()
  expect(screen.getByLabelText(/Reason/)).toHaveValue("wrong mapping")
  expect(asked[0]?.body).toEqual({ reason: "wrong mapping" })
  // It ends: said aloud once, and listed.
  answering("GET /api/v1/sync/runs", runs({ id: 12, entries_synced: 89, conflicts_detected: 2 }))
  act(() => {
    FakeEventSource.last.opens()
    FakeEventSource.last.send("head", 300, { touched: ["syncRuns"] })
  })
  expect(
    await screen.findByText(/Run 12 completed: 89 new, 0 updated, 2 for review\./),
  ).toBeInTheDocument()
})

test("a viewer reads why a run cannot be stopped", async () => {
  answering("GET /api/v1/sync/runs", runs({ id: 12, state: "running", status: "running" }))
  renderWithApp(<Dashboard />, { role: "viewer" })
  const button = await screen.findByRole("button", { name: "Cancel run 12" })
  expect(button).toHaveAttribute("aria-disabled", "true")
})

test("a run opens from its row", async () => {
  answering("GET /api/v1/sync/runs", runs({ id: 9, error_message: "Kimai 503", state: "failed" }))
  const { user } = renderWithApp(<Dashboard />)
  expect(await screen.findByText("Kimai 503")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "Run #9" }))
  expect(window.location.search).toBe("?dialog=runs&run=9")
})

test("connections: state in words, 48 half hours in one sentence, and who has to act", async () => {
  const parts = Array.from({ length: 48 }, (_, index) => ({
    from: new Date(Date.UTC(2026, 10, 18, 14, index * 30)).toISOString(),
    to: new Date(Date.UTC(2026, 10, 18, 14, index * 30 + 30)).toISOString(),
    state: index === 46 ? ("down" as const) : ("ok" as const),
    message: null,
  }))
  answering("GET /api/v1/connectors/{connector_id}/health/history", {
    connector_id: 2,
    parts,
    turns: [
      { at: "2026-11-01T08:00:00Z", state: "ok", message: null },
      { at: "2026-11-19T13:05:00Z", state: "down", message: "Kimai answered 503." },
      { at: "2026-11-19T13:16:00Z", state: "ok", message: null },
    ],
  })
  const health = example("GET /api/v1/connectors/{connector_id}/health")
  answering("GET /api/v1/connectors/{connector_id}/health", {
    ...health,
    state: "auth_failed",
    message: "Kimai refuses the token.",
    needs: "person",
    latency_ms: 212,
  })
  renderWithApp(<Dashboard />)
  const panel = await screen.findByRole("region", { name: "Connections" })
  const kimai = await within(panel).findByRole("region", { name: "Billing, health" })
  expect(await within(kimai).findByText("Sign-in refused")).toBeInTheDocument()
  expect(
    await within(kimai).findByRole("img", {
      name: /47 healthy, 1 not reachable\. Not reachable, 13:05 to 13:16/,
    }),
  ).toBeInTheDocument()
  expect(within(kimai).getByText(/Kimai refuses the token\./)).toBeInTheDocument()
  expect(within(kimai).getByRole("link", { name: "What to do" })).toHaveAttribute(
    "href",
    "/#connectors",
  )
  expect(text(kimai)).toContain("answers in 212 ms")
  const store = within(panel).getByRole("region", { name: "Event store, health" })
  expect(await within(store).findByText(/all \d+ views current/)).toBeInTheDocument()
})

test("new deliveries wait while the pointer is inside, and come when asked for", async () => {
  answering("GET /api/v1/webhook/deliveries", { items: [delivery(1)], next_cursor: null })
  const { user } = renderWithApp(<Dashboard />)
  const list = await screen.findByRole("list", { name: /Webhook deliveries/ })
  expect(within(list).getAllByRole("listitem")).toHaveLength(1)
  await user.hover(list)
  const more = {
    items: [delivery(3), delivery(2)],
    next_cursor: null,
  }
  answering("GET /api/v1/webhook/deliveries", more)
  act(() => {
    FakeEventSource.last.opens()
    FakeEventSource.last.send("delivery.received", 301, { delivery_id: "d-3", ticket_id: 3 })
  })
  const waiting = await screen.findByRole("button", { name: "2 new" })
  // The one that newer ones pushed out of the answer stays under the pointer.
  expect(within(list).getByText("id 1")).toBeInTheDocument()
  expect(within(list).getAllByRole("listitem")).toHaveLength(1)
  await user.click(waiting)
  await waitFor(() => expect(within(list).getAllByRole("listitem")).toHaveLength(2))
  expect(screen.queryByRole("button", { name: "2 new" })).not.toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "Pause" }))
  expect(screen.getByText("Paused")).toBeInTheDocument()
})

test("one delivery is repeated; a refusal is said and a rejected one cannot be", async () => {
  answering("GET /api/v1/webhook/deliveries", {
    items: [
      delivery(2, { status: "failed", message: "Zammad answered 503.", run_id: null }),
      delivery(1, { status: "rejected", ticket_id: null, run_id: null }),
    ],
    next_cursor: null,
  })
  const refused = refusing(
    "POST /api/v1/webhook/deliveries/{delivery_id}/replay",
    409,
    "entry_state",
    "This delivery cannot be repeated.",
  )
  const { user } = renderWithApp(<Dashboard />)
  expect(await screen.findByText("Zammad answered 503.")).toBeInTheDocument()
  expect(screen.getByRole("button", { name: "Repeat the delivery of no ticket" })).toHaveAttribute(
    "aria-disabled",
    "true",
  )
  await user.click(screen.getByRole("button", { name: "Repeat the delivery of ticket id 2" }))
  expect(await screen.findByText("This delivery cannot be repeated.")).toBeInTheDocument()
  expect(refused[0]?.url.pathname).toBe("/api/v1/webhook/deliveries/d-2/replay")
})

test("a filter without deliveries names itself and can be cleared", async () => {
  answering("GET /api/v1/webhook/deliveries", { items: [], next_cursor: null })
  const { user } = renderWithApp(<Dashboard />, { at: "/?deliveries=failed" })
  await user.click(await screen.findByRole("button", { name: "Clear the filter" }))
  expect(await screen.findByText("No delivery yet.")).toBeInTheDocument()
  expect(window.location.search).toBe("")
})

const LETTER = {
  id: "entry-4711",
  kind: "entry" as const,
  entry_id: 4711,
  delivery_id: null,
  reason_code: "PEER_REJECTED",
  cause: "PROJECT_HIDDEN" as const,
  message: "The project is hidden in Kimai.",
  attempts: 8,
  first_failed_at: "2026-11-09T13:30:00Z",
  last_failed_at: "2026-11-19T13:30:00Z",
}

function someDeadLetters() {
  answering("GET /api/v1/dead-letters", { items: [LETTER], next_cursor: null, total: 1 })
}

test("dead letters: by cause, tried again one, group or all; what was refused is said", async () => {
  someDeadLetters()
  const { user } = renderWithApp(<Dashboard />)
  expect(await screen.findByText("1 dead letter")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: /Review dead letters/ }))
  const { reason_code, cause, message } = LETTER
  const asked = answering(
    "POST /api/v1/dead-letters/retry",
    { accepted: 2, refused: [{ id: "entry-9", code: "entry_state" }] },
    202,
  )
  answering("GET /api/v1/dead-letters", {
    items: [{ reason_code, cause, message, count: 3 }],
    next_cursor: null,
    total: 1,
  })
  const drawer = await screen.findByRole("dialog", { name: "Dead letters" })
  await user.click(await within(drawer).findByRole("button", { name: "Retry 3" }))
  expect(await within(drawer).findByText(/2 dead letters are tried again/)).toHaveTextContent(
    /1 refused\.\s*entry-9: entry_state/,
  )
  expect(asked[0]?.body).toEqual({ filter: { reason_code, cause, message } })
  someDeadLetters()
  await user.click(within(drawer).getByRole("button", { name: "Show them" }))
  await user.click(await within(drawer).findByRole("button", { name: "Retry Entry 4711" }))
  await waitFor(() => expect(asked[1]?.body).toEqual({ ids: ["entry-4711"] }))
  await user.click(within(drawer).getByRole("button", { name: /Retry all/ }))
  await waitFor(() => expect(asked[2]?.body).toEqual({ filter: {} }))
  await user.click(within(drawer).getByRole("button", { name: "Repeat all failed deliveries" }))
  await waitFor(() => expect(asked[3]?.body).toEqual({ filter: { kind: "delivery" } }))
  await user.keyboard("{Escape}")
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument())
})

test("in the past: figures and deliveries of then, nothing live, nothing to change", async () => {
  const asked = answering("GET /api/v1/sync/kpi", figures())
  const deliveries = answering("GET /api/v1/webhook/deliveries", {
    items: [delivery(1)],
    next_cursor: null,
  })
  const letters = answering("GET /api/v1/dead-letters", {
    items: [],
    next_cursor: null,
    total: 0,
  })
  renderWithApp(<Dashboard />, { at: "/?as_of=position:12" })
  await screen.findByText(/need a decision/)
  const list = await screen.findByRole("list", { name: /Webhook deliveries/ })
  const [repeat] = within(list).getAllByRole("button", { name: /Repeat the delivery/ })
  expect(repeat).toHaveAttribute("aria-disabled", "true")
  expect(await screen.findByText("No dead letter.")).toBeInTheDocument()
  for (const reads of [asked, deliveries, letters]) {
    expect(reads.every((one) => one.url.searchParams.get("as_of") === "position:12")).toBe(true)
  }
  expect(screen.getByText(/The last day was still open then\./)).toBeInTheDocument()
  expect(screen.queryByRole("button", { name: "Pause" })).not.toBeInTheDocument()
  expect(screen.queryByRole("button", { name: "Schedule" })).not.toBeInTheDocument()
})

test("compared with now, each figure of the past says what it is now", async () => {
  const [then, now] = [figures(), figures()]
  now.key_figures.coverage.minutes_in_kimai = 75_701
  now.key_figures.decisions.entries = 4
  server.use(
    http.get("*/api/v1/sync/kpi", ({ request }) =>
      HttpResponse.json(new URL(request.url).searchParams.has("as_of") ? then : now),
    ),
  )
  renderWithApp(<Dashboard />, { at: "/?as_of=position:12&compare=now" })
  const decide = await screen.findByRole("region", { name: "Needs a decision" })
  await within(decide).findByText("now", { exact: false })
  expect(text(decide)).toContain("23entries")
  expect(text(decide)).toContain("now 4")
  const kimai = screen.getByRole("region", { name: "Time in Kimai" })
  expect(text(kimai)).toContain("now 1,261 h 41 m")
})

test("a delivery of an earlier day says which day it was", async () => {
  answering("GET /api/v1/webhook/deliveries", {
    items: [
      delivery(2, { received_at: new Date().toISOString() }),
      delivery(1, { received_at: "2025-03-02T13:28:04Z" }),
    ],
    next_cursor: null,
  })
  renderWithApp(<Dashboard />)
  const list = await screen.findByRole("list", { name: /Webhook deliveries/ })
  const [today, earlier] = within(list).getAllByRole("listitem")
  expect(today).toHaveTextContent(/^\d\d:\d\d:\d\d/)
  expect(earlier).toHaveTextContent(/^2 Mar, 13:28/)
})

test("an outage that goes on since another day says since which", async () => {
  const parts = Array.from({ length: 48 }, (_, index) => ({
    from: new Date(Date.UTC(2026, 10, 18, 14, index * 30)).toISOString(),
    to: new Date(Date.UTC(2026, 10, 18, 14, index * 30 + 30)).toISOString(),
    state: "down" as const,
    message: null,
  }))
  answering("GET /api/v1/connectors/{connector_id}/health/history", {
    connector_id: 2,
    parts,
    turns: [{ at: "2026-11-16T13:28:00Z", state: "down", message: "Kimai answered 503." }],
  })
  renderWithApp(<Dashboard />)
  const panel = await screen.findByRole("region", { name: "Connections" })
  const kimai = await within(panel).findByRole("region", { name: "Billing, health" })
  expect(
    await within(kimai).findByRole("img", { name: /Not reachable, since 16 Nov, 13:28/ }),
  ).toBeInTheDocument()
})
