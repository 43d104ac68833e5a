import { ChevronRight } from "lucide-react"
import { Fragment, useState } from "react"
import { useSession } from "@/app/session"
import { Change } from "@/ui/bits"
import { cn } from "@/ui/cn"
import { formatDuration } from "@/ui/format"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"
import type { Action, Names, Row } from "./reads"
import { linesOf, named, subjectOf } from "./words"

const SIGNS: Record<Action, { sign: string; word: string; look: string }> = {
  create: { sign: "+", word: "Create", look: "bg-synced-soft text-synced" },
  update: { sign: "~", word: "Update", look: "bg-pending-soft text-pending" },
  delete: { sign: "\u2212", word: "Delete", look: "bg-failed-soft text-failed" },
  adopt: { sign: "=", word: "Link", look: "bg-hover text-ink2" },
  unchanged: { sign: "=", word: "Unchanged", look: "bg-hover text-ink2" },
  skip: { sign: "\u00d7", word: "Left alone", look: "bg-ignored-soft text-ignored" },
  conflict: { sign: "!", word: "Needs a decision", look: "bg-conflict-soft text-conflict" },
}

/** Every planned change; each opens to before, after and the exact request. */
export function PlanRows({ rows, names }: { rows: Row[]; names: Names | undefined }) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set())
  const toggle = (row: number) => {
    const next = new Set(open)
    if (!next.delete(row)) next.add(row)
    setOpen(next)
  }
  return (
    <Table caption="Planned changes" className="max-md:min-w-140">
      <thead>
        <tr>
          <Th className="w-12">
            <span className="sr-only">Change</span>
          </Th>
          <Th>Entry</Th>
          <Th>In Kimai</Th>
          <Th numeric>Duration</Th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Fragment key={row.row}>
            <Line
              row={row}
              names={names}
              open={open.has(row.row)}
              onToggle={() => toggle(row.row)}
            />
            {open.has(row.row) && (
              <tr className="border-line border-b bg-sunken">
                <td />
                <td colSpan={3} className="py-3 pr-4 pl-3">
                  <Details row={row} names={names} />
                </td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </Table>
  )
}

function Line({
  row,
  names,
  open,
  onToggle,
}: {
  row: Row
  names: Names | undefined
  open: boolean
  onToggle: () => void
}) {
  const { sign, word, look } = SIGNS[row.action]
  const name = `#${row.ticket_number ?? row.entry_id} ${subjectOf(row)}`.trim()
  return (
    <Tr twoLines>
      <Td>
        <span
          className={cn("grid size-6 place-items-center rounded-badge font-semibold", look)}
          title={word}
        >
          <span aria-hidden>{sign}</span>
          <span className="sr-only">{word}</span>
        </span>
      </Td>
      <RowTh className="max-w-72">
        <button
          type="button"
          aria-expanded={open}
          onClick={onToggle}
          className="flex w-full min-w-0 items-center gap-2 text-left touch:min-h-11"
        >
          <ChevronRight
            aria-hidden
            className={cn("size-4 shrink-0 text-ink3 transition-transform", open && "rotate-90")}
          />
          <TwoLines first={name} second={row.user ?? "nobody named"} />
        </button>
      </RowTh>
      <Td className="max-w-64 text-ink2">
        <InKimai row={row} names={names} />
      </Td>
      <Td numeric className="font-medium">
        <Length row={row} />
      </Td>
    </Tr>
  )
}

function InKimai({ row, names }: { row: Row; names: Names | undefined }) {
  if (row.action === "conflict" || row.action === "skip") {
    return <span className="line-clamp-2">{row.message ?? row.reason_code}</span>
  }
  const { before, after } = row
  const work = after ?? before
  if (!work) return <span className="text-ink3">nothing</span>
  const activity = named(names?.activities, work.activity_id, "activity")
  const project = named(names?.projects, work.project_id, "project")
  if (before && after && before.activity_id !== after.activity_id) {
    return (
      <Change before={named(names?.activities, before.activity_id, "activity")} after={activity} />
    )
  }
  const more = row.creates.length > 0 ? ", created first" : ""
  return <TwoLines first={activity} second={`${project}${more}`} />
}

function Length({ row: { before, after, minutes } }: { row: Row }) {
  if (before && after && before.minutes !== after.minutes) {
    return <Change before={formatDuration(before.minutes)} after={formatDuration(after.minutes)} />
  }
  const length = (after ?? before)?.minutes ?? minutes
  return <>{length === null ? "unknown" : formatDuration(length)}</>
}

function Details({ row, names }: { row: Row; names: Names | undefined }) {
  const { timezone } = useSession()
  const lines = linesOf(row, names, timezone)
  const label = `#${row.ticket_number ?? row.entry_id}`
  return (
    <div className="grid gap-3 text-table">
      {row.message && <p>{row.message}</p>}
      {lines.length > 0 && (
        <table className="w-full text-left">
          <caption className="sr-only">{`${label}: before and after`}</caption>
          <thead>
            <tr className="text-ink2">
              <th scope="col" className="py-1 font-medium">
                Field
              </th>
              <th scope="col" className="py-1 font-medium">
                In Kimai now
              </th>
              <th scope="col" className="py-1 font-medium">
                After
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={line.label} className="align-top">
                <th scope="row" className="w-24 py-0.5 font-normal text-ink2">
                  {line.label}
                </th>
                <td className="py-0.5 pr-3 text-ink2">{line.before ?? "nothing"}</td>
                <td
                  className={cn(
                    "whitespace-pre-line break-words py-0.5",
                    line.differs ? "font-medium" : "text-ink2",
                  )}
                >
                  {line.after ?? "nothing"}
                  {line.differs && <span className="sr-only">, differs</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {row.creates.length > 0 && (
        <RequestText title="Created before it" text={row.creates.map(spelled).join("\n\n")} />
      )}
      {row.request ? (
        <RequestText title="The exact request" text={spelled(row.request)} />
      ) : (
        <p className="text-ink2">Nothing is sent to Kimai for it.</p>
      )}
    </div>
  )
}

function spelled({ method, path, body }: NonNullable<Row["request"]>): string {
  return [`${method} ${path}`, ...(body ? [JSON.stringify(body, null, 2)] : [])].join("\n")
}

function RequestText({ title, text }: { title: string; text: string }) {
  return (
    <div className="grid gap-1">
      <p className="font-medium">{title}</p>
      <pre className="overflow-x-auto whitespace-pre-wrap break-words rounded-control border border-line bg-surface px-3 py-2 font-mono text-meta">
        {text}
      </pre>
    </div>
  )
}
