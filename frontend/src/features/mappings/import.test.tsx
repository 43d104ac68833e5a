import { screen, waitFor, within } from "@testing-library/react"
import { expect, test } from "vitest"
import { renderWithApp } from "@/testing/render"
import { answering, refusing } from "@/testing/server"
import Mappings from "."
import type { ImportLine } from "./model"

const CSV = new File(["zammad_type_id,kimai_activity_id\n1,2\n"], "mappings.csv", {
  type: "text/csv",
})

function line(row: number, action: ImportLine["action"], more: object = {}): ImportLine {
  return { row, action, zammad_type_id: row, kimai_activity_id: 3, message: null, ...more }
}

function report(rows: ImportLine[], dry_run = true) {
  const counts = { add: 0, change: 0, remove: 0, unchanged: 0, error: 0 }
  for (const one of rows) counts[one.action] += 1
  return { dry_run, applied: !dry_run, counts, rows }
}

async function opened() {
  answering("GET /api/v1/mappings/usage", { days: 30, items: [] })
  answering("GET /api/v1/mappings/suggestions", {
    items: [
      {
        kind: "activities",
        source: { id: 9, name: "Preventive", email: null, source_kind: null },
        target: null,
        basis: null,
        waiting_entries: 9,
        waiting_minutes: 265,
      },
    ],
  })
  const { user } = renderWithApp(<Mappings />)
  await screen.findByText(/holds back/)
  await screen.findByRole("row", { name: /^Maintenance/ })
  await user.click(screen.getByRole("button", { name: "Import…" }))
  const dialog = await screen.findByRole("dialog", { name: "Import activities" })
  return { user, dialog, input: within(dialog).getByLabelText("File to import") }
}

test("a file is shown row by row before it is applied, then all of it is", async () => {
  const { user, dialog, input } = await opened()
  const asked = answering(
    "POST /api/v1/mappings/import",
    report([
      line(1, "change", { kimai_activity_id: 3 }),
      line(2, "unchanged", { kimai_activity_id: 2 }),
      line(9, "add"),
    ]),
  )
  await user.upload(input, CSV)
  const table = await within(dialog).findByRole("table", { name: /row by row/ })
  expect(asked[0]?.url.searchParams.get("dry_run")).toBe("true")
  const rows = within(table).getAllByRole("row").slice(1)
  expect(rows).toHaveLength(2) // what stays the same is left out
  expect(rows[0]).toHaveTextContent(/Change.*Support.*from Support.*to Consulting/)
  expect(rows[1]).toHaveTextContent(/Add/)
  expect(dialog).toHaveTextContent(/9.entries, 4.h.25.m continue/)
  await user.click(within(dialog).getByRole("button", { name: "All rows" }))
  expect(within(table).getAllByRole("row")).toHaveLength(4)
  const applied = answering(
    "POST /api/v1/mappings/import",
    report([line(1, "change"), line(9, "add")], false),
  )
  await user.click(within(dialog).getByRole("button", { name: /Import 2.changes/ }))
  await waitFor(() => expect(applied).toHaveLength(1))
  expect(applied[0]?.url.searchParams.get("dry_run")).toBe("false")
  expect(String(applied[0]?.body)).toMatch(/name="file"/)
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument())
})

test("one bad row keeps all of the file out, and says what is wrong with it", async () => {
  const { user, dialog, input } = await opened()
  answering(
    "POST /api/v1/mappings/import",
    report([
      line(1, "add"),
      line(2, "error", { zammad_type_id: null, message: "kimai_activity_id is missing." }),
    ]),
  )
  await user.upload(input, CSV)
  const table = await within(dialog).findByRole("table", { name: /row by row/ })
  const first = within(table).getAllByRole("row")[1]
  expect(first).toHaveTextContent(/Error.*kimai_activity_id is missing\./)
  expect(dialog).toHaveTextContent(/1.row cannot be read.*nothing is imported before/)
  const button = within(dialog).getByRole("button", { name: /^Import/ })
  expect(button).toHaveAttribute("aria-disabled", "true")
})

test("replacing shows what would be removed", async () => {
  const { user, dialog, input } = await opened()
  answering("POST /api/v1/mappings/import", report([line(2, "unchanged")]))
  await user.upload(input, CSV)
  expect(await within(dialog).findByText(/Every row is there already/)).toBeInTheDocument()
  const asked = answering(
    "POST /api/v1/mappings/import",
    report([
      line(2, "unchanged"),
      { ...line(1, "remove"), row: null, kimai_activity_id: 1, zammad_type_id: 1 },
    ]),
  )
  await user.click(within(dialog).getByRole("radio", { name: /Remove rows/ }))
  expect(await within(dialog).findByText("1 remove")).toBeInTheDocument()
  expect(asked[0]?.url.searchParams.get("mode")).toBe("replace")
})

test("a refusal while applying tells its rows and keeps the file", async () => {
  const { user, dialog, input } = await opened()
  answering("POST /api/v1/mappings/import", report([line(9, "add")]))
  await user.upload(input, CSV)
  await within(dialog).findByRole("table", { name: /row by row/ })
  answering(
    "POST /api/v1/mappings/import",
    {
      detail: "Nothing was imported. Row 9: mapped meanwhile.",
      code: "import_invalid",
      errors: [],
      request_id: "r",
      rows: [line(9, "error", { message: "mapped meanwhile" })],
    },
    422,
  )
  await user.click(within(dialog).getByRole("button", { name: /Import 1.change/ }))
  expect(await within(dialog).findByText(/Nothing was imported/)).toBeInTheDocument()
  expect(within(dialog).getByText("mapped meanwhile")).toBeInTheDocument()
  expect(within(dialog).getByText("mappings.csv")).toBeInTheDocument()
})

test("a file that cannot be read at all is said", async () => {
  const { user, dialog, input } = await opened()
  refusing("POST /api/v1/mappings/import", 413, "body_too_large", "At most 1 MiB is taken.")
  await user.upload(input, CSV)
  expect(await within(dialog).findByText("At most 1 MiB is taken.")).toBeInTheDocument()
})
