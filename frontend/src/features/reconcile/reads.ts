import type { QueryKey } from "@tanstack/react-query"
import { type Get, totalOf } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import type {
  DeadLetter,
  Entry,
  EntryState,
  HistoryItem,
  ReasonCode,
  Row,
  RowDetail,
} from "@/api/shapes"
import {
  type Conflict,
  type Line,
  lineOfConflict,
  lineOfDeadLetter,
  lineOfEntry,
  lineOfRow,
  type Names,
  namesOf,
} from "./model"

export type Preview = components["schemas"]["OpPreviewOut"]
export type Op = Row["allowedOps"][number]
export const TABS = [
  "decision",
  "conflicts",
  "missing",
  "failed",
  "dead",
  "ignored",
  "pending",
  "resolved",
] as const
export type TabId = (typeof TABS)[number]
/** Rows that nobody decides: they go on by themselves, or are done with. */
export const isReadOnly = (tab: TabId) => tab === "pending" || tab === "resolved"

export type Filters = {
  q: string | null
  reason: ReasonCode | null
  person: string | null
  customer: string | null
  from: string | null
  to: string | null
  kind: "entry" | "delivery" | null
}
/** What the service can filter by in each tab; nothing else is offered there. */
export const KNOWN_FILTERS: Record<TabId, readonly (keyof Filters)[]> = {
  decision: ["q", "reason"],
  conflicts: ["q", "reason"],
  missing: ["q", "reason"],
  failed: ["q", "person", "customer", "from", "to"],
  dead: ["reason", "kind"],
  ignored: ["q", "person", "customer", "from", "to"],
  pending: ["q", "person", "customer", "from", "to"],
  resolved: [],
}

export const PAGE = 100 // rows asked for at once
export type Page = { items: readonly object[]; total: number; next: string | null }
/** A list of the service; a tab shows one after the other. */
export type Segment = {
  key: (page: number) => QueryKey
  fetch: (get: Get, page: number, cursor: string | null) => Promise<Page>
  /** Pages have a cursor, so each needs the one before it. */
  chained: boolean
  line: (item: never, names: Names) => Line
}

function rows(filter: "conflicts" | "missing", { q, reason }: Filters): Segment {
  const query = { filter, q: q ?? undefined, reason: reason ?? undefined }
  return {
    key: (page) => keys.conflicts(filter, page, PAGE, { q, reason }),
    fetch: async (get, page) => {
      const answer = await get("/api/v1/reconcile", {
        query: { ...query, page: page + 1, pageSize: PAGE },
      })
      return { items: answer.items, total: answer.total, next: null }
    },
    chained: false,
    line: (item: Row, names) => lineOfRow(item, names),
  }
}

const STATES = {
  failed: ["failed"],
  ignored: ["ignored"],
  pending: ["pending", "writing"],
} satisfies Partial<Record<TabId, EntryState[]>>
type EntryTab = keyof typeof STATES

function entries(tab: EntryTab, filters: Filters): Segment {
  const query = {
    state: STATES[tab],
    q: filters.q ?? undefined,
    user: filters.person ?? undefined,
    customer: filters.customer ?? undefined,
    start_date: filters.from ?? undefined,
    end_date: filters.to ?? undefined,
  }
  return {
    key: (page) => keys.entries("reconcile", query, page),
    fetch: async (get, _page, cursor) => {
      const answer = await get("/api/v1/entries", {
        query: { ...query, sort: "-updated_at", limit: PAGE, cursor: cursor ?? undefined },
      })
      return { items: answer.items, total: answer.total, next: answer.next_cursor }
    },
    chained: true,
    line: (item: Entry, names) => lineOfEntry(item, names),
  }
}

function letters({ reason, kind }: Filters): Segment {
  return {
    key: (page) => keys.deadLetters("reconcile", { reason, kind }, page),
    fetch: async (get, _page, cursor) => {
      const answer = await get("/api/v1/dead-letters", {
        query: {
          reason_code: reason ?? undefined,
          kind: kind ?? undefined,
          limit: PAGE,
          cursor: cursor ?? undefined,
        },
      })
      if (!("total" in answer)) return { items: [], total: 0, next: null } // groups: not asked for
      return { items: answer.items, total: answer.total, next: answer.next_cursor }
    },
    chained: true,
    line: (item: DeadLetter) => lineOfDeadLetter(item),
  }
}

function resolved(): Segment {
  return {
    key: (page) => keys.conflicts("resolved", page, PAGE),
    fetch: async (get, page) => {
      const items = await get("/api/v1/conflicts", {
        query: { resolution_status: "resolved", skip: page * PAGE, limit: PAGE },
      })
      return { items, total: totalOf(items), next: null }
    },
    chained: false,
    line: (item: Conflict, names) => lineOfConflict(item, names),
  }
}

/** No filter says "conflicts and missing", so what needs a decision is both, one after the other. */
export function segmentsOf(tab: TabId, filters: Filters): readonly Segment[] {
  switch (tab) {
    case "decision":
      return [rows("conflicts", filters), rows("missing", filters)]
    case "conflicts":
    case "missing":
      return [rows(tab, filters)]
    case "failed":
    case "ignored":
    case "pending":
      return [entries(tab, filters)]
    case "dead":
      return [letters(filters)]
    case "resolved":
      return [resolved()]
  }
}

export const openCounts = (): Read<{ conflicts: number; missing: number }> => ({
  key: keys.conflicts("counts"),
  fetch: async (get) => (await get("/api/v1/reconcile", { query: { pageSize: 1 } })).counts,
})

export const entryCount = (tab: EntryTab): Read<number> => ({
  key: keys.entries("count", tab),
  fetch: async (get) =>
    (await get("/api/v1/entries", { query: { state: STATES[tab], limit: 1 } })).total,
})

export const letterCount = (): Read<number> => ({
  key: keys.deadLetters("count"),
  fetch: async (get) => {
    const answer = await get("/api/v1/dead-letters", { query: { limit: 1 } })
    return "total" in answer ? answer.total : 0
  },
})

export const resolvedCount = (): Read<number> => ({
  key: keys.conflicts("resolved", "count"),
  fetch: async (get) =>
    totalOf(
      await get("/api/v1/conflicts", {
        query: { resolution_status: "resolved", limit: 1, include_rich: false },
      }),
    ),
})

/** How both sides call the same thing; of people and activities that nobody mapped it knows nothing. */
export const names = (): Read<Names> => ({
  key: keys.mappings("names"),
  fetch: async (get) => {
    const [activities, people] = await Promise.all([
      get("/api/v1/mappings", { query: { limit: 1000 } }),
      get("/api/v1/mappings/users", { query: { limit: 1000 } }),
    ])
    return namesOf(activities, people)
  },
})

/** The whole entry: now, or (`at`) after one of its events. */
export const entry = (id: number, at: number | null): Read<Entry> => ({
  key: keys.entry(id, "entry", at),
  fetch: (get) => get("/api/v1/entries/{entry_id}", { path: { entry_id: id }, query: moment(at) }),
})

export const row = (id: string, entryId: number, at: number | null): Read<RowDetail> => ({
  key: keys.entry(entryId, "row", id, at),
  fetch: (get) =>
    get("/api/v1/reconcile/row/{row_id}", { path: { row_id: id }, query: moment(at) }),
})

function moment(at: number | null) {
  return at === null ? {} : { as_of: `position:${at}` }
}

const MOST_EVENTS = 2_000 // of one entry; far more than any had, and a bound all the same

/** Every event of the entry, newest first. */
export const history = (id: number): Read<{ items: HistoryItem[]; cut: boolean }> => ({
  key: keys.entry(id, "history"),
  fetch: async (get) => {
    const items: HistoryItem[] = []
    let cursor: string | null = null
    do {
      const page: { items: HistoryItem[]; next_cursor: string | null } = await get(
        "/api/v1/entries/{entry_id}/history",
        { path: { entry_id: id }, query: { limit: 200, cursor: cursor ?? undefined } },
      )
      items.push(...page.items)
      cursor = page.next_cursor
    } while (cursor !== null && items.length < MOST_EVENTS)
    return { items: items.reverse(), cut: cursor !== null }
  },
})

/** The exact requests an op would send now; both peers are asked, so not with every event. */
export const preview = (id: string, version: number, op: Op): Read<Preview> => ({
  key: keys.own("preview", id, version, op),
  fetch: (get) =>
    get("/api/v1/reconcile/row/{row_id}/preview", { path: { row_id: id }, query: { op } }),
  staleTime: 0,
})

export const event = (position: number) => ({
  key: keys.own("event", position),
  fetch: (get: Get) => get("/api/v1/events/{position}", { path: { position } }),
  staleTime: Number.POSITIVE_INFINITY,
})
