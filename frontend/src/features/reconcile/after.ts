/** What Kimai holds after an op: read from the exact request that would be sent. Pure. */
import type { RowDetail } from "@/api/shapes"
import type { Preview } from "./reads"

/** A timesheet's values by the names of the row's `target`; what is not known is absent. */
export type Values = Partial<
  Record<
    | "minutes"
    | "begin"
    | "end"
    | "user_id"
    | "project_id"
    | "activity_id"
    | "description"
    | "billable",
    unknown
  >
>
export type After =
  | { is: "written"; values: Values; timesheet: "new" | "same" | "second" }
  | { is: "deleted" }
  | { is: "unchanged"; values: Values | null }

const NAMES: Record<string, keyof Values> = {
  begin: "begin",
  end: "end",
  user: "user_id",
  project: "project_id",
  activity: "activity_id",
  description: "description",
  billable: "billable",
}

export function afterOf(preview: Preview, target: RowDetail["target"]): After {
  const held = target === null ? null : (target as Values)
  const request = preview.requests.findLast((one) => one.path.includes("/timesheets"))
  if (request === undefined) return { is: "unchanged", values: held }
  if (request.method === "DELETE") return { is: "deleted" }
  const creates = request.method === "POST"
  const body = request.body ?? {}
  let values: Values = creates ? {} : { ...held }
  for (const [name, value] of Object.entries(body)) {
    const known = NAMES[name]
    if (known !== undefined) values[known] = value
  }
  const timesheet = !creates ? "same" : preview.op === "correct" ? "second" : "new"
  const asked = "begin" in body || "end" in body ? between(values.begin, values.end) : null
  if (asked !== null) values = { ...values, minutes: asked }
  return { is: "written", values: { ...values, ...preview.stored }, timesheet }
}

function between(begin: unknown, end: unknown): number | null {
  if (typeof begin !== "string" || typeof end !== "string") return null
  const minutes = (Date.parse(end) - Date.parse(begin)) / 60_000
  return Number.isFinite(minutes) ? minutes : null
}
