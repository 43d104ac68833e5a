/** What the shell itself reads, and several sections; what one reads is in its own `reads.ts`. */
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import type { Connector, Kpi, Schedule } from "@/api/shapes"

export const kpi = (range: "7d" | "30d" | "90d" = "30d"): Read<Kpi> => ({
  key: keys.kpi(range),
  fetch: (get) => get("/api/v1/sync/kpi", { query: { range } }),
})

export const connectors = (): Read<Connector[]> => ({
  key: keys.connectors(),
  fetch: (get) => get("/api/v1/connectors"),
})

export const schedule = (): Read<Schedule> => ({
  key: keys.schedule(),
  fetch: (get) => get("/api/v1/schedule"),
})

/** Activities that hold entries back. */
export const unmapped = (): Read<number> => ({
  key: keys.mappings("waiting"),
  fetch: async (get) => {
    const { items } = await get("/api/v1/mappings/suggestions", { query: { kind: "activities" } })
    return items.filter((item) => item.waiting_entries > 0).length
  },
})

/** The whole chain, checked by the service; dear, so not with every event. */
export const chain = (): Read<components["schemas"]["VerifyOut"] & { at: string }> => ({
  key: keys.chain(),
  fetch: async (get) => ({ ...(await get("/api/v1/audit/verify")), at: new Date().toISOString() }),
  staleTime: 10 * 60_000,
})
