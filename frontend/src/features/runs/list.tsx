import { Download } from "lucide-react"
import { useEffect, useState } from "react"
import { fileUrl } from "@/api/client"
import { useRead } from "@/api/hooks"
import type { SyncRun } from "@/api/shapes"
import { Elapsed, stateOfRun, triggerOf } from "@/app/runs"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useUrlParams } from "@/app/url-state"
import { EmptyState, Instant } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Select } from "@/ui/choices"
import { cn } from "@/ui/cn"
import { Field, Input } from "@/ui/field"
import { formatNumber } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { StateBadge } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"
import { type RunFilter, runs, SIZE } from "./reads"

/** Parameters of the address that belong to this list. */
export const FILTERS = [
  "runs.state",
  "runs.trigger",
  "runs.from",
  "runs.to",
  "runs.q",
  "runs.page",
] as const

const STATES = [
  { value: "all", label: "Any state" },
  { value: "running", label: "Running" },
  { value: "queued", label: "Waiting" },
  { value: "completed", label: "Completed" },
  { value: "failed", label: "Failed" },
  { value: "cancelled", label: "Cancelled" },
] as const
const TRIGGERS = [
  { value: "all", label: "Any trigger" },
  { value: "scheduled", label: "Schedule" },
  { value: "manual", label: "Manual" },
  { value: "webhook", label: "Webhook" },
] as const
const A_DAY = /^\d{4}-\d{2}-\d{2}$/

function known<T extends string>(
  text: string | null,
  options: readonly { value: T }[],
): Exclude<T, "all"> | undefined {
  const found = options.find((option) => option.value === text)?.value
  return found === undefined || found === "all" ? undefined : (found as Exclude<T, "all">)
}

function useFilter() {
  const { params, set } = useUrlParams()
  const day = (name: string) => {
    const text = params.get(name)
    return text && A_DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined
  }
  const filter: RunFilter = {
    state: known(params.get("runs.state"), STATES),
    trigger_type: known(params.get("runs.trigger"), TRIGGERS),
    start_date: day("runs.from"),
    end_date: day("runs.to"),
    search: params.get("runs.q") ?? undefined,
  }
  const page = Math.max(0, Number(params.get("runs.page") ?? 1) - 1) || 0
  return {
    filter,
    page,
    filtered: Object.values(filter).some((value) => value !== undefined),
    change: (name: (typeof FILTERS)[number], value: string | null) =>
      set({ [name]: value, ...(name === "runs.page" ? {} : { "runs.page": null }) }),
    clear: () => set(Object.fromEntries(FILTERS.map((name) => [name, null]))),
  }
}

export function RunList({ open }: { open: boolean }) {
  const { timezone } = useSession()
  const { filter, page, filtered, change, clear } = useFilter()
  const query = useRead(runs(page, filter), { enabled: open })
  return (
    <div className="grid gap-4">
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        <Field label="State">
          <Select
            value={filter.state ?? "all"}
            onChange={(value) => change("runs.state", value === "all" ? null : value)}
            options={STATES}
          />
        </Field>
        <Field label="Trigger">
          <Select
            value={filter.trigger_type ?? "all"}
            onChange={(value) => change("runs.trigger", value === "all" ? null : value)}
            options={TRIGGERS}
          />
        </Field>
        <DayField
          label="Started from"
          value={filter.start_date ?? undefined}
          onChange={(v) => change("runs.from", v)}
        />
        <DayField
          label="Started until"
          value={filter.end_date ?? undefined}
          onChange={(v) => change("runs.to", v)}
        />
      </div>
      <div className="flex flex-wrap items-end gap-3">
        <SearchField value={filter.search ?? ""} onChange={(v) => change("runs.q", v || null)} />
        {filtered && (
          <Button look="ghost" onClick={clear}>
            Clear
          </Button>
        )}
        <Export filter={filter} />
      </div>
      <QueryState
        query={query}
        what="the runs"
        zone={timezone}
        skeleton={<Skeleton className="h-100" />}
        isEmpty={(answer) => answer.data.length === 0}
        empty={
          filtered ? (
            <EmptyState
              title="No run matches these filters."
              action={<Button onClick={clear}>Clear</Button>}
            />
          ) : (
            <EmptyState title="No run yet.">Start one with Run sync now.</EmptyState>
          )
        }
      >
        {(answer) => (
          <>
            <div className="-mx-5 border-line border-y">
              <Rows runs={answer.data} zone={timezone} />
            </div>
            <Pages
              page={page}
              total={answer.total}
              onChange={(next) => change("runs.page", next === 0 ? null : String(next + 1))}
            />
          </>
        )}
      </QueryState>
    </div>
  )
}

/** 24-hour and day fields are text: native pickers follow the browser, not the user's setting. */
function DayField({
  label,
  value,
  onChange,
}: {
  label: string
  value: string | undefined
  onChange: (value: string | null) => void
}) {
  const [text, setText] = useState(value ?? "")
  useEffect(() => setText(value ?? ""), [value])
  const wrong = text !== "" && (!A_DAY.test(text) || Number.isNaN(Date.parse(text)))
  return (
    <Field label={label} error={wrong ? "A day is written 2026-11-28." : undefined}>
      <Input
        value={text}
        placeholder="2026-11-28"
        inputMode="numeric"
        autoComplete="off"
        onChange={(event) => {
          const next = event.target.value.trim()
          setText(next)
          if (next === "") onChange(null)
          else if (A_DAY.test(next) && !Number.isNaN(Date.parse(next))) onChange(next)
        }}
      />
    </Field>
  )
}

const TYPING = 300 // ms without a key before it is asked for

function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onChange(text), TYPING)
    return () => clearTimeout(timer)
  })
  return (
    <Field label="Number, or words of the error" className="min-w-48 flex-1">
      <Input
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder="118, 503, timeout…"
      />
    </Field>
  )
}

function Export({ filter }: { filter: RunFilter }) {
  const { asOf } = useMoment()
  const query = { ...filter, ...(asOf ? { as_of: asOf } : {}) }
  return (
    <div className="flex gap-2">
      {(["csv", "json"] as const).map((format) => (
        <Button key={format} asChild>
          <a href={fileUrl("/api/v1/sync/runs/export", { ...query, format })} download>
            <Download aria-hidden />
            <span>
              <span className="sr-only">Export these runs as</span>
              {` ${format.toUpperCase()}`}
            </span>
          </a>
        </Button>
      ))}
    </div>
  )
}

function Rows({ runs: items, zone }: { runs: readonly SyncRun[]; zone: string }) {
  const { set } = useUrlParams()
  return (
    <Table caption="Sync runs, newest first">
      <thead>
        <tr>
          <Th>Run</Th>
          <Th>State</Th>
          <Th numeric>New</Th>
          <Th numeric>Updated</Th>
          <Th numeric>Review</Th>
          <Th numeric>Failed</Th>
          <Th numeric>Took</Th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => {
          const { state, word } = stateOfRun(one)
          return (
            <Tr key={one.id} twoLines className="relative hover:bg-hover">
              <RowTh>
                <TwoLines
                  first={
                    <button
                      type="button"
                      className="font-medium after:absolute after:inset-0"
                      onClick={() => set({ run: String(one.id) }, { push: true })}
                    >
                      <span className="sr-only">Run</span>
                      {` #${one.id}`}
                    </button>
                  }
                  second={
                    <>
                      <Instant at={one.started_at} look="day-time" zone={zone} /> {triggerOf(one)}
                    </>
                  }
                />
              </RowTh>
              <Td>
                <StateBadge state={state}>{word}</StateBadge>
                {one.error_message && (
                  <span className="line-clamp-1 max-w-56 pt-0.5 text-ink2 text-meta">
                    {one.error_message}
                  </span>
                )}
              </Td>
              <Figure value={one.entries_synced} />
              <Figure value={one.entries_updated} />
              <Figure value={one.conflicts_detected} tone="text-conflict" />
              <Figure value={one.entries_failed} tone="text-failed" />
              <Td numeric className="text-ink2">
                <Elapsed run={one} />
              </Td>
            </Tr>
          )
        })}
      </tbody>
    </Table>
  )
}

function Figure({ value, tone }: { value: number; tone?: string }) {
  return (
    <Td numeric className={value === 0 ? "text-ink3" : cn(tone && "font-semibold", tone)}>
      {formatNumber(value)}
    </Td>
  )
}

function Pages({
  page,
  total,
  onChange,
}: {
  page: number
  total: number
  onChange: (page: number) => void
}) {
  const last = Math.max(0, Math.ceil(total / SIZE) - 1)
  const from = page * SIZE + 1
  return (
    <nav aria-label="Pages" className="flex flex-wrap items-center gap-2 pt-3 text-table">
      <p className="mr-auto text-ink2">
        {`${formatNumber(from)} to ${formatNumber(Math.min(total, from + SIZE - 1))} of ${formatNumber(total)}`}
      </p>
      <Button size="small" disabled={page === 0} onClick={() => onChange(page - 1)}>
        Newer
      </Button>
      <Button size="small" disabled={page >= last} onClick={() => onChange(page + 1)}>
        Older
      </Button>
    </nav>
  )
}
