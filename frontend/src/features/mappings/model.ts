/** The three tables of mappings under one shape; what differs between them is in `BOOKS`. */
import { type AnswerOf, del, type Get, patch, post } from "@/api/client"
import { keys } from "@/api/keys"
import type { Mapping, ProjectMapping, Suggestion, UserMapping } from "@/api/shapes"

export const KINDS = ["activities", "users", "projects"] as const
export type Kind = (typeof KINDS)[number]
export type SourceKind = ProjectMapping["source_kind"]
/** Which list of a connected system: `/connectors/{id}/<noun>`. */
export type Noun = "activities" | "users" | "customers" | "projects"

export type Source = {
  /** null: bookings without type, or everyone without a row of their own. */
  id: number | null
  name: string
  email?: string | null
  kind?: SourceKind
}
/** `list` is where it is found in Kimai. */
export type Target = { list: Noun; id: number; name: string }

export type Row = {
  id: number
  version: number
  isActive: boolean
  createdAt: string
  updatedAt: string
  source: Source
  targets: readonly Target[]
  billable: boolean | null
  timezone: string | null
  /** Made by the service because the addresses are the same. */
  byEmail: boolean
}

/** What a form holds; complete when it has a source and a target. */
export type Draft = {
  source: Source | null
  targets: readonly Target[]
  isActive: boolean
  billable: boolean | null
  timezone: string | null
}
export type Complete = Draft & { source: Source }

type Intent = { idempotencyKey: string }
export type Imported = AnswerOf<
  "/api/v1/mappings/import" | "/api/v1/mappings/users/import" | "/api/v1/mappings/projects/import",
  "post"
>
export type ImportLine = Imported["rows"][number]
export type Mode = "merge" | "replace"

type Book = {
  /** Of the tab. */
  label: string
  /** "3 activities", "1 activity". */
  one: string
  many: string
  /** Head of the columns. */
  sourceHead: string
  targetHead: string
  /** What the audit log calls a row. */
  entity: string
  empty: string
  all: (get: Get) => Promise<Row[]>
  get: (get: Get, id: number) => Promise<Row>
  add: (draft: Complete, intent: Intent) => Promise<Row>
  change: (row: Row, draft: Complete, intent: Intent) => Promise<Row>
  remove: (row: Row, intent: Intent) => Promise<unknown>
  import: (
    body: FormData | { rows: object[] },
    how: { dryRun: boolean; mode: Mode },
    intent: Intent,
  ) => Promise<Imported>
  exportPath:
    | "/api/v1/mappings/export"
    | "/api/v1/mappings/users/export"
    | "/api/v1/mappings/projects/export"
}

const PAGE = 1000 // the most that the service gives at once

async function pages<T>(page: (skip: number) => Promise<T[]>): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const some = await page(all.length)
    all.push(...some)
    if (some.length < PAGE) return all
  }
}

function activityRow(row: Mapping): Row {
  return {
    ...common(row),
    source: { id: row.zammad_type_id, name: row.zammad_type_name },
    targets: [{ list: "activities", id: row.kimai_activity_id, name: row.kimai_activity_name }],
    billable: row.billable,
  }
}

function userRow(row: UserMapping): Row {
  return {
    ...common(row),
    source: {
      id: row.zammad_user_id,
      name: row.zammad_user_name ?? "",
      email: row.zammad_user_email,
    },
    targets: [{ list: "users", id: row.kimai_user_id, name: row.kimai_user_name ?? "" }],
    timezone: row.timezone,
    byEmail: row.origin === "email",
  }
}

function projectRow(row: ProjectMapping): Row {
  const targets: Target[] = []
  if (row.kimai_customer_id !== null)
    targets.push({ list: "customers", id: row.kimai_customer_id, name: "" })
  if (row.kimai_project_id !== null)
    targets.push({ list: "projects", id: row.kimai_project_id, name: "" })
  return {
    ...common(row),
    source: { id: row.source_id, name: row.source_name ?? "", kind: row.source_kind },
    targets,
  }
}

function common(row: Mapping | UserMapping | ProjectMapping) {
  return {
    id: row.id,
    version: row.version,
    isActive: row.is_active,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    billable: null,
    timezone: null,
    byEmail: false,
  }
}

const target = (draft: Draft, list: Noun) => draft.targets.find((one) => one.list === list)

/** A draft as the routes and the import take it. */
export function activityBody(draft: Complete) {
  const to = target(draft, "activities")
  return {
    zammad_type_id: draft.source.id,
    zammad_type_name: draft.source.name || null,
    kimai_activity_id: to?.id ?? 0,
    kimai_activity_name: to?.name || null,
    is_active: draft.isActive,
    billable: draft.billable,
  }
}

export function userBody(draft: Complete) {
  const to = target(draft, "users")
  return {
    zammad_user_id: draft.source.id,
    zammad_user_name: draft.source.name || null,
    zammad_user_email: draft.source.email || null,
    kimai_user_id: to?.id ?? 0,
    kimai_user_name: to?.name || null,
    timezone: draft.timezone,
    is_active: draft.isActive,
  }
}

export function projectBody(draft: Complete) {
  return {
    source_kind: draft.source.kind ?? "organization",
    source_id: draft.source.id ?? 0,
    source_name: draft.source.name || null,
    kimai_customer_id: target(draft, "customers")?.id ?? null,
    kimai_project_id: target(draft, "projects")?.id ?? null,
    is_active: draft.isActive,
  }
}

const importing = ({ dryRun, mode }: { dryRun: boolean; mode: Mode }) => ({ dry_run: dryRun, mode })
// The document gives rows of an import no shape (a file may hold anything).
type AnyRows = FormData | { rows: Record<string, never>[] }

export const BOOKS: Record<Kind, Book> = {
  activities: {
    label: "Activities",
    one: "activity",
    many: "activities",
    sourceHead: "Zammad activity",
    targetHead: "Kimai activity",
    entity: "mapping",
    empty: "No activities seen yet. They appear with the first entry from Zammad.",
    all: (get) =>
      pages(async (skip) =>
        (await get("/api/v1/mappings", { query: { skip, limit: PAGE } })).map(activityRow),
      ),
    get: async (get, mapping_id) =>
      activityRow(await get("/api/v1/mappings/{mapping_id}", { path: { mapping_id } })),
    add: async (draft, intent) =>
      activityRow(await post("/api/v1/mappings", { body: activityBody(draft), ...intent })),
    change: async (row, draft, intent) =>
      activityRow(
        await patch("/api/v1/mappings/{mapping_id}", {
          path: { mapping_id: row.id },
          body: activityBody(draft),
          ifMatch: row.version,
          ...intent,
        }),
      ),
    remove: (row, intent) =>
      del("/api/v1/mappings/{mapping_id}", {
        path: { mapping_id: row.id },
        ifMatch: row.version,
        ...intent,
      }),
    import: (body, how, intent) =>
      post("/api/v1/mappings/import", { query: importing(how), body: body as AnyRows, ...intent }),
    exportPath: "/api/v1/mappings/export",
  },
  users: {
    label: "People",
    one: "person",
    many: "people",
    sourceHead: "Person in Zammad",
    targetHead: "User in Kimai",
    entity: "user_mapping",
    empty:
      "No people seen yet. They appear with the first entry from Zammad; the same e-mail address in both systems needs no mapping.",
    all: (get) =>
      pages(async (skip) =>
        (await get("/api/v1/mappings/users", { query: { skip, limit: PAGE } })).map(userRow),
      ),
    get: async (get, mapping_id) =>
      userRow(await get("/api/v1/mappings/users/{mapping_id}", { path: { mapping_id } })),
    add: async (draft, intent) =>
      userRow(await post("/api/v1/mappings/users", { body: userBody(draft), ...intent })),
    change: async (row, draft, intent) =>
      userRow(
        await patch("/api/v1/mappings/users/{mapping_id}", {
          path: { mapping_id: row.id },
          body: userBody(draft),
          ifMatch: row.version,
          ...intent,
        }),
      ),
    remove: (row, intent) =>
      del("/api/v1/mappings/users/{mapping_id}", {
        path: { mapping_id: row.id },
        ifMatch: row.version,
        ...intent,
      }),
    import: (body, how, intent) =>
      post("/api/v1/mappings/users/import", {
        query: importing(how),
        body: body as AnyRows,
        ...intent,
      }),
    exportPath: "/api/v1/mappings/users/export",
  },
  projects: {
    label: "Customers and projects",
    one: "customer",
    many: "customers",
    sourceHead: "From Zammad",
    targetHead: "Customer or project in Kimai",
    entity: "project_mapping",
    empty:
      "No own rows. Until there is one, the rule decides which customer and project an entry gets.",
    all: (get) =>
      pages(async (skip) =>
        (await get("/api/v1/mappings/projects", { query: { skip, limit: PAGE } })).map(projectRow),
      ),
    get: async (get, mapping_id) =>
      projectRow(await get("/api/v1/mappings/projects/{mapping_id}", { path: { mapping_id } })),
    add: async (draft, intent) =>
      projectRow(await post("/api/v1/mappings/projects", { body: projectBody(draft), ...intent })),
    change: async (row, draft, intent) =>
      projectRow(
        await patch("/api/v1/mappings/projects/{mapping_id}", {
          path: { mapping_id: row.id },
          body: projectBody(draft),
          ifMatch: row.version,
          ...intent,
        }),
      ),
    remove: (row, intent) =>
      del("/api/v1/mappings/projects/{mapping_id}", {
        path: { mapping_id: row.id },
        ifMatch: row.version,
        ...intent,
      }),
    import: (body, how, intent) =>
      post("/api/v1/mappings/projects/import", {
        query: importing(how),
        body: body as AnyRows,
        ...intent,
      }),
    exportPath: "/api/v1/mappings/projects/export",
  },
}

export const BODIES: Record<Kind, (draft: Complete) => object> = {
  activities: activityBody,
  users: userBody,
  projects: projectBody,
}

export const SOURCE_KINDS: Record<SourceKind, string> = {
  organization: "Organization",
  customer: "Customer",
  group: "Group",
}

/** Names the one that is mapped, the same for equal ones. */
export function sourceKey(source: Source): string {
  return `${source.kind ?? ""}:${source.id ?? (source.name && source.kind ? source.name : "none")}`
}

/** How a source is called; ids stand where no name is known. */
export function sourceName(kind: Kind, source: Source): string {
  if (source.id === null && kind === "activities") return "Entries without activity"
  if (source.id === null && kind === "users") return "Everyone without a row"
  if (source.name !== "") return source.name
  const what = kind === "activities" ? "Activity" : kind === "users" ? "Person" : "Customer"
  return source.kind ? `${SOURCE_KINDS[source.kind]} ${source.id ?? ""}` : `${what} ${source.id}`
}

const TARGET_WORDS: Record<Noun, string> = {
  activities: "Activity",
  users: "User",
  customers: "Customer",
  projects: "Project",
}
export const targetWord = (list: Noun): string => TARGET_WORDS[list]

export function targetName(one: Target): string {
  return one.name || `${TARGET_WORDS[one.list]} ${one.id}`
}

export function suggestedSource(one: Suggestion): Source {
  return {
    id: one.source.id,
    name: one.source.id === null && one.kind === "activities" ? "" : one.source.name,
    email: one.source.email ?? null,
    ...(one.kind === "projects" ? { kind: one.source.source_kind ?? "organization" } : {}),
  }
}

export function suggestedTarget(one: Suggestion): Target | null {
  if (one.target === null) return null
  const list: Noun =
    one.kind === "projects"
      ? one.target.target_kind === "project"
        ? "projects"
        : "customers"
      : one.kind
  return { list, id: one.target.id, name: one.target.name }
}

export function draftOf(row: Row): Complete {
  const { source, targets, isActive, billable, timezone } = row
  return { source, targets, isActive, billable, timezone }
}

export const rowsKey = (kind: Kind) => keys.mappings(kind, "rows")
