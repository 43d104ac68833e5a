/** Filters and the chosen event stand in the URL, so that a link or a reload shows the same. */
import { useMemo } from "react"
import { useSession } from "@/app/session"
import { useUrlParams } from "@/app/url-state"
import { dayBegins } from "@/ui/wall-time"
import { SERVICES } from "./line"
import type { AuditFilter, EventFilter } from "./reads"
import { GROUPS, type Group, typesOf } from "./words"

export const VIEWS = ["events", "log"] as const
export type View = (typeof VIEWS)[number]

/** Parameters of the section; `audit.event` is the chosen one. */
export const NAMES = {
  view: "audit.view",
  event: "audit.event",
  groups: "audit.groups",
  type: "audit.type",
  by: "audit.by",
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

/** Whom events can be of: people, or one part of the service. */
export const ACTORS: readonly string[] = ["user", ...Object.keys(SERVICES)]

/** Every filter taken back; what is shown and which event is chosen stay. */
export const NO_FILTER = Object.fromEntries(
  Object.keys(NAMES)
    .filter((name) => name !== "view" && name !== "event")
    .map((name) => [name, null]),
) as Partial<Record<Name, null>>

export function useFilters() {
  const { params, set } = useUrlParams()
  const { timezone } = useSession()
  const values = Object.fromEntries(
    Object.entries(NAMES).map(([name, parameter]) => [name, params.get(parameter) ?? ""]),
  ) as Record<Name, string>
  const shape = JSON.stringify(values)
  return useMemo(() => {
    const given = JSON.parse(shape) as Record<Name, string>
    const view: View = given.view === "log" ? "log" : "events"
    const number = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined)
    // one kind of event takes the place of groups
    const named = given.type ? [] : given.groups.split(",")
    const groups = named.filter((one): one is Group => Object.hasOwn(GROUPS, one))
    const events: EventFilter = {
      types: given.type ? [given.type] : groups.length > 0 ? typesOf(groups) : undefined,
      stream: given.stream || undefined,
      correlation: given.correlation || undefined,
      actor: ACTORS.includes(given.by) ? given.by : undefined,
      from: dayBegins(given.from, timezone) ?? undefined,
      to: dayBegins(given.to, timezone, 1) ?? undefined,
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
      groups,
      events,
      audit,
      selected: number(given.event) ?? null,
      filtered: used(view === "log" ? audit : events),
      change,
      clear: () => change(NO_FILTER),
    }
  }, [shape, set, timezone])
}
export type Filters = ReturnType<typeof useFilters>
