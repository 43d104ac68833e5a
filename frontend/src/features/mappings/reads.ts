import type { AnswerOf, Get } from "@/api/client"
import { toApiError } from "@/api/errors"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { AuditLog, Suggestion } from "@/api/shapes"
import { BOOKS, type Kind, type Noun, type Row, rowsKey } from "./model"

export const rows = (kind: Kind): Read<Row[]> => ({
  key: rowsKey(kind),
  fetch: BOOKS[kind].all,
})

export type Waiting = {
  items: Suggestion[]
  /** The sentence why the connected systems were not asked; what waits is known all the same. */
  withoutPeers: string | null
}

/**
 * Who waits, with what could be suggested. When a system is away, the ledger alone is asked: at a
 * position no system is (contract, section 5), so what waits still shows, without proposals.
 */
export const waiting = (): Read<Waiting> => ({
  key: keys.mappings("suggestions"),
  fetch: async (get: Get) => {
    try {
      return { ...(await get("/api/v1/mappings/suggestions")), withoutPeers: null }
    } catch (caught) {
      const error = toApiError(caught)
      if (error.status !== 502) throw error
      const { head_position } = await get("/api/v1/system")
      const { items } = await get("/api/v1/mappings/suggestions", {
        query: { as_of: `position:${head_position}` },
      })
      return { items, withoutPeers: error.sentence }
    }
  },
})

const NEWEST = 500 // changes of one table; older ones show their day without a name

/** Who changed which row last, by its id. */
export const lastChanges = (kind: Kind): Read<Map<number, AuditLog>> => ({
  key: keys.mappings(kind, "changes"),
  fetch: async (get) => {
    const { data } = await get("/api/v1/audit-logs", {
      query: { entity: BOOKS[kind].entity, limit: NEWEST },
    })
    const found = new Map<number, AuditLog>()
    for (const one of data)
      if (one.entity_id !== null && !found.has(one.entity_id)) found.set(one.entity_id, one)
    return found
  },
})

export type Choice = {
  id: number
  name: string
  active: boolean
  /** Told apart by it: address of a person, customer of a project. */
  hint?: string
}

const PEER_KEPT = 60_000 // ms; the service keeps a list as long

/** What a connected system lists now, also what is hidden there. */
export const peerList = (connector: number, noun: Noun): Read<Choice[]> => ({
  key: keys.own("peer", connector, noun),
  staleTime: PEER_KEPT,
  fetch: async (get) => {
    const options = { path: { connector_id: connector }, query: { include_inactive: true } }
    switch (noun) {
      case "activities":
        return (await get("/api/v1/connectors/{connector_id}/activities", options)).map(plain)
      case "customers":
        return (await get("/api/v1/connectors/{connector_id}/customers", options)).map(plain)
      case "users":
        return (await get("/api/v1/connectors/{connector_id}/users", options)).map((one) => ({
          ...plain(one),
          hint: one.email ?? one.username ?? undefined,
        }))
      case "projects":
        return (await get("/api/v1/connectors/{connector_id}/projects", options)).map((one) => ({
          ...plain(one),
          hint: one.customer_name ?? undefined,
        }))
    }
  },
})

function plain(one: { id: number; name: string; active: boolean }): Choice {
  return { id: one.id, name: one.name, active: one.active }
}

export type Usage = AnswerOf<"/api/v1/mappings/usage">["items"][number]
export const USAGE_DAYS = 30

/** Entries and time of each source by work date, whatever became of them. */
export const usage = (): Read<Usage[]> => ({
  key: keys.mappings("usage", USAGE_DAYS),
  // It moves with every entry, which no frame tells for this key.
  every: 60_000,
  fetch: async (get) =>
    (await get("/api/v1/mappings/usage", { query: { days: USAGE_DAYS } })).items,
})
