import { type KeyboardEvent, type PointerEvent, useMemo } from "react"
import { useRead } from "@/api/hooks"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { dayStart, wallOf } from "@/ui/wall-time"
import { longMoment } from "./moment"
import { activity } from "./reads"

const DAY = 86_400_000
const DAYS = 14
const PER_DAY = 12 // bars of two hours
const BUCKETS = DAYS * PER_DAY

/** Two weeks of whole days: those that end today, or around an older moment. */
export function range(shown: number, now: number, zone: string): { from: number; to: number } {
  const to = dayStart(dayStart(now, zone) + 1.5 * DAY, zone)
  const from = dayStart(to - (DAYS - 0.5) * DAY, zone)
  if (shown >= from) return { from, to }
  const end = dayStart(shown + 4 * DAY, zone)
  return { from: dayStart(end - (DAYS - 0.5) * DAY, zone), to: end }
}

/** When how much happened; a press or the arrow keys choose a moment. */
export function Strip({
  shown,
  now,
  zone,
  travel,
}: {
  /** The moment the page shows; null while it shows the present. */
  shown: number | null
  now: number
  zone: string
  travel: (at: number) => void
}) {
  const at = shown ?? now
  const { from, to } = useMemo(() => range(at, now, zone), [at, now, zone])
  const query = useRead(activity(from, to, BUCKETS), { at: "now" })
  const place = (instant: number) => ((instant - from) / (to - from)) * 100
  const bucket = Math.min(
    BUCKETS - 1,
    Math.max(0, Math.ceil(((at - from) / (to - from)) * BUCKETS) - 1),
  )
  const buckets = query.data?.buckets ?? []
  const most = Math.max(1, ...buckets.map((one) => one.events))
  const go = (instant: number) => travel(Math.min(now, Math.max(from, instant)))
  const pressed = (event: KeyboardEvent) => {
    const by: Record<string, number> = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -PER_DAY,
      PageUp: PER_DAY,
      Home: -BUCKETS,
      End: BUCKETS,
    }
    const steps = by[event.key]
    if (steps === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    const next = Math.min(BUCKETS - 1, Math.max(0, bucket + steps))
    go(from + ((next + 1) / BUCKETS) * (to - from))
  }
  const pointed = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return
    const box = event.currentTarget.getBoundingClientRect()
    const share = (event.clientX - box.left) / Math.max(1, box.width)
    const minute = 60_000
    go(Math.round((from + share * (to - from)) / minute) * minute)
  }
  if (query.data === undefined) {
    return (
      <p className="grid h-14 content-center text-meta" role={query.isError ? "alert" : undefined}>
        {query.isError
          ? `The activity of these days could not be loaded. ${query.error.sentence}`
          : ""}
      </p>
    )
  }
  return (
    <div className="pt-3">
      <div
        role="slider"
        tabIndex={0}
        aria-label="Activity of two weeks; choose a moment"
        aria-valuemin={0}
        aria-valuemax={BUCKETS - 1}
        aria-valuenow={bucket}
        aria-valuetext={`${longMoment(at, zone)}, ${formatNumber(buckets[bucket]?.events ?? 0)} events in these two hours`}
        onKeyDown={pressed}
        onPointerDown={pointed}
        className="relative flex h-8 cursor-pointer touch-manipulation items-end gap-px outline-offset-4 focus-visible:outline-current"
      >
        {buckets.map((one, index) => (
          <span
            key={one.from}
            data-bar
            title={`${formatInstant(one.from, "day-time", zone)}: ${formatNumber(one.events)} events`}
            className={cn(
              "min-w-0 flex-1 rounded-t-[1px]",
              index === bucket && shown !== null
                ? "bg-conflict-fill"
                : index <= bucket
                  ? "bg-current opacity-75"
                  : "bg-current opacity-30",
            )}
            style={{ height: `${one.events === 0 ? 6 : 14 + Math.sqrt(one.events / most) * 86}%` }}
          />
        ))}
        {now >= from && now <= to && (
          <span
            aria-hidden
            className="absolute -top-1 bottom-0 border-current border-l border-dashed opacity-80"
            style={{ left: `${place(now)}%` }}
          >
            <span className="-translate-x-full absolute -top-1.5 pr-1 text-axis leading-none">
              now
            </span>
          </span>
        )}
        {shown !== null && shown >= from && (
          <span
            aria-hidden
            className="-top-2 absolute bottom-0 w-0.5 bg-current"
            style={{ left: `${place(shown)}%` }}
          >
            <span className="-translate-x-1/2 -top-1 absolute left-1/2 size-3 rounded-full border-2 border-current bg-bar" />
          </span>
        )}
      </div>
      <Days from={from} at={at} zone={zone} />
    </div>
  )
}

function Days({ from, at, zone }: { from: number; at: number; zone: string }) {
  const days = Array.from({ length: DAYS }, (_, index) =>
    dayStart(from + (index + 0.5) * DAY, zone),
  )
  const current = dayStart(at, zone)
  return (
    <div aria-hidden className="flex pt-1 text-axis">
      {days.map((day) => {
        const noon = day + DAY / 2
        const weekday = new Intl.DateTimeFormat("en-GB", {
          weekday: "short",
          timeZone: zone,
        }).format(noon)
        const weekend = weekday.startsWith("S")
        return (
          <span
            key={day}
            className={cn(
              "min-w-0 flex-1 overflow-hidden whitespace-nowrap",
              day === current ? "font-semibold" : "opacity-80",
            )}
          >
            <span className="max-md:hidden">
              {weekend ? weekday : `${weekday} ${wallOf(noon, zone).day}`}
            </span>
            <span className="md:hidden">{weekend ? "" : wallOf(noon, zone).day}</span>
          </span>
        )
      })}
    </div>
  )
}
