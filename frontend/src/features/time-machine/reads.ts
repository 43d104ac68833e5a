import type { AnswerOf } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { LedgerEvent } from "@/api/shapes"

export const oneEvent = (position: number): Read<LedgerEvent> => ({
  key: keys.own("event", position),
  fetch: (get) => get("/api/v1/events/{position}", { path: { position } }),
  staleTime: Number.POSITIVE_INFINITY,
})

export type Diff = AnswerOf<"/api/v1/diff">
export type DiffKind = Diff["items"][number]["kind"]

/** What changed between the moment and now; read of the present, the moment is an argument. */
export const changesSince = (
  from: string,
  kind: DiffKind | undefined,
  cursor: string | undefined,
): Read<Diff> => ({
  key: keys.own("diff", from, kind, cursor),
  fetch: (get) => get("/api/v1/diff", { query: { from, kind, cursor, limit: 50 } }),
  staleTime: cursor === undefined ? 10_000 : Number.POSITIVE_INFINITY,
})

export type Activity = AnswerOf<"/api/v1/events/activity">

/** How many events there were in each of `buckets` equal parts of a time. */
export const activity = (from: number, to: number, buckets: number): Read<Activity> => ({
  key: keys.own("activity", from, to, buckets),
  fetch: (get) =>
    get("/api/v1/events/activity", {
      query: { from: new Date(from).toISOString(), to: new Date(to).toISOString(), buckets },
    }),
  staleTime: 60_000,
})
