import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { useShortcuts } from "@/app/keyboard"
import { renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import PaletteDialog from "."

const AT = "/?dialog=palette&tab=failed"
const box = async () => within(await screen.findByRole("dialog", { name: "Search or jump to" }))

let ran = 0
function Page() {
  useShortcuts([
    { keys: "r", label: "Run sync now", group: "Page", run: () => (ran += 1) },
    { keys: "u", label: "Use Zammad", group: "Rows", run: () => {} },
  ])
  return <PaletteDialog />
}

test("begins with what is done every day, with its keys, and what waits", async () => {
  renderWithApp(<Page />, { at: AT })
  const palette = await box()
  const run = palette.getByRole("option", { name: /Run sync now/ })
  expect(run).toHaveTextContent("R")
  expect(await palette.findByText("Needs a decision")).toBeInTheDocument()
  expect(palette.queryByText("Use Zammad")).not.toBeInTheDocument()
  expect(screen.getByRole("combobox")).toHaveFocus()
})

test("a command found by name runs once the palette has closed", async () => {
  ran = 0
  const { user } = renderWithApp(<Page />, { at: AT })
  await box()
  await user.keyboard("sync now{Enter}")
  await waitFor(() => expect(ran).toBe(1))
  expect(screen.queryByRole("dialog")).not.toBeInTheDocument()
})

test("finds entries, runs and events by number, as links that keep the filters", async () => {
  const asked = answering("GET /api/v1/entries", example("GET /api/v1/entries"))
  const [entry] = example("GET /api/v1/entries").items
  const { user } = renderWithApp(<Page />, { at: AT })
  const palette = await box()
  await user.keyboard("1")
  const found = await palette.findByRole("option", { name: /^Sync run #1, completed/ })
  expect(found).toHaveAttribute("href", "/?tab=failed&dialog=runs&run=1")
  await waitFor(() => expect(asked.at(-1)?.url.searchParams.get("q")).toBe("1"))
  const link = await palette.findAllByRole("option", {
    name: new RegExp(`#${entry?.ticket_number}`),
  })
  expect(link[0]).toHaveAttribute("href", `/?tab=failed&entry=${entry?.id}#reconcile`)
})

test("finds mappings by either side", async () => {
  const { user } = renderWithApp(<Page />, { at: AT })
  const palette = await box()
  await user.keyboard("maint")
  const found = await palette.findByRole("option", { name: /Maintenance → Maintenance/ })
  expect(found).toHaveAttribute(
    "href",
    "/?tab=failed&mappings.tab=activities&mappings.q=Maintenance#mappings",
  )
})

test("says when nothing matches, and when the search failed, without losing the commands", async () => {
  answering("GET /api/v1/entries", { ...example("GET /api/v1/entries"), items: [] })
  const { user } = renderWithApp(<Page />, { at: AT })
  const palette = await box()
  await user.keyboard("qqq")
  expect(await palette.findByText("Nothing matches “qqq”.")).toBeInTheDocument()
  refusing("GET /api/v1/entries", 500, "internal", "Internal error")
  await user.clear(screen.getByRole("combobox"))
  await user.keyboard("theme")
  expect(await palette.findByText("Not everything could be searched.")).toBeInTheDocument()
  expect(palette.getByRole("option", { name: /Switch to dark theme/ })).toBeInTheDocument()
})

test("a viewer sees why a command is off; administrator's dialogs are not offered", async () => {
  const { user } = renderWithApp(<Page />, { at: AT, role: "viewer" })
  const palette = await box()
  await user.keyboard("other days")
  const off = await palette.findByRole("option", { name: /Run for other days/ })
  expect(off).toHaveAttribute("aria-disabled", "true")
  expect(off).toHaveTextContent("An operator may do this")
  await user.clear(screen.getByRole("combobox"))
  await user.keyboard("accounts")
  expect(palette.queryByRole("option", { name: /Accounts/ })).not.toBeInTheDocument()
})
