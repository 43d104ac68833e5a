import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import type { Plan, SyncRun } from "@/api/shapes"

export type Row = components["schemas"]["PlanRowOut"]
export type Summary = components["schemas"]["PlanSummaryOut"]
export type Drift = components["schemas"]["DriftOut"]
export type Action = Row["action"]
type Page<T> = { items: T[]; next_cursor?: string | null }

export const PAGE = 50
const EARLIER = 20
const LOOK = 1_000 // ms between two looks at what is being made or written

export const plan = (id: number, watched: boolean): Read<Plan> => ({
  key: keys.own("plans", id),
  fetch: (get) => get("/api/v1/sync/plans/{plan_id}", { path: { plan_id: id } }),
  every: watched ? LOOK : undefined,
})

export const plans = (): Read<Page<Summary>> => ({
  key: keys.own("plans", "all"),
  fetch: (get) => get("/api/v1/sync/plans", { query: { limit: EARLIER } }),
})

export const run = (id: number, watched: boolean): Read<SyncRun> => ({
  key: keys.syncRuns("one", id),
  fetch: (get) => get("/api/v1/sync/runs/{run_id}", { path: { run_id: id } }),
  every: watched ? LOOK : undefined,
})

/** What the numbers of a planned timesheet are called in Kimai; a number stays without its name. */
export type Names = Record<"activities" | "projects" | "users", Map<number, string>>

export const names = (connectorId: number): Read<Names> => ({
  key: keys.own("kimaiNames", connectorId),
  fetch: async (get) => {
    const path = { connector_id: connectorId }
    const query = { include_inactive: true }
    const [activities, projects, users] = await Promise.all([
      get("/api/v1/connectors/{connector_id}/activities", { path, query }),
      get("/api/v1/connectors/{connector_id}/projects", { path, query }),
      get("/api/v1/connectors/{connector_id}/users", { path, query }),
    ])
    const map = (items: { id: number; name: string }[]) =>
      new Map(items.map((one) => [one.id, one.name]))
    return { activities: map(activities), projects: map(projects), users: map(users) }
  },
  staleTime: 10 * 60_000,
})
