/** What the audit section asks for. Events never change, so what was read once stays fresh. */
import type { AnswerOf, Get, QueryOf } from "@/api/client"
import type { Read, ReadOn } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { LedgerEvent } from "@/api/shapes"

export const CHUNK = 100 // events or audit rows asked for at once
const FOREVER = Number.POSITIVE_INFINITY

/** The events `first` to `last`, both included; positions have no gaps. */
export const eventsBetween = (first: number, last: number): Read<readonly LedgerEvent[]> => ({
  key: keys.own("events", first, last),
  fetch: async (get) =>
    (await get("/api/v1/events", { query: { after: first - 1, limit: last - first + 1 } })).items,
  staleTime: FOREVER,
})

/** The chunk of the ledger that holds `position`, as far as it is written. */
export function chunkOf(position: number, head: number): Read<readonly LedgerEvent[]> {
  const first = Math.floor((position - 1) / CHUNK) * CHUNK + 1
  return eventsBetween(first, Math.min(first + CHUNK - 1, head))
}

export const oneEvent = (position: number): Read<LedgerEvent> => ({
  key: keys.own("event", position),
  fetch: (get) => get("/api/v1/events/{position}", { path: { position } }),
  staleTime: FOREVER,
})

export type EventFilter = {
  types?: string[]
  stream?: string
  correlation?: string
  /** A kind of actor, or a part of the service. */
  actor?: string
  /** Milliseconds of 1970: from this one on, and before that one. */
  from?: number
  to?: number
}
export type Found = {
  /** Newest first. */
  events: LedgerEvent[]
  /** Those from here on were looked at; null when all were. */
  searchedFrom: number | null
}

export const ENOUGH = 500 // found ones before the reader has to ask for older ones
const LOOKS = 10 // of 50 000 events each at most, before the reader has to
const ALWAYS = { from: Date.UTC(1970, 0, 2), to: Date.UTC(2200) }

/** The events up to `head` that the filter lets through, from the newest backwards, in parts. */
export const eventsFound = (filter: EventFilter, head: number): ReadOn<Found> => ({
  key: keys.own("events-found", filter, head),
  fetch: async (get, place) => {
    const events: LedgerEvent[] = []
    const { before: after, last } = await positionsOf(get, filter, head)
    let before: number | null = Math.min(place, last + 1)
    for (let look = 0; before !== null && look < LOOKS && events.length < ENOUGH; look += 1) {
      const page: AnswerOf<"/api/v1/events"> = await get("/api/v1/events", {
        query: {
          after,
          before,
          limit: ENOUGH - events.length,
          type: filter.types,
          stream: filter.stream,
          correlation_id: filter.correlation,
          actor: filter.actor,
        },
      })
      events.push(...page.items)
      before = page.next_before
    }
    return { events, searchedFrom: before }
  },
  first: head + 1,
  next: (part) => part.searchedFrom,
  staleTime: FOREVER,
})

/** The positions of the days that are asked for, of those up to `head`; all without days. */
async function positionsOf(get: Get, { from, to }: EventFilter, head: number) {
  if (from === undefined && to === undefined) return { before: 0, last: head }
  const begin = Math.max(from ?? 0, ALWAYS.from)
  const end = Math.min(to ?? ALWAYS.to, ALWAYS.to)
  if (begin >= end) return { before: 0, last: 0 }
  const query = { from: rightBefore(begin), to: rightBefore(end), buckets: 1 }
  const { buckets } = await get("/api/v1/events/activity", { query })
  const { position = 0, events = 0 } = buckets[0] ?? {}
  return { before: position - events, last: Math.min(head, position) }
}

/** The last microsecond before: the service counts an instant to what was recorded by then. */
function rightBefore(at: number): string {
  return new Date(at - 1).toISOString().replace("Z", "999Z")
}

type AuditQuery = QueryOf<"/api/v1/audit-logs">
export type AuditFilter = Pick<
  AuditQuery,
  | "action"
  | "action_type"
  | "user"
  | "ip_address"
  | "start_date"
  | "end_date"
  | "entity"
  | "correlation_id"
  | "run_id"
>

/**
 * Rows `index` and on, newest first. `pinned` holds the list at a position while the reader
 * scrolls, so that new rows do not push the others away; null follows the present.
 */
export const auditRows = (
  filter: AuditFilter,
  chunk: number,
  pinned: number | null,
): Read<AnswerOf<"/api/v1/audit-logs">> => ({
  key: keys.auditLogs("list", filter, chunk, pinned),
  fetch: (get) =>
    get("/api/v1/audit-logs", {
      query: {
        ...filter,
        skip: chunk * CHUNK,
        limit: CHUNK,
        ...(pinned === null ? {} : { as_of: `position:${pinned}` }),
      },
    }),
})

export type Comparison = AnswerOf<"/api/v1/audit/compare">
const LOOK_AGAIN = 1_000 // ms while a comparison goes on; the stream says nothing of it

/** How far the replay is, or what the last one found. Administrators only. */
export const comparison = (): Read<Comparison> => ({
  key: keys.own("comparison"),
  fetch: (get) => get("/api/v1/audit/compare"),
  every: LOOK_AGAIN,
})

export type Causes = {
  /** From the first cause to the one right before; the oldest may be missing when there are many. */
  before: LedgerEvent[]
  /** Of the same stream and operation, the event itself included. */
  beside: LedgerEvent[]
  /** What it caused. */
  after: LedgerEvent[]
}
const GENERATIONS = 8
const NEAR = 200

/** Causes and effects of an event up to `upTo`; of a run with thousands only those close by. */
export const causesOf = (event: LedgerEvent, upTo: number): Read<Causes> => ({
  key: keys.own("causes", event.position),
  fetch: async (get) => {
    const before: LedgerEvent[] = []
    const { correlation, cause } = linked(event)
    for (let at = cause; at !== null && before.length < GENERATIONS; ) {
      const found: LedgerEvent = await get("/api/v1/events/{position}", { path: { position: at } })
      before.unshift(found)
      at = linked(found).cause
    }
    const [beside, later] = await Promise.all([
      get("/api/v1/events", {
        query: { stream: event.stream, correlation_id: correlation, limit: NEAR },
      }),
      get("/api/v1/events", {
        query: { after: event.position, correlation_id: correlation, limit: NEAR },
      }),
    ])
    return {
      before,
      beside: beside.items.filter((one) => linked(one).cause === cause && one.position <= upTo),
      after: later.items.filter(
        (one) => linked(one).cause === event.position && one.position <= upTo,
      ),
    }
  },
  staleTime: 30_000, // effects may still come
})

export function linked(event: LedgerEvent): { correlation: string; cause: number | null } {
  const meta = event.metadata as Record<string, unknown>
  return {
    correlation: String(meta.correlation_id ?? ""),
    cause: typeof meta.causation_position === "number" ? meta.causation_position : null,
  }
}
