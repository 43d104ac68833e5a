/** Everything that happened to an entry, newest first; each event opens to cause and JSON. */
import { useQuery } from "@tanstack/react-query"
import {
  Check,
  Circle,
  CircleSlash,
  Copy,
  type LucideIcon,
  OctagonX,
  Pencil,
  Trash2,
  TriangleAlert,
} from "lucide-react"
import { useMemo, useState } from "react"
import { Link } from "react-router"
import { reads } from "@/api/client"
import type { ApiError } from "@/api/errors"
import type { HistoryItem } from "@/api/shapes"
import { useUrlParams } from "@/app/url-state"
import { Change } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatMinutes, formatNumber } from "@/ui/format"
import { CommandError, Skeleton } from "@/ui/panel"
import type { Names } from "./model"
import { event as eventRead } from "./reads"
import { fieldName, inSentence, isReason, plainSentence, REASONS } from "./words"

const LOOKS: Record<string, { icon: LucideIcon; tone: string }> = {
  ok: { icon: Check, tone: "border-synced bg-synced-soft text-synced" },
  edit: { icon: Pencil, tone: "border-line-strong bg-surface text-ink2" },
  wait: { icon: TriangleAlert, tone: "border-conflict bg-conflict-soft text-conflict" },
  bad: { icon: OctagonX, tone: "border-failed bg-failed-soft text-failed" },
  gone: { icon: Trash2, tone: "border-line-strong bg-surface text-ink2" },
  off: { icon: CircleSlash, tone: "border-line-strong bg-ignored-soft text-ignored" },
  step: { icon: Circle, tone: "border-line bg-surface text-ink3" },
}
const LOOK_OF: Record<string, keyof typeof LOOKS> = {
  TimesheetCreated: "ok",
  TimesheetUpdated: "ok",
  TimesheetAdopted: "ok",
  ConflictResolved: "ok",
  EntryChangedAtSource: "edit",
  TimesheetDrifted: "edit",
  ConflictNoteChanged: "edit",
  ConflictOpened: "wait",
  ConflictReopened: "wait",
  TimesheetWriteRejected: "bad",
  TimesheetWriteUncertain: "bad",
  EntryDeadLettered: "bad",
  EntryVanishedAtSource: "gone",
  TimesheetVanished: "gone",
  TimesheetDeleted: "gone",
  EntryIgnored: "off",
  ConflictDismissed: "off",
}

/** "Waits for a person: TARGET_EDITED. Timesheet 11 …" as a person says it: title, and the rest. */
export function plainTitle(title: string): { title: string; rest: string } {
  const words = title.replace(
    /\b[A-Z][A-Z]+(?:_[A-Z]+)+\b|\b(?:DUPLICATE|CONFLICT|OTHER)\b/g,
    (code) => (isReason(code) ? inSentence(REASONS[code].title) : code),
  )
  const end = words.indexOf(". ")
  return end < 0
    ? { title: words.replace(/\.$/, ""), rest: "" }
    : { title: words.slice(0, end), rest: words.slice(end + 2) }
}

function actor({ actor: { kind, name }, run_id }: HistoryItem): string {
  const who =
    kind === "user"
      ? (name ?? "Somebody")
      : name === "sync" || run_id !== null
        ? "The sync"
        : name
          ? `The service (${name})`
          : "The service"
  return run_id === null ? who : `${who}, run ${run_id}`
}

export function History({
  items,
  cut,
  names,
  zone,
  at,
  onAt,
}: {
  items: readonly HistoryItem[]
  cut: boolean
  names: Names
  zone: string
  /** Position of the event whose state is shown. */
  at: number | null
  onAt: (position: number | null) => void
}) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set())
  const days = useMemo(() => {
    const found: { day: string; items: HistoryItem[] }[] = []
    for (const item of items) {
      const day = formatInstant(item.recorded_at, "long-day", zone)
      const last = found.at(-1)
      if (last?.day === day) last.items.push(item)
      else found.push({ day, items: [item] })
    }
    return found
  }, [items, zone])
  const positions = useMemo(() => new Set(items.map((one) => one.position)), [items])
  const toggle = (position: number) =>
    setOpen((was) => {
      const next = new Set(was)
      if (!next.delete(position)) next.add(position)
      return next
    })
  const show = (position: number) => {
    setOpen((was) => new Set(was).add(position))
    requestAnimationFrame(() => {
      const found = document.getElementById(`history-${position}`)
      found?.scrollIntoView({ block: "center" })
      found?.querySelector("button")?.focus({ preventScroll: true })
    })
  }
  return (
    <div className="grid gap-4">
      {days.map(({ day, items: ofDay }) => (
        <section key={day} aria-label={day}>
          <h4 className="pb-2 text-ink2 text-table">{day}</h4>
          <ol className="grid">
            {ofDay.map((item) => (
              <Event
                key={item.position}
                item={item}
                zone={zone}
                names={names}
                open={open.has(item.position)}
                shown={at === item.position}
                inHistory={positions}
                onToggle={() => toggle(item.position)}
                onShow={show}
                onAt={onAt}
              />
            ))}
          </ol>
        </section>
      ))}
      {cut && <p className="text-ink2 text-table">Older events are in Audit.</p>}
    </div>
  )
}

function Event({
  item,
  zone,
  names,
  open,
  shown,
  inHistory,
  onToggle,
  onShow,
  onAt,
}: {
  item: HistoryItem
  zone: string
  names: Names
  open: boolean
  shown: boolean
  inHistory: ReadonlySet<number>
  onToggle: () => void
  onShow: (position: number) => void
  onAt: (position: number | null) => void
}) {
  const look = LOOKS[LOOK_OF[item.type] ?? "step"] ?? LOOKS.step
  if (look === undefined) return null
  const Icon = look.icon
  const { title, rest } = plainTitle(item.title)
  const changes = item.changes.filter((one) => one.field !== "state")
  const first = changes.find((one) => one.before !== null && one.field.endsWith("minutes"))
  return (
    <li
      id={`history-${item.position}`}
      className="relative grid grid-cols-[1.75rem_minmax(0,1fr)_auto] gap-x-3 pb-4 not-last:before:absolute not-last:before:top-7 not-last:before:bottom-0 not-last:before:left-3.5 not-last:before:w-px not-last:before:bg-line"
    >
      <span className={cn("grid size-7 place-items-center rounded-full border", look.tone)}>
        <Icon aria-hidden className="size-3.5" />
      </span>
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-x-2">
          <button
            type="button"
            aria-expanded={open}
            onClick={onToggle}
            className="finger text-left font-medium text-table hover:underline [overflow-wrap:anywhere]"
          >
            {title}
          </button>
          {first && (
            <Change
              before={value(first.field, first.before, names, zone)}
              after={value(first.field, first.after, names, zone)}
            />
          )}
          {shown && <span className="rounded-badge bg-hover px-1.5 text-meta">shown above</span>}
        </div>
        <p className="text-ink2 text-meta [overflow-wrap:anywhere]">
          {[actor(item), plainSentence(rest, zone)].filter(Boolean).join(". ")}
        </p>
        {open && (
          <Details
            item={item}
            changes={changes}
            names={names}
            zone={zone}
            shown={shown}
            inHistory={inHistory}
            onShow={onShow}
            onAt={onAt}
          />
        )}
      </div>
      <div className="text-right text-ink2 text-meta">
        <time dateTime={item.recorded_at} title={formatInstant(item.recorded_at, "full", zone)}>
          {formatInstant(item.recorded_at, "seconds", zone)}
        </time>
        <span className="block text-ink3">{`v${item.version}`}</span>
      </div>
    </li>
  )
}

function Details({
  item,
  changes,
  names,
  zone,
  shown,
  inHistory,
  onShow,
  onAt,
}: {
  item: HistoryItem
  changes: HistoryItem["changes"]
  names: Names
  zone: string
  shown: boolean
  inHistory: ReadonlySet<number>
  onShow: (position: number) => void
  onAt: (position: number | null) => void
}) {
  const { params } = useUrlParams()
  const read = eventRead(item.position)
  const query = useQuery<unknown, ApiError>({
    queryKey: read.key,
    queryFn: ({ signal }) => read.fetch(reads({ signal })),
    staleTime: read.staleTime,
  })
  const json = query.data === undefined ? null : JSON.stringify(query.data, null, 2)
  const cause = item.causation_position
  return (
    <div className="mt-2 overflow-clip rounded-panel border border-line bg-sunken text-table">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-3 py-2">
        <span>
          {cause === null ? (
            <span className="text-ink2">Caused by nothing before it</span>
          ) : (
            <>
              <span className="text-ink2">Caused by </span>
              {inHistory.has(cause) ? (
                <button type="button" className="link" onClick={() => onShow(cause)}>
                  {`event ${formatNumber(cause)}`}
                </button>
              ) : (
                <Link className="link" to={{ search: inAudit(params, cause), hash: "audit" }}>
                  {`event ${formatNumber(cause)}`}
                </Link>
              )}
            </>
          )}
        </span>
        <span className="[overflow-wrap:anywhere]">
          <span className="text-ink2">Correlation </span>
          <code className="font-mono text-meta">{item.correlation_id}</code>
        </span>
        <span>
          <span className="text-ink2">Type </span>
          <code className="font-mono text-meta">{item.type}</code>
        </span>
        <IconButton
          size="small"
          label="Copy the event as JSON"
          className="ml-auto"
          disabledReason={json === null ? "It is still loading." : undefined}
          onClick={() => void navigator.clipboard?.writeText(json ?? "")}
        >
          <Copy aria-hidden />
        </IconButton>
      </div>
      {changes.length > 0 && (
        <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 border-line border-t px-3 py-2">
          {changes.map((one) => (
            <div key={one.field} className="col-span-2 grid grid-cols-subgrid">
              <dt className="text-ink2">{fieldName(one.field)}</dt>
              <dd className="min-w-0 [overflow-wrap:anywhere]">
                {one.before === null ? (
                  value(one.field, one.after, names, zone)
                ) : (
                  <Change
                    className="flex-wrap"
                    before={value(one.field, one.before, names, zone)}
                    after={value(one.field, one.after, names, zone)}
                  />
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <section
        aria-label={`Event ${item.position} as JSON`}
        tabIndex={0}
        className="max-h-64 overflow-auto border-line border-t px-3 py-2 -outline-offset-2"
      >
        {json !== null ? (
          <pre className="font-mono text-meta">{json}</pre>
        ) : query.isError ? (
          <CommandError error={query.error} />
        ) : (
          <Skeleton className="h-24" />
        )}
      </section>
      <div className="border-line border-t px-3 py-2">
        <Button size="small" onClick={() => onAt(shown ? null : item.position)}>
          {shown ? "Back to now" : "Show the state after this"}
        </Button>
      </div>
    </div>
  )
}

function value(field: string, raw: unknown, names: Names, zone: string): string {
  if (raw === null || raw === undefined) return "none"
  if (typeof raw === "boolean") return raw ? "yes" : "no"
  if (typeof raw === "number") {
    if (field.endsWith("minutes")) return formatMinutes(raw)
    if (field === "user_id") return names.people.get(raw) ?? `person ${raw}`
    if (field === "activity_id") return names.activities.get(raw) ?? `activity ${raw}`
    if (field === "project_id") return `project ${raw}`
    return String(raw)
  }
  if (typeof raw !== "string") return JSON.stringify(raw)
  if ((field === "begin" || field === "end") && !Number.isNaN(Date.parse(raw)))
    return formatInstant(raw, "day-time", zone)
  return raw === "" ? "empty" : raw
}

/** The address of the event in Audit; the drawer closes on the way. */
function inAudit(params: URLSearchParams, position: number): string {
  const next = new URLSearchParams(params)
  next.delete("entry")
  next.set("audit.event", String(position))
  return `?${next}`
}
