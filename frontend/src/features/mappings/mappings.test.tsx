import { screen, waitFor, within } from "@testing-library/react"
import { beforeEach, expect, test } from "vitest"
import type { Mapping, Suggestion } from "@/api/shapes"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import Mappings from "."

const SUPPORT = { ...one(1), zammad_type_name: "Remote support", kimai_activity_name: "Support" }
const OLD = { ...one(2), zammad_type_name: "Maintenance", kimai_activity_id: 77 }
const OFF = { ...one(3), zammad_type_name: "Internal", is_active: false, billable: false }

function one(id: number): Mapping {
  const found = example("GET /api/v1/mappings")[0]
  if (!found) throw new Error("no example")
  return { ...found, id, zammad_type_id: id, kimai_activity_id: id === 1 ? 3 : 4 }
}

function waits(id: number, name: string, more: Partial<Suggestion> = {}): Suggestion {
  return {
    kind: "activities",
    source: { id, name, email: null, source_kind: null },
    target: null,
    basis: null,
    waiting_entries: 2,
    waiting_minutes: 90,
    ...more,
  }
}
const PREVENTIVE = waits(9, "Preventive maintenance", {
  target: { id: 4, name: "Development", target_kind: null },
  basis: "same_name",
  waiting_entries: 9,
  waiting_minutes: 265,
})

beforeEach(() => {
  const none = { name: null, waiting_entries: 0, waiting_minutes: 0 }
  answering("GET /api/v1/mappings/usage", {
    days: 30,
    items: [
      { ...none, kind: "type", source_id: 1, entries: 618, minutes: 31_240 },
      { ...none, kind: "type", source_id: 9, entries: 12, minutes: 300, waiting_entries: 9 },
      {
        ...none,
        kind: "organization",
        source_id: null,
        name: "Northwind",
        entries: 5,
        minutes: 60,
      },
    ],
  })
})

function told(
  mappings: Mapping[] = [SUPPORT, OLD, OFF],
  items: Suggestion[] = [PREVENTIVE, waits(11, "Consulting (offer)")],
) {
  answering("GET /api/v1/mappings", mappings)
  answering("GET /api/v1/mappings/suggestions", { items })
  answering("GET /api/v1/audit-logs", {
    total: 1,
    data: [
      {
        ...example("GET /api/v1/audit-logs").data[0],
        action: "mapping_updated",
        entity_type: "mapping",
        entity_id: 1,
        user: "aylin",
        created_at: "2026-03-03T10:00:00Z",
      } as never,
    ],
  })
}

async function rowOf(name: RegExp) {
  return await screen.findByRole("row", { name })
}

test("what is not mapped comes first, with what waits and what is proposed", async () => {
  told()
  renderWithApp(<Mappings />)
  await screen.findByText(/2.activities hold back 5.h.55.m\./)
  await screen.findByText("Target not found")
  const rows = within(screen.getByRole("table")).getAllByRole("row").slice(1)
  expect(rows.map((row) => within(row).getByRole("rowheader").textContent)).toEqual([
    expect.stringMatching(/^Preventive maintenance/),
    expect.stringMatching(/^Consulting \(offer\)/),
    expect.stringMatching(/^Maintenance/),
    expect.stringMatching(/^Remote support/),
    expect.stringMatching(/^Internal/),
  ])
  const first = rows[0] as HTMLElement
  expect(first).toHaveTextContent("Not mapped")
  expect(first).toHaveTextContent("Suggested: DevelopmentSame name")
  expect(first).toHaveTextContent(/12.?9 waiting5.h4.h.25.m/)
  expect(await rowOf(/Remote support/)).toHaveTextContent(/Mapped618520.h.40.maylin, 3 Mar/)
  expect(await rowOf(/Internal/)).toHaveTextContent(/Off.*not billable/)
})

test("accepting a suggestion maps it, says how many entries continue, and can be undone", async () => {
  told()
  const added = answering(
    "POST /api/v1/mappings",
    { ...one(12), zammad_type_id: 9, version: 1 },
    201,
  )
  const removed = answering("DELETE /api/v1/mappings/{mapping_id}", undefined, 204)
  const { user } = renderWithApp(<Mappings />)
  await user.click(
    await screen.findByRole("button", { name: "Accept Development for Preventive maintenance" }),
  )
  expect(await screen.findAllByText(/9.entries, 4.h.25.m continue\./)).not.toHaveLength(0)
  expect(added[0]?.body).toMatchObject({
    zammad_type_id: 9,
    zammad_type_name: "Preventive maintenance",
    kimai_activity_id: 4,
    is_active: true,
  })
  await user.click(await screen.findByRole("button", { name: "Undo" }))
  await waitFor(() => expect(removed).toHaveLength(1))
  expect(removed[0]?.headers.get("If-Match")).toBe('"1"')
  expect(await screen.findByText(/Taken back/)).toBeInTheDocument()
})

test("a suggestion that is refused says why at its row and stays", async () => {
  told()
  refusing("POST /api/v1/mappings", 409, "mapping_exists", "Zammad type 9 is mapped (mapping 4).")
  const { user } = renderWithApp(<Mappings />)
  const button = await screen.findByRole("button", { name: /^Accept Development/ })
  await user.click(button)
  expect(await screen.findByText("Zammad type 9 is mapped (mapping 4).")).toBeInTheDocument()
  expect(button).toBeInTheDocument()
})

test("several suggestions are accepted together, those marked and no other", async () => {
  told(undefined, [
    PREVENTIVE,
    waits(11, "Consulting", { target: { id: 3, name: "Consulting", target_kind: null } }),
  ])
  const sent = answering("POST /api/v1/mappings/import", {
    dry_run: false,
    applied: true,
    counts: { add: 1, change: 0, remove: 0, unchanged: 0, error: 0 },
    rows: [],
  })
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("button", { name: /Accept 2 suggestions/ }))
  const dialog = await screen.findByRole("dialog", { name: "Accept suggestions" })
  expect(dialog).toHaveTextContent(/11.entries, 5.h.55.m continue/)
  await user.click(within(dialog).getByRole("checkbox", { name: /for Consulting/ }))
  expect(dialog).toHaveTextContent(/9.entries, 4.h.25.m continue/)
  await user.click(within(dialog).getByRole("button", { name: "Accept 1" }))
  await waitFor(() => expect(sent).toHaveLength(1))
  expect(sent[0]?.url.searchParams.get("mode")).toBe("merge")
  expect(sent[0]?.body).toEqual({
    rows: [expect.objectContaining({ zammad_type_id: 9, kimai_activity_id: 4 })],
  })
})

test("mapping by hand shows its effect before it is saved", async () => {
  told()
  const added = answering("POST /api/v1/mappings", { ...one(12), zammad_type_id: 11 }, 201)
  const { user } = renderWithApp(<Mappings />)
  await user.click(
    await screen.findByRole("button", { name: "Choose activity for Consulting (offer)…" }),
  )
  const dialog = await screen.findByRole("dialog", { name: "Map Consulting (offer)" })
  expect(dialog).toHaveTextContent(/2.entries, 1.h.30.m continue\. They are decided again/)
  await user.click(within(dialog).getByRole("button", { name: "Save mapping" }))
  expect(within(dialog).getByText("Choose where it goes.")).toBeInTheDocument()
  expect(added).toHaveLength(0)
  await user.click(within(dialog).getByLabelText("Kimai activity"))
  await user.type(await screen.findByRole("combobox", { name: "Type to search" }), "consult{Enter}")
  await user.click(within(dialog).getByRole("radio", { name: "Not billable" }))
  await user.click(within(dialog).getByRole("button", { name: "Save mapping" }))
  await waitFor(() => expect(added).toHaveLength(1))
  expect(added[0]?.body).toMatchObject({
    zammad_type_id: 11,
    kimai_activity_id: 3,
    kimai_activity_name: "Consulting",
    billable: false,
  })
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument())
})

test("a system that is away is named, and a known one or an id can be given", async () => {
  told()
  const down = "Kimai does not answer. It is tried again by itself."
  refusing("GET /api/v1/connectors/{connector_id}/activities", 502, "peer_unavailable", down)
  const added = answering("POST /api/v1/mappings", one(12), 201)
  const { user } = renderWithApp(<Mappings />)
  expect(await screen.findByText(/Mappings can be changed all the same/)).toHaveTextContent(down)
  expect(await rowOf(/Maintenance ?ID.2/)).toHaveTextContent("Mapped") // nobody can say it is gone
  await user.click(await screen.findByRole("button", { name: /^Choose activity for Consulting/ }))
  const dialog = await screen.findByRole("dialog")
  expect(within(dialog).getAllByText(/You can choose what is known here already/)).toHaveLength(2)
  await user.click(within(dialog).getByLabelText("Kimai activity"))
  expect(await screen.findAllByRole("option", { name: /Support/ })).not.toHaveLength(0)
  await user.keyboard("{Escape}")
  await user.type(within(dialog).getByRole("textbox", { name: "Kimai activity: id" }), "55")
  await user.click(within(dialog).getByRole("button", { name: "Save mapping" }))
  await waitFor(() => expect(added).toHaveLength(1))
  expect(added[0]?.body).toMatchObject({ zammad_type_id: 11, kimai_activity_id: 55 })
})

test("suggestions that fail because a system is away are asked of the ledger alone", async () => {
  told()
  let asked = 0
  const { server } = await import("@/testing/server")
  const { http, HttpResponse } = await import("msw")
  server.use(
    http.get("*/api/v1/mappings/suggestions", ({ request }) => {
      asked += 1
      if (new URL(request.url).searchParams.get("as_of")?.startsWith("position:")) {
        return HttpResponse.json({ items: [waits(11, "Consulting (offer)")] })
      }
      const problem = { detail: "Zammad is away.", code: "peer_unavailable", errors: [] }
      return HttpResponse.json({ ...problem, request_id: "r" }, { status: 502 })
    }),
  )
  renderWithApp(<Mappings />)
  expect(await rowOf(/Consulting/)).toHaveTextContent("Not mapped")
  expect(screen.getByText(/Zammad is away\./)).toBeInTheDocument()
  expect(asked).toBe(2)
})

test("what somebody else changed meanwhile is shown, and the input is kept", async () => {
  told()
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("button", { name: "More for Remote support" }))
  await user.click(await screen.findByRole("menuitem", { name: "Edit…" }))
  const dialog = await screen.findByRole("dialog", { name: /Edit the mapping of Remote support/ })
  expect(dialog).toHaveTextContent("Entries already in Kimai stay as they are.")
  await user.click(within(dialog).getByRole("radio", { name: "Billable" }))
  refusing(
    "PATCH /api/v1/mappings/{mapping_id}",
    409,
    "stale_version",
    "The mapping is at version 2 by now.",
  )
  const theirs = { ...SUPPORT, version: 2, kimai_activity_id: 4, kimai_activity_name: "Travel" }
  answering("GET /api/v1/mappings", [theirs, OLD, OFF])
  await user.click(within(dialog).getByRole("button", { name: "Save" }))
  const alert = await within(dialog).findByText(/aylin changed this mapping at/)
  expect(alert.closest("[role=alert]")).toHaveTextContent(/In Kimai: from Support → to Travel/)
  expect(within(dialog).getByRole("radio", { name: "Billable" })).toBeChecked()
  const saved = answering("PATCH /api/v1/mappings/{mapping_id}", { ...theirs, version: 3 })
  await user.click(within(dialog).getByRole("button", { name: "Save mine instead" }))
  await waitFor(() => expect(saved).toHaveLength(1))
  expect(saved[0]?.headers.get("If-Match")).toBe('"2"')
  expect(saved[0]?.body).toMatchObject({ kimai_activity_id: 3, billable: true })
})

test("taking theirs drops one's own input", async () => {
  told()
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("button", { name: "More for Remote support" }))
  await user.click(await screen.findByRole("menuitem", { name: "Edit…" }))
  const dialog = await screen.findByRole("dialog")
  await user.click(within(dialog).getByRole("radio", { name: "Billable" }))
  refusing("PATCH /api/v1/mappings/{mapping_id}", 409, "stale_version", "Version 2 by now.")
  answering("GET /api/v1/mappings", [{ ...SUPPORT, version: 2, billable: false }, OLD, OFF])
  await user.click(within(dialog).getByRole("button", { name: "Save" }))
  await user.click(await within(dialog).findByRole("button", { name: "Take theirs" }))
  expect(within(dialog).getByRole("radio", { name: "Not billable" })).toBeChecked()
  expect(within(dialog).queryByText(/changed this mapping/)).not.toBeInTheDocument()
})

test("removing says what then becomes of entries, and can be undone", async () => {
  told()
  const removed = answering("DELETE /api/v1/mappings/{mapping_id}", undefined, 204)
  const added = answering("POST /api/v1/mappings", one(13), 201)
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("button", { name: "More for Remote support" }))
  await user.click(await screen.findByRole("menuitem", { name: /Remove/ }))
  const dialog = await screen.findByRole("dialog", {
    name: "Remove the mapping of Remote support?",
  })
  expect(dialog).toHaveTextContent(/then wait until the activity is mapped again/)
  await user.click(within(dialog).getByRole("button", { name: "Remove mapping" }))
  const said = await screen.findAllByText("The mapping of Remote support is removed.")
  const toast = said.map((text) => text.closest("li")).find((item) => item !== null)
  await user.click(within(toast as HTMLElement).getByRole("button", { name: "Undo" }))
  await waitFor(() => expect(added).toHaveLength(1))
  expect(removed[0]?.headers.get("If-Match")).toBe('"1"')
  expect(added[0]?.body).toMatchObject({ zammad_type_id: 1, kimai_activity_id: 3 })
})

test("switching off asks first and sends the version that was seen", async () => {
  told()
  const sent = answering("PATCH /api/v1/mappings/{mapping_id}", { ...SUPPORT, is_active: false })
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("button", { name: "More for Remote support" }))
  await user.click(await screen.findByRole("menuitem", { name: "Switch off…" }))
  const dialog = await screen.findByRole("dialog")
  await user.click(within(dialog).getByRole("button", { name: "Switch off" }))
  await waitFor(() => expect(sent).toHaveLength(1))
  expect(sent[0]?.body).toMatchObject({ is_active: false })
  expect(sent[0]?.headers.get("If-Match")).toBe('"1"')
})

test("reviewing goes from one to the next and may leave one out", async () => {
  told()
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("button", { name: "Review one by one…" }))
  const first = await screen.findByRole("dialog", { name: "Map Preventive maintenance" })
  expect(first).toHaveTextContent("1 of 2 to review")
  await user.click(within(first).getByRole("button", { name: "Skip" }))
  expect(await screen.findByRole("dialog", { name: "Map Consulting (offer)" })).toHaveTextContent(
    "2 of 2 to review",
  )
})

test("a filter finds by words in any order; what it hides can be brought back", async () => {
  told()
  const { user } = renderWithApp(<Mappings />)
  await rowOf(/Remote support/)
  await user.type(screen.getByRole("searchbox", { name: "Filter mappings" }), "support remote")
  await waitFor(() => expect(screen.queryByText("Internal")).not.toBeInTheDocument())
  expect(await rowOf(/Remote support/)).toBeInTheDocument()
  await waitFor(() => expect(window.location.search).toContain("mappings.q=support+remote"))
  await user.type(screen.getByRole("searchbox"), " nowhere")
  await screen.findByText(/No mapping of activities matches/)
  await user.click(screen.getByRole("button", { name: "Clear the filter" }))
  expect(await rowOf(/Internal/)).toBeInTheDocument()
})

test("a viewer sees everything and is told why nothing can be changed", async () => {
  told()
  const { user } = renderWithApp(<Mappings />, { role: "viewer" })
  const add = await screen.findByRole("button", { name: "Add mapping" })
  expect(add).toHaveAttribute("aria-disabled", "true")
  await user.hover(add)
  expect(
    (await screen.findAllByText(/An administrator may do this; you are signed in as viewer/))[0],
  ).toBeInTheDocument()
  expect(await screen.findByRole("button", { name: /^Accept Development/ })).toHaveAttribute(
    "aria-disabled",
    "true",
  )
})

test("in the past it shows what was mapped then, and nothing can be changed", async () => {
  const asked = answering("GET /api/v1/mappings", [SUPPORT])
  const files = renderWithApp(<Mappings />, { at: "/?as_of=2026-03-03T10:00:00Z" })
  await rowOf(/Remote support/)
  expect(asked[0]?.url.searchParams.get("as_of")).toBe("2026-03-03T10:00:00Z")
  expect(screen.getByRole("button", { name: "Import…" })).toHaveAttribute("aria-disabled", "true")
  await files.user.click(screen.getByRole("button", { name: "Export" }))
  expect(await screen.findByRole("menuitem", { name: /CSV/ })).toHaveAttribute(
    "href",
    expect.stringContaining("as_of=2026-03-03"),
  )
})

test("nothing seen yet is said, a failure offers to try again", async () => {
  answering("GET /api/v1/mappings", [])
  const { unmount } = renderWithApp(<Mappings />)
  expect(await screen.findByText(/No activities seen yet/)).toBeInTheDocument()
  unmount()
  refusing("GET /api/v1/mappings", 503, "not_ready", "The service starts.")
  const { user } = renderWithApp(<Mappings />)
  expect(await screen.findByText(/Could not load the mappings of activities/)).toBeInTheDocument()
  told()
  await user.click(screen.getByRole("button", { name: "Retry" }))
  expect(await rowOf(/Remote support/)).toBeInTheDocument()
})

test("people and customers have their own tables, with names from Kimai's lists", async () => {
  const { user } = renderWithApp(<Mappings />)
  await user.click(await screen.findByRole("tab", { name: /People/ }))
  expect(await rowOf(/Marcus Lee/)).toHaveTextContent(/emma/)
  await user.click(screen.getByRole("tab", { name: /Customers and projects/ }))
  const row = await rowOf(/Northwind/)
  expect(row).toHaveTextContent(/Organization.*51.h/)
  await waitFor(() => expect(row).toHaveTextContent("Service desk Aldermoor Logistics"))
  expect(window.location.search).toContain("mappings.tab=projects")
})

test("an organization is mapped to a customer, a project or both", async () => {
  answering("GET /api/v1/mappings/projects", [])
  const added = answering(
    "POST /api/v1/mappings/projects",
    example("GET /api/v1/mappings/projects")[0],
    201,
  )
  const { user } = renderWithApp(<Mappings />, { at: "/?mappings.tab=projects" })
  await user.click(await screen.findByRole("button", { name: "Add mapping" }))
  const dialog = await screen.findByRole("dialog", { name: "Add mapping" })
  await user.click(within(dialog).getByRole("button", { name: "Save mapping" }))
  expect(within(dialog).getByText("Choose what is mapped.")).toBeInTheDocument()
  expect(within(dialog).getByText("Choose a customer, a project or both.")).toBeInTheDocument()
  await user.click(within(dialog).getByLabelText("Organization in Zammad"))
  await user.type(await screen.findByRole("combobox", { name: "Type to search" }), "bright{Enter}")
  await user.click(within(dialog).getByLabelText(/^Project in Kimai/))
  await user.type(await screen.findByRole("combobox", { name: "Type to search" }), "alder{Enter}")
  await user.click(within(dialog).getByRole("button", { name: "Save mapping" }))
  await waitFor(() => expect(added).toHaveLength(1))
  expect(added[0]?.body).toMatchObject({
    source_kind: "organization",
    source_id: 2,
    kimai_project_id: 1,
    kimai_customer_id: null,
  })
})

test("the rules are said in words and are changed with the connectors", async () => {
  renderWithApp(<Mappings />, { at: "/?mappings.tab=rules" })
  const kimai = await screen.findByRole("region", { name: "Rules of Billing" })
  expect(kimai).toHaveTextContent("Always project 1.")
  expect(kimai).toHaveTextContent("None: the entry waits until the activity is mapped.")
  expect(within(kimai).getByRole("link", { name: /Change in the settings/ })).toHaveAttribute(
    "href",
    expect.stringContaining("#connectors"),
  )
  expect(screen.getByRole("region", { name: "Rules of Desk" })).toHaveTextContent(
    "It ended when it was booked.",
  )
})
