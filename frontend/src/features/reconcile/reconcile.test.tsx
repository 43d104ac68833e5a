import { act, fireEvent, screen, waitFor, within } from "@testing-library/react"
import { HttpResponse, http } from "msw"
import { beforeAll, beforeEach, expect, test } from "vitest"
import type { Row } from "@/api/shapes"
import { FakeEventSource } from "@/testing/event-source"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing, server } from "@/testing/server"
import Reconcile from "."
import { row } from "./row.example"

// jsdom lays nothing out: a scroller of 800 px shows some rows of a virtual table.
beforeAll(() => {
  Object.defineProperties(Element.prototype, {
    clientHeight: { configurable: true, get: () => 800 },
    clientWidth: { configurable: true, get: () => 1200 },
  })
})

const rows: Row[] = [
  row(),
  row({ id: "78", entryId: 4712, ticketId: "10051", ticketTitle: "Printer queue", version: 3 }),
  row({
    id: "79",
    entryId: 4713,
    ticketId: "10052",
    ticketTitle: "Phone outage",
    source: null,
    reasonCode: "SOURCE_DELETED",
    conflictReason: "The entry is gone in Zammad.",
  }),
]

function listed(found: Row[]) {
  const counts = { conflicts: found.length, missing: 0, matches: 5 }
  return answering("GET /api/v1/reconcile", { items: found, total: found.length, counts } as never)
}

/** Conflicts only, so that the page asks one list for its rows. */
const AT = "/?tab=conflicts"
let asked: ReturnType<typeof listed>
beforeEach(() => {
  asked = listed(rows)
})

function shown(at = AT, role: "admin" | "viewer" = "admin") {
  return renderWithApp(<Reconcile />, { at, role })
}
async function toRow(name: RegExp): Promise<HTMLElement> {
  const title = await screen.findByText(name, { selector: "[data-row]" })
  return title.closest<HTMLElement>("[role=row]") as HTMLElement
}

test("tabs are saved filters with counts, and a row shows both sides with what differs", async () => {
  shown()
  expect(await screen.findByRole("tab", { name: /Conflicts\s*3/ })).toHaveAttribute(
    "aria-selected",
    "true",
  )
  expect(await screen.findByRole("tab", { name: /Needs a decision\s*3/ })).toBeInTheDocument()
  const table = await screen.findByRole("table", { name: "Conflicts, 3 rows" })
  expect(table).toHaveAttribute("aria-rowcount", "4")
  const first = await toRow(/VPN down/)
  expect(
    within(first).getByText("Duration: Zammad 75 minutes, Kimai 90 minutes, differs"),
  ).toBeInTheDocument()
  expect(within(first).getByText("−15 m")).toBeInTheDocument()
  expect(within(first).getByText("Duration changed in Kimai")).toBeInTheDocument()
  expect(
    within(await toRow(/Phone outage/)).getByText("Deleted in Zammad", { selector: "p" }),
  ).toBeInTheDocument()
  expect(asked.some((one) => one.url.searchParams.get("filter") === "conflicts")).toBe(true)
})

test("a decision is sent with the version that was seen, and can be taken back for 10 s", async () => {
  const { user } = shown()
  const sent = answering("POST /api/v1/reconcile/row/{row_id}", {
    status: "success",
    message: "Kimai stays as it is.",
    conflict_id: 78,
    entry_id: 4712,
  })
  const second = await toRow(/Printer queue/)
  await user.click(within(second).getByRole("button", { name: /Other choices/ }))
  await user.click(await screen.findByRole("menuitem", { name: /Keep Kimai/ }))
  await waitFor(() => expect(sent).toHaveLength(1))
  expect(sent[0]?.body).toEqual({ op: "keep-target" })
  expect(sent[0]?.headers.get("If-Match")).toBe('"3"')
  const undone = answering("POST /api/v1/reconcile/row/{row_id}/undo", {
    status: "success",
    message: "Taken back.",
    conflict_id: 78,
    entry_id: 4712,
  })
  await user.click(await screen.findByRole("button", { name: "Undo" }))
  await waitFor(() => expect(undone).toHaveLength(1))
  expect(undone[0]?.url.pathname).toBe("/api/v1/reconcile/row/78/undo")
})

test("when a decided row leaves, the focus goes to the row in its place", async () => {
  const { user } = shown()
  const button = within(await toRow(/VPN down/)).getByRole("button", { name: /^Use Zammad/ })
  answering("POST /api/v1/reconcile/row/{row_id}", {
    status: "success",
    message: "Kimai was brought to what Zammad says.",
    conflict_id: 77,
    entry_id: 4711,
  })
  listed(rows.slice(1))
  await user.click(button)
  await waitFor(() => expect(screen.queryByText(/VPN down/, { selector: "[data-row]" })).toBeNull())
  await waitFor(() => expect(document.activeElement).toHaveAttribute("data-row", "78"))
})

test("what is refused is said in the service's sentence, with the row it was about", async () => {
  const { user } = shown()
  refusing("POST /api/v1/reconcile/row/{row_id}", 409, "already_resolved", "Bob resolved this row.")
  await user.click(within(await toRow(/VPN down/)).getByRole("button", { name: /^Use Zammad/ }))
  const alert = await screen.findByRole("alert")
  expect(alert).toHaveTextContent(
    "Bob resolved this row. Nothing was decided about #10050 VPN down.",
  )
  await user.click(screen.getByRole("button", { name: /^Dismiss .* VPN down/ }))
  expect(screen.queryByRole("alert")).not.toBeInTheDocument()
})

test("a refusal stays with its row while another is decided, until it is tried again", async () => {
  const { user } = shown()
  const button = async (name: RegExp) =>
    within(await toRow(name)).getByRole("button", { name: /^Use Zammad/ })
  refusing("POST /api/v1/reconcile/row/{row_id}", 409, "already_resolved", "Bob resolved this row.")
  await user.click(await button(/VPN down/))
  expect(await screen.findByRole("alert")).toHaveTextContent("#10050 VPN down")
  const sent = answering("POST /api/v1/reconcile/row/{row_id}", {
    status: "success",
    message: "Kimai was brought to what Zammad says.",
    conflict_id: 78,
    entry_id: 4712,
  })
  await user.click(await button(/Printer queue/))
  await waitFor(() => expect(sent).toHaveLength(1))
  await waitFor(async () => expect(await button(/Printer queue/)).not.toHaveAttribute("aria-busy"))
  expect(screen.getByRole("alert")).toHaveTextContent("#10050 VPN down")
  await user.click(await button(/VPN down/))
  await waitFor(() => expect(sent).toHaveLength(2))
  expect(screen.queryByRole("alert")).not.toBeInTheDocument()
})

test("a viewer sees the decisions and why they are not his", async () => {
  const { user } = shown(AT, "viewer")
  const sent = answering("POST /api/v1/reconcile/row/{row_id}", {})
  const button = within(await toRow(/VPN down/)).getByRole("button", { name: /^Use Zammad/ })
  expect(button).toHaveAttribute("aria-disabled", "true")
  await user.click(button)
  expect(
    await screen.findAllByText(/An operator may do this; you are signed in as viewer/),
  ).not.toHaveLength(0)
  expect(sent).toHaveLength(0)
})

test("the past is read only, the dead letters of then too", async () => {
  const { user } = shown("/?tab=conflicts&as_of=2026-11-02T08:00:00Z")
  const button = within(await toRow(/VPN down/)).getByRole("button", { name: /^Use Zammad/ })
  expect(button).toHaveAttribute("aria-disabled", "true")
  expect(asked.every((one) => one.url.searchParams.get("as_of") === "2026-11-02T08:00:00Z")).toBe(
    true,
  )
  const letters = answering("GET /api/v1/dead-letters", {
    items: [
      {
        kind: "delivery",
        id: "delivery-d1",
        entry_id: null,
        delivery_id: "d1",
        reason_code: "TICKET_UNREADABLE",
        cause: null,
        message: "Ticket 3 cannot be read.",
        attempts: 3,
        first_failed_at: "2026-11-02T07:00:00Z",
        last_failed_at: "2026-11-02T07:30:00Z",
      },
    ],
    next_cursor: null,
    total: 1,
  })
  await user.click(screen.getByRole("tab", { name: /Dead letters/ }))
  const table = await screen.findByRole("table", { name: /^Dead letters/ })
  const [retry] = await within(table).findAllByRole("button", { name: /^Replay/ })
  expect(retry).toHaveAttribute("aria-disabled", "true")
  expect(letters.at(-1)?.url.searchParams.get("as_of")).toBe("2026-11-02T08:00:00Z")
})

test("what is on its way can be looked at, with nothing to decide", async () => {
  const [one] = example("GET /api/v1/entries").items
  const page = { next_cursor: null, total: 1, total_minutes: 180 }
  const waiting = { ...one, state: "pending", target: null, ticket_title: "Slow printer" }
  const asked = answering("GET /api/v1/entries", { ...page, items: [waiting] } as never)
  shown("/?tab=pending")
  const found = await toRow(/Slow printer/)
  expect(found).toHaveTextContent("On its way to Kimai")
  expect(within(found).queryByRole("checkbox")).not.toBeInTheDocument()
  const states = asked.map((ask) => ask.url.searchParams.getAll("state").join())
  expect(states).toContain("pending,writing")
})

test("search and filter stand in the URL and are asked of the service; an empty result can be cleared", async () => {
  const { user } = shown()
  await toRow(/VPN down/)
  listed([])
  await user.type(screen.getByRole("searchbox", { name: "Search in Reconcile" }), "mailbox")
  expect(await screen.findByText("Nothing here matches “mailbox”.")).toBeInTheDocument()
  expect(new URLSearchParams(window.location.search).get("reconcile.q")).toBe("mailbox")
  const again = listed(rows)
  await user.click(screen.getByRole("button", { name: "Clear the filter" }))
  await toRow(/VPN down/)
  expect(window.location.search).toBe("?tab=conflicts")
  await user.click(screen.getByRole("button", { name: /^Filter/ }))
  await user.click(await screen.findByRole("combobox", { name: "Why it waits" }))
  await user.click(await screen.findByRole("option", { name: "Deleted in Zammad" }))
  await user.click(screen.getByRole("button", { name: "Apply" }))
  await waitFor(() =>
    expect(again.some((one) => one.url.searchParams.get("reason") === "SOURCE_DELETED")).toBe(true),
  )
  await user.click(
    await screen.findByRole("button", { name: "Take off the filter Deleted in Zammad" }),
  )
  expect(window.location.search).toBe("?tab=conflicts")
})

test("nothing to decide says when it was last compared; a failure keeps the frame and is retried", async () => {
  refusing("GET /api/v1/reconcile", 503, "not_ready", "The views are being rebuilt.")
  const { user } = shown("/?tab=missing")
  const alert = await screen.findByRole("alert")
  expect(alert).toHaveTextContent("Could not load missing in kimai")
  expect(alert).toHaveTextContent("The views are being rebuilt.")
  listed([])
  await user.click(within(alert).getByRole("button", { name: "Retry" }))
  expect(await screen.findByText("Nothing is missing in Kimai.")).toBeInTheDocument()
  expect(screen.getByText(/Last compared/)).toBeInTheDocument()
})

test("without a decision to make, what gave up is said under the title", async () => {
  listed([])
  const failed = example("GET /api/v1/entries")
  answering("GET /api/v1/entries", { ...failed, items: [], next_cursor: null, total: 2 })
  shown()
  expect(
    await screen.findByText("Nothing needs a decision. 2 entries gave up and can be tried again."),
  ).toBeInTheDocument()
})

test("keyboard: j and k move, x selects, Shift X selects up to, z decides, Enter opens", async () => {
  const { user } = shown()
  await toRow(/VPN down/)
  await user.keyboard("j")
  await waitFor(() => expect(document.activeElement).toHaveTextContent("VPN down"))
  await user.keyboard("x")
  await user.keyboard("jj")
  await user.keyboard("{Shift>}X{/Shift}")
  const bar = await screen.findByRole("region", { name: "Selection" })
  expect(bar).toHaveTextContent("3 selected")
  expect(bar).toHaveTextContent("net −120 m in Kimai")
  await user.keyboard("{Escape}")
  expect(screen.queryByRole("region", { name: "Selection" })).not.toBeInTheDocument()
  const sent = answering("POST /api/v1/reconcile/row/{row_id}", {
    status: "success",
    message: "Kimai was brought to what Zammad says.",
    conflict_id: 78,
    entry_id: 4712,
  })
  await user.keyboard("k")
  await user.keyboard("z")
  await waitFor(() => expect(sent).toHaveLength(1))
  expect(sent[0]?.url.pathname).toBe("/api/v1/reconcile/row/78")
  await user.keyboard("k")
  fireEvent.keyDown(document.body, { key: "Enter" })
  await waitFor(() => expect(new URLSearchParams(window.location.search).get("entry")).toBe("4711"))
})

test("bulk: previewed, each row with its version, changed ones left out and named, with a report", async () => {
  const { user } = shown()
  await user.click(within(await toRow(/VPN down/)).getByRole("checkbox"))
  await user.click(within(await toRow(/Printer queue/)).getByRole("checkbox"))
  // The second row changes under the hand before the preview opens.
  listed([rows[0] as Row, { ...(rows[1] as Row), version: 4 }, rows[2] as Row])
  act(() => FakeEventSource.last.send("head", 200, { touched: ["conflicts"] }))
  expect(await within(await toRow(/Printer queue/)).findByText("Changed again")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "Preview proposals" }))
  const dialog = await screen.findByRole("dialog", { name: "Preview of the proposals" })
  expect(within(dialog).getByRole("region", { name: "Left out" })).toHaveTextContent(
    "#10051 Printer queueIt changed since you selected it.",
  )
  expect(dialog).toHaveTextContent("1 row, net −15 m in Kimai")
  const sent = answering("POST /api/v1/reconcile/row/{row_id}", {
    status: "success",
    message: "Kimai was brought to what Zammad says.",
    conflict_id: 77,
    entry_id: 4711,
  })
  await user.type(within(dialog).getByLabelText(/Note/), "as agreed")
  await user.click(within(dialog).getByRole("button", { name: "Decide 1 row" }))
  expect(await screen.findByRole("dialog", { name: "What was done" })).toHaveTextContent(
    "1 decided.",
  )
  expect(sent.map((one) => [one.headers.get("If-Match"), one.body])).toEqual([
    ['"1"', { op: "update", notes: "as agreed" }],
  ])
  await user.click(screen.getByRole("button", { name: "Done" }))
  // The row that changed is still selected.
  expect(await screen.findByRole("region", { name: "Selection" })).toHaveTextContent("1 selected")
})

test("bulk: a row that the service refuses as stale is left out by name, and the rest goes on", async () => {
  const { user } = shown()
  await user.click(within(await toRow(/VPN down/)).getByRole("checkbox"))
  await user.click(within(await toRow(/Printer queue/)).getByRole("checkbox"))
  await user.click(screen.getByRole("button", { name: /^Keep Kimai…/ }))
  const dialog = await screen.findByRole("dialog", { name: "Preview: Keep Kimai" })
  refusing(
    "POST /api/v1/reconcile/row/{row_id}",
    409,
    "stale_version",
    "The row has changed; load it again.",
  )
  await user.click(within(dialog).getByRole("button", { name: "Decide 2 rows" }))
  const done = await screen.findByRole("dialog", { name: "What was done" })
  expect(done).toHaveTextContent("0 decided, 2 left out because they changed.")
  expect(within(done).getByRole("row", { name: /Printer queue/ })).toHaveTextContent(
    "The row has changed; load it again.",
  )
})

test("the drawer shows both sides, Kimai after from the exact request, and every event", async () => {
  answering("GET /api/v1/entries/{entry_id}", {
    ...example("GET /api/v1/entries/{entry_id}"),
    id: 4711,
    state: "conflict",
    conflict_id: 77,
  })
  const target = {
    timesheet_id: 11,
    minutes: 90,
    begin: "2026-11-17T09:45:00+01:00",
    end: "2026-11-17T11:15:00+01:00",
    user_id: 4,
    project_id: 1,
    activity_id: 2,
    description: "",
    billable: true,
    exported: false,
  }
  answering("GET /api/v1/reconcile/row/{row_id}", {
    item: rows[0] as Row,
    source: { ...target, minutes: 75, end: "2026-11-17T11:00:00+01:00" },
    target,
    base: null,
    fields: [{ field: "minutes", source: 75, target: 90, base: 75, changed_by: "target" }],
    causation: [],
    allowedOps: ["keep-target", "update"],
  } as never)
  const previews = answering("GET /api/v1/reconcile/row/{row_id}/preview", {
    op: "update",
    applicable: true,
    effects: ["Timesheet 11 is brought to what Zammad says."],
    requests: [
      {
        method: "PATCH",
        path: "/api/timesheets/11",
        body: { begin: "2026-11-17T08:45:00+00:00", end: "2026-11-17T10:00:00+00:00" },
      },
    ],
  } as never)
  const { user } = shown("/?tab=conflicts&entry=4711")
  const drawer = await screen.findByRole("dialog", { name: "#10050VPN down" })
  expect(
    await within(drawer).findByText("Duration: Zammad 75 minutes, Kimai 90 minutes, differs"),
  ).toBeInTheDocument()
  expect(
    await within(drawer).findByRole("button", { name: /Apply, update Kimai to 75\u00a0m/ }),
  ).toBeInTheDocument()
  expect(previews[0]?.url.searchParams.get("op")).toBe("update")
  expect(within(drawer).getByText("PATCH /api/timesheets/11")).toBeInTheDocument()
  const events = within(drawer).getByRole("region", { name: "History" })
  expect(await within(events).findByText("2 events")).toBeInTheDocument()
  const titles = within(events)
    .getAllByRole("listitem")
    .map((one) => within(one).getAllByRole("button")[0]?.textContent)
  expect(titles).toEqual(["Decided: create", "Seen in Zammad"]) // newest first
  await user.click(within(events).getByRole("button", { name: "Decided: create" }))
  expect(await within(events).findByText("EntryDecided")).toBeInTheDocument()
  const decided = example("GET /api/v1/entries/{entry_id}/history").items.at(-1)
  const then = answering(
    "GET /api/v1/entries/{entry_id}",
    example("GET /api/v1/entries/{entry_id}"),
  )
  await user.click(within(events).getByRole("button", { name: "Show the state after this" }))
  expect(await within(drawer).findByText(/State after “Decided: create”/)).toBeInTheDocument()
  await waitFor(() =>
    expect(then[0]?.url.searchParams.get("as_of")).toBe(`position:${decided?.position}`),
  )
  const [back] = within(drawer).getAllByRole("button", { name: "Back to now" })
  await user.click(back as HTMLElement)
  expect(within(drawer).queryByText(/State after/)).not.toBeInTheDocument()
})

test("a note is kept with the row", async () => {
  answering("GET /api/v1/reconcile/row/{row_id}", {
    ...example("GET /api/v1/reconcile/row/{row_id}"),
    item: { ...(rows[0] as Row), notes: "asked" },
  } as never)
  const saved = answering(
    "PATCH /api/v1/conflicts/{conflict_id}",
    example("GET /api/v1/conflicts/{conflict_id}"),
  )
  const { user } = shown("/?tab=conflicts&entry=4711")
  const field = await screen.findByLabelText(/Note/)
  expect(field).toHaveValue("asked")
  await user.type(field, " Marc")
  await user.click(screen.getByRole("button", { name: "Save the note only" }))
  await waitFor(() => expect(saved[0]?.body).toEqual({ notes: "asked Marc" }))
})

/** The drawer of the first row is about its open conflict. */
function firstRowIsOpen() {
  answering("GET /api/v1/entries/{entry_id}", {
    ...example("GET /api/v1/entries/{entry_id}"),
    id: 4711,
    state: "conflict",
    conflict_id: 77,
  })
  answering("GET /api/v1/reconcile/row/{row_id}", {
    ...example("GET /api/v1/reconcile/row/{row_id}"),
    item: rows[0] as Row,
  } as never)
}

test("a decision in the drawer is taken back in the drawer", async () => {
  firstRowIsOpen()
  const done = { status: "success", message: "Kimai stays.", conflict_id: 77, entry_id: 4711 }
  answering("POST /api/v1/reconcile/row/{row_id}", done)
  const undone = answering("POST /api/v1/reconcile/row/{row_id}/undo", done)
  const { user } = shown("/?tab=conflicts&entry=4711")
  const drawer = await screen.findByRole("dialog", { name: "#10050VPN down" })
  await within(drawer).findByRole("button", { name: /^Apply/ })
  await user.keyboard("u")
  await within(drawer).findByRole("button", { name: /^Apply, keep Kimai/ })
  await user.keyboard("{Control>}{Enter}{/Control}")
  await user.click(await within(drawer).findByRole("button", { name: "Undo" }))
  await waitFor(() => expect(undone).toHaveLength(1))
  await waitFor(() =>
    expect(within(drawer).queryByRole("button", { name: "Undo" })).not.toBeInTheDocument(),
  )
})

test("what would be sent has to be seen before it is applied", async () => {
  firstRowIsOpen()
  const sent = answering("POST /api/v1/reconcile/row/{row_id}", {})
  const asked = refusing(
    "GET /api/v1/reconcile/row/{row_id}/preview",
    503,
    "peer_unavailable",
    "Kimai does not answer.",
  )
  const { user } = shown("/?tab=conflicts&entry=4711")
  const drawer = await screen.findByRole("dialog", { name: "#10050VPN down" })
  expect(await within(drawer).findByText(/Kimai does not answer\./)).toBeInTheDocument()
  const apply = () => within(drawer).getByRole("button", { name: /^Apply/ })
  expect(apply()).toHaveAttribute("aria-disabled", "true")
  await user.keyboard("{Control>}{Enter}{/Control}")
  expect(sent).toHaveLength(0)
  expect(asked).toHaveLength(1)
  answering("GET /api/v1/reconcile/row/{row_id}/preview", {
    op: "update",
    applicable: true,
    effects: [],
    requests: [],
  } as never)
  await user.click(within(drawer).getByRole("button", { name: "Ask again" }))
  await waitFor(() => expect(apply()).not.toHaveAttribute("aria-disabled"))
})

test("the drawer counts the whole list, and reads on where it goes", async () => {
  const all = Array.from({ length: 101 }, (_, at) =>
    row({ id: String(at + 1), entryId: 5_001 + at, ticketTitle: `Row ${at + 1}` }),
  )
  server.use(
    http.get("*/api/v1/reconcile", ({ request }) => {
      const query = new URL(request.url).searchParams
      const [page, size] = [Number(query.get("page") ?? 1), Number(query.get("pageSize") ?? 100)]
      const counts = { conflicts: 101, missing: 0, matches: 0 }
      const items = all.slice((page - 1) * size, page * size)
      return HttpResponse.json({ items, total: 101, counts })
    }),
    http.get("*/api/v1/reconcile/row/:row", ({ params }) =>
      HttpResponse.json({
        ...example("GET /api/v1/reconcile/row/{row_id}"),
        item: all[Number(String(params.row).replace("entry-", "")) - 5_001],
      }),
    ),
  )
  const { user } = shown("/?tab=conflicts&entry=5100")
  expect(await screen.findByText("100 of 101")).toBeInTheDocument()
  const next = () => screen.getByRole("button", { name: "Next entry" })
  await waitFor(() => expect(next()).not.toHaveAttribute("aria-disabled"))
  await user.click(next())
  expect(await screen.findByText("101 of 101")).toBeInTheDocument()
  expect(next()).toHaveAttribute("aria-disabled", "true")
})
