/** Filters and the chosen event stand in the URL, so that a link or a reload shows the same. */
import { useMemo } from "react"
import { useUrlParams } from "@/app/url-state"
import type { AuditFilter, EventFilter } from "./reads"

export const VIEWS = ["events", "log"] as const
export type View = (typeof VIEWS)[number]

/** Parameters of the section; `audit.event` is the chosen one. */
export const NAMES = {
  view: "audit.view",
  event: "audit.event",
  type: "audit.type",
  stream: "audit.stream",
  correlation: "audit.correlation",
  user: "audit.user",
  action: "audit.action",
  kind: "audit.kind",
  from: "audit.from",
  to: "audit.to",
  entity: "audit.entity",
  address: "audit.address",
  run: "audit.run",
} as const
export type Name = keyof typeof NAMES

export function useFilters() {
  const { params, set } = useUrlParams()
  const values = Object.fromEntries(
    Object.entries(NAMES).map(([name, parameter]) => [name, params.get(parameter) ?? ""]),
  ) as Record<Name, string>
  const shape = JSON.stringify(values)
  return useMemo(() => {
    const given = JSON.parse(shape) as Record<Name, string>
    const view: View = given.view === "log" ? "log" : "events"
    const number = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined)
    const events: EventFilter = {
      type: given.type || undefined,
      stream: given.stream || undefined,
      correlation: given.correlation || undefined,
    }
    const audit: AuditFilter = {
      user: given.user || undefined,
      action: given.action || undefined,
      action_type: given.kind === "access" || given.kind === "sync" ? given.kind : undefined,
      start_date: given.from || undefined,
      end_date: given.to || undefined,
      entity: given.entity || undefined,
      ip_address: given.address || undefined,
      run_id: number(given.run),
      correlation_id: given.correlation || undefined,
    }
    const change = (changes: Partial<Record<Name, string | null>>, push = false) =>
      set(
        Object.fromEntries(
          Object.entries(changes).map(([name, value]) => [NAMES[name as Name], value ?? null]),
        ),
        { push },
      )
    const used = (filter: object) => Object.values(filter).some((one) => one !== undefined)
    return {
      view,
      given,
      events,
      audit,
      selected: number(given.event) ?? null,
      filtered: used(view === "log" ? audit : events),
      change,
      clear: () =>
        change(
          Object.fromEntries(
            Object.keys(NAMES)
              .filter((name) => name !== "view" && name !== "event")
              .map((name) => [name, null]),
          ),
        ),
    }
  }, [shape, set])
}
export type Filters = ReturnType<typeof useFilters>
