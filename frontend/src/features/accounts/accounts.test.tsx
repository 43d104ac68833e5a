import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import Accounts from "."

const AT = "/?dialog=accounts"
const box = async () => within(await screen.findByRole("dialog"))
const [admin, bob] = example("GET /api/v1/users")

test("lists who may sign in and adds one; what is wrong is said at its field", async () => {
  const added = answering("POST /api/v1/users", { ...bob, username: "vera" }, 201)
  const { user } = renderWithApp(<Accounts />, { at: AT })
  const dialog = await box()
  const row = within(await dialog.findByRole("row", { name: /alice/ }))
  expect(row.getByText("Administrator")).toBeInTheDocument()
  await user.click(dialog.getByRole("button", { name: "Add an account" }))
  await user.click(dialog.getByRole("button", { name: "Add account" }))
  expect(dialog.getByLabelText("Username")).toHaveFocus()
  expect(dialog.getByText("Choose a name to sign in with.")).toBeInTheDocument()
  await user.type(dialog.getByLabelText("Username"), "vera")
  await user.type(dialog.getByLabelText("Password"), "long enough 12")
  await user.click(dialog.getByRole("button", { name: "Add account" }))
  await waitFor(() =>
    expect(added[0]?.body).toMatchObject({ username: "vera", role: "viewer", is_active: true }),
  )
  expect(await dialog.findByRole("table", { name: "Accounts" })).toBeInTheDocument()
})

test("sends only what changed, with the version; the last administrator stays", async () => {
  const patched = answering(
    "PATCH /api/v1/users/{user_id}",
    { detail: "The last administrator stays.", code: "last_admin", errors: [], request_id: "r" },
    409,
  )
  const { user } = renderWithApp(<Accounts />, { at: AT })
  const dialog = await box()
  await user.click(await dialog.findByRole("button", { name: "Edit alice" }))
  await user.click(dialog.getByRole("radio", { name: /^Operator/ }))
  await user.click(dialog.getByRole("button", { name: "Save account" }))
  expect(await dialog.findByText("The last administrator stays.")).toBeInTheDocument()
  expect(patched[0]?.body).toEqual({ role: "operator" })
  expect(patched[0]?.headers.get("If-Match")).toBe(`"${admin?.version}"`)
  expect(dialog.getByRole("radio", { name: /^Operator/ })).toBeChecked()
})

test("resets a password and deactivates", async () => {
  const patched = answering("PATCH /api/v1/users/{user_id}", bob)
  const { user } = renderWithApp(<Accounts />, { at: AT })
  const dialog = await box()
  await user.click(await dialog.findByRole("button", { name: "Edit bob" }))
  await user.type(dialog.getByLabelText(/New password/), "a whole new one")
  await user.click(dialog.getByRole("switch", { name: /May sign in/ }))
  await user.click(dialog.getByRole("button", { name: "Save account" }))
  await waitFor(() =>
    expect(patched[0]?.body).toEqual({ is_active: false, password: "a whole new one" }),
  )
})

test("a taken name is said at its field; others than administrators see no list", async () => {
  refusing("POST /api/v1/users", 409, "name_taken", "There is an account bob already.")
  const { user, unmount } = renderWithApp(<Accounts />, { at: AT })
  const dialog = await box()
  await user.click(await dialog.findByRole("button", { name: "Add an account" }))
  await user.type(dialog.getByLabelText("Username"), "bob")
  await user.type(dialog.getByLabelText("Password"), "long enough 12")
  await user.click(dialog.getByRole("button", { name: "Add account" }))
  expect(await dialog.findByText("There is an account bob already.")).toBeInTheDocument()
  expect(dialog.getByLabelText("Username")).toHaveValue("bob")
  unmount()
  renderWithApp(<Accounts />, { at: AT, role: "operator" })
  expect(
    await (await box()).findByText(/Only an administrator sees the accounts/),
  ).toBeInTheDocument()
})
