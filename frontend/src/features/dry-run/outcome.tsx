import { RotateCw, TriangleAlert } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { useRead } from "@/api/hooks"
import type { SyncRun } from "@/api/shapes"
import { useAnnounce } from "@/app/announcer"
import { useFrames } from "@/app/live"
import { useSession } from "@/app/session"
import { useDialog } from "@/app/url-state"
import { ProgressBar } from "@/ui/bits"
import { Button } from "@/ui/button"
import { formatNumber } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { Table, Td, Th, Tr } from "@/ui/table"
import { type Drift, plan as planRead, run as runRead } from "./reads"
import { count } from "./words"

/** The run that carries a plan out, from its first write to what became of it. */
export function Writing({
  runId,
  planId,
  changes,
  onAgain,
}: {
  runId: number
  planId: number | null
  changes: number
  onAgain: () => void
}) {
  const { timezone } = useSession()
  const { open } = useDialog()
  const announce = useAnnounce()
  const [over, setOver] = useState(false)
  const query = useRead(runRead(runId, !over))
  const run = query.data?.id === runId ? query.data : undefined
  useFrames((frame) => {
    if (frame.event === "run.progress" && frame.data.run_id === runId) void query.refetch()
  })
  const said = useRef(false)
  useEffect(() => {
    if (run === undefined || run.status === "running" || said.current) return
    said.current = true
    setOver(true)
    announce(outcome(run))
  }, [run, announce])
  // What moved meanwhile is listed at the plan, once the run has ended.
  const after = useRead(planRead(planId ?? 0, false), {
    enabled: planId !== null && run?.status === "failed",
  })
  const { refetch } = after
  useEffect(() => {
    if (run?.status === "failed" && planId !== null) void refetch()
  }, [run?.status, planId, refetch])
  return (
    <section aria-label={`Run ${runId}`} className="border-line border-b bg-sunken px-5 py-4">
      <QueryState
        query={query}
        what={`run ${runId}`}
        zone={timezone}
        skeleton={<Skeleton className="h-16" />}
      >
        {() =>
          run && (
            <div className="grid gap-3 text-table">
              <p className="flex gap-2 font-medium">
                {run.status !== "running" && (
                  <StateIcon state={run.status === "completed" ? "synced" : "failed"} />
                )}
                {run.status === "running" ? phase(run) : outcome(run)}
              </p>
              {run.status === "running" && (
                <ProgressBar
                  label={`Run ${runId}`}
                  value={
                    run.progress.phase === "write" && run.progress.total > 0
                      ? run.progress.done / run.progress.total
                      : undefined
                  }
                />
              )}
              {run.status === "running" && (
                <p className="text-ink2">
                  {`${count(changes, "change")} planned. The run goes on when this is closed.`}
                </p>
              )}
              {run.status === "failed" && (
                <>
                  {run.error_message && <p className="text-failed">{run.error_message}</p>}
                  {after.data && after.data.drifted_rows > 0 && (
                    <Drifted drift={after.data.drift} rows={after.data.drifted_rows} />
                  )}
                </>
              )}
              {run.status !== "running" && (
                <div className="flex flex-wrap gap-2">
                  <Button
                    size="small"
                    onClick={() => open("runs", { run: String(runId), plan: null })}
                  >
                    {`Show run ${runId}`}
                  </Button>
                  <Button size="small" icon={<RotateCw aria-hidden />} onClick={onAgain}>
                    Plan again
                  </Button>
                </div>
              )}
            </div>
          )
        }
      </QueryState>
    </section>
  )
}

function phase({ id, state, progress }: SyncRun): string {
  if (state === "queued") return `Run ${id} waits for its turn…`
  switch (progress.phase) {
    case "write":
      return `Run ${id} writes ${formatNumber(progress.done)} of ${formatNumber(progress.total)}…`
    case "verify":
      return `Run ${id} looks at what it wrote…`
    default:
      return `Run ${id} looks whether either side changed since the plan…`
  }
}

function outcome(run: SyncRun): string {
  const { id, entries_synced, entries_updated, entries_deleted, entries_failed } = run
  const written = [
    `${formatNumber(entries_synced)} created`,
    `${formatNumber(entries_updated)} updated`,
    `${formatNumber(entries_deleted)} deleted`,
    ...(entries_failed > 0 ? [`${formatNumber(entries_failed)} failed`] : []),
  ].join(", ")
  if (run.status === "completed") return `Run ${id} has written it: ${written}.`
  const wrote = entries_synced + entries_updated + entries_deleted
  const done = wrote > 0 ? `${written}.` : "Nothing was written."
  return `Run ${id} ${run.state === "cancelled" ? "was stopped" : "failed"}: ${done}`
}

const FIELDS: Record<string, string> = {
  begin: "begin",
  end: "end",
  minutes: "duration (min)",
  description: "description",
  project_id: "project",
  activity_id: "activity",
  user_id: "person",
  billable: "billable",
  action: "what to do",
}

/** What changed on either side since the plan was made. */
export function Drifted({ drift, rows }: { drift: readonly Drift[]; rows: number }) {
  return (
    <div role="alert" className="grid gap-2 rounded-panel border border-line bg-surface">
      <p className="flex gap-2 px-4 pt-3 font-medium text-table">
        <TriangleAlert aria-hidden className="size-4 shrink-0 text-conflict" />
        {`${count(rows, "row")} changed since the plan was made. Plan again to see what is true now.`}
      </p>
      {drift.length > 0 && (
        <Table caption="What changed since the plan">
          <thead>
            <tr>
              <Th>Row</Th>
              <Th>Field</Th>
              <Th>Planned</Th>
              <Th>Now</Th>
            </tr>
          </thead>
          <tbody>
            {drift.map((one) => (
              <Tr key={`${one.row}-${one.field}`}>
                <Td>{`${one.row}, entry ${one.entry_id}`}</Td>
                <Td>{FIELDS[one.field] ?? one.field}</Td>
                <Td className="text-ink2">{one.planned}</Td>
                <Td className="font-medium">{one.now}</Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
    </div>
  )
}
