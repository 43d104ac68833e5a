import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { Entry, LedgerEvent, SyncRun } from "@/api/shapes"

const ENTRIES = 6
const RUNS = 3

/** By ticket number, title, text, person or customer. */
export const entriesFound = (text: string): Read<Entry[]> => ({
  key: keys.entries("palette", text),
  fetch: async (get) =>
    (await get("/api/v1/entries", { query: { q: text, limit: ENTRIES } })).items,
})

/** What waits for somebody, to begin with. */
export const entriesWaiting = (): Read<Entry[]> => ({
  key: keys.entries("palette", "conflict"),
  fetch: async (get) =>
    (
      await get("/api/v1/entries", {
        query: { state: ["conflict"], sort: "-updated_at", limit: RUNS },
      })
    ).items,
})

export const runsFound = (number: string): Read<SyncRun[]> => ({
  key: keys.syncRuns("palette", number),
  fetch: async (get) =>
    (await get("/api/v1/sync/runs", { query: { search: number, limit: RUNS } })).data,
})

export const runsActive = (): Read<SyncRun[]> => ({
  key: keys.syncRuns("palette", "running"),
  fetch: async (get) =>
    (await get("/api/v1/sync/runs", { query: { status: "running", limit: RUNS } })).data,
})

/** The event with this number; asked as a list, so that a number beyond the end is no failure. */
export const eventFound = (position: number): Read<LedgerEvent | null> => ({
  key: keys.own("paletteEvent", position),
  fetch: async (get) => {
    const { items } = await get("/api/v1/events", { query: { after: position - 1, limit: 1 } })
    return items.find((one) => one.position === position) ?? null
  },
})

export type Known = { key: string; tab: string; from: string; to: string; active: boolean }

/** All mappings as lines to look through; there are few. */
export const mappingsKnown = (): Read<Known[]> => ({
  key: keys.mappings("palette"),
  fetch: async (get) => {
    const [activities, people, projects] = await Promise.all([
      get("/api/v1/mappings"),
      get("/api/v1/mappings/users"),
      get("/api/v1/mappings/projects"),
    ])
    return [
      ...activities.map((one) => ({
        key: `activity-${one.id}`,
        tab: "activities",
        from: one.zammad_type_name,
        to: one.kimai_activity_name,
        active: one.is_active,
      })),
      ...people.map((one) => ({
        key: `person-${one.id}`,
        tab: "users",
        from: one.zammad_user_name || "everyone else",
        to: one.kimai_user_name ?? `person ${one.kimai_user_id}`,
        active: one.is_active,
      })),
      ...projects.map((one) => ({
        key: `project-${one.id}`,
        tab: "projects",
        from: one.source_name || `${one.source_kind} ${one.source_id}`,
        to: `${one.kimai_project_id ? `project ${one.kimai_project_id}` : `customer ${one.kimai_customer_id}`}`,
        active: one.is_active,
      })),
    ]
  },
})
