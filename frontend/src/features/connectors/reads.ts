/** What the section reads. Keys begin as the contract's, so the stream keeps them fresh. */
import type { AnswerOf } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { AuditLog, Delivery } from "@/api/shapes"

export type Health = AnswerOf<"/api/v1/connectors/{connector_id}/health">
export type HealthHistory = AnswerOf<"/api/v1/connectors/{connector_id}/health/history">
export type Check = NonNullable<Health["found"]>["checks"][number]

/** Of now only: what runs and tests found last, and when it is asked next. */
export const health = (id: number): Read<Health> => ({
  key: keys.connectors(id, "health"),
  fetch: (get) => get("/api/v1/connectors/{connector_id}/health", { path: { connector_id: id } }),
  every: 60_000, // "next try" moves with the clock, not with an event
})

export const history = (id: number): Read<HealthHistory> => ({
  key: keys.connectors(id, "history"),
  fetch: (get) =>
    get("/api/v1/connectors/{connector_id}/health/history", { path: { connector_id: id } }),
  every: 5 * 60_000,
})

export const projects = (id: number) =>
  ({
    key: keys.connectors(id, "projects"),
    fetch: (get) =>
      get("/api/v1/connectors/{connector_id}/projects", { path: { connector_id: id } }),
    staleTime: 60_000,
  }) satisfies Read<AnswerOf<"/api/v1/connectors/{connector_id}/projects">>

export const activities = (id: number) =>
  ({
    key: keys.kimaiActivities(id),
    fetch: (get) =>
      get("/api/v1/connectors/{connector_id}/activities", { path: { connector_id: id } }),
    staleTime: 60_000,
  }) satisfies Read<AnswerOf<"/api/v1/connectors/{connector_id}/activities">>

/** The newest deliveries; the route knows no sums, so figures say of how many they are. */
export const NEWEST = 200
export const deliveries = (): Read<Delivery[]> => ({
  key: keys.deliveries("newest", NEWEST),
  fetch: async (get) =>
    (await get("/api/v1/webhook/deliveries", { query: { limit: NEWEST } })).items,
})

/** Sent by this service to itself: says nothing of Zammad. */
export const isTest = (one: Delivery) => one.delivery_id.startsWith("test-")

/** Who last replaced the webhook's secret, and until when the former one is taken. */
export const secretChange = (id: number): Read<AuditLog | null> => ({
  key: keys.auditLogs("webhook-secret", id),
  fetch: async (get) => {
    const { data } = await get("/api/v1/audit-logs", {
      query: { action: "webhook_secret_replaced", entity: `connector:${id}`, limit: 1 },
    })
    return data[0] ?? null
  },
})

/** What removing a connector would leave behind. */
export const pending = (): Read<number> => ({
  key: keys.entries("count", "pending"),
  fetch: async (get) =>
    (await get("/api/v1/entries", { query: { state: ["pending"], limit: 1 } })).total ?? 0,
})
