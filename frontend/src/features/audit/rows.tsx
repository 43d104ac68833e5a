import { useRead } from "@/api/hooks"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { Skeleton } from "@/ui/panel"
import { VirtualCell, type VirtualColumn } from "@/ui/virtual-table"
import { auditLine, eventLine, type Line, shortLink } from "./line"
import { EventMark, GroupIcon } from "./marks"
import { type AuditFilter, auditRows, CHUNK, chunkOf } from "./reads"

/** What the rows of both lists need; keeps its identity between renders. */
export type RowsContext = {
  zone: string
  narrow: boolean
  withAddress: boolean
  selected: number | null
  /** Operation of the selected event; its rows are highlighted. */
  correlation: string
  select: (line: Line) => void
  follow: (line: Line) => void
}
export type LedgerContext = RowsContext & { head: number }
export type AuditContext = RowsContext & { filter: AuditFilter; pinned: number | null }

export function columns({ narrow, withAddress }: Pick<RowsContext, "narrow" | "withAddress">) {
  if (narrow) return [{ id: "event", header: "Event", width: "minmax(0, 1fr)" }]
  const all: VirtualColumn[] = [
    { id: "no", header: "No.", width: "5.5rem" },
    { id: "time", header: "Time", width: "7.5rem" },
    { id: "event", header: "Event", width: "minmax(0, 1fr)" },
    { id: "by", header: "By", width: "7rem" },
  ]
  if (withAddress) all.push({ id: "from", header: "From", width: "8.5rem" })
  all.push({ id: "linked", header: "Linked", width: "6.25rem" })
  return all
}

/** A row of the whole ledger: it knows its position and reads the chunk around it. */
export function LedgerRow({
  row,
  context,
}: {
  row: number
  index: number
  context: LedgerContext
}) {
  const { data, isError } = useRead(chunkOf(row, context.head))
  const event = data?.find((one) => one.position === row)
  if (event === undefined) return <Unread position={row} failed={isError} context={context} />
  return <LineCells line={eventLine(event)} context={context} />
}

export function LineRow({ row, context }: { row: Line; index: number; context: RowsContext }) {
  return <LineCells line={row} context={context} />
}

/** A row of the audit log: it knows its place and reads the chunk around it. */
export function AuditRow({ row, context }: { row: number; index: number; context: AuditContext }) {
  const chunk = Math.floor(row / CHUNK)
  const { data, isError } = useRead(auditRows(context.filter, chunk, context.pinned))
  const log = data?.data[row - chunk * CHUNK]
  if (log === undefined) return <Unread failed={isError} context={context} />
  return <LineCells line={auditLine(log)} context={context} />
}

function Unread({
  position,
  failed,
  context,
}: {
  position?: number
  failed: boolean
  context: RowsContext
}) {
  const said = failed ? "Could not be read. It is tried again by itself." : null
  return columns(context).map((column) => (
    <VirtualCell key={column.id}>
      {column.id === "no" && position !== undefined ? (
        <span className="font-mono text-meta text-ink3">{position}</span>
      ) : column.id === "event" && said ? (
        <span className="text-ink2">{said}</span>
      ) : (
        <Skeleton className="h-3.5 w-3/5" />
      )}
    </VirtualCell>
  ))
}

function LineCells({ line, context }: { line: Line; context: RowsContext }) {
  const { zone, narrow, selected } = context
  const chosen = selected === line.position
  const together = context.correlation !== "" && context.correlation === line.correlation
  const tint = (chosen || together) && (
    <span
      aria-hidden
      className={cn(
        "-z-10 pointer-events-none absolute inset-0 border-l-[3px]",
        chosen ? "border-accent bg-accent-soft" : "border-accent/45 bg-accent-soft/45",
      )}
    />
  )
  const sentence = (
    <span className="flex min-w-0 items-center gap-2">
      <GroupIcon type={line.type} />
      <button
        type="button"
        aria-pressed={chosen}
        onClick={() => context.select(line)}
        // The whole row is the target; links in it lie above.
        className="truncate text-left font-medium after:absolute after:inset-0 -outline-offset-2"
      >
        {line.sentence}
      </button>
      <EventMark type={line.type} />
      {together && !chosen && <span className="sr-only">same operation as the chosen event</span>}
    </span>
  )
  const technical = (
    <span className="block truncate pl-6 font-mono text-ink3 text-meta">{line.technical}</span>
  )
  const time = formatInstant(line.at, "millis", zone)
  const day = formatInstant(line.at, "day", zone)
  if (narrow) {
    return (
      <VirtualCell header>
        {tint}
        {sentence}
        {technical}
        <span className="flex gap-2 truncate pl-6 text-ink2 text-meta">
          <span className="font-mono">{line.position}</span>
          <time dateTime={line.at}>{`${day}, ${time}`}</time>
          <span className="truncate">{line.actor}</span>
        </span>
      </VirtualCell>
    )
  }
  return (
    <>
      <VirtualCell className="font-mono text-ink2">
        {tint}
        {line.position}
      </VirtualCell>
      <VirtualCell>
        <time dateTime={line.at} className="block whitespace-nowrap font-mono text-ink2">
          {time}
        </time>
        <span className="block text-ink3 text-meta">{day}</span>
      </VirtualCell>
      <VirtualCell header>
        {sentence}
        {technical}
      </VirtualCell>
      <VirtualCell className="truncate text-ink2">{line.actor}</VirtualCell>
      {context.withAddress && (
        <VirtualCell className="truncate font-mono text-ink3 text-meta">{line.address}</VirtualCell>
      )}
      <VirtualCell className="truncate">
        {line.correlation && (
          <button
            type="button"
            title={`Show only ${line.correlation}`}
            aria-label={`Show only what belongs to ${shortLink(line.correlation)}, event ${formatNumber(line.position)}`}
            onClick={() => context.follow(line)}
            className={cn(
              "relative z-1 max-w-full truncate font-mono text-meta hover:underline",
              together ? "text-accent" : "text-ink2",
            )}
          >
            {shortLink(line.correlation)}
          </button>
        )}
      </VirtualCell>
    </>
  )
}
