/** How a sync run is spoken of and shown while it goes on; the dashboard and the runs need both. */
import { X } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { post } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { SyncRun } from "@/api/shapes"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Field, Input } from "@/ui/field"
import { formatNumber, formatSeconds } from "@/ui/format"
import { Popover } from "@/ui/menu"
import { CommandError } from "@/ui/panel"
import type { StateName } from "@/ui/state-badge"
import { useWritable } from "./session"
import { useMoment } from "./time-machine"

const STATES: Record<SyncRun["state"], { state: StateName; word: string }> = {
  queued: { state: "pending", word: "Waiting" },
  running: { state: "pending", word: "Running" },
  cancelling: { state: "pending", word: "Stopping" },
  completed: { state: "synced", word: "Completed" },
  failed: { state: "failed", word: "Failed" },
  cancelled: { state: "ignored", word: "Cancelled" },
}
export const stateOfRun = (run: SyncRun) => STATES[run.state]
export const isActive = (run: SyncRun) => run.status === "running"

/** What began it, in a word or two: "schedule", "manual", "webhook", "plan 4". */
export function triggerOf(run: SyncRun): string {
  switch (run.cause.kind) {
    case "schedule":
      return "schedule"
    case "delivery":
      return "webhook"
    case "plan":
      return `plan ${run.cause.id}`
    case "retry":
      return "retry"
    default:
      return run.trigger_type === "scheduled" ? "schedule" : run.trigger_type
  }
}

/** "Run 12 completed: 9 new, 3 updated, 1 for review." */
export function outcomeOf(run: SyncRun): string {
  const counts = [
    `${formatNumber(run.entries_synced)} new`,
    `${formatNumber(run.entries_updated)} updated`,
    ...(run.entries_deleted > 0 ? [`${formatNumber(run.entries_deleted)} removed`] : []),
    `${formatNumber(run.conflicts_detected)} for review`,
    ...(run.entries_failed > 0 ? [`${formatNumber(run.entries_failed)} failed`] : []),
  ]
  return `Run ${run.id} ${stateOfRun(run).word.toLowerCase()}: ${counts.join(", ")}.`
}

/** Re-read every second while `on`; else it stands still. */
export function useNow(on: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!on) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [on])
  return now
}

/** How long it took; of one that goes on how long until now, or until the moment shown. */
export function Elapsed({ run }: { run: SyncRun }) {
  const { asOf } = useMoment()
  const now = useNow(isActive(run) && asOf === null)
  if (run.duration_seconds != null) return <>{formatSeconds(run.duration_seconds)}</>
  if (asOf?.startsWith("position:")) return <>not ended</> // which names no instant
  const shown = asOf === null ? now : Date.parse(asOf)
  return <>{formatSeconds(Math.max(0, shown - Date.parse(run.started_at)) / 1000)}</>
}

const PHASES = [
  { name: "Read", of: ["discover", "read"] },
  { name: "Decide", of: ["decide"] },
  { name: "Write", of: ["write"] },
  { name: "Verify", of: ["verify"] },
] as const

function count(run: SyncRun, phase: number): string {
  const { found, decided, done, total } = run.progress
  if (phase === 0) return `${formatNumber(found)} found`
  if (phase === 1) return `${formatNumber(decided)} decided`
  if (phase === 2) return `${formatNumber(done)} of ${formatNumber(total)}`
  return "compares"
}

/**
 * Seconds until everything is written, from the pace seen since this page looks; null while that
 * says nothing. Exported for its test.
 */
export function secondsLeft(
  first: { at: number; done: number },
  now: { at: number; done: number; left: number },
): number | null {
  const [written, took] = [now.done - first.done, (now.at - first.at) / 1000]
  if (written < 3 || took < 2 || now.left === 0) return null
  return Math.round((now.left * took) / written)
}

function useTimeLeft(run: SyncRun): number | null {
  const { done, left, phase } = run.progress
  const first = useRef<{ run: number; at: number; done: number } | null>(null)
  if (first.current?.run !== run.id) first.current = { run: run.id, at: Date.now(), done }
  const now = useNow(isActive(run))
  return phase === "write" ? secondsLeft(first.current, { at: now, done, left }) : null
}

/** The four phases of a run that goes on: each a bar and a name, the present one with its count. */
export function RunPhases({ run }: { run: SyncRun }) {
  const left = useTimeLeft(run)
  const waiting = run.state === "queued"
  const at = waiting
    ? -1
    : PHASES.findIndex((phase) => (phase.of as readonly string[]).includes(run.progress.phase))
  const { done, total } = run.progress
  return (
    <div>
      <ol aria-label="Phases" className="flex gap-1">
        {PHASES.map((phase, index) => {
          const present = index === at
          const share = index < at ? 1 : !present ? 0 : index === 2 && total > 0 ? done / total : 1
          return (
            <li
              key={phase.name}
              aria-current={present ? "step" : undefined}
              className={cn(
                "min-w-0 text-axis text-ink2",
                present ? "flex-[2] font-medium text-ink" : "flex-1",
              )}
            >
              <span aria-hidden className="block h-1.5 overflow-hidden rounded-full bg-line">
                <span
                  data-bar
                  className={cn(
                    "block h-full origin-left",
                    present ? "striped" : "bg-pending",
                    present && "motion-safe:animate-pulse",
                  )}
                  style={{ transform: `scaleX(${share})` }}
                />
              </span>
              <span className="mt-1.5 block truncate">
                {phase.name}
                {present && ` ${count(run, index)}`}
                <span className="sr-only">
                  {index < at ? ", done" : present ? ", now" : ", to come"}
                </span>
              </span>
            </li>
          )
        })}
      </ol>
      <p className="min-h-4 text-axis text-ink2">
        {waiting
          ? "Waits until the run before it ends."
          : run.state === "cancelling"
            ? "Stops after the write in progress."
            : left !== null && `about ${formatSeconds(left)} left`}
      </p>
    </div>
  )
}

/** Asks once, with room for a reason: what is written stays. */
export function CancelRun({ run, className }: { run: SyncRun; className?: string }) {
  const { reason: not } = useWritable("operator", { whenBroken: true })
  const [open, setOpen] = useState(false)
  const [why, setWhy] = useState("")
  const cancel = useCommand({
    send: (body: { reason?: string }, { idempotencyKey }) =>
      post("/api/v1/sync/runs/{run_id}/cancel", {
        path: { run_id: run.id },
        body,
        idempotencyKey,
      }),
    stale: stale.finishedRun,
    onDone: () => {
      setOpen(false)
      setWhy("")
    },
  })
  const label = `Cancel run ${run.id}`
  const reason = not ?? (run.state === "cancelling" ? "The run is stopping already." : undefined)
  if (reason !== undefined) {
    return (
      <IconButton size="small" label={label} disabledReason={reason} className={className}>
        <X aria-hidden />
      </IconButton>
    )
  }
  return (
    <Popover
      label={label}
      align="end"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <IconButton size="small" label={label} className={className}>
          <X aria-hidden />
        </IconButton>
      }
    >
      <form
        className="grid w-72 max-w-full gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          if (!cancel.isPending) cancel.mutate(why.trim() === "" ? {} : { reason: why.trim() })
        }}
      >
        <p>
          <strong className="font-medium">{`Stop run ${run.id}?`}</strong> What it has written stays
          in Kimai; the next run goes on from there.
        </p>
        <Field label="Reason" optional>
          <Input value={why} onChange={(event) => setWhy(event.target.value)} maxLength={200} />
        </Field>
        <CommandError error={cancel.error} />
        <div className="flex justify-end">
          <Button look="danger" size="small" type="submit" busy={cancel.isPending}>
            Stop the run
          </Button>
        </div>
      </form>
    </Popover>
  )
}
