/** What a person's decision is as a request, and how it is taken back where the service allows it. */
import { patch, post } from "@/api/client"
import { ApiError } from "@/api/errors"
import { stale } from "@/api/keys"
import type { Line } from "./model"
import { type Act, opOf } from "./proposals"
import { ACTS } from "./words"

export type Decision = { line: Line; act: Act; notes?: string }
export type Decided = { message: string; undo?: () => Promise<unknown> }

export const STALE = [...stale.reconcile, ...stale.entry]

/** Carries the version that the person saw: a row that changed meanwhile is refused, not decided. */
export async function decide(
  { line, act, notes }: Decision,
  { idempotencyKey }: { idempotencyKey: string },
): Promise<Decided> {
  const op = opOf(act)
  const message = ACTS[act].done
  const ifMatch = line.conflictId === null ? undefined : line.version
  const reason = notes ? { reason: notes } : {}
  const entry = line.entryId
  if (op !== null) {
    const answer = await post("/api/v1/reconcile/row/{row_id}", {
      path: { row_id: line.key },
      body: { op, ...(notes ? { notes } : {}) },
      ifMatch,
      idempotencyKey,
    })
    const written = op !== "skip" && op !== "keep-target"
    if (written) return { message: answer.message.replace(/\.$/, "") }
    return { message, undo: () => takeBack(line.key) }
  }
  if (act === "ignore" && line.conflictId !== null) {
    const path = { conflict_id: line.conflictId }
    await patch("/api/v1/conflicts/{conflict_id}", {
      path,
      body: { resolution_status: "ignored", ...(notes ? { notes } : {}) },
      ifMatch,
      idempotencyKey,
    })
    return { message, undo: () => takeBack(String(line.conflictId)) }
  }
  if (act === "retry" && (line.state === "dead" || entry === null)) {
    const { refused } = await post("/api/v1/dead-letters/retry", {
      body: { ids: [line.key] },
      idempotencyKey,
    })
    const first = refused[0]
    if (first) throw new ApiError(first.code, "It is no dead letter any more.", 409)
    return { message }
  }
  if (entry === null) throw new ApiError("not_found", "There is no entry behind this row.", 0)
  const path = { entry_id: entry }
  if (act === "retry") {
    await post("/api/v1/entries/{entry_id}/retry", { path, body: reason, idempotencyKey })
    return { message }
  }
  const ignore = () =>
    post("/api/v1/entries/{entry_id}/ignore", { path, body: reason, idempotencyKey })
  const unignore = () =>
    post("/api/v1/entries/{entry_id}/unignore", { path, body: reason, idempotencyKey })
  if (act === "ignore") {
    await ignore()
    return { message, undo: unignore }
  }
  await unignore()
  return { message, undo: ignore }
}

/** For as long as neither side changed; what Kimai was told stays told, so there is none of it. */
function takeBack(row: string): Promise<unknown> {
  return post("/api/v1/reconcile/row/{row_id}/undo", { path: { row_id: row }, body: {} })
}

/** What a person reads of a row that was not decided, beside the service's sentence. */
export function leftOut(error: ApiError): boolean {
  return ["stale_version", "already_resolved", "entry_state", "not_found"].includes(error.code)
}
