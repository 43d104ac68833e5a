import { render, screen, waitFor } from "@testing-library/react"
import userEvent from "@testing-library/user-event"
import { useState } from "react"
import { expect, test } from "vitest"
import { useTyped } from "./use-typed"

function Field() {
  const [kept, keep] = useState("")
  const [text, setText] = useTyped(kept, keep, { pause: 10, may: (typed) => typed !== "no" })
  return (
    <>
      <input value={text} onChange={(event) => setText(event.target.value)} />
      <output>{kept}</output>
      <button type="button" onClick={() => keep("")}>
        Clear
      </button>
    </>
  )
}

const pause = () => new Promise((done) => setTimeout(done, 40))

test("a field keeps what was typed, and what it stands for is trimmed", async () => {
  const user = userEvent.setup()
  render(<Field />)
  const field = screen.getByRole("textbox")
  await user.type(field, "vpn ")
  await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("vpn"))
  await pause()
  expect(field).toHaveValue("vpn ")
  await user.type(field, "drops")
  await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("vpn drops"))
  expect(field).toHaveValue("vpn drops")
  await user.click(screen.getByRole("button", { name: "Clear" }))
  expect(field).toHaveValue("")
})

test("what may not be told stays in the field", async () => {
  const user = userEvent.setup()
  render(<Field />)
  await user.type(screen.getByRole("textbox"), "no")
  await pause()
  expect(screen.getByRole("textbox")).toHaveValue("no")
  expect(screen.getByRole("status")).not.toHaveTextContent("no")
})
