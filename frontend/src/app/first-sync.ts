/** Whether the first sync is still to come, and whether its dry run was seen. */
import { type Read, useRead } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import { kpi } from "./reads"
import { useMoment } from "./time-machine"

type PlanSummary = components["schemas"]["PlanSummaryOut"]

/** The newest plan of a whole run; null when none was made. */
export const newestPlan = (): Read<PlanSummary | null> => ({
  key: keys.syncRuns("plans", "newest"),
  fetch: async (get) => {
    const { items } = await get("/api/v1/sync/plans", { query: { limit: 50 } })
    return items.find((one) => one.kind === "run" && one.state !== "failed") ?? null
  },
  every: 5_000, // the stream does not tell of plans; asked only until the first sync
})

export function useFirstSync(): { toCome: boolean; plan: PlanSummary | null | undefined } {
  const { asOf } = useMoment()
  const figures = useRead(kpi(), { at: "now" }).data
  const toCome = figures !== undefined && figures.last_sync === null
  const plan = useRead(newestPlan(), { enabled: toCome && asOf === null }).data
  return { toCome, plan }
}
