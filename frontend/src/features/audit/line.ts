/** One row as the lists show it, whether it came from the ledger or from the audit log. */
import type { AuditLog, LedgerEvent } from "@/api/shapes"
import { type Data, isData, part, text } from "./values"
import { ACTIONS, sentence } from "./words"

export type Line = {
  position: number
  at: string
  type: string
  /** The technical name under the sentence. */
  technical: string
  sentence: string
  actor: string
  correlation: string
  run: number | null
  address: string
}

/** Parts of the service as a person calls them; people have their names. */
export const SERVICES: Readonly<Record<string, string>> = {
  sync: "Sync",
  schedule: "Schedule",
  webhook: "Webhook",
  notifications: "Notifications",
  retry: "Retries",
  setup: "Setup",
  cli: "Command line",
}

export function actorName(actor: unknown): string {
  const { kind, name } = isData(actor) ? actor : { kind: "", name: actor }
  const said = text(name)
  return kind === "user" ? said : (SERVICES[said] ?? said)
}

export function eventLine(event: LedgerEvent): Line {
  const meta: Data = isData(event.metadata) ? event.metadata : {}
  return {
    position: event.position,
    at: event.recorded_at,
    type: event.type,
    technical: `${event.type} · ${event.stream}`,
    sentence: sentence(event.type, event.data),
    actor: actorName(meta.actor),
    correlation: text(meta.correlation_id),
    run: typeof meta.run_id === "number" ? meta.run_id : null,
    address: text(meta.ip_address),
  }
}

export function auditLine(log: AuditLog): Line {
  const type = ACTIONS[log.action]?.type ?? log.action
  const entity = log.entity_type
    ? `${log.entity_type}${log.entity_id ? `:${log.entity_id}` : ""}`
    : ""
  return {
    position: log.id,
    at: log.created_at,
    type,
    technical: entity ? `${log.action} · ${entity}` : log.action,
    sentence: sentence(type, eventData(log)),
    actor: log.user_id === null ? actorName({ name: log.user }) : (log.user ?? ""),
    correlation: log.correlation_id ?? "",
    run: log.run_id ?? null,
    address: log.ip_address ?? "",
  }
}

/** What the event said, put together again from the parts of an audit row. */
function eventData(log: AuditLog): Data {
  const id = log.entity_id ?? undefined
  const kind = (log.entity_type ?? "").replace("sync_run", "run").replace(/^.*_mapping$/, "mapping")
  return {
    ...(id === undefined ? {} : { [`${kind}_id`]: id }),
    ...(log.run_id === null ? {} : { run_id: log.run_id }),
    ...(log.action.startsWith("log") && log.user ? { username: log.user } : {}),
    ...(log.entity_type === "user" && log.user_id === id ? { username: log.user } : {}),
    ...log.details,
    changes: Object.entries(log.changes).map(([field, change]) => {
      const both = part({ change }, "change")
      return { field, old: both.old, new: both.new }
    }),
  }
}

/** `run-118` is told by its number, any other by its beginning. */
export function shortLink(correlation: string): string {
  const run = /^run-(\d+)$/.exec(correlation)?.[1]
  if (run !== undefined) return `Run #${run}`
  return correlation.length > 12 ? correlation.slice(0, 8) : correlation
}

/** `9f3c 71e0 … b2a1` */
export function shortHash(digest: string): string {
  return digest.length < 16
    ? digest
    : `${digest.slice(0, 4)} ${digest.slice(4, 8)} … ${digest.slice(-4)}`
}

/** The number of the entry whose stream this is. */
export function entryOf(stream: string): string | null {
  return /^time-entry-(\d+)$/.exec(stream)?.[1] ?? null
}
