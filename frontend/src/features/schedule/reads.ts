import { type AnswerOf, post } from "@/api/client"
import type { Read } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { AuditLog, Channel, Schedule } from "@/api/shapes"

const SHOWN = 5 // coming runs

export const schedule = (): Read<Schedule> => ({
  key: keys.schedule(),
  fetch: (get) => get("/api/v1/schedule"),
})

type Preview = AnswerOf<"/api/v1/schedule/preview", "post">
/** When runs would begin, for what stands in the dialog; nothing is stored. */
export const preview = (cron: string, timezone: string): Read<Preview> => ({
  key: keys.own("schedulePreview", cron, timezone),
  fetch: () => post("/api/v1/schedule/preview", { body: { cron, timezone, count: SHOWN } }),
  every: 60_000,
})

/** Who changed the schedule last. */
export const lastChange = (): Read<AuditLog | null> => ({
  key: keys.auditLogs("schedule_updated", 1),
  fetch: async (get) => {
    const { data } = await get("/api/v1/audit-logs", {
      query: { action: "schedule_updated", limit: 1 },
    })
    return data[0] ?? null
  },
})

export const channels = (): Read<Channel[]> => ({
  key: keys.own("channels"),
  fetch: (get) => get("/api/v1/notifications"),
})
