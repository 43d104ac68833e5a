import type { AnswerOf, QueryOf } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"

type Schemas = components["schemas"]
export type KeyFigures = Schemas["KeyFigures"]
export type Series = Schemas["Series"]
export type DeliveryStatus = NonNullable<QueryOf<"/api/v1/webhook/deliveries">["status"]>
export type Health = Schemas["HealthOut"]

export const RECENT = 6

export const recentRuns = (): Read<AnswerOf<"/api/v1/sync/runs">> => ({
  key: keys.syncRuns(0, RECENT, "all"),
  fetch: (get) => get("/api/v1/sync/runs", { query: { limit: RECENT } }),
})

export const deliveries = (
  limit: number,
  status?: DeliveryStatus,
): Read<AnswerOf<"/api/v1/webhook/deliveries">> => ({
  key: keys.deliveries(limit, status ?? "all"),
  fetch: (get) => get("/api/v1/webhook/deliveries", { query: { limit, status } }),
})

const HEALTH_AGES = 60_000 // ms: latency and breaker change without an event

export const health = (id: number): Read<Health> => ({
  key: keys.connectors(id, "health"),
  fetch: (get) => get("/api/v1/connectors/{connector_id}/health", { path: { connector_id: id } }),
  every: HEALTH_AGES,
})

/** Is the store reachable and are the views current. Answers 503 in words when not. */
export const ready = (): Read<Schemas["ReadyAnswer"]> => ({
  key: keys.own("ready"),
  fetch: (get) => get("/api/ready"),
  every: HEALTH_AGES,
})

export const deadLetters = (
  filter: QueryOf<"/api/v1/dead-letters"> = {},
): Read<Schemas["DeadLetterPage"]> => ({
  key: keys.deadLetters(filter),
  // Without `group` the service answers with a page of letters, with it with groups.
  fetch: async (get) =>
    (await get("/api/v1/dead-letters", {
      query: { ...filter, limit: 200 },
    })) as Schemas["DeadLetterPage"],
})

export const deadLetterGroups = (): Read<Schemas["DeadLetterGroups"]> => ({
  key: keys.deadLetters("groups"),
  fetch: async (get) =>
    (await get("/api/v1/dead-letters", { query: { group: true } })) as Schemas["DeadLetterGroups"],
})

export const healthHistory = (id: number): Read<Schemas["HealthHistory"]> => ({
  key: keys.connectors(id, "health-history"),
  fetch: (get) =>
    get("/api/v1/connectors/{connector_id}/health/history", { path: { connector_id: id } }),
  every: 10 * HEALTH_AGES, // half hours pass without an event
})
