import { screen, waitFor, within } from "@testing-library/react"
import { expect, test, vi } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import FirstRun from "."
import { matched } from "./matches"

const ALL = "GET /api/v1/connectors" as const
const KPI = "GET /api/v1/sync/kpi" as const

function fresh(connected: "none" | "both" = "both") {
  answering(KPI, { ...example(KPI), last_sync: null, last_run: null })
  answering("GET /api/v1/sync/plans", { items: [], next_cursor: null })
  answering("GET /api/v1/mappings", [])
  answering("GET /api/v1/webhook/deliveries", { items: [], next_cursor: null })
  if (connected === "none") answering(ALL, [])
}
const step = (name: string) => {
  const found = document.querySelector<HTMLElement>(`[data-step=${name}]`)
  if (!found) throw new Error(`no step ${name}`)
  return within(found)
}

test("nothing connected: six steps, the first one asks for Zammad", async () => {
  fresh("none")
  const { user } = renderWithApp(<FirstRun onDone={() => {}} />)
  expect(await screen.findByText("0 of 6 done")).toBeInTheDocument()
  expect(screen.getAllByRole("listitem")).toHaveLength(6)
  expect(screen.getByText("about 13 min left")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "Connect Zammad" }))
  expect(window.location.search).toBe("?connector=new%3Azammad")
})

test("same names are proposed and accepted, the rest is left, the webhook skipped", async () => {
  fresh()
  const row = example("GET /api/v1/connectors/{connector_id}/activities")[0]
  if (!row) throw new Error("no example")
  answering("GET /api/v1/connectors/{connector_id}/activities", [
    { ...row, id: 1, name: "Support" },
    { ...row, id: 2, name: "Travel" },
  ])
  const sent = answering("POST /api/v1/mappings", {}, 201)
  const { user } = renderWithApp(<FirstRun onDone={() => {}} />)
  await user.click(await screen.findByRole("button", { name: "Accept 2 matches" }))
  await waitFor(() => expect(sent).toHaveLength(2))
  expect(sent.map((one) => one.body)).toEqual([
    { zammad_type_id: 1, kimai_activity_id: 1 },
    { zammad_type_id: 2, kimai_activity_id: 2 },
  ])
  await user.click(screen.getByRole("button", { name: "Leave the rest for later" }))
  await user.click(step("webhook").getByRole("button", { name: "Skip" }))
  expect(screen.getByText("4 of 6 done")).toBeInTheDocument()
  await user.click(step("dry-run").getByRole("button", { name: "Dry run" }))
  expect(window.location.search).toBe("?dialog=dry-run")
})

test("what was read already shows at once; its failure blanks nothing else", async () => {
  fresh()
  refusing(
    "GET /api/v1/connectors/{connector_id}/users",
    502,
    "peer_unavailable",
    "Zammad does not answer.",
  )
  renderWithApp(<FirstRun onDone={() => {}} />)
  expect(await screen.findByText(/Could not load what Zammad shows/)).toBeInTheDocument()
  expect(screen.getByText("2 of 6 done")).toBeInTheDocument()
})

test("it leaves by itself when all is done, and stays while the schedule is off", async () => {
  localStorage.setItem("timeledger.first-run", "map webhook")
  const schedule = example("GET /api/v1/schedule")
  const done = vi.fn()
  const first = renderWithApp(<FirstRun onDone={done} />)
  expect(await screen.findByRole("button", { name: "Go to the dashboard" })).toBeInTheDocument()
  expect(done).not.toHaveBeenCalled()
  first.unmount()
  answering("GET /api/v1/schedule", { ...schedule, enabled: true })
  renderWithApp(<FirstRun onDone={done} />)
  await waitFor(() => expect(done).toHaveBeenCalled())
  expect(localStorage.getItem("timeledger.first-run")).toBeNull()
})

test("a viewer sees the steps and why they wait", async () => {
  fresh("none")
  renderWithApp(<FirstRun onDone={() => {}} />, { role: "viewer" })
  expect(await screen.findByRole("button", { name: "Connect Zammad" })).toHaveAttribute(
    "aria-disabled",
    "true",
  )
})

test("only one activity of the same name is proposed", () => {
  const of = (id: number, name: string, active = true) => ({
    id,
    name,
    active,
    is_global: true,
    project_id: null,
  })
  const rows = matched(
    [of(1, "Support"), of(2, "Travel "), of(3, "Old", false), of(4, "Both")],
    [of(7, "travel"), of(8, "Both"), of(9, "both"), of(10, "Support", false)],
    [{ zammad_type_id: 1, kimai_activity_name: "Help" }],
  )
  expect(rows.map((one) => [one.type.name, one.mapped, one.same?.id ?? null])).toEqual([
    ["Support", "Help", null],
    ["Travel ", null, 7],
    ["Both", null, null],
  ])
})
