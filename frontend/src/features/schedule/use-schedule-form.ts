import { useState } from "react"
import { patch, put } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector, Schedule } from "@/api/shapes"
import { notify } from "@/app/notify"
import { type Choice, fromCron, toCron, type Wrong, wrongWith } from "./cron"
import { isZone } from "./zones"

export type Values = Choice & {
  enabled: boolean
  timezone: string
  concurrency: Schedule["concurrency"]
  notifications: boolean
  /** Minutes that a run re-reads behind what it knows; a setting of the Zammad connector. */
  lookback: number | null
}

export function lookbackOf(zammad: Connector | undefined): number | null {
  const value = zammad?.settings.lookback
  return typeof value === "number" ? value : null
}

function valuesOf(schedule: Schedule, zammad: Connector | undefined): Values {
  const { enabled, timezone, concurrency, notifications, cron } = schedule
  const lookback = lookbackOf(zammad)
  return { ...fromCron(cron), enabled, timezone, concurrency, notifications, lookback }
}

/** The dialog's input: what the service has, until somebody changes it; then theirs, until saved. */
export function useScheduleForm(
  schedule: Schedule | undefined,
  zammad: Connector | undefined,
  onSaved: () => void,
) {
  const [edited, setEdited] = useState<{ values: Values; version: number } | null>(null)
  const [asked, setAsked] = useState(0)
  const values = edited?.values ?? (schedule ? valuesOf(schedule, zammad) : null)
  const wrong: Wrong & { timezone?: string } = values ? wrongWith(values) : {}
  if (values && !isZone(values.timezone)) wrong.timezone = "Choose a time zone from the list."
  const right = Object.keys(wrong).length === 0
  const cron = values && (values.preset === "custom" || right) ? toCron(values) : null

  const command = useCommand({
    send: async ({ values, cron }: { values: Values; cron: string }, { idempotencyKey }) => {
      if (schedule === undefined) return
      const { enabled, timezone, concurrency, notifications, lookback } = values
      // Only what differs: who changes the time zone does not undo what somebody else switched.
      const body = changed({ cron, timezone, concurrency, notifications, enabled }, schedule)
      if (Object.keys(body).length > 0) {
        await put("/api/v1/schedule", { body, idempotencyKey, ifMatch: edited?.version })
      }
      if (zammad && lookback !== null && lookback !== lookbackOf(zammad)) {
        await patch("/api/v1/connectors/{connector_id}", {
          path: { connector_id: zammad.id },
          body: { settings: { lookback } },
          idempotencyKey: `${idempotencyKey}-lookback`,
        })
      }
    },
    stale: [...stale.schedule, ["connectors"], ["auditLogs"]],
    onDone: (_, { values }) => {
      notify(values.enabled ? "The schedule is saved and on." : "The schedule is saved and off.")
      reset()
      onSaved()
    },
  })
  function reset() {
    setEdited(null)
    setAsked(0)
    command.reset()
  }
  const change = (some: Partial<Values>) => {
    if (values === null || schedule === undefined) return
    const next = { ...values, ...some }
    // Editing the expression is the choice of one's own; any other field writes it anew.
    if (some.cron !== undefined) next.preset = "custom"
    else if (next.preset !== "custom" && Object.keys(wrongWith(next)).length === 0) {
      next.cron = toCron(next)
    }
    setEdited({ values: next, version: edited?.version ?? schedule.version })
  }
  return {
    values,
    change,
    reset,
    /** Told once somebody tried to save, or at once for the expression that is being typed. */
    errors: asked > 0 ? wrong : values?.preset === "custom" ? { cron: wrong.cron } : {},
    /** How often saving was tried: the focus then goes to the first error. */
    asked,
    cron,
    dirty: edited !== null,
    command,
    save: () => {
      setAsked(asked + 1)
      if (values && right && cron !== null) command.mutate({ values, cron })
    },
    /** Somebody else saved meanwhile: take theirs as the base and keep what is typed here. */
    keepMine: () => {
      if (values && schedule) setEdited({ values, version: schedule.version })
      command.reset()
    },
  }
}
export type ScheduleForm = ReturnType<typeof useScheduleForm>

type Body = Pick<Schedule, "cron" | "timezone" | "concurrency" | "notifications" | "enabled">
function changed(body: Body, schedule: Schedule): Partial<Body> {
  const entries = Object.entries(body).filter(([name, value]) => {
    return schedule[name as keyof Body] !== value
  })
  return Object.fromEntries(entries) as Partial<Body>
}
