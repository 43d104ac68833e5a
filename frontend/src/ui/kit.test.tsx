import { useQuery } from "@tanstack/react-query"
import { act, screen, waitFor } from "@testing-library/react"
import { useState } from "react"
import { expect, test, vi } from "vitest"
import { ApiError } from "@/api/errors"
import { renderWithApp } from "@/testing/render"
import { Button } from "./button"
import { Combobox } from "./combobox"
import { ConfirmByTyping } from "./confirm"
import { Field, Input } from "./field"
import { QueryState } from "./panel"

test("a busy button keeps its label and takes no second press", async () => {
  const pressed = vi.fn()
  const { user } = renderWithApp(
    <Button busy onClick={pressed}>
      Save
    </Button>,
  )
  await user.click(await screen.findByRole("button", { name: "Save" }))
  expect(pressed).not.toHaveBeenCalled()
})

test("a field ties label, hint and error to its control", async () => {
  renderWithApp(
    <Field label="Minute" hint="Of each hour" error="Minute must be 0 to 59">
      <Input />
    </Field>,
  )
  const input = await screen.findByLabelText("Minute")
  expect(input).toBeInvalid()
  expect(input).toHaveAccessibleDescription("Of each hour Minute must be 0 to 59")
})

function Zones() {
  const [zone, setZone] = useState<string>()
  const options = ["Europe/Berlin", "Europe/Brussels", "America/New_York"].map((name) => ({
    value: name,
    label: name,
  }))
  return (
    <Field label="Time zone">
      <Combobox value={zone} onChange={setZone} options={options} />
    </Field>
  )
}

test("a combobox finds words in any order and is worked by keys", async () => {
  const { user } = renderWithApp(<Zones />)
  await user.click(await screen.findByLabelText("Time zone"))
  await user.type(screen.getByRole("combobox"), "york america")
  expect(screen.getAllByRole("option")).toHaveLength(1)
  await user.keyboard("{Enter}")
  await waitFor(() =>
    expect(screen.getByLabelText("Time zone")).toHaveTextContent("America/New_York"),
  )
})

test("what cannot be taken back wants the name", async () => {
  const confirmed = vi.fn()
  const { user } = renderWithApp(
    <ConfirmByTyping
      open
      onOpenChange={() => {}}
      title="Remove connector"
      consequence="Syncing stops; the history stays."
      name="Service desk"
      verb="Remove connector"
      busy={false}
      error={null}
      onConfirm={confirmed}
    />,
  )
  await user.click(await screen.findByRole("button", { name: "Remove connector" }))
  expect(confirmed).not.toHaveBeenCalled()
  expect(screen.getByText("This is not “Service desk”.")).toBeInTheDocument()
  await user.type(screen.getByRole("textbox"), "Service desk{Enter}")
  expect(confirmed).toHaveBeenCalledOnce()
})

let answers: (() => Promise<number[]>)[] = []
function Numbers() {
  const query = useQuery<number[], ApiError>({
    queryKey: ["own", "numbers"],
    queryFn: () => answers.shift()?.() ?? Promise.resolve([]),
    retry: false,
  })
  return (
    <QueryState
      query={query}
      what="the numbers"
      zone="UTC"
      skeleton={<p>…</p>}
      isEmpty={(list) => list.length === 0}
      empty={<p>No numbers yet.</p>}
    >
      {(list) => <p>{list.join(", ")}</p>}
    </QueryState>
  )
}

test("a query that fails keeps the last good data, says from when, and is asked again", async () => {
  const down = () => Promise.reject(new ApiError("not_ready", "The database is away.", 503))
  answers = [async () => [1, 2], down, async () => []]
  const { user, client } = renderWithApp(<Numbers />)
  await screen.findByText("1, 2")
  await act(() => client.invalidateQueries({ queryKey: ["own", "numbers"] }))
  expect(await screen.findByRole("alert")).toHaveTextContent(/The database is away. Shown as of/)
  expect(screen.getByText("1, 2")).toBeInTheDocument()
  await user.click(screen.getByRole("button", { name: "Retry" }))
  expect(await screen.findByText("No numbers yet.")).toBeInTheDocument()
  expect(screen.queryByRole("alert")).not.toBeInTheDocument()
})
