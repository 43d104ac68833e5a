import type { UseQueryResult } from "@tanstack/react-query"
import { ChartColumn, Table2 } from "lucide-react"
import { Suspense } from "react"
import type { ApiError } from "@/api/errors"
import type { Kpi } from "@/api/shapes"
import { lazily } from "@/app/lazily"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useUrlState } from "@/app/url-state"
import { EmptyState, Minutes } from "@/ui/bits"
import { IconButton } from "@/ui/button"
import { formatDay, formatDuration } from "@/ui/format"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { RowTh, Table, Td, Th, Tr } from "@/ui/table"
import type { Series } from "./reads"
import { STACK, Swatch, wordOf } from "./states"

const Chart = lazily(() => import("./chart"))
type Day = Series["days"][number]

/** What every day's time has become; the same figures as a table, one click away. */
export function TimePerDay({ query }: { query: UseQueryResult<Kpi, ApiError> }) {
  const { timezone } = useSession()
  const past = useMoment().asOf !== null
  const [view, setView] = useUrlState("days", ["chart", "table"])
  const asTable = view === "table"
  return (
    <Panel
      title="Time per day, by state"
      actions={
        <IconButton
          label={asTable ? "Show as chart" : "Show as table"}
          onClick={() => setView(asTable ? null : "table")}
        >
          {asTable ? <ChartColumn aria-hidden /> : <Table2 aria-hidden />}
        </IconButton>
      }
      footer={`Days follow ${query.data?.display_timezone ?? timezone}. ${past ? "The last day was still open then." : "Today is still open."}`}
    >
      <QueryState
        query={query}
        what="the time per day"
        zone={timezone}
        skeleton={
          <div className="px-4 pb-4">
            <Skeleton className="h-5 w-72" />
            <Skeleton className="mt-4 h-72" />
          </div>
        }
        isEmpty={({ series }) => series.days.every((day) => total(day) === 0 && day.ignored === 0)}
        empty={
          <EmptyState title="No time was booked on these days.">
            Choose more days above, or look whether Zammad's bookings come in.
          </EmptyState>
        }
      >
        {({ series: { days } }) => (
          <>
            <Totals days={days} />
            {asTable ? (
              <Days days={days} />
            ) : (
              <Suspense fallback={<div className="h-76" />}>
                <Chart days={days} past={past} />
              </Suspense>
            )}
          </>
        )}
      </QueryState>
    </Panel>
  )
}

function total(day: Day): number {
  return STACK.reduce((sum, state) => sum + day[state], 0)
}

function Totals({ days }: { days: readonly Day[] }) {
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 px-4 pb-3 text-table">
      {STACK.map((state) => (
        <li key={state} className="flex items-center gap-2">
          <Swatch state={state} />
          <span className="text-ink2">{wordOf(state)}</span>
          <span className="font-medium">
            {formatDuration(days.reduce((sum, day) => sum + day[state], 0))}
          </span>
        </li>
      ))}
    </ul>
  )
}

function Days({ days }: { days: readonly Day[] }) {
  return (
    <div className="max-h-76 overflow-y-auto border-line border-t">
      <Table caption="Minutes per day, by state, newest first">
        <thead className="sticky top-0 z-10">
          <tr>
            <Th>Day</Th>
            {STACK.map((state) => (
              <Th key={state} numeric>
                {wordOf(state)}
              </Th>
            ))}
            <Th numeric>Ignored</Th>
            <Th numeric>All</Th>
          </tr>
        </thead>
        <tbody>
          {days.toReversed().map((day) => (
            <Tr key={day.date} className="h-9">
              <RowTh className="whitespace-nowrap">{formatDay(day.date, "long-day")}</RowTh>
              {[...STACK, "ignored" as const].map((state) => (
                <Td key={state} numeric className={day[state] === 0 ? "text-ink3" : undefined}>
                  <Minutes value={day[state]} />
                </Td>
              ))}
              <Td numeric className="font-medium">
                <Minutes value={total(day) + day.ignored} />
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </div>
  )
}
