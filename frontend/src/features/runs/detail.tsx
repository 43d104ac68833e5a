import { Download } from "lucide-react"
import { type ReactNode, useState } from "react"
import { Link } from "react-router"
import { fileUrl } from "@/api/client"
import { useRead } from "@/api/hooks"
import type { AuditLog, SyncRun } from "@/api/shapes"
import { CancelRun, Elapsed, isActive, RunPhases, stateOfRun, triggerOf } from "@/app/runs"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { usePlaces, useUrlParams, useUrlState } from "@/app/url-state"
import { EmptyState, Instant, Minutes } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Select } from "@/ui/choices"
import { cn } from "@/ui/cn"
import { formatDay, formatNumber } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { StateBadge, StateIcon, type StateName } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"
import { type Action, run, runAudit, runEntries } from "./reads"

const ACTIONS: Record<Action, { word: string; state: StateName }> = {
  create: { word: "Created", state: "synced" },
  update: { word: "Updated", state: "synced" },
  delete: { word: "Removed", state: "synced" },
  adopt: { word: "Taken over", state: "synced" },
  unchanged: { word: "Found equal", state: "synced" },
  skip: { word: "Left alone", state: "ignored" },
  conflict: { word: "Needs a decision", state: "conflict" },
  failed: { word: "Not written", state: "failed" },
}
const CHOICES = [
  "all",
  "create",
  "update",
  "delete",
  "adopt",
  "unchanged",
  "skip",
  "conflict",
  "failed",
] as const
const PAGE = 50
const MOST = 200 // rows that the service gives at once

/** One run: what it did to each entry, its steps in the audit, what caused it, why it failed. */
export function RunDetail({ id, open }: { id: number; open: boolean }) {
  const { timezone } = useSession()
  const query = useRead(run(id), { enabled: open })
  return (
    <QueryState
      query={query}
      what={`run ${id}`}
      zone={timezone}
      skeleton={<Skeleton className="h-80" />}
    >
      {(found) => (
        <div className="grid gap-6">
          <Head run={found} zone={timezone} />
          <Entries run={found} open={open} zone={timezone} />
          <Steps run={found} open={open} zone={timezone} />
        </div>
      )}
    </QueryState>
  )
}

function Head({ run: one, zone }: { run: SyncRun; zone: string }) {
  const { state, word } = stateOfRun(one)
  return (
    <section aria-label="What it was" className="grid gap-4">
      <div className="flex flex-wrap items-center gap-3 text-table">
        <StateBadge state={state}>{word}</StateBadge>
        <span className="text-ink2">
          <Instant at={one.started_at} look="day-time" zone={zone} />
          {", took "}
          <Elapsed run={one} />
        </span>
        {isActive(one) && <CancelRun run={one} className="ml-auto" />}
      </div>
      {isActive(one) && <RunPhases run={one} />}
      {one.error_message && (
        <p
          className={cn(
            "flex gap-2 rounded-control px-3 py-2 text-table",
            one.state === "failed" ? "bg-failed-soft text-failed" : "bg-sunken",
          )}
        >
          <StateIcon state={one.state === "failed" ? "failed" : "ignored"} className="mt-0.5" />
          <span className="min-w-0">{one.error_message}</span>
        </p>
      )}
      <dl className="grid grid-cols-2 gap-px overflow-clip rounded-panel border border-line bg-line sm:grid-cols-4">
        <Fact name="Read">{formatNumber(one.entries_fetched)}</Fact>
        <Fact name="New">{formatNumber(one.entries_synced)}</Fact>
        <Fact name="Updated">{formatNumber(one.entries_updated)}</Fact>
        <Fact name="Removed">{formatNumber(one.entries_deleted)}</Fact>
        <Fact name="Found equal">{formatNumber(one.entries_already_synced)}</Fact>
        <Fact name="Left alone">{formatNumber(one.entries_skipped)}</Fact>
        <Fact name="Review" tone={one.conflicts_detected > 0 ? "text-conflict" : undefined}>
          {formatNumber(one.conflicts_detected)}
        </Fact>
        <Fact name="Failed" tone={one.entries_failed > 0 ? "text-failed" : undefined}>
          {formatNumber(one.entries_failed)}
        </Fact>
      </dl>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-table">
        <Line name="Started by">
          {one.cause.kind === "user" ? `${one.cause.id}, by hand` : triggerOf(one)}
        </Line>
        <Line name="Days of work">
          {one.start_date && one.end_date
            ? `${formatDay(one.start_date)} to ${formatDay(one.end_date)}`
            : "what had changed"}
        </Line>
        <Line name="Events">
          {`${formatNumber(one.first_position)} to ${formatNumber(one.last_position)}`}
        </Line>
        <Line name="Correlation">
          <Correlation of={one} />
        </Line>
      </dl>
    </section>
  )
}

function Correlation({ of: one }: { of: SyncRun }) {
  const { params } = useUrlParams()
  const place = usePlaces()
  // What Audit was filtered by would hide parts of it.
  const filters = [...params.keys()].filter((name) => name.startsWith("audit."))
  const to = place("audit", {
    ...Object.fromEntries(filters.map((name) => [name, null])),
    "audit.correlation": one.correlation_id,
  })
  return (
    <Link className="link font-mono" to={to}>
      {one.correlation_id}
      <span className="sr-only">, show all of it in Audit</span>
    </Link>
  )
}

function Fact({ name, tone, children }: { name: string; tone?: string; children: ReactNode }) {
  return (
    <div className="bg-surface px-3 py-2">
      <dt className="text-ink2 text-meta">{name}</dt>
      <dd className={cn("font-semibold text-dialog", tone)}>{children}</dd>
    </div>
  )
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink2">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  )
}

function Entries({ run: one, open, zone }: { run: SyncRun; open: boolean; zone: string }) {
  const [action, setAction] = useUrlState("run.action", CHOICES)
  const [limit, setLimit] = useState(PAGE)
  const wanted = action === "all" ? undefined : action
  const query = useRead(runEntries(one.id, wanted, limit), { enabled: open })
  const place = usePlaces()
  const id = `run-${one.id}-entries`
  return (
    <section aria-labelledby={id}>
      <div className="flex flex-wrap items-center gap-3 pb-3">
        <h3 id={id} className="mr-auto font-semibold">
          What it did to each entry
        </h3>
        <Select
          aria-label="Show only"
          className="w-44"
          value={action}
          onChange={setAction}
          options={CHOICES.map((value) => ({
            value,
            label: value === "all" ? "Everything" : ACTIONS[value].word,
          }))}
        />
      </div>
      <QueryState
        query={query}
        what="what it did"
        zone={zone}
        skeleton={<Skeleton className="h-40" />}
        isEmpty={(page) => page.items.length === 0}
        empty={
          wanted ? (
            <EmptyState
              title={`It has no entry “${ACTIONS[wanted].word}”.`}
              action={<Button onClick={() => setAction(null)}>Clear</Button>}
            />
          ) : (
            <EmptyState title="It changed no entry.">
              What it found as it should be is only counted.
            </EmptyState>
          )
        }
      >
        {(page) => (
          <>
            <div className="-mx-5 border-line border-y">
              <Table caption={`Entries of run ${one.id}`}>
                <thead>
                  <tr>
                    <Th>Entry</Th>
                    <Th>What it did</Th>
                    <Th numeric>Time</Th>
                    <Th numeric>Timesheet</Th>
                  </tr>
                </thead>
                <tbody>
                  {page.items.map((item) => {
                    const { word, state } = ACTIONS[item.action]
                    return (
                      <Tr key={`${item.entry_id} ${item.position}`} className="align-top">
                        <RowTh className="whitespace-nowrap py-2.5">
                          <TwoLines
                            first={
                              <Link
                                className="link"
                                to={place("reconcile", { entry: String(item.entry_id) })}
                              >
                                {item.ticket_number ? `#${item.ticket_number}` : "No ticket"}
                                <span className="sr-only">, open the entry</span>
                              </Link>
                            }
                            second={`entry ${item.entry_id}`}
                          />
                        </RowTh>
                        <Td className="w-full min-w-52 py-2.5">
                          <span className="flex items-center gap-1.5">
                            <StateIcon state={state} />
                            {word}
                          </span>
                          {(item.message ?? item.reason_code) && (
                            <span className="block text-ink2 text-meta">
                              {item.message ?? item.reason_code}
                            </span>
                          )}
                        </Td>
                        <Td numeric className="py-2.5">
                          {item.minutes === null ? "—" : <Minutes value={item.minutes} />}
                        </Td>
                        <Td numeric className="py-2.5 text-ink2">
                          {item.timesheet_id ?? "—"}
                        </Td>
                      </Tr>
                    )
                  })}
                </tbody>
              </Table>
            </div>
            {page.next_cursor !== null &&
              (limit < MOST ? (
                <Button look="ghost" className="mt-2 w-full" onClick={() => setLimit(MOST)}>
                  Show more
                </Button>
              ) : (
                <p className="pt-2 text-ink2 text-table">
                  {`The first ${MOST}. Choose what to show, or open the correlation in Audit.`}
                </p>
              ))}
          </>
        )}
      </QueryState>
    </section>
  )
}

const STEPS: Record<string, string> = {
  sync_queued: "Asked for",
  sync_triggered: "Started",
  sync_completed: "Completed",
  sync_failed: "Failed",
  sync_cancel_requested: "Asked to stop",
  sync_cancelled: "Stopped",
  sync_skipped: "Skipped",
  sync_plan_applied: "Planned changes applied",
}

function Steps({ run: one, open, zone }: { run: SyncRun; open: boolean; zone: string }) {
  const { asOf } = useMoment()
  const query = useRead(runAudit(one.id), { enabled: open })
  const id = `run-${one.id}-steps`
  const file = { run_id: one.id, ...(asOf ? { as_of: asOf } : {}) }
  return (
    <section aria-labelledby={id}>
      <div className="flex flex-wrap items-center gap-x-1 pb-3">
        <h3 id={id} className="mr-auto font-semibold">
          Its audit
        </h3>
        {(["csv", "json", "ndjson"] as const).map((format) => (
          <Button key={format} asChild size="small" look="ghost">
            <a href={fileUrl("/api/v1/audit-logs/export", { ...file, format })} download>
              <Download aria-hidden />
              <span>
                <span className="sr-only">Export its audit as</span>
                {` ${format.toUpperCase()}`}
              </span>
            </a>
          </Button>
        ))}
      </div>
      <QueryState
        query={query}
        what="its audit"
        zone={zone}
        skeleton={<Skeleton className="h-24" />}
        isEmpty={(page) => page.data.length === 0}
        empty={<EmptyState title="Nothing was recorded about it yet." />}
      >
        {(page) => (
          <ol className="grid gap-2 text-table">
            {page.data.toReversed().map((step) => (
              <Step key={step.id} step={step} zone={zone} />
            ))}
          </ol>
        )}
      </QueryState>
    </section>
  )
}

function Step({ step, zone }: { step: AuditLog; zone: string }) {
  const place = usePlaces()
  return (
    <li className="grid grid-cols-[auto_1fr_auto] gap-x-4 border-line border-b pb-2 last:border-b-0">
      <Instant at={step.created_at} look="millis" zone={zone} className="text-ink2" />
      <span className="min-w-0">
        {STEPS[step.action] ?? step.action.replaceAll("_", " ")}
        {step.user && <span className="text-ink2">{` by ${step.user}`}</span>}
        <span className="block font-mono text-ink3 text-meta">{step.action}</span>
      </span>
      <Link className="link" to={place("audit", { "audit.event": String(step.id) })}>
        {`event ${formatNumber(step.id)}`}
      </Link>
    </li>
  )
}
