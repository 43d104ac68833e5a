import { act, screen, waitFor, within } from "@testing-library/react"
import { HttpResponse, http } from "msw"
import { beforeEach, expect, test } from "vitest"
import type { AuditLog, LedgerEvent } from "@/api/shapes"
import { FakeEventSource } from "@/testing/event-source"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing, server } from "@/testing/server"
import Audit from "."
import { auditLine } from "./line"
import { ACTIONS } from "./words"

// A list in jsdom has no height, and would show no rows.
Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, value: 800 })
Object.defineProperty(HTMLElement.prototype, "clientWidth", { configurable: true, value: 1000 })

function recorded(): AuditLog {
  const [first] = example("GET /api/v1/audit-logs").data
  if (first === undefined) throw new Error("The recorded audit log is empty.")
  return first
}
const RECORDED = recorded()

/** A ledger of `head` events: run 4 from event 11 on, before it changes of connection 1. */
function event(position: number): LedgerEvent {
  const ofRun = position > 10
  return {
    position,
    stream: ofRun ? `time-entry-${position}` : "connector-1",
    version: 1,
    type: ofRun ? "EntryObserved" : "ConnectorTested",
    schema: 1,
    recorded_at: new Date(Date.UTC(2026, 10, 19, 13, 0, 0, position)).toISOString(),
    data: ofRun
      ? {
          booking: { time_unit: `${position}.0`, ticket_id: 1 },
          context: { ticket_number: "65021", type_name: "Remote support" },
        }
      : { connector_id: 1, valid: true },
    metadata: {
      actor: ofRun ? { kind: "service", name: "sync" } : { kind: "user", name: "alice" },
      correlation_id: ofRun ? "run-4" : "0f".repeat(16),
      ...(position > 11 ? { causation_position: 11 } : {}),
      ...(ofRun ? { run_id: 4 } : { ip_address: "10.0.0.7" }),
    },
    digest: position.toString(16).padStart(64, "a"),
  }
}

/** The ledger as the service shows it; `head` may grow, one look passes `scan` events by. */
function ledger(head: number) {
  const state: { head: number; scan?: number; asked: URL[] } = { head, asked: [] }
  answering("GET /api/v1/sync/kpi", { ...example("GET /api/v1/sync/kpi"), position: head })
  server.use(
    http.get("*/api/v1/events", ({ request }) => {
      const url = new URL(request.url)
      state.asked.push(url)
      const query = url.searchParams
      const limit = Number(query.get("limit") ?? 100)
      const back = query.has("before")
      const before = Math.min(state.head + 1, Number(query.get("before") ?? state.head + 1))
      const [scan, begin] = [state.scan ?? before, Number(query.get("after") ?? 0)]
      const after = back ? Math.max(begin, before - 1 - scan) : begin
      const all = Array.from({ length: state.head }, (_, index) => event(index + 1)).filter(
        (one) =>
          one.position > after &&
          one.position < before &&
          (!query.has("type") || query.getAll("type").includes(one.type)) &&
          (!query.get("actor") ||
            Object.values((one.metadata as { actor: object }).actor).includes(
              query.get("actor"),
            )) &&
          (!query.get("stream") || one.stream === query.get("stream")) &&
          (!query.get("correlation_id") ||
            (one.metadata as { correlation_id: string }).correlation_id ===
              query.get("correlation_id")),
      )
      if (back) all.reverse()
      const items = all.slice(0, limit)
      const last = items.length === limit ? items.at(-1)?.position : undefined
      const lowest = last ?? after + 1
      return HttpResponse.json({
        items,
        head: state.head,
        next_after: back ? before - 1 : (last ?? state.head),
        next_before: back && lowest > begin + 1 ? lowest : null,
      })
    }),
    http.get("*/api/v1/events/activity", ({ request }) => {
      const query = new URL(request.url).searchParams
      const [from = "", to = ""] = [query.get("from") ?? "", query.get("to") ?? ""]
      const recorded = Array.from({ length: state.head }, (_, index) => event(index + 1))
      // to the microsecond, as the service has them
      const upTo = (at: string) =>
        recorded.filter((one) => one.recorded_at.replace("Z", "000Z") <= at).length
      const [position, before] = [upTo(to), upTo(from)]
      return HttpResponse.json({
        buckets: [{ from, to, position, events: position - before }],
        first_at: null,
        head: state.head,
      })
    }),
    http.get("*/api/v1/events/:position", ({ params }) =>
      HttpResponse.json(event(Number(params.position))),
    ),
  )
  return state
}

beforeEach(() => {
  const system = example("GET /api/v1/system")
  answering("GET /api/v1/system", { ...system, display_timezone: "Europe/Brussels" })
})

/** By what only this row says; roles of a whole table are slow to look through. */
async function row(number: number): Promise<HTMLElement> {
  const name = number > 10 ? `time-entry-${number}` : "connector-1"
  const found = (await screen.findByText((text) => text.endsWith(`· ${name}`))).closest(
    "[role=row]",
  )
  if (!(found instanceof HTMLElement)) throw new Error("It is in no row.")
  return found
}

test("the ledger shows number, time to the millisecond, sentence, technical name, actor and operation", async () => {
  ledger(250)
  renderWithApp(<Audit />)
  const newest = await row(250)
  expect(newest).toHaveTextContent("14:00:00.250")
  expect(newest).toHaveTextContent("Seen in Zammad: 250 booked on ticket #65021, Remote support")
  expect(newest).toHaveTextContent("EntryObserved · time-entry-250")
  expect(newest).toHaveTextContent("Sync")
  expect(newest).toHaveTextContent("Run #4")
  const table = screen.getByRole("table", { name: "Events" })
  expect(table).toHaveAttribute("aria-rowcount", "251")
  expect(within(table).getAllByRole("row").length).toBeLessThan(60)
})

test("choosing an event highlights its operation and shows causes, data and hashes", async () => {
  ledger(14)
  const { user } = renderWithApp(<Audit />)
  await user.click(within(await row(13)).getByRole("button", { name: /booked on ticket/ }))
  const about = await screen.findByRole("dialog", { name: "Event 13" })
  expect(window.location.search).toContain("audit.event=13")
  const steps = await within(about).findAllByRole("listitem")
  expect(steps.map((one) => one.textContent)).toEqual([
    expect.stringContaining("Entry seen in Zammad"),
    expect.stringContaining("+2\u00a0ms"),
  ])
  expect(within(about).getByText(/"time_unit"/)).toBeInTheDocument()
  expect(await within(about).findByText("aaaa aaaa … aaac")).toBeInTheDocument() // of event 12
  await user.keyboard("j")
  const next = await screen.findByRole("dialog", { name: "Event 12" })
  await user.click(within(next).getByRole("button", { name: "Close" }))
  expect(window.location.search).not.toContain("audit.event")
})

test("the dashboard of that moment is one press away, and so is the entry", async () => {
  ledger(14)
  const { user } = renderWithApp(<Audit />, { at: "/?audit.event=13#audit" })
  await user.click(await screen.findByRole("button", { name: "Dashboard at this moment" }))
  expect(window.location.search).toContain("as_of=position%3A13")
  expect(window.location.hash).toBe("#dashboard")
  await user.click(await screen.findByRole("button", { name: "Entry history" }))
  expect(window.location.search).toContain("entry=13")
  expect(window.location.hash).toBe("#reconcile")
})

test("new events come by themselves until the reader stops, then they are counted", async () => {
  const state = ledger(250)
  const { user } = renderWithApp(<Audit />)
  await row(250)
  const grows = (head: number) => {
    state.head = head
    act(() => FakeEventSource.last.send("head", head, { touched: [] }))
  }
  act(() => FakeEventSource.last.opens())
  grows(251)
  await row(251)
  await user.click(screen.getByRole("button", { name: "Stop" }))
  grows(254)
  expect(await screen.findByRole("button", { name: "3 new, follow live" })).toBeInTheDocument()
  expect(screen.queryByText("EntryObserved · time-entry-254")).not.toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "3 new, follow live" }))
  await row(254)
})

test("a number, a stream and an operation are found; a link keeps the filter", async () => {
  ledger(40)
  const { user } = renderWithApp(<Audit />)
  await row(40)
  const field = screen.getByLabelText("Event number, stream or operation")
  await user.type(field, "what?{Enter}")
  expect(screen.getByRole("alert")).toHaveTextContent("Type a number such as 48210")
  await user.clear(field)
  await user.type(field, "connector-1{Enter}")
  expect(await screen.findByText("Only Stream connector-1")).toBeInTheDocument()
  expect(await screen.findByText("10 found")).toBeInTheDocument()
  expect(window.location.search).toContain("audit.stream=connector-1")
  await user.click(screen.getByRole("button", { name: "Remove: Stream connector-1" }))
  const linked = within(await row(40)).getByRole("button", {
    name: /Show only what belongs to Run #4/,
  })
  await user.click(linked)
  expect(await screen.findByText("30 found")).toBeInTheDocument()
})

test("filters that nothing fits say so and can be cleared", async () => {
  ledger(40)
  const { user } = renderWithApp(<Audit />, { at: "/?audit.type=SubjectErased" })
  expect(await screen.findByText("No event fits these filters.")).toBeInTheDocument()
  const [clear] = screen.getAllByRole("button", { name: "Clear filters" })
  if (clear) await user.click(clear)
  await row(40)
})

test("what is rare is looked for in parts, and the next part begins where the last one ended", async () => {
  const state = ledger(40)
  state.scan = 2
  const { user } = renderWithApp(<Audit />, { at: "/?audit.stream=connector-1&audit.by=user" })
  expect(
    await screen.findByText("None of the newest 20 events fits these filters."),
  ).toBeInTheDocument()
  expect(screen.getByText("0 found since event 21")).toBeInTheDocument()
  const asked = state.asked.length
  await user.click(screen.getByRole("button", { name: "Look for older ones" }))
  expect(await screen.findByText("10 found")).toBeInTheDocument()
  expect(state.asked.slice(asked).map((url) => url.searchParams.get("before"))).toEqual([
    "21",
    "19",
    "17",
    "15",
    "13",
    "11",
    "9",
    "7",
    "5",
    "3",
  ])
  expect(screen.queryByRole("button", { name: "Look for older ones" })).not.toBeInTheDocument()
})

test("kinds, who and days are filters that stand in the address and are taken back at once", async () => {
  const { asked } = ledger(40)
  const { user } = renderWithApp(<Audit />)
  await row(40)
  const kinds = within(screen.getByRole("group", { name: "Kinds of events" }))
  await user.click(kinds.getByRole("button", { name: "Settings" }))
  expect(await screen.findByText("10 found")).toBeInTheDocument()
  const types = asked.at(-1)?.searchParams.getAll("type") ?? []
  expect(types).toContain("ScheduleChanged")
  expect(types).not.toContain("EntryObserved")
  await user.click(kinds.getByRole("button", { name: "Entries" }))
  expect(await screen.findByText("40 found")).toBeInTheDocument()
  expect(window.location.search).toContain("audit.groups=settings%2Centries")

  await user.click(screen.getByRole("button", { name: "More filters" }))
  await user.click(screen.getByRole("combobox", { name: "By" }))
  await user.click(await screen.findByRole("option", { name: "People" }))
  expect(await screen.findByText("10 found")).toBeInTheDocument()
  expect(asked.at(-1)?.searchParams.get("actor")).toBe("user")
  await user.type(screen.getByLabelText("From day"), "2026-11-20")
  expect(await screen.findByText("No event fits these filters.")).toBeInTheDocument()
  expect(screen.getByRole("button", { name: "More filters, 2 set" })).toBeInTheDocument()
  const [clear] = screen.getAllByRole("button", { name: "Clear filters" })
  if (clear) await user.click(clear)
  await row(40)
  expect(window.location.search).not.toContain("audit.")
})

test("days are those of the zone, both included; one kind of event takes the place of groups", async () => {
  ledger(40)
  const { user } = renderWithApp(<Audit />, {
    at: "/?audit.from=2026-11-19&audit.to=2026-11-19&audit.groups=settings",
  })
  expect(await screen.findByText("10 found")).toBeInTheDocument()
  const kinds = within(screen.getByRole("group", { name: "Kinds of events" }))
  expect(kinds.getByRole("button", { pressed: true })).toHaveTextContent("Settings")
  await user.click(screen.getByRole("button", { name: /^What happened/ }))
  await user.click(await screen.findByRole("option", { name: /^Entry seen in Zammad/ }))
  expect(await screen.findByText("30 found")).toBeInTheDocument()
  expect(kinds.queryByRole("button", { pressed: true })).not.toBeInTheDocument()
  await user.clear(screen.getByLabelText("To day"))
  await user.type(screen.getByLabelText("To day"), "2026-11-18")
  expect(await screen.findByText("No event fits these filters.")).toBeInTheDocument()
})

test("events that cannot be loaded leave the chain alone, and are tried again", async () => {
  ledger(40)
  refusing("GET /api/v1/events", 503, "not_ready", "The service is starting.")
  const { user } = renderWithApp(<Audit />)
  expect(await screen.findByText(/Could not load the events/)).toBeInTheDocument()
  expect(await screen.findByText("Chain verified")).toBeInTheDocument()
  ledger(40)
  await user.click(screen.getByRole("button", { name: "Retry" }))
  await row(40)
})

test("the past shows what was recorded up to then, and does not follow", async () => {
  ledger(14)
  renderWithApp(<Audit />, { at: "/?as_of=position:14&audit.event=20" })
  await row(14)
  expect(screen.queryByText("Following live")).not.toBeInTheDocument()
  expect(await screen.findByText("Event 20 was recorded after this moment.")).toBeInTheDocument()
})

test("the audit log is asked with its filters, which stand in the address", async () => {
  ledger(40)
  const asked = answering("GET /api/v1/audit-logs", { data: [RECORDED], total: 1 })
  const { user } = renderWithApp(<Audit />, {
    at: "/?audit.view=log&audit.entity=connector:1&audit.run=118",
  })
  expect(await screen.findByText("Only Run #118")).toBeInTheDocument()
  await user.type(screen.getByLabelText("Who"), "alice")
  await user.type(screen.getByLabelText("From day"), "2026-11-02")
  await user.type(screen.getByLabelText("To day"), "2026-13-02")
  await user.type(screen.getByLabelText("Address"), "10.0.0.7")
  expect(await screen.findByText("A day is written 2026-11-02.")).toBeInTheDocument()
  await waitFor(() => {
    const query = Object.fromEntries(asked.at(-1)?.url.searchParams ?? [])
    expect(query).toMatchObject({
      user: "alice",
      start_date: "2026-11-02",
      entity: "connector:1",
      ip_address: "10.0.0.7",
      run_id: "118",
    })
    expect(query).not.toHaveProperty("end_date")
  })
  expect(window.location.search).toContain("audit.user=alice")
  const first = (await screen.findByText(/Webhook .* is processed again/)).closest("[role=row]")
  expect(first).toHaveTextContent("webhook_replayed")
  expect(first).toHaveTextContent("127.0.0.1")
  await user.click(screen.getByRole("button", { name: "Clear filters" }))
  await waitFor(() => expect(window.location.search).not.toContain("audit.user"))
  expect(screen.getByLabelText("Who")).toHaveValue("")
})

test.each(Object.keys(ACTIONS))("a row of %s is a sentence", (action) => {
  const changes = { name: { old: "a", new: "b" } }
  const line = auditLine({ ...RECORDED, action, details: {}, changes })
  expect(line.technical).toBe(`${action} · delivery`)
  expect(line.sentence).not.toMatch(/undefined|\[object/)
})

test("the chain is verified part by part, and a broken one names its first bad event", async () => {
  ledger(2_000)
  const { user } = renderWithApp(<Audit />)
  expect(await screen.findByText("Chain verified")).toBeInTheDocument()
  await row(2_000)
  const asked: string[] = []
  server.use(
    http.get("*/api/v1/audit/verify", ({ request }) => {
      const { searchParams } = new URL(request.url)
      const [from, to] = [Number(searchParams.get("from")), Number(searchParams.get("to"))]
      asked.push(`${from}-${to}`)
      const bad = from <= 1_207 && to >= 1_207
      return HttpResponse.json({
        ok: !bad,
        checked_from: from,
        checked_to: to,
        head_digest: "9f3c71e0".padEnd(64, "b"),
        first_bad_position: bad ? 1_207 : null,
      })
    }),
  )
  await user.click(screen.getByRole("button", { name: "Verify now" }))
  const bar = screen.getByRole("region", { name: "Chain of events" })
  expect(await within(bar).findByText("Chain broken at event 1,207.")).toBeInTheDocument()
  expect(asked).toEqual(["1-500", "501-1000", "1001-1500"])
  expect(screen.getByRole("button", { name: "Export…" })).toBeEnabled()
})

test("from the past the chain is verified to its present end", async () => {
  ledger(40)
  server.use(
    http.get("*/api/v1/sync/kpi", ({ request }) => {
      const then = new URL(request.url).searchParams.has("as_of")
      return HttpResponse.json({ ...example("GET /api/v1/sync/kpi"), position: then ? 14 : 2_000 })
    }),
  )
  const { user } = renderWithApp(<Audit />, { at: "/?as_of=position:14" })
  await screen.findByText("Chain verified")
  await row(14)
  const asked: string[] = []
  server.use(
    http.get("*/api/v1/audit/verify", ({ request }) => {
      const { searchParams } = new URL(request.url)
      const [from, to] = [Number(searchParams.get("from")), Number(searchParams.get("to") ?? 2_003)]
      asked.push(`${from}-${to}`)
      const head_digest = "9f3c71e0".padEnd(64, "b")
      return HttpResponse.json({ ok: true, checked_from: from, checked_to: to, head_digest })
    }),
  )
  await user.click(screen.getByRole("button", { name: "Verify now" }))
  expect(await screen.findByText("2,003")).toBeInTheDocument()
  expect(asked).toEqual(["1-500", "501-1000", "1001-1500", "1501-2003"])
})

test("a check that does not come through says so", async () => {
  ledger(14)
  const { user } = renderWithApp(<Audit />)
  await screen.findByText("Chain verified")
  await row(14)
  refusing("GET /api/v1/audit/verify", 503, "not_ready", "The service is starting.")
  await user.click(screen.getByRole("button", { name: "Verify now" }))
  expect(await screen.findByText(/The check did not come through/)).toBeInTheDocument()
  expect(screen.getByText("Chain verified")).toBeInTheDocument()
})

test("an export has the filters of the list, a proof its range and its two hashes", async () => {
  ledger(250)
  const { user } = renderWithApp(<Audit />, { at: "/?audit.view=log&audit.user=alice" })
  await user.click(await screen.findByRole("button", { name: "Export…" }))
  const link = await screen.findByRole("link", { name: "Download CSV" })
  expect(link).toHaveAttribute("href", "/api/v1/audit-logs/export?format=csv&user=alice")
  await user.click(screen.getByRole("button", { name: "NDJSON" }))
  expect(screen.getByRole("link", { name: "Download NDJSON" })).toHaveAttribute(
    "href",
    "/api/v1/audit-logs/export?format=ndjson&user=alice",
  )
  await user.click(screen.getByRole("radio", { name: /Events with proof/ }))
  expect(await screen.findByText("aaaa aaaa … aafa")).toBeInTheDocument() // of event 250
  expect(screen.getByRole("link", { name: "Download proof" })).toHaveAttribute(
    "href",
    "/api/v1/audit/proof?from=1&to=250",
  )
  const to = screen.getByLabelText("To event")
  await user.clear(to)
  await user.type(to, "300")
  expect(screen.getByText("The last event is 250.")).toBeInTheDocument()
  expect(screen.getByRole("button", { name: "Download proof" })).toHaveAttribute("aria-disabled")
})

test("a viewer may read and export the log, and is told why not the proof", async () => {
  ledger(14)
  const { user } = renderWithApp(<Audit />, { role: "viewer" })
  await user.click(await screen.findByRole("button", { name: "Export…" }))
  const proof = await screen.findByRole("button", { name: "Download proof" })
  await user.hover(proof)
  expect((await screen.findAllByText(/An operator may export events/)).length).toBeGreaterThan(0)
})

test("views are compared with a replay, and what differs leads to its event", async () => {
  ledger(14)
  const never = {
    state: "never" as const,
    started_at: null,
    ended_at: null,
    position: 0,
    until: 0,
    rows: 0,
    found: 0,
    differences: [],
    error: null,
  }
  answering("GET /api/v1/audit/compare", never)
  const { user } = renderWithApp(<Audit />)
  await user.click(await screen.findByRole("button", { name: "Replay and compare…" }))
  expect(await screen.findByText(/Not compared since/)).toBeInTheDocument()
  const begun = answering(
    "POST /api/v1/audit/compare",
    { ...never, state: "running", until: 14 },
    202,
  )
  answering("GET /api/v1/audit/compare", { ...never, state: "running", position: 7, until: 14 })
  await user.click(screen.getByRole("button", { name: "Compare" }))
  expect(await screen.findByText("Event 7 of 14")).toBeInTheDocument()
  expect(begun).toHaveLength(1)
  const found = {
    view: "time_entries",
    kind: "differs" as const,
    key: 9,
    position: 12,
    fields: ["minutes"],
  }
  answering("GET /api/v1/audit/compare", {
    ...never,
    state: "done",
    position: 14,
    until: 14,
    rows: 1_204,
    found: 1,
    ended_at: "2026-11-19T13:32:06Z",
    differences: [found],
  })
  expect(await screen.findByText("1 difference in 1,204 rows.")).toBeInTheDocument()
  expect(screen.getByText("Row differs: minutes")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "12" }))
  expect(window.location.search).toContain("audit.event=12")
})

test("only an administrator compares, and the others are told", async () => {
  ledger(14)
  const { user } = renderWithApp(<Audit />, { role: "operator" })
  await user.click(await screen.findByRole("button", { name: "Replay and compare…" }))
  expect(await screen.findByText(/An administrator may do this/)).toBeInTheDocument()
})
