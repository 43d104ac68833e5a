import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import { KINDS, kindInWords, kindOf } from "./channel-kinds"
import Notifications from "./notifications"

const AT = "/?dialog=notifications"
const dialog = async () => within(await screen.findByRole("dialog"))
const made = (id: string, given: Record<string, string>) =>
  KINDS.find((one) => one.id === id)?.make(given)

// Each address was read by Apprise 1.x as the service uses it.
test.each([
  [
    "email",
    {
      to: "a@example.com, b@example.com",
      host: "smtp.example.com:587",
      from: "t@example.com",
      user: "us@er.org",
      password: "p@s/s",
    },
    "mailtos://smtp.example.com:587?smtp=smtp.example.com&from=t%40example.com&to=a%40example.com%2Cb%40example.com&user=us%40er.org&pass=p%40s%2Fs",
  ],
  ["slack", { url: "https://hooks.slack.com/services/T1/B2/abc" }, "slack://T1/B2/abc"],
  [
    "teams",
    {
      url: "https://prod-01.westeurope.logic.azure.com:443/workflows/643e69/triggers/manual/paths/invoke?api-version=2016-06-01&sig=u4dH-x",
    },
    "workflows://prod-01.westeurope.logic.azure.com:443/643e69/u4dH-x/",
  ],
  [
    "matrix",
    { host: "matrix.example.com", room: "#billing:example.com", user: "u", password: "p" },
    "matrixs://u:p@matrix.example.com/%23billing%3Aexample.com",
  ],
  ["json", { url: "https://example.com/hook?x=1" }, "jsons://example.com/hook?x=1"],
  ["other", { url: "discord://id/token" }, "discord://id/token"],
])("%s in plain words becomes the address", (id, given, address) => {
  expect(made(id, given)).toEqual({ address })
})

test("what is missing or wrong is said in words", () => {
  expect(made("email", {})?.wrong).toMatchObject({ to: "Send to is needed." })
  expect(made("slack", { url: "https://example.com" })?.wrong?.url).toMatch(/hooks\.slack\.com/)
  expect(kindInWords("mailtos")).toBe("E-mail")
  expect(kindInWords("tgram")).toBe("tgram")
  expect(kindOf("tgram").id).toBe("other")
})

test("lists channels without their address; one is tested and says how it went", async () => {
  const tests = answering("POST /api/v1/notifications/{channel_id}/test", {
    ok: false,
    message: "Connection refused.",
  })
  const { user } = renderWithApp(<Notifications />, { at: AT })
  const box = await dialog()
  expect(await box.findByText("Webhook (JSON), address hidden")).toBeInTheDocument()
  expect(box.getByText("A run fails · An entry is given up")).toBeInTheDocument()
  await user.click(box.getByRole("button", { name: "Send a test to Night shift" }))
  expect(await box.findByText("The test failed: Connection refused.")).toBeInTheDocument()
  expect(tests).toHaveLength(1)
})

test("a channel is added by kind; a refused address is said at its field and stays", async () => {
  answering("GET /api/v1/notifications", [])
  const sent = answering(
    "POST /api/v1/notifications",
    {
      detail: "Url is not an address that Apprise knows.",
      code: "validation",
      errors: [{ loc: ["body", "url"], msg: "not an address", type: "value_error" }],
      request_id: "r",
    },
    422,
  )
  const { user } = renderWithApp(<Notifications />, { at: AT })
  const box = await dialog()
  expect(await box.findByText("Nobody is told yet.")).toBeInTheDocument()
  await user.click(box.getByRole("button", { name: "Add a channel" }))
  await user.type(box.getByLabelText("Name"), "Ops")
  await user.click(box.getByRole("combobox", { name: "How" }))
  await user.click(await screen.findByRole("option", { name: "Another service" }))
  await user.type(box.getByLabelText("Apprise address"), "nobody://x")
  await user.click(box.getByRole("checkbox", { name: /A webhook delivery is rejected/ }))
  await user.click(box.getByRole("button", { name: "Add channel" }))
  expect(await box.findByText("not an address")).toBeInTheDocument()
  expect(box.getByLabelText("Apprise address")).toHaveValue("nobody://x")
  expect(sent[0]?.body).toEqual({
    name: "Ops",
    url: "nobody://x",
    events: ["run_failed", "conflicts_opened", "connector_down", "dead_letter", "webhook_rejected"],
  })
})

test("saving an edited channel leaves its stored address alone", async () => {
  const [channel] = example("GET /api/v1/notifications")
  const patched = answering("PATCH /api/v1/notifications/{channel_id}", channel)
  const { user } = renderWithApp(<Notifications />, { at: AT })
  const box = await dialog()
  await user.click(await box.findByRole("button", { name: "Edit Night shift" }))
  expect(box.getByText("The address is stored and never shown.")).toBeInTheDocument()
  await user.type(box.getByLabelText("Name"), " two")
  await user.click(box.getByRole("button", { name: "Save channel" }))
  await waitFor(() => expect(patched).toHaveLength(1))
  expect(patched[0]?.body).toEqual({
    name: "Night shift two",
    events: ["run_failed", "dead_letter"],
  })
})

test("removing asks first and says what it means", async () => {
  const removed = answering("DELETE /api/v1/notifications/{channel_id}", undefined, 204)
  const { user } = renderWithApp(<Notifications />, { at: AT })
  const box = await dialog()
  await user.click(await box.findByRole("button", { name: "Remove Night shift" }))
  expect(box.getByText(/Its address is destroyed/)).toBeInTheDocument()
  await user.click(box.getByRole("button", { name: "Keep" }))
  expect(removed).toHaveLength(0)
  await user.click(box.getByRole("button", { name: "Remove Night shift" }))
  await user.click(box.getByRole("button", { name: "Remove channel" }))
  await waitFor(() => expect(removed).toHaveLength(1))
})

test("an operator is told who sees the channels; a failed list can be asked again", async () => {
  const { unmount } = renderWithApp(<Notifications />, { at: AT, role: "operator" })
  expect(
    await (await dialog()).findByText(/Only an administrator sees the channels/),
  ).toBeInTheDocument()
  unmount()
  answering("GET /users/me", example("GET /users/me"))
  refusing("GET /api/v1/notifications", 500, "internal", "Internal error")
  renderWithApp(<Notifications />, { at: AT })
  expect(await (await dialog()).findByText(/Could not load the channels/)).toBeInTheDocument()
})
