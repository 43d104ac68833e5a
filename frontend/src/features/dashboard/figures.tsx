import type { UseQueryResult } from "@tanstack/react-query"
import { ArrowDownRight, ArrowRight, ArrowUpRight, Info } from "lucide-react"
import type { ReactNode } from "react"
import { Link, useLocation } from "react-router"
import type { ApiError } from "@/api/errors"
import type { Kpi } from "@/api/shapes"
import { useSession } from "@/app/session"
import { usePlaces } from "@/app/url-state"
import { Duration, ProgressBar } from "@/ui/bits"
import { IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import {
  formatDuration,
  formatEntries,
  formatInstant,
  formatNumber,
  formatPercent,
  formatSeconds,
} from "@/ui/format"
import { Popover } from "@/ui/menu"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { STATES, StateBadge, StateIcon } from "@/ui/state-badge"
import type { Range } from "."
import { age, change, punctuality, type Trend } from "./comparing"
import type { KeyFigures } from "./reads"

const DAYS: Record<Range, string> = { "7d": "7 days", "30d": "30 days", "90d": "90 days" }
const GRID =
  "grid grid-cols-2 gap-px bg-line lg:grid-cols-[1.25fr_1.25fr_0.9fr_1fr] max-lg:[&>:nth-child(-n+2)]:max-md:col-span-2"

/** Four figures, each with its definition and with what it is compared. */
export function Figures({
  query,
  range,
  present,
}: {
  query: UseQueryResult<Kpi, ApiError>
  range: Range
  /** What the figures are now, while the past is compared with it. */
  present: KeyFigures | undefined
}) {
  const { timezone } = useSession()
  return (
    <Panel label="Key figures">
      <QueryState
        query={query}
        what="the key figures"
        zone={timezone}
        skeleton={
          <div className={GRID}>
            {["kimai", "held", "decide", "lag"].map((name) => (
              <div key={name} className="h-36 bg-surface p-4">
                <Skeleton className="h-5 w-28" />
                <Skeleton className="mt-3 h-8 w-36" />
                <Skeleton className="mt-4 h-4 w-44" />
              </div>
            ))}
          </div>
        }
      >
        {({ key_figures, lag_seconds }) => (
          <div className={GRID}>
            <InKimai now={key_figures} present={present} range={range} />
            <HeldBack now={key_figures} present={present} zone={timezone} />
            <ToDecide now={key_figures} present={present} zone={timezone} />
            <Lag now={key_figures} present={present} range={range} oldest={lag_seconds} />
          </div>
        )}
      </QueryState>
    </Panel>
  )
}

function Figure({
  title,
  definition,
  value,
  delta,
  present,
  children,
}: {
  title: string
  definition: ReactNode
  value: ReactNode
  delta?: ReactNode
  /** The same figure now, while the past is shown and compared with it. */
  present?: ReactNode
  children: ReactNode
}) {
  return (
    <section aria-label={title} className="flex min-w-0 flex-col bg-surface p-4">
      <div className="flex items-center gap-1 text-ink2 text-table">
        <h3>{title}</h3>
        <Popover
          label={title}
          className="max-w-80"
          trigger={
            <IconButton label={`What is ${title}?`} size="small" className="-my-1">
              <Info aria-hidden />
            </IconButton>
          }
        >
          {definition}
        </Popover>
      </div>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-3">
        <span className="font-semibold text-figure">{value}</span>
        {delta}
      </p>
      {present !== undefined && (
        <p className="mt-1 text-ink2 text-table">
          {"now "}
          <strong className="font-semibold text-ink">{present}</strong>
        </p>
      )}
      <div className="mt-auto pt-2.5 text-table">{children}</div>
    </section>
  )
}

/** Good and bad follow meaning, not direction. */
function Delta({ trend, children }: { trend: Trend; children: ReactNode }) {
  if (trend.way === "same") return <span className="text-ink2 text-table">{children}</span>
  const Arrow = trend.way === "up" ? ArrowUpRight : ArrowDownRight
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1 font-medium text-table",
        trend.good ? "text-synced" : "text-conflict",
      )}
    >
      <Arrow aria-hidden className="size-4 shrink-0" />
      <span className="sr-only">{trend.way === "up" ? "up" : "down"}</span>
      <span>{children}</span>
    </span>
  )
}

type Compared = { now: KeyFigures; present: KeyFigures | undefined }

function InKimai({ now, present, range }: Compared & { range: Range }) {
  const { minutes_in_kimai: kimai, minutes_booked: booked, share } = now.coverage
  const before = now.before?.coverage.minutes_in_kimai
  const trend = before ? change(kimai, before, { more: "good" }) : null
  return (
    <Figure
      title="Time in Kimai"
      definition={`Working time of the last ${DAYS[range]} that Kimai holds as it was last decided, by the day of the work. The bar is its share of all time booked in Zammad on those days, ignored bookings included. Bookings whose unit is unknown have no minutes yet.`}
      value={<Duration minutes={kimai} />}
      present={present && formatDuration(present.coverage.minutes_in_kimai)}
      delta={
        trend && before ? (
          <Delta trend={trend}>
            {trend.way === "same"
              ? `as in the prior ${DAYS[range]}`
              : `${formatPercent(Math.abs(kimai - before) / before)} vs prior ${DAYS[range]}`}
          </Delta>
        ) : undefined
      }
    >
      {share === null ? (
        <p className="text-ink2">Nothing was booked in Zammad on these days.</p>
      ) : (
        <>
          <ProgressBar value={share} label="Share of the time booked in Zammad" className="mb-2" />
          <p className="text-ink2">
            <strong className="font-semibold text-ink">{covered(share)}</strong>
            {` of ${formatDuration(booked)} booked in Zammad`}
          </p>
        </>
      )}
    </Figure>
  )
}

/** 99.96 % is not all of it: rounded down. */
function covered(share: number): string {
  return formatPercent(Math.floor(share * 1000) / 1000, share === 1 ? 0 : 1)
}

/** Where Reconcile has the rows of a state; what needs a decision it shows first. */
const TAB_OF = { pending: "pending", conflict: null, failed: "failed" } as const
/** A figure is that of all entries, whatever Reconcile was narrowed to. */
const NO_FILTER: Record<string, null> = Object.fromEntries(
  ["q", "reason", "person", "customer", "from", "to", "kind"].map((name) => [
    `reconcile.${name}`,
    null,
  ]),
)

function HeldBack({ now, present, zone }: Compared & { zone: string }) {
  const place = usePlaces()
  const { held_back: held, before } = now
  const trend = before ? change(held.minutes, before.held_back.minutes, { more: "bad" }) : null
  return (
    <Figure
      title="Held back from Kimai"
      definition="Working time, whatever its day, that should be in Kimai and is not: pending (the service goes on by itself), conflict (a person decides) and failed (it gave up and can be tried again)."
      value={<Duration minutes={held.minutes} />}
      present={present && formatDuration(present.held_back.minutes)}
      delta={
        trend && before ? (
          <Delta trend={trend}>
            {trend.way === "same"
              ? `as on ${formatInstant(before.at, "day", zone)}`
              : `${formatDuration(Math.abs(held.minutes - before.held_back.minutes))} since ${formatInstant(before.at, "day", zone)}`}
          </Delta>
        ) : undefined
      }
    >
      <dl className="grid grid-cols-3 gap-2">
        {(["pending", "conflict", "failed"] as const).map((state) => (
          <div key={state}>
            <dt className="flex items-center gap-1.5 text-ink2">
              <StateIcon state={state} />
              {STATES[state].word}
            </dt>
            <dd>
              {held[state].entries === 0 ? (
                <span className="text-ink3">{formatDuration(held[state].minutes)}</span>
              ) : (
                <Link
                  to={place("reconcile", { ...NO_FILTER, tab: TAB_OF[state] })}
                  className="link finger font-medium"
                  title={formatEntries(held[state].entries)}
                >
                  {formatDuration(held[state].minutes)}
                  <span className="sr-only">{`, ${formatEntries(held[state].entries)}`}</span>
                </Link>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Figure>
  )
}

function ToDecide({ now, present, zone }: Compared & { zone: string }) {
  const { search } = useLocation()
  const { entries, oldest_since: since } = now.decisions
  const before = now.before?.decisions.entries
  const trend = before === undefined ? null : change(entries, before, { more: "bad" })
  return (
    <Figure
      title="Needs a decision"
      present={present && formatNumber(present.decisions.entries)}
      definition="Entries that wait for a person, whatever their day. The service carries on with each as soon as it is decided; its own proposal stands in Reconcile."
      value={
        <>
          {formatNumber(entries)}
          <span className="ml-1.5 font-normal text-body text-ink2 tracking-normal">
            {entries === 1 ? "entry" : "entries"}
          </span>
        </>
      }
      delta={
        trend && now.before && trend.way !== "same" ? (
          <Delta trend={trend}>
            {`${formatNumber(Math.abs(entries - now.before.decisions.entries))} since ${formatInstant(now.before.at, "day", zone)}`}
          </Delta>
        ) : undefined
      }
    >
      {entries === 0 ? (
        <p className="text-ink2">Nothing waits.</p>
      ) : (
        <p className="flex flex-wrap gap-x-3">
          <Link
            to={{ search, hash: "reconcile" }}
            className="link finger inline-flex items-center gap-1.5 font-medium"
          >
            Review
            <ArrowRight aria-hidden className="size-4" />
          </Link>
          {since && (
            <span className="text-ink2">
              oldest waits{" "}
              <span title={formatInstant(since, "full", zone)}>{age(since, now.at)}</span>
            </span>
          )}
        </p>
      )}
    </Figure>
  )
}

function Lag({
  now,
  present,
  range,
  oldest,
}: Compared & {
  range: Range
  /** Seconds that the oldest pending entry has waited. */
  oldest: number
}) {
  const { sync_lag: lag, before } = now
  const earlier = before?.sync_lag.p95_seconds ?? null
  const trend =
    lag.p95_seconds !== null && earlier !== null
      ? change(lag.p95_seconds, earlier, { more: "bad" })
      : null
  const state = punctuality(lag.late, oldest, lag.interval_seconds)
  return (
    <Figure
      title="Sync lag, p95"
      present={present && seconds(present.sync_lag.p95_seconds)}
      definition={
        <>
          <p>{`Of the bookings that came into Kimai in the last ${DAYS[range]}, 95 of 100 took no longer than this from their last change in Zammad until Kimai confirmed them. Those that a person had to decide are left out.`}</p>
          <dl className="mt-3 grid grid-cols-[1fr_auto] gap-x-4 gap-y-1 text-ink2">
            <dt>Bookings counted</dt>
            <dd className="text-right">{formatNumber(lag.written)}</dd>
            <dt>Half of them within</dt>
            <dd className="text-right">{seconds(lag.median_seconds)}</dd>
            <dt>p95 since Timeledger saw them</dt>
            <dd className="text-right">{seconds(lag.seen_p95_seconds)}</dd>
            <dt>Interval of the schedule</dt>
            <dd className="text-right">
              {lag.interval_seconds === null ? "off" : seconds(lag.interval_seconds)}
            </dd>
          </dl>
          <p className="mt-3 text-ink2">
            Late is an entry that waits for the service for more than a whole interval; red from
            two.
          </p>
        </>
      }
      value={
        lag.p95_seconds === null ? (
          <span className="text-ink3">–</span>
        ) : (
          <Seconds value={lag.p95_seconds} />
        )
      }
      delta={
        trend && trend.way !== "same" && earlier !== null ? (
          <Delta trend={trend}>{`from ${seconds(earlier)}`}</Delta>
        ) : lag.seen_p95_seconds !== null ? (
          <span className="text-ink2 text-table">{`${seconds(lag.seen_p95_seconds)} once seen`}</span>
        ) : undefined
      }
    >
      <div className="flex min-h-6 items-end justify-between gap-3">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          {/* What waits too long is late also, and most of all, when nothing came through. */}
          {(lag.late !== null || lag.p95_seconds !== null) && (
            <StateBadge state={state.state}>{state.words}</StateBadge>
          )}
          {lag.p95_seconds === null && (
            <p className="text-ink2">Nothing was written on these days.</p>
          )}
        </div>
        <Trace
          values={lag.days.map((day) => day.p95_seconds)}
          label={`Sync lag, p95, of each of the last ${DAYS[range]}`}
        />
      </div>
    </Figure>
  )
}

function seconds(value: number | null): string {
  if (value === null) return "–"
  return value < 2 * 86_400 ? formatSeconds(value) : `${formatNumber(value / 86_400)}\u00a0days`
}

function Seconds({ value }: { value: number }) {
  return (
    <span className="whitespace-nowrap">
      {seconds(value)
        .split(/(?<=\D)\u00a0/)
        .map((part, index) => {
          const [number, unit] = part.split("\u00a0")
          return (
            <span key={part}>
              {index > 0 && "\u00a0"}
              {number}
              <span className="font-normal text-[0.62em] text-ink3 tracking-normal">{`\u00a0${unit}`}</span>
            </span>
          )
        })}
    </span>
  )
}

/** A line without axis: the shape of the last days; days without a value leave a gap. */
function Trace({ values, label }: { values: readonly (number | null)[]; label: string }) {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return null
  const top = Math.max(...known, 1)
  let path = ""
  let gap = true
  values.forEach((value, index) => {
    if (value === null) {
      gap = true
      return
    }
    const x = (index / (values.length - 1)) * 100
    path += `${gap ? "M" : "L"}${x.toFixed(1)} ${(19 - (value / top) * 17).toFixed(1)}${gap ? "h0.01" : ""}`
    gap = false
  })
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox="0 0 100 20"
      preserveAspectRatio="none"
      className="h-5 w-24 min-w-0 text-ink3"
    >
      <path
        d={path}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.5}
        strokeLinecap="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}
