import { CalendarClock } from "lucide-react"
import { useEffect, useRef } from "react"
import { useRead } from "@/api/hooks"
import type { SyncRun } from "@/api/shapes"
import { useAnnounce } from "@/app/announcer"
import { schedule } from "@/app/reads"
import {
  CancelRun,
  Elapsed,
  isActive,
  outcomeOf,
  RunPhases,
  stateOfRun,
  triggerOf,
} from "@/app/runs"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useDialog } from "@/app/url-state"
import { EmptyState, Instant } from "@/ui/bits"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber, formatSeconds } from "@/ui/format"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr } from "@/ui/table"
import { RECENT, recentRuns } from "./reads"

/** The run that goes on, then the recent ones. */
export function Runs() {
  const { timezone } = useSession()
  const { open } = useDialog()
  const query = useRead(recentRuns())
  useSayFinished(query.data?.data)
  return (
    <Panel
      title="Sync runs"
      actions={
        <Button look="ghost" size="small" onClick={() => open("runs")}>
          All runs
        </Button>
      }
      footer={<NextRun />}
    >
      <QueryState
        query={query}
        what="the sync runs"
        zone={timezone}
        skeleton={
          <div className="grid gap-3 px-4 pb-4">
            {Array.from({ length: RECENT }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
              <Skeleton key={index} className="h-9" />
            ))}
          </div>
        }
        isEmpty={(page) => page.total === 0}
        empty={<EmptyState title="No run yet.">Start one with Run sync now.</EmptyState>}
      >
        {({ data }) => (
          <>
            {data.filter(isActive).map((run) => (
              <Current key={run.id} run={run} />
            ))}
            <Recent runs={data.filter((run) => !isActive(run)).slice(0, 5)} zone={timezone} />
          </>
        )}
      </QueryState>
    </Panel>
  )
}

function Current({ run }: { run: SyncRun }) {
  const { open } = useDialog()
  return (
    <section
      aria-label={`Run ${run.id}, ${stateOfRun(run).word.toLowerCase()}`}
      className="mx-4 mb-3 rounded-control border border-line bg-sunken p-3"
    >
      <div className="mb-2 flex items-center gap-2 text-table">
        <StateIcon state={stateOfRun(run).state} />
        <button
          type="button"
          className="finger font-medium hover:underline"
          onClick={() => open("runs", { run: String(run.id) })}
        >{`Run #${run.id}`}</button>
        <span className="min-w-0 truncate text-ink2">{triggerOf(run)}</span>
        <span className="ml-auto text-ink2">
          <Elapsed run={run} />
        </span>
        <CancelRun run={run} className="-my-1 -mr-1" />
      </div>
      <RunPhases run={run} />
    </section>
  )
}

function Recent({ runs, zone }: { runs: readonly SyncRun[]; zone: string }) {
  const { open } = useDialog()
  if (runs.length === 0) return null
  return (
    <Table caption="Recent sync runs">
      <thead>
        <tr>
          <Th className="bg-surface">Run</Th>
          <Th numeric className="bg-surface px-2 max-sm:px-1.5" title="Timesheets created in Kimai">
            New
          </Th>
          <Th numeric className="bg-surface px-2 max-sm:px-1.5" title="Timesheets changed in Kimai">
            Updated
          </Th>
          <Th numeric className="bg-surface px-2 max-sm:px-1.5" title="Conflicts that it opened">
            Review
          </Th>
          <Th numeric className="bg-surface max-sm:pl-1.5">
            Took
          </Th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => {
          const { state, word } = stateOfRun(run)
          const note = noteOf(run)
          return (
            <Tr key={run.id} className="relative hover:bg-hover">
              <RowTh className="py-1.5 max-sm:pr-1">
                <span className="flex gap-2.5">
                  <StateIcon state={state} label={word} className="mt-0.5" />
                  <span className="min-w-0">
                    <button
                      type="button"
                      className="font-medium after:absolute after:inset-0"
                      onClick={() => open("runs", { run: String(run.id) })}
                    >
                      <span className="sr-only">Run</span>
                      {` #${run.id}`}
                    </button>
                    <span className="whitespace-nowrap font-normal text-ink2 text-meta sm:ml-2 max-sm:block">
                      <Instant
                        at={run.started_at}
                        look={lookOf(run.started_at, zone)}
                        zone={zone}
                      />{" "}
                      {triggerOf(run)}
                    </span>
                    {note && (
                      <span className="line-clamp-2 block font-normal text-ink2 text-meta">
                        {note}
                      </span>
                    )}
                  </span>
                </span>
              </RowTh>
              <Count value={run.entries_synced} />
              <Count value={run.entries_updated} />
              <Count value={run.conflicts_detected} due />
              <Td numeric className="text-ink2 max-sm:pl-1.5">
                {run.duration_seconds === null ? "—" : formatSeconds(run.duration_seconds)}
              </Td>
            </Tr>
          )
        })}
      </tbody>
    </Table>
  )
}

function Count({ value, due = false }: { value: number; due?: boolean }) {
  return (
    <Td
      numeric
      className={cn(
        "px-2 max-sm:px-1.5",
        value === 0 ? "text-ink3" : due && "font-semibold text-conflict",
      )}
    >
      {formatNumber(value)}
    </Td>
  )
}

function noteOf(run: SyncRun): string | null {
  if (run.error_message) return run.error_message
  if (run.entries_failed > 0) return `${formatNumber(run.entries_failed)} not written`
  return run.state === "cancelled" ? "Cancelled" : null
}

/** The time alone for today, with its day before. */
function lookOf(at: string, zone: string): "time" | "day-time" {
  const day = (instant: string | number) => formatInstant(instant, "day", zone)
  return day(at) === day(Date.now()) ? "time" : "day-time"
}

function NextRun() {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const { open } = useDialog()
  const { data } = useRead(schedule())
  const next = data?.enabled ? data.next_runs[0] : undefined
  return (
    <span className="flex min-h-5 items-center gap-2">
      {data && (
        <span>
          {next ? (
            <>
              Next run{" "}
              <strong className="font-semibold text-ink">
                <Instant at={next} look={lookOf(next, timezone)} zone={timezone} />
              </strong>
            </>
          ) : (
            "The schedule is off: runs start by hand or by webhook."
          )}
        </span>
      )}
      {data && asOf === null && (
        <button
          type="button"
          className="link finger ml-auto inline-flex items-center gap-1.5"
          onClick={() => open("schedule")}
        >
          <CalendarClock aria-hidden className="size-4" />
          Schedule
        </button>
      )}
    </span>
  )
}

/** A run that was seen going on and ended is said aloud, once. */
function useSayFinished(runs: readonly SyncRun[] | undefined) {
  const { asOf } = useMoment()
  const announce = useAnnounce()
  const active = useRef(new Set<number>())
  useEffect(() => {
    if (runs === undefined || asOf !== null) return
    for (const run of runs) {
      if (isActive(run)) active.current.add(run.id)
      else if (active.current.delete(run.id)) announce(outcomeOf(run))
    }
  }, [runs, asOf, announce])
}
