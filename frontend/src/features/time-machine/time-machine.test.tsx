import { fireEvent, screen, waitFor, within } from "@testing-library/react"
import { HttpResponse, http } from "msw"
import { beforeEach, expect, test } from "vitest"
import { useMoment } from "@/app/time-machine"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing, server } from "@/testing/server"
import TimeMachineBar from "."
import { range } from "./strip"

const KPI = example("GET /api/v1/sync/kpi")
const HEAD = 48_213

/** The service at a moment: event n was recorded n minutes after the first one. */
function ledger() {
  const first = Date.parse("2026-03-03T08:12:00Z")
  const at = (position: number) => first + (position - 1) * 60_000
  server.use(
    http.get("*/api/v1/sync/kpi", ({ request }) => {
      const asOf = new URL(request.url).searchParams.get("as_of")
      const position = !asOf
        ? HEAD
        : asOf.startsWith("position:")
          ? Number(asOf.slice(9))
          : Math.max(0, Math.floor((Date.parse(asOf) - first) / 60_000) + 1)
      return HttpResponse.json({ ...KPI, position, open_conflicts: asOf ? 6 : 23 })
    }),
    http.get("*/api/v1/events/:position", ({ params }) =>
      HttpResponse.json({
        ...example("GET /api/v1/events/{position}"),
        position: Number(params.position),
        recorded_at: new Date(at(Number(params.position))).toISOString(),
      }),
    ),
  )
  return answering("GET /api/v1/events/activity", {
    buckets: Array.from({ length: 168 }, (_, index) => ({
      from: new Date(first + index * 7_200_000).toISOString(),
      to: new Date(first + (index + 1) * 7_200_000).toISOString(),
      position: index,
      events: index === 3 ? 41 : 0,
    })),
    first_at: new Date(first).toISOString(),
    head: HEAD,
  })
}

function Comparing() {
  return <p>{useMoment().comparing ? "figures say now …" : "figures alone"}</p>
}

beforeEach(() => {
  const system = example("GET /api/v1/system")
  answering("GET /api/v1/system", { ...system, display_timezone: "Europe/Brussels" })
  ledger()
})

test("the bar says which moment is shown, which event it is and that nothing can be changed", async () => {
  renderWithApp(<TimeMachineBar />, { at: "/?as_of=2026-03-12T15:32:00Z" })
  expect(await screen.findByText("Thursday 12 March, 16:32:00")).toBeInTheDocument()
  expect(screen.getByText("What the service believed then. Read only.")).toBeInTheDocument()
  await waitFor(() =>
    expect(document.querySelector("[data-event-count]")).toHaveTextContent(
      "event 13,401 of 48,213",
    ),
  )
  expect(screen.getByRole("slider")).toHaveAttribute(
    "aria-valuetext",
    expect.stringContaining("Thursday 12 March, 16:32:00"),
  )
})

test("a moment is typed in 24 hours; what cannot be read is said and stays", async () => {
  const { user } = renderWithApp(<TimeMachineBar />, { at: "/?dialog=time-machine" })
  const field = await screen.findByLabelText(/^Moment/)
  expect(field).toHaveFocus()
  expect(screen.getByText("The page still shows the present.")).toBeInTheDocument()
  await user.type(field, "12 Mar 2026, 25:00{Enter}")
  expect(screen.getByRole("alert")).toHaveTextContent("The hour must be 0 to 23.")
  expect(field).toHaveValue("12 Mar 2026, 25:00")
  await user.clear(field)
  await user.type(field, "12 Mar 2026, 16:32{Enter}")
  expect(await screen.findByText("Thursday 12 March, 16:32:00")).toBeInTheDocument()
  expect(window.location.search).toContain("as_of=2026-03-12T15%3A32%3A00.000Z")
})

test("brackets and buttons go from event to event, and stop at the ends", async () => {
  const { user } = renderWithApp(<TimeMachineBar />, { at: "/?as_of=position:41007" })
  await screen.findByText(/event/)
  await waitFor(() =>
    expect(document.querySelector("[data-event-count]")).toHaveTextContent("event 41,007"),
  )
  await user.keyboard("[[") // written twice, pressed once
  expect(window.location.search).toContain("as_of=position%3A41006")
  await user.keyboard("]]]")
  expect(window.location.search).toContain("as_of=position%3A41009")
  await user.click(screen.getByRole("button", { name: /Next event/ }))
  await waitFor(() => expect(window.location.search).toMatch(/position%3A41010/))
})

test("from the field that T goes to, [ and ], also with AltGr, and Esc work", async () => {
  const { user } = renderWithApp(<TimeMachineBar />, { at: "/?dialog=time-machine" })
  const field = await screen.findByLabelText(/^Moment/)
  await waitFor(() =>
    expect(document.querySelector("[data-event-count]")).toHaveTextContent("event 48,213"),
  )
  await user.keyboard("[[")
  await waitFor(() => expect(window.location.search).toContain("as_of=position%3A48212"))
  const altGr = { altKey: true, ctrlKey: true, modifierAltGraph: true }
  fireEvent.keyDown(field, { key: "]", ...altGr })
  await waitFor(() => expect(window.location.search).toContain("as_of=position%3A48213"))
  expect(field).toHaveFocus()
  await user.keyboard("{Escape}")
  await waitFor(() => expect(window.location.search).toBe(""))
})

test("at the first event there is none before it", async () => {
  renderWithApp(<TimeMachineBar />, { at: "/?as_of=position:1" })
  await waitFor(() =>
    expect(document.querySelector("[data-event-count]")).toHaveTextContent("event 1 of"),
  )
  expect(screen.getByRole("button", { name: /Previous event/ })).toHaveAttribute("aria-disabled")
})

test("before the first event the bar says so", async () => {
  renderWithApp(<TimeMachineBar />, { at: "/?as_of=2026-03-01T00:00:00Z" })
  expect(await screen.findByText("Nothing was recorded before 3 March, 09:12.")).toBeInTheDocument()
})

test("a moment that the service refuses is said, with the way back", async () => {
  server.use(
    http.get("*/api/v1/sync/kpi", ({ request }) =>
      new URL(request.url).searchParams.has("as_of")
        ? HttpResponse.json(
            {
              detail: "as_of lies in the future.",
              code: "as_of_in_future",
              errors: [],
              request_id: "x",
            },
            { status: 422 },
          )
        : HttpResponse.json({ ...KPI, position: HEAD }),
    ),
  )
  const { user } = renderWithApp(<TimeMachineBar />, { at: "/?as_of=2099-01-01T00:00:00Z" })
  expect(await screen.findByText(/This moment cannot be shown/)).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: /Back to live/ }))
  expect(window.location.search).toBe("")
})

test("the strip is walked by keys, two hours at a step, never past now", async () => {
  const { user } = renderWithApp(<TimeMachineBar />, { at: "/?as_of=2026-03-12T15:00:00Z" })
  const strip = await screen.findByRole("slider")
  strip.focus()
  await user.keyboard("{ArrowLeft}")
  await waitFor(() => expect(window.location.search).toContain("2026-03-12T13%3A00"))
  await user.keyboard("{PageDown}")
  await waitFor(() => expect(window.location.search).toContain("2026-03-11T13%3A00"))
})

test("activity that cannot be loaded is said and nothing is drawn", async () => {
  refusing("GET /api/v1/events/activity", 503, "not_ready", "The service is starting.")
  renderWithApp(<TimeMachineBar />, { at: "/?as_of=2026-03-12T15:00:00Z" })
  expect(
    await screen.findByText(/The activity of these days could not be loaded/),
  ).toBeInTheDocument()
  expect(screen.queryByRole("slider")).not.toBeInTheDocument()
})

test("comparing with now tells the figures and lists what changed, with links into the present", async () => {
  const asked = answering("GET /api/v1/diff", example("GET /api/v1/diff"))
  const page = (
    <>
      <TimeMachineBar />
      <Comparing />
    </>
  )
  const { user } = renderWithApp(page, { at: "/?as_of=position:41007" })
  expect(await screen.findByText("figures alone")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "Compare with now" }))
  expect(screen.getByText("figures say now …")).toBeInTheDocument()
  const panel = await screen.findByRole("dialog", { name: "What changed since" })
  const decide = (await within(panel).findByText("Need a decision")).closest("tr")
  expect(decide).toHaveTextContent("Need a decision623, differs")
  expect(await within(panel).findByText("Service desk")).toBeInTheDocument()
  expect(asked[0]?.url.searchParams.get("from")).toBe("position:41007")
  expect(asked[0]?.url.searchParams.has("as_of")).toBe(false)
  await user.click(within(panel).getByRole("link", { name: "Last of 2 events, 4" }))
  expect(window.location.search).toBe("?audit.event=4")
  expect(window.location.hash).toBe("#audit")
})

test("two weeks end with today, or go around an older moment", () => {
  const zone = "Europe/Brussels"
  const now = Date.parse("2026-11-19T13:32:00Z")
  const days = (shown: string) => {
    const { from, to } = range(Date.parse(shown), now, zone)
    return [new Date(from).toISOString(), new Date(to).toISOString()]
  }
  expect(days("2026-11-12T15:32:00Z")).toEqual([
    "2026-11-05T23:00:00.000Z",
    "2026-11-19T23:00:00.000Z",
  ])
  // Over the end of summer time: still fourteen whole days.
  expect(days("2026-10-24T10:00:00Z")).toEqual([
    "2026-10-13T22:00:00.000Z",
    "2026-10-27T23:00:00.000Z",
  ])
})
