/** One row of the table. Rows are compared, so what it needs of the list comes in `context`. */
import { Instant, Minutes } from "@/ui/bits"
import { Checkbox } from "@/ui/choices"
import { cn } from "@/ui/cn"
import { Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { VirtualCell, type VirtualColumn } from "@/ui/virtual-table"
import { type Line, nameOfLine } from "./model"
import { isLine, type Slot } from "./pages"
import { type Doing, ProposalControl } from "./proposal"
import type { Gain } from "./proposals"
import { SideCell } from "./sides"
import { plainSentence } from "./words"

export type Shown = Doing & {
  selected: ReadonlyMap<string, Line>
  changed: ReadonlySet<string>
  toggle: (line: Line, index: number, range: boolean) => void
  selectable: boolean
  zone: string
}

export const SIDES: readonly VirtualColumn[] = [
  { id: "entry", header: "Entry", width: "minmax(12.5rem,1.2fr)" },
  { id: "zammad", header: <Head name="Zammad" note="source" />, width: "minmax(12rem,1fr)" },
  { id: "kimai", header: <Head name="Kimai" note="now" />, width: "minmax(12rem,1fr)" },
  { id: "change", header: "Change", width: "5rem", numeric: true },
  { id: "why", header: "Why it waits", width: "minmax(12rem,1.2fr)" },
  { id: "proposal", header: "Proposal", width: "11.25rem", numeric: true },
]
export const RESOLVED: readonly VirtualColumn[] = [
  ...SIDES.slice(0, 3),
  { id: "why", header: "What was decided", width: "minmax(11rem,1.2fr)" },
  { id: "at", header: "When", width: "9rem", numeric: true },
]
export const LETTERS: readonly VirtualColumn[] = [
  { id: "entry", header: "What", width: "minmax(13rem,1fr)" },
  { id: "why", header: "Why it was given up", width: "minmax(16rem,2.4fr)" },
  { id: "at", header: "Failed last", width: "9rem", numeric: true },
  { id: "proposal", header: "Proposal", width: "9rem", numeric: true },
]

function Head({ name, note }: { name: string; note: string }) {
  return (
    <>
      <span className="text-ink">{name}</span>{" "}
      <span className="pl-1 font-normal text-ink2">{note}</span>
    </>
  )
}

type Props = { row: Slot; index: number; context: Shown }

export function SidesRow({ row, index, context }: Props) {
  if (!isLine(row)) return <Gap cells={context.selectable ? 7 : 6} />
  return (
    <>
      {context.selectable && <Selecting line={row} index={index} context={context} />}
      <EntryCell line={row} context={context} />
      <VirtualCell className="grid h-full content-center border-line border-l">
        <SideCell line={row} side="zammad" />
      </VirtualCell>
      <VirtualCell className="grid h-full content-center border-line border-l">
        <SideCell line={row} side="kimai" />
      </VirtualCell>
      <VirtualCell numeric className="grid h-full content-center border-line border-l">
        <Change gain={row.change} />
      </VirtualCell>
      <Why line={row} zone={context.zone} />
      <VirtualCell numeric>
        <ProposalControl line={row} doing={context} />
      </VirtualCell>
    </>
  )
}

export function ResolvedRow({ row, context }: Props) {
  if (!isLine(row)) return <Gap cells={5} />
  return (
    <>
      <EntryCell line={row} context={context} />
      <VirtualCell className="grid h-full content-center border-line border-l">
        <SideCell line={row} side="zammad" />
      </VirtualCell>
      <VirtualCell className="grid h-full content-center border-line border-l">
        <SideCell line={row} side="kimai" />
      </VirtualCell>
      <Why line={row} zone={context.zone} />
      <At line={row} context={context} />
    </>
  )
}

export function LetterRow({ row, index, context }: Props) {
  if (!isLine(row)) return <Gap cells={5} />
  return (
    <>
      <Selecting line={row} index={index} context={context} />
      <EntryCell line={row} context={context} />
      <Why line={row} zone={context.zone} />
      <At line={row} context={context} />
      <VirtualCell numeric>
        <ProposalControl line={row} doing={context} />
      </VirtualCell>
    </>
  )
}

/** What Kimai gains: bold when it is not nothing. */
export function Change({ gain }: { gain: Gain | null }) {
  if (gain === null) return <span className="text-ink3">unknown</span>
  const { minutes, about } = gain
  const value = (
    <Minutes
      value={minutes}
      signed
      className={minutes === 0 ? "text-ink3" : "font-semibold text-ink"}
    />
  )
  if (!about) return value
  return (
    <span className="whitespace-nowrap" title="Before rounding">
      <span aria-hidden>≈</span>
      <span className="sr-only">about </span>
      {value}
    </span>
  )
}

function Selecting({ line, index, context }: { line: Line; index: number; context: Shown }) {
  return (
    <VirtualCell>
      <Checkbox
        checked={context.selected.has(line.key)}
        onClick={(event) => {
          event.preventDefault()
          context.toggle(line, index, event.shiftKey)
        }}
        aria-label={`Select ${nameOfLine(line)}`}
      />
    </VirtualCell>
  )
}

function EntryCell({ line, context }: { line: Line; context: Shown }) {
  const changed = context.changed.has(line.key)
  return (
    <VirtualCell header>
      <div className="flex min-w-0 items-center gap-2">
        {line.entryId === null ? (
          <span className="truncate font-medium">{line.title}</span>
        ) : (
          <button
            type="button"
            data-row={line.key}
            onClick={() => context.open(line)}
            className="min-w-0 truncate text-left font-medium hover:underline"
          >
            {line.ticket && <span className="pr-2 font-normal text-ink2">#{line.ticket}</span>}
            {line.title}
          </button>
        )}
        {changed && <ChangedAgain />}
      </div>
      <div className="truncate text-ink2 text-meta">{line.customer}</div>
    </VirtualCell>
  )
}

export function ChangedAgain() {
  return (
    <span className="shrink-0 rounded-badge bg-conflict-soft px-1.5 font-medium text-axis text-conflict">
      Changed again
    </span>
  )
}

function Why({ line, zone }: { line: Line; zone: string }) {
  const detail = plainSentence(line.detail, zone)
  return (
    <VirtualCell>
      <div className="grid grid-cols-[1rem_minmax(0,1fr)] items-center gap-x-2">
        <StateIcon state={line.state} />
        <span className="truncate font-medium">{line.why}</span>
        <span className="col-start-2 truncate text-ink2 text-meta" title={detail}>
          {detail}
        </span>
      </div>
    </VirtualCell>
  )
}

function At({ line, context }: { line: Line; context: Shown }) {
  return (
    <VirtualCell numeric className="text-ink2">
      {line.at && <Instant at={line.at} look="day-time" zone={context.zone} />}
    </VirtualCell>
  )
}

function Gap({ cells }: { cells: number }) {
  return Array.from({ length: cells }, (_, cell) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a fixed number of empty cells
    <VirtualCell key={cell}>
      <Skeleton className={cn("h-4", cell === 0 ? "w-4" : "w-3/4")} />
    </VirtualCell>
  ))
}
