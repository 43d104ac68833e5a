/** Cache keys exactly as the contract names them (section 16), and who makes which one stale. */
import type { QueryKey } from "@tanstack/react-query"

type Part = string | number | boolean | null | undefined | object

export const keys = {
  kpi: (range?: string) => (range ? ["kpi", range] : ["kpi"]),
  connectors: (...rest: Part[]) => ["connectors", ...rest],
  mappings: (...rest: Part[]) => ["mappings", ...rest],
  schedule: () => ["schedule"],
  syncRuns: (...pageSizeStatusSearchStartEnd: Part[]) => [
    "syncRuns",
    ...pageSizeStatusSearchStartEnd,
  ],
  conflicts: (...filter: Part[]) => ["conflicts", ...filter],
  auditLogs: (...filters: Part[]) => ["auditLogs", ...filters],
  zammadActivities: (id: number) => ["zammadActivities", id],
  kimaiActivities: (id: number) => ["kimaiActivities", id],
  entries: (...filters: Part[]) => ["entries", ...filters],
  entry: (id: number | string, ...rest: Part[]) => ["entry", id, ...rest],
  deadLetters: (...filters: Part[]) => ["deadLetters", ...filters],
  deliveries: (...filters: Part[]) => ["deliveries", ...filters],
  // Not in the contract's table: never named by a `head` frame, refreshed by who shows them.
  session: () => ["session"],
  system: () => ["system"],
  chain: () => ["chain"],
  own: (name: string, ...rest: Part[]) => ["own", name, ...rest],
} satisfies Record<string, (...parts: never[]) => QueryKey>

/** What a command makes stale, by prefix (contract, section 16, second table). */
export const stale = {
  connector: [["connectors"], ["kpi"]],
  mapping: [["mappings"], ["kpi"]],
  reconcile: [["conflicts"], ["auditLogs"], ["syncRuns"], ["kpi"]],
  run: [["syncRuns"], ["kpi"]],
  finishedRun: [["syncRuns"], ["kpi"], ["conflicts"], ["auditLogs"], ["entries"]],
  schedule: [["syncRuns"], ["kpi"], ["schedule"]],
  entry: [["entries"], ["entry"], ["deadLetters"], ["conflicts"], ["kpi"]],
} satisfies Record<string, QueryKey[]>
