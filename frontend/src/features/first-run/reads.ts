/** What the checklist reads; it polls nothing that the stream tells. */
import type { AnswerOf } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { Delivery, Mapping } from "@/api/shapes"

/** The newest delivery that Zammad itself sent and that was taken; a test delivery is none. */
export const delivered = (): Read<Delivery | null> => ({
  key: keys.deliveries("newest-of-zammad"),
  fetch: async (get) => {
    const { items } = await get("/api/v1/webhook/deliveries", { query: { limit: 50 } })
    const taken = items.filter((one) => one.status !== "rejected")
    return taken.find((one) => !one.delivery_id.startsWith("test-")) ?? null
  },
})

export type Activity = AnswerOf<"/api/v1/connectors/{connector_id}/activities">[number]
export const types = (zammad: number): Read<Activity[]> => ({
  key: keys.zammadActivities(zammad),
  fetch: (get) =>
    get("/api/v1/connectors/{connector_id}/activities", { path: { connector_id: zammad } }),
  staleTime: 60_000,
})
export const activities = (kimai: number): Read<Activity[]> => ({
  key: keys.kimaiActivities(kimai),
  fetch: (get) =>
    get("/api/v1/connectors/{connector_id}/activities", { path: { connector_id: kimai } }),
  staleTime: 60_000,
})

export const mappings = (): Read<Mapping[]> => ({
  key: keys.mappings("active"),
  fetch: (get) => get("/api/v1/mappings", { query: { is_active: true, limit: 1000 } }),
})

/** What can be seen in Zammad without writing anything anywhere. */
export type Seen = { people: number; customers: number }
export const seen = (zammad: number): Read<Seen> => ({
  key: keys.connectors(zammad, "seen"),
  fetch: async (get) => {
    const path = { connector_id: zammad }
    const [people, customers] = await Promise.all([
      get("/api/v1/connectors/{connector_id}/users", { path }),
      get("/api/v1/connectors/{connector_id}/customers", { path }),
    ])
    return { people: people.length, customers: customers.length }
  },
  staleTime: 60_000,
})

/** Bookings that were read so far; the dry run reads them. */
export const booked = (): Read<{ entries: number; minutes: number }> => ({
  key: keys.entries("sum"),
  fetch: async (get) => {
    const page = await get("/api/v1/entries", { query: { limit: 1 } })
    return { entries: page.total, minutes: Number(page.total_minutes) }
  },
})
