import type { AnswerOf, QueryOf } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { AuditLog, SyncRun } from "@/api/shapes"

export const SIZE = 20
export type RunFilter = Omit<QueryOf<"/api/v1/sync/runs">, "skip" | "limit" | "as_of">
export type Action = NonNullable<QueryOf<"/api/v1/sync/runs/{run_id}/entries">["action"]>

export const runs = (page: number, filter: RunFilter): Read<AnswerOf<"/api/v1/sync/runs">> => ({
  key: keys.syncRuns(
    page,
    SIZE,
    filter.state ?? "all",
    filter.search,
    filter.start_date,
    filter.end_date,
    filter.trigger_type,
  ),
  fetch: (get) =>
    get("/api/v1/sync/runs", { query: { ...filter, skip: page * SIZE, limit: SIZE } }),
})

export const run = (id: number): Read<SyncRun> => ({
  key: keys.syncRuns("one", id),
  fetch: (get) => get("/api/v1/sync/runs/{run_id}", { path: { run_id: id } }),
})

export const runEntries = (
  id: number,
  action: Action | undefined,
  limit: number,
): Read<AnswerOf<"/api/v1/sync/runs/{run_id}/entries">> => ({
  key: keys.syncRuns("one", id, "entries", action, limit),
  fetch: (get) =>
    get("/api/v1/sync/runs/{run_id}/entries", { path: { run_id: id }, query: { action, limit } }),
})

export const runAudit = (id: number): Read<{ data: AuditLog[]; total: number }> => ({
  key: keys.auditLogs(id),
  fetch: (get) => get("/api/v1/audit-logs", { query: { run_id: id, limit: 100 } }),
})
