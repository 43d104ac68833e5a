/** Both sides of a row: what differs is marked on both, the rest is quiet. */

import { DiffValue, Minutes } from "@/ui/bits"
import { cn } from "@/ui/cn"
import { formatDay, formatMinutes } from "@/ui/format"
import type { Line, Side, SideField } from "./model"

const SPOKEN: Record<SideField, string> = {
  minutes: "Duration",
  activity: "Activity",
  person: "Person",
  day: "Day",
}

function said(field: SideField, side: Side): string {
  if (field === "minutes") return side.minutes === null ? "unknown" : `${side.minutes} minutes`
  if (field === "day") return side.day === null ? "unknown" : formatDay(side.day)
  return side[field]
}

/** "Duration: Zammad 75 minutes, Kimai 90 minutes, differs", once for both sides. */
export function spokenDifference(line: Line, field: SideField): string | undefined {
  if (line.zammad === null || line.kimai === null) return undefined
  const [ours, theirs] = [said(field, line.zammad), said(field, line.kimai)]
  return `${SPOKEN[field]}: Zammad ${ours}, Kimai ${theirs}, differs`
}

export function SideCell({
  line,
  side,
  stacked = false,
}: {
  line: Line
  side: "zammad" | "kimai"
  /** One below the other, as on a card. */
  stacked?: boolean
}) {
  const own = line[side]
  if (own === null) {
    const note = side === "zammad" ? line.zammadNote : line.kimaiNote
    return <p className="border-line-strong border-l-2 pl-2 text-ink2">{note}</p>
  }
  const alone = line.zammad === null || line.kimai === null
  const mark = (field: SideField) => ({
    side,
    differs: line.differs.has(field),
    // The whole sentence stands on Zammad's side; Kimai's value is said with it.
    spoken: side === "zammad" ? spokenDifference(line, field) : undefined,
  })
  const minutes = (
    <DiffValue {...mark("minutes")} className={cn(alone && "font-semibold text-ink")}>
      {own.minutes === null ? "? m" : <Minutes value={own.minutes} />}
    </DiffValue>
  )
  const activity = (
    <DiffValue {...mark("activity")} className={cn(alone && "text-ink")}>
      {own.activity}
    </DiffValue>
  )
  const person = <DiffValue {...mark("person")}>{own.person}</DiffValue>
  const day = own.day && <DiffValue {...mark("day")}>{formatDay(own.day)}</DiffValue>
  if (stacked) {
    return (
      <div className="grid min-w-0 justify-items-start gap-0.5 text-table [overflow-wrap:anywhere]">
        {minutes}
        {activity}
        {person}
        {day}
      </div>
    )
  }
  return (
    <div className="grid min-w-0 grid-cols-[3rem_minmax(0,1fr)] gap-x-1.5">
      <span
        className="text-right"
        title={own.minutes === null ? undefined : formatMinutes(own.minutes)}
      >
        {minutes}
      </span>
      <span className="truncate">{activity}</span>
      <span className="col-start-2 flex min-w-0 text-ink2 text-meta">
        <span className="truncate">{person}</span>
        {day && <span className="shrink-0 whitespace-pre">{" · "}</span>}
        {day && <span className="shrink-0">{day}</span>}
      </span>
    </div>
  )
}
