import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import ScheduleDialog from "."

const AT = "/?dialog=schedule"
const dialog = () => screen.findByRole("dialog", { name: "Schedule" })

function quarterly(more: object = {}) {
  return answering("GET /api/v1/schedule", {
    ...example("GET /api/v1/schedule"),
    cron: "*/15 6-19 * * 1-5",
    timezone: "Europe/Berlin",
    enabled: true,
    version: 4,
    ...more,
  })
}

test("shows what runs: words, the service's next runs, the clocks, who changed it", async () => {
  quarterly()
  const asked = answering("POST /api/v1/schedule/preview", {
    next_runs: ["2026-11-30T06:00:00+01:00", "2026-11-30T06:15:00+01:00"],
  })
  renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  expect(await within_.findByRole("radio", { name: "Every 15 min" })).toBeChecked()
  expect(within_.getByLabelText("From")).toHaveValue("06:00")
  expect(within_.getByLabelText("Until")).toHaveValue("20:00")
  expect(within_.getByRole("button", { name: "Saturday" })).toHaveAttribute("aria-pressed", "false")
  expect(within_.getByText(/First run 06:00, last 19:45\./)).toBeInTheDocument()
  expect(within_.getByText("Valid. 56 runs a day, 280 a week.")).toBeInTheDocument()
  expect(await within_.findByText("06:15")).toBeInTheDocument()
  expect(within_.getByText(/No run is lost or doubled\.$/)).toBeInTheDocument()
  expect(asked[0]?.body).toEqual({ cron: "*/15 6-19 * * 1-5", timezone: "Europe/Berlin", count: 5 })
})

test("writes the expression from the fields, and sends only what differs, with its version", async () => {
  quarterly()
  const put = answering("PUT /api/v1/schedule", example("GET /api/v1/schedule"))
  const { user } = renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  const until = await within_.findByLabelText("Until")
  await user.clear(until)
  await user.type(until, "18:00")
  await user.click(within_.getByRole("button", { name: "Saturday" }))
  expect(within_.getByLabelText("Cron expression")).toHaveValue("*/15 6-17 * * 1-6")
  await user.click(within_.getByRole("switch", { name: "Schedule on" }))
  await user.click(within_.getByRole("button", { name: "Save schedule" }))
  await waitFor(() => expect(put).toHaveLength(1))
  expect(put[0]?.body).toEqual({ cron: "*/15 6-17 * * 1-6", enabled: false })
  expect(put[0]?.headers.get("If-Match")).toBe('"4"')
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument())
})

test("says what is wrong at the field and goes to the first one; nothing is sent", async () => {
  quarterly()
  const put = answering("PUT /api/v1/schedule", example("GET /api/v1/schedule"))
  const { user } = renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  const from = await within_.findByLabelText("From")
  await user.clear(from)
  await user.type(from, "06:30")
  await user.click(within_.getByRole("button", { name: "Save schedule" }))
  expect(await within_.findByText(/Full hours only/)).toBeInTheDocument()
  expect(from).toHaveFocus()
  expect(from).toHaveAccessibleDescription(/Full hours only/)
  expect(put).toHaveLength(0)
})

test("editing the expression makes it custom; the service's refusal stands at the field", async () => {
  quarterly()
  refusing(
    "PUT /api/v1/schedule",
    422,
    "cron_invalid",
    "A cron expression names a day that never comes.",
  )
  const { user } = renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  const cron = await within_.findByLabelText("Cron expression")
  await user.clear(cron)
  await user.type(cron, "0 0 30 2 99")
  expect(within_.getByRole("radio", { name: "Custom cron expression" })).toBeChecked()
  expect(within_.getByText(/Weekday must be 0 to 7/)).toBeInTheDocument()
  await user.clear(cron)
  await user.type(cron, "0 0 30 2 *")
  await user.click(within_.getByRole("button", { name: "Save schedule" }))
  expect(
    (await within_.findAllByText("A cron expression names a day that never comes."))[0],
  ).toBeInTheDocument()
  expect(cron).toHaveValue("0 0 30 2 *")
})

test("somebody else saved meanwhile: keep mine or show theirs", async () => {
  quarterly()
  refusing("PUT /api/v1/schedule", 409, "stale_version", "The schedule is at version 5.")
  const { user } = renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  await user.click(await within_.findByRole("radio", { name: "Hourly" }))
  await user.click(within_.getByRole("button", { name: "Save schedule" }))
  expect(await within_.findByText(/Somebody else saved the schedule/)).toBeInTheDocument()
  quarterly({ version: 5, cron: "0 9 * * *" })
  await user.click(within_.getByRole("button", { name: "show theirs" }))
  await waitFor(() => expect(within_.queryByText(/Somebody else/)).not.toBeInTheDocument())
})

test("the look back is the Zammad connector's, changed there", async () => {
  quarterly()
  const patched = answering("PATCH /api/v1/connectors/{connector_id}", {})
  const put = answering("PUT /api/v1/schedule", example("GET /api/v1/schedule"))
  const { user } = renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  const look = await within_.findByRole("combobox", { name: "Look back" })
  await waitFor(() => expect(look).toHaveTextContent("15 minutes"))
  await user.click(look)
  await user.click(await screen.findByRole("option", { name: "7 days" }))
  await user.click(within_.getByRole("button", { name: "Save schedule" }))
  await waitFor(() => expect(patched[0]?.body).toEqual({ settings: { lookback: 10080 } }))
  expect(put).toHaveLength(0)
})

test("a viewer sees it and why it cannot be changed", async () => {
  quarterly()
  renderWithApp(<ScheduleDialog />, { at: AT, role: "viewer" })
  const within_ = within(await dialog())
  expect(await within_.findByText(/An administrator may do this/)).toBeInTheDocument()
  expect(within_.getByRole("button", { name: "Save schedule" })).toHaveAttribute(
    "aria-disabled",
    "true",
  )
  expect(within_.getByLabelText("Cron expression")).toBeDisabled()
})

test("when the schedule cannot be read, it says so and can be asked again", async () => {
  refusing("GET /api/v1/schedule", 500, "internal", "Internal error")
  const { user } = renderWithApp(<ScheduleDialog />, { at: AT })
  const within_ = within(await dialog())
  expect(await within_.findByText(/Could not load the schedule/)).toBeInTheDocument()
  quarterly()
  await user.click(within_.getByRole("button", { name: "Retry" }))
  expect(await within_.findByLabelText("Cron expression")).toHaveValue("*/15 6-19 * * 1-5")
})
