/** Loaded when the page stands: recharts weighs more than the rest of the dashboard. */
import {
  Area,
  AreaChart,
  CartesianGrid,
  ResponsiveContainer,
  Tooltip,
  type TooltipContentProps,
  XAxis,
  YAxis,
} from "recharts"
import { formatDay, formatDuration } from "@/ui/format"
import type { Series } from "./reads"
import { STACK, type Stacked, Swatch, wordOf } from "./states"

type Day = Series["days"][number]

const FILL: Record<Stacked, string> = {
  synced: "var(--synced-fill)",
  pending: "url(#time-dots)",
  conflict: "url(#time-hatch)",
  failed: "var(--failed-fill)",
}
const EDGE: Record<Stacked, string> = {
  synced: "var(--synced)",
  pending: "var(--pending-fill)",
  conflict: "var(--conflict-fill)",
  failed: "var(--failed-fill)",
}

/** Daily totals are not a curve: steps, the day in the middle of its own. */
export default function TimeChart({ days, past }: { days: readonly Day[]; past: boolean }) {
  const last = days.at(-1)?.date
  return (
    <div className="h-76 px-2 pb-2">
      <ResponsiveContainer width="100%" height="100%">
        <AreaChart
          data={[...days]}
          margin={{ top: 8, right: 22, bottom: 0, left: 0 }}
          accessibilityLayer
          title="Time per day, by state. Arrow keys go from day to day."
        >
          <defs>
            <pattern id="time-dots" width="5" height="5" patternUnits="userSpaceOnUse">
              <rect width="5" height="5" fill="var(--pending-fill)" />
              <circle cx="2.5" cy="2.5" r="1" fill="var(--pending)" />
            </pattern>
            <pattern
              id="time-hatch"
              width="5"
              height="5"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect width="5" height="5" fill="var(--conflict-fill)" />
              <rect
                width="1.6"
                height="5"
                fill="color-mix(in oklab, var(--conflict-fill), var(--ink) 45%)"
              />
            </pattern>
          </defs>
          <CartesianGrid vertical={false} syncWithTicks stroke="var(--line)" />
          <XAxis
            dataKey="date"
            ticks={ticksOf(days)}
            tickFormatter={(day: string) => (day === last && !past ? "Today" : formatDay(day))}
            tickLine={false}
            axisLine={{ stroke: "var(--line-strong)" }}
            tick={TICK}
            interval={0}
            tickMargin={6}
            height={26}
          />
          <YAxis
            width={44}
            tickFormatter={(minutes: number) => (minutes === 0 ? "0" : `${minutes / 60}\u00a0h`)}
            ticks={hoursUpTo(days)}
            domain={[0, (most: number) => Math.max(most, 60) * 1.04]}
            tickLine={false}
            axisLine={false}
            tick={TICK}
          />
          <Tooltip
            content={(props) => <DayTip {...props} />}
            cursor={{ stroke: "var(--ink3)", strokeDasharray: "2 3" }}
            isAnimationActive={false}
            wrapperStyle={{ outline: "none", zIndex: 10 }}
          />
          {STACK.map((state) => (
            <Area
              key={state}
              type="step"
              dataKey={state}
              name={wordOf(state)}
              stackId="time"
              fill={FILL[state]}
              fillOpacity={state === "synced" ? 0.3 : 1}
              stroke={EDGE[state]}
              strokeWidth={state === "synced" ? 1.5 : 0}
              activeDot={false}
              isAnimationActive={false}
            />
          ))}
        </AreaChart>
      </ResponsiveContainer>
    </div>
  )
}

const TICK = { fill: "var(--ink2)", fontSize: 11 }

/** Mondays, but no more than six, and the last day: "Today". */
function ticksOf(days: readonly Day[]): string[] {
  const last = days.at(-1)
  if (days.length <= 7) return days.map((day) => day.date)
  const mondays = days.filter((day) => new Date(`${day.date}T12:00:00Z`).getUTCDay() === 1)
  const every = Math.ceil(mondays.length / 6)
  const apart = Math.ceil(days.length / 12) // days that a label needs beside "Today"
  const kept = mondays.filter(
    (day, index) =>
      (mondays.length - 1 - index) % every === 0 && days.indexOf(day) < days.length - 1 - apart,
  )
  return [...kept.map((day) => day.date), ...(last ? [last.date] : [])]
}

const STEPS = [15, 30, 60, 120, 300, 600, 1200, 2400, 6000, 12_000, 30_000] // minutes between lines

function hoursUpTo(days: readonly Day[]): number[] {
  const top = Math.max(...days.map((day) => STACK.reduce((sum, state) => sum + day[state], 0)), 60)
  const step = STEPS.find((one) => top / one <= 5) ?? 60_000
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step)
}

function DayTip({ active, payload }: TooltipContentProps) {
  const day = payload[0]?.payload as Day | undefined
  if (!active || day === undefined) return null
  const all = STACK.reduce((sum, state) => sum + day[state], 0)
  return (
    <div
      role="status"
      className="min-w-44 rounded-control border border-line bg-surface p-2.5 text-meta shadow-pop"
    >
      <p className="mb-1 font-medium">{formatDay(day.date, "long-day")}</p>
      <dl className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-0.5">
        {STACK.toReversed()
          .filter((state) => day[state] > 0 || state === "synced")
          .map((state) => (
            <div key={state} className="contents">
              <dt className="flex items-center gap-2 text-ink2">
                <Swatch state={state} className="size-3" />
                {wordOf(state)}
              </dt>
              <dd className="text-right">{formatDuration(day[state])}</dd>
            </div>
          ))}
        <div className="contents font-medium">
          <dt>All</dt>
          <dd className="text-right">{formatDuration(all)}</dd>
        </div>
      </dl>
    </div>
  )
}
