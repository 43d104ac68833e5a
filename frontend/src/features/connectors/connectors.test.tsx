import { act, screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { FakeEventSource } from "@/testing/event-source"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import Connectors from "."
import { summed } from "./webhook"
import { projectWords, roleWords, roundingWords, unitWords } from "./words"

const HEALTH = "GET /api/v1/connectors/{connector_id}/health" as const
const ALL = "GET /api/v1/connectors" as const
const DELIVERIES = "GET /api/v1/webhook/deliveries" as const
const both = () => example(ALL)
const desk = () => screen.findByRole("region", { name: "Desk" })
const billing = () => screen.findByRole("region", { name: "Billing" })

function only(type: "zammad" | "kimai") {
  answering(
    ALL,
    both().filter((one) => one.type === type),
  )
}

test("each system says what it is, what it does and what its token may do", async () => {
  const health = example(HEALTH)
  answering(HEALTH, {
    ...health,
    state: "ok",
    needs: null,
    checks: [{ name: "connection", ok: true, message: "Connected to Zammad as bot@example.com." }],
    token: { last_four: "8f3c", since: "2026-03-03T08:00:00Z" },
    found: {
      at: "2026-11-27T14:30:00Z",
      peer_version: "7.2.2",
      roles: [],
      tracking_mode: null,
      time_unit_declared: "minute",
      checks: [
        { name: "ticket.agent", ok: true, needed: true, message: "Finds and reads tickets." },
        { name: "x", ok: null, needed: false, message: "Not known before Kimai holds a record." },
      ],
    },
  })
  renderWithApp(<Connectors />)
  const card = within(await desk())
  expect(await card.findByText("bot@example.com")).toBeInTheDocument()
  expect(card.getByText(/Zammad 7.2.2, zammad.example.com/)).toBeInTheDocument()
  expect(card.getByText("Source")).toBeInTheDocument()
  expect(card.getByText("8f3c")).toBeInTheDocument()
  expect(card.getByText("Healthy")).toBeInTheDocument()
  expect(card.getByText("end not told by Zammad")).toBeInTheDocument()
  const may = within(card.getByRole("list", { name: "What the token of Desk may do" }))
  expect(may.getByText("Yes:", { exact: false })).toBeInTheDocument()
  expect(may.getByText("Not known:", { exact: false })).toBeInTheDocument()
  expect(within(await billing()).getByText("Target")).toBeInTheDocument()
})

test("what is not known shows as not known", async () => {
  answering(HEALTH, { ...example(HEALTH), state: "unknown", needs: null, found: null, checks: [] })
  renderWithApp(<Connectors />)
  const card = within(await desk())
  expect(await card.findByText("Not known before the first test")).toBeInTheDocument()
  expect(card.getByText("What the token may do is shown after a test.")).toBeInTheDocument()
  expect(card.getByText("No good test yet")).toBeInTheDocument()
})

test("a refused token needs you, with the way to mend it", async () => {
  answering(HEALTH, {
    ...example(HEALTH),
    state: "auth_failed",
    message: "Zammad refuses the token.",
    needs: "person",
  })
  const { user } = renderWithApp(<Connectors />)
  const card = within(await desk())
  expect(await card.findByText("Needs you.")).toBeInTheDocument()
  expect(card.getByText("Token refused")).toBeInTheDocument()
  await user.click(card.getByRole("button", { name: "Enter a new token…" }))
  const dialog = within(await screen.findByRole("dialog", { name: "New token for Desk" }))
  refusing(
    "POST /api/v1/connectors/{connector_id}/reauth",
    422,
    "token_rejected",
    "Zammad refuses the token. The old token stays.",
  )
  await user.click(dialog.getByRole("button", { name: "Use new token" }))
  expect(dialog.getByText("Enter the new token.")).toBeInTheDocument()
  await user.type(dialog.getByLabelText("New token"), "wrong")
  await user.click(dialog.getByRole("button", { name: "Use new token" }))
  expect(await dialog.findByText(/The old token stays/)).toBeInTheDocument()
  expect(dialog.getByLabelText("New token")).toHaveValue("wrong")
})

test("a peer that is away will recover, and says when it is asked again", async () => {
  answering(HEALTH, {
    ...example(HEALTH),
    state: "down",
    message: "Zammad does not answer.",
    needs: "time",
    next_try_at: "2026-11-28T10:00:30Z",
  })
  const asked = answering("POST /api/v1/connectors/{connector_id}/resume", both()[0])
  const { user } = renderWithApp(<Connectors />)
  const card = within(await desk())
  expect(await card.findByText("Will recover.")).toBeInTheDocument()
  expect(card.getByText(/Tried again by itself at 10:00:30/)).toBeInTheDocument()
  await user.click(card.getByRole("button", { name: "Try again now" }))
  await waitFor(() => expect(asked).toHaveLength(1))
})

test("a missing permission is named as the fix", async () => {
  const missing = { name: "b", ok: false, needed: true, message: "Use the token of a teamlead." }
  answering(HEALTH, {
    ...example(HEALTH),
    state: "ok",
    needs: "person",
    found: {
      at: "2026-11-27T14:30:00Z",
      peer_version: null,
      roles: [],
      tracking_mode: null,
      time_unit_declared: null,
      checks: [missing],
    },
  })
  renderWithApp(<Connectors />)
  expect((await within(await desk()).findAllByText(/Use the token of a teamlead/)).length).toBe(2)
})

test("connecting: tested first with what the token can and cannot do, then added", async () => {
  only("kimai")
  const tests = answering("POST /api/v1/connectors/test", {
    valid: false,
    message: "Zammad refuses the token.",
  })
  const added = answering("POST /api/v1/connectors", both()[0], 201)
  const { user } = renderWithApp(<Connectors />)
  await user.click(await screen.findByRole("button", { name: "Connect Zammad" }))
  const drawer = within(await screen.findByRole("dialog", { name: "Connect Zammad" }))
  await user.click(drawer.getByRole("button", { name: "Test connection" }))
  expect(drawer.getByText("Enter the token.")).toBeInTheDocument()
  expect(drawer.getByText(/Enter the whole address/)).toBeInTheDocument()
  expect(drawer.queryByRole("button", { name: "Add Zammad" })).toBeNull()
  await user.type(drawer.getByLabelText("Name"), "Desk")
  await user.type(drawer.getByLabelText("Address"), "https://zammad.example.com")
  await user.type(drawer.getByLabelText("Access token"), "wrong")
  await user.click(drawer.getByRole("button", { name: "Test connection" }))
  expect(await drawer.findByText("Zammad refuses the token.")).toBeInTheDocument()
  expect(added).toHaveLength(0)
  answering("POST /api/v1/connectors/test", {
    valid: true,
    message: "Connected to Zammad as bot.",
    details: {
      peer_version: "7.2.2",
      user: "bot",
      time_unit_declared: null,
      missing_permissions: [],
      warnings: [],
      capabilities: null,
      checks: [{ name: "a", ok: false, needed: true, message: "Give the token ticket.agent." }],
    },
  })
  await user.type(drawer.getByLabelText("Access token"), "er one")
  await user.click(drawer.getByRole("button", { name: "Test connection" }))
  expect(await drawer.findByText("Connected to Zammad as bot.")).toBeInTheDocument()
  expect(drawer.getByText(/One thing it needs is missing/)).toBeInTheDocument()
  expect(drawer.getByText("Give the token ticket.agent.")).toBeInTheDocument()
  await user.click(drawer.getByRole("button", { name: "Add Zammad" }))
  await waitFor(() => expect(added).toHaveLength(1))
  expect(added[0]?.body).toEqual({
    type: "zammad",
    name: "Desk",
    base_url: "https://zammad.example.com",
    api_token: "wronger one",
    is_active: true,
  })
  expect(tests).toHaveLength(1)
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull())
})

test("a change of settings sends only what changed; a refusal stands at its field", async () => {
  const sent = answering(
    "PATCH /api/v1/connectors/{connector_id}",
    {
      detail: "Settings were refused.",
      code: "validation",
      errors: [
        {
          loc: ["body", "settings", "lookback"],
          msg: "must be a whole number from 0 to 10080",
          type: "validation",
        },
      ],
    },
    422,
  )
  const { user } = renderWithApp(<Connectors />)
  await user.click(within(await desk()).getByRole("button", { name: "Edit" }))
  const drawer = within(await screen.findByRole("dialog", { name: "Desk" }))
  expect(drawer.getByRole("button", { name: "Save" })).toHaveAttribute("aria-disabled", "true")
  await user.clear(drawer.getByLabelText("Look back"))
  await user.type(drawer.getByLabelText("Look back"), "99999")
  await user.click(drawer.getByRole("button", { name: "Save" }))
  expect(await drawer.findByText("It must be a whole number from 0 to 10080.")).toBeInTheDocument()
  expect(sent[0]?.body).toEqual({ settings: { lookback: 99999 } })
  expect(sent[0]?.headers.get("if-match")).toBe('"2"')
  expect(drawer.getByLabelText("Look back")).toHaveValue("99999")
})

test("removing wants the name and says what stops", async () => {
  const gone = answering("DELETE /api/v1/connectors/{connector_id}", undefined, 204)
  const { user } = renderWithApp(<Connectors />, { at: "/?connector=remove:1" })
  const dialog = within(await screen.findByRole("dialog", { name: "Remove Desk?" }))
  expect(dialog.getByText(/No booking is read any more/)).toBeInTheDocument()
  await user.click(dialog.getByRole("button", { name: "Remove connector" }))
  expect(gone).toHaveLength(0)
  await user.type(dialog.getByRole("textbox"), "Desk")
  await user.click(dialog.getByRole("button", { name: "Remove connector" }))
  await waitFor(() => expect(gone).toHaveLength(1))
})

test("the webhook's check turns green with the first delivery, by the stream", async () => {
  answering(DELIVERIES, { items: [], next_cursor: null })
  renderWithApp(<Connectors />, { at: "/?connector=webhook:1" })
  const guide = within(await screen.findByRole("dialog", { name: "Let Zammad call" }))
  expect(await guide.findByText(/Waiting for the first delivery/)).toBeInTheDocument()
  answering(DELIVERIES, example(DELIVERIES))
  act(() => {
    FakeEventSource.last.opens()
    FakeEventSource.last.send("delivery.received", 300, { delivery_id: "x", ticket_id: 1 })
  })
  expect(await guide.findByText(/Deliveries arrive/)).toBeInTheDocument()
})

test("a new secret is stored and shown once, to be entered in Zammad", async () => {
  const sent = answering("PATCH /api/v1/connectors/{connector_id}", both()[0])
  const { user } = renderWithApp(<Connectors />, { at: "/?connector=secret:1" })
  const dialog = within(await screen.findByRole("dialog", { name: "Rotate the webhook secret" }))
  await user.clear(dialog.getByRole("textbox"))
  await user.type(dialog.getByRole("textbox"), "200")
  await user.click(dialog.getByRole("button", { name: "Save new secret" }))
  expect(dialog.getByText("Whole hours, 0 to 168.")).toBeInTheDocument()
  expect(sent).toHaveLength(0)
  await user.clear(dialog.getByRole("textbox"))
  await user.type(dialog.getByRole("textbox"), "2")
  await user.click(dialog.getByRole("button", { name: "Save new secret" }))
  const guide = within(await screen.findByRole("dialog", { name: "Let Zammad call" }))
  const body = sent[0]?.body as { settings: { webhook_secret: string } }
  expect(body.settings).toMatchObject({ webhook_secret_overlap_hours: 2 })
  expect(body.settings.webhook_secret.length).toBeGreaterThanOrEqual(40)
  expect(guide.getByText(body.settings.webhook_secret)).toBeInTheDocument()
})

test("webhooks are switched off only after a question", async () => {
  const sent = answering("PATCH /api/v1/connectors/{connector_id}", both()[0])
  const { user } = renderWithApp(<Connectors />)
  const switched = await screen.findByRole("switch", { name: "Accept webhooks" })
  expect(switched).toBeChecked()
  await user.click(switched)
  expect(sent).toHaveLength(0)
  await user.click(await screen.findByRole("button", { name: "Switch off" }))
  await waitFor(() => expect(sent[0]?.body).toEqual({ settings: { accept_webhooks: false } }))
})

test("a viewer sees everything and is told why nothing can be changed", async () => {
  const { user } = renderWithApp(<Connectors />, { role: "viewer" })
  const card = within(await desk())
  const button = card.getByRole("button", { name: "Test connection" })
  expect(button).toHaveAttribute("aria-disabled", "true")
  await user.hover(button)
  expect((await screen.findAllByText(/you are signed in as viewer/)).length).toBeGreaterThan(0)
  expect(screen.getByRole("button", { name: "Add connector" })).toHaveAttribute(
    "aria-disabled",
    "true",
  )
})

test("the past is shown without what only the present knows", async () => {
  renderWithApp(<Connectors />, { at: "/?as_of=2026-11-27T22:40:00Z" })
  const card = within(await desk())
  expect((await card.findAllByText("Not kept for the past")).length).toBe(2)
  expect(screen.getByText(/shown for now only/)).toBeInTheDocument()
})

test("a failed list says so and can be asked again", async () => {
  refusing(ALL, 500, "internal", "Internal error")
  const { user } = renderWithApp(<Connectors />)
  expect(await screen.findByText(/Could not load the connectors/)).toBeInTheDocument()
  answering(ALL, both())
  await user.click(screen.getByRole("button", { name: "Retry" }))
  expect(await desk()).toBeInTheDocument()
})

test("nothing connected yet: two cards that lead on", async () => {
  answering(ALL, [])
  renderWithApp(<Connectors />)
  expect(await screen.findByRole("button", { name: "Connect Zammad" })).toBeInTheDocument()
  expect(screen.getByRole("button", { name: "Connect Kimai" })).toBeInTheDocument()
})

test("settings in words", () => {
  expect(roundingWords({ rounding_mode: "closest", round_duration: 0 })).toBe("Off")
  const five = { round_begin: 5, round_end: 5, round_duration: 5 }
  expect(roundingWords({ rounding_mode: "closest", ...five, rounding_days: [0, 1] })).toBe(
    "To the nearest, halves up, 5\u00a0min, on Mon, Tue, compared after rounding",
  )
  expect(projectWords({ project_strategy: "fixed" })).toBe("Always the same project")
  expect(unitWords(null, "quarter")).toBe("15 minutes, as Zammad declares")
  expect(unitWords(7.5, null)).toBe("7.5 minutes, set here")
  expect(roleWords("ROLE_SUPER_ADMIN")).toBe("super admin")
})

test("deliveries are summed by what became of them", () => {
  const one = example(DELIVERIES).items[0]
  if (!one) throw new Error("no example")
  const sums = summed([
    { ...one, attempts: 3, duplicates: 2 },
    { ...one, status: "rejected" },
    { ...one, status: "processed" },
  ])
  expect(sums).toEqual({ accepted: 2, rejected: 1, retried: 1, duplicates: 2 })
})
