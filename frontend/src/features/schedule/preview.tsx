import { CalendarClock } from "lucide-react"
import { useEffect, useState } from "react"
import { useRead } from "@/api/hooks"
import { useSession } from "@/app/session"
import { cn } from "@/ui/cn"
import { formatAgo, formatInstant } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { type Cron, clock, inWords, readCron, stretches, WEEKDAYS } from "./cron"
import { preview } from "./reads"
import { clockChangeInWords, wallOf } from "./zones"

const TYPING = 300 // ms without a key until the service is asked
const DAY = 24 * 60

type Props = {
  cron: string | null
  timezone: string
  enabled: boolean
  open: boolean
  /** In the time machine: the runs that were next then; the service's preview is of now. */
  then: readonly string[] | null
}

/** What the fields beside it mean: words and week by their reading, runs by the service. */
export function Preview({ cron: text, timezone, enabled, open, then }: Props) {
  const session = useSession()
  const now = useMinute(open)
  const cron = text === null ? undefined : readCron(text).cron
  const asked = useSettled(cron && text !== null ? `${timezone} ${text}` : null)
  const [zone = "", ...fields] = (asked ?? "").split(" ")
  const query = useRead(preview(fields.join(" "), zone), {
    enabled: open && asked !== null && then === null,
  })
  return (
    <section aria-labelledby="schedule-preview" className="grid content-start gap-5">
      <div className="grid gap-2">
        <h3
          id="schedule-preview"
          className="flex items-center gap-2 font-semibold text-table [&_svg]:size-4"
        >
          <CalendarClock aria-hidden className="text-ink3" />
          Preview
        </h3>
        <p aria-live="polite" className="text-body">
          {cron ? inWords(cron) : "Correct the fields to see when runs begin."}
        </p>
        {!enabled && <p className="text-ink2 text-table">The schedule is off: nothing runs.</p>}
      </div>
      {cron && !cron.days && (
        <Week cron={cron} timezone={timezone} now={then === null ? now : null} />
      )}
      {cron && (
        <div className="grid gap-1">
          <h4 className="font-medium text-table">
            {then === null ? "Next runs" : "Next runs, seen from then"}
          </h4>
          {then !== null ? (
            <Runs runs={then} timezone={timezone} now={null} />
          ) : query.error?.code === "cron_invalid" ? (
            <p role="alert" className="text-failed text-table">
              {query.error.sentence}
            </p>
          ) : (
            <QueryState
              query={query}
              what="the next runs"
              zone={session.timezone}
              skeleton={<Skeleton className="h-40" />}
            >
              {({ next_runs }) => <Runs runs={next_runs} timezone={timezone} now={now} />}
            </QueryState>
          )}
        </div>
      )}
      {cron && then === null && (
        <p className="text-ink2 text-meta">{clockChangeInWords(timezone, now)}</p>
      )}
    </section>
  )
}

function Runs({
  runs,
  timezone,
  now,
}: {
  runs: readonly string[]
  timezone: string
  now: number | null
}) {
  if (runs.length === 0) return <p className="text-ink2 text-table">No run follows.</p>
  const day = (at: number | string) => formatInstant(at, "day", timezone)
  return (
    <ol className="text-table">
      {runs.map((at) => (
        <li
          key={at}
          className="flex items-baseline gap-3 border-line border-b py-1.5 last:border-0"
        >
          <span className="w-18 text-ink2">
            {now !== null && day(at) === day(now)
              ? "Today"
              : now !== null && day(at) === day(now + DAY * 60_000)
                ? "Tomorrow"
                : day(at)}
          </span>
          <time
            dateTime={at}
            className="flex-1 font-medium"
            title={formatInstant(at, "full", timezone)}
          >
            {formatInstant(at, "time", timezone)}
          </time>
          {now !== null && <span className="text-ink2">{formatAgo(at, now)}</span>}
        </li>
      ))}
    </ol>
  )
}

function Week({ cron, timezone, now }: { cron: Cron; timezone: string; now: number | null }) {
  const parts = stretches(cron)
  const here = now === null ? null : wallOf(timezone, now)
  const hours = parts
    .map(({ from, to }) => (from === to ? clock(from) : `${clock(from)} to ${clock(to)}`))
    .join(", ")
  return (
    <div
      role="img"
      aria-label={`The week: ${inWords(cron)} Hours: ${hours}.`}
      className="grid grid-cols-[2.25rem_1fr] items-center gap-y-1.5 text-meta"
    >
      {WEEKDAYS.map((name, index) => {
        const day = index + 1
        const on = cron.weekdays === null || cron.weekdays.includes(day)
        return (
          <div key={name} className="contents">
            <span className={cn(day === here?.weekday ? "font-semibold text-ink" : "text-ink2")}>
              {name.slice(0, 3)}
            </span>
            <span className="relative h-3 overflow-hidden rounded-[2px] bg-line">
              {on &&
                parts.map(({ from, to }) => (
                  <span
                    key={from}
                    data-bar
                    className="absolute inset-y-0 min-w-0.75 rounded-[2px] bg-synced-fill/75"
                    style={{
                      left: `${(from / DAY) * 100}%`,
                      width: `${((to - from) / DAY) * 100}%`,
                    }}
                  />
                ))}
              {here && day === here.weekday && (
                <span
                  className="absolute inset-y-0 w-0.5 bg-ink"
                  style={{ left: `${(here.minutes / DAY) * 100}%` }}
                />
              )}
            </span>
          </div>
        )
      })}
      <span />
      <span className="flex justify-between text-axis text-ink2">
        {[0, 6, 12, 18, 24].map((hour) => (
          <span key={hour}>{hour}</span>
        ))}
      </span>
    </div>
  )
}

function useMinute(on: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!on) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 15_000)
    return () => clearInterval(timer)
  }, [on])
  return now
}

/** The value once it has stood still; at once when there was none before. */
function useSettled(value: string | null): string | null {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING)
    return () => clearTimeout(timer)
  }, [value])
  return settled ?? value
}
