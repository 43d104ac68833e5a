import { type ReactNode, useState } from "react"
import { Link } from "react-router"
import { useRead } from "@/api/hooks"
import type { Kpi } from "@/api/shapes"
import { kpi } from "@/app/reads"
import { useSession } from "@/app/session"
import { usePlaces } from "@/app/url-state"
import { EmptyState } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Select } from "@/ui/choices"
import { Drawer } from "@/ui/dialog"
import { formatDuration, formatNumber } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { Table, Td, Th, Tr } from "@/ui/table"
import { changesSince, type Diff, type DiffKind } from "./reads"

const KINDS: Readonly<Record<DiffKind, { one: string; many: string }>> = {
  connector: { one: "Connection", many: "Connections" },
  mapping: { one: "Activity mapping", many: "Activity mappings" },
  user_mapping: { one: "Person mapping", many: "Person mappings" },
  project_mapping: { one: "Project mapping", many: "Project mappings" },
  entry: { one: "Entry", many: "Entries" },
  conflict: { one: "Conflict", many: "Conflicts" },
  run: { one: "Run", many: "Runs" },
  schedule: { one: "Schedule", many: "Schedule" },
}
const CHANGES = { added: "New", changed: "Changed", removed: "Gone" } as const
const ALL = "all"

/** The figures then and now, and every object that something happened to in between. */
export default function Changes({
  from,
  said,
  open,
  onOpenChange,
}: {
  from: string
  said: string
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const [kind, setKind] = useState<DiffKind>()
  return (
    <Drawer
      open={open}
      onOpenChange={onOpenChange}
      title="What changed since"
      description={`Between ${said} and now.`}
    >
      {open && (
        <div className="grid gap-6">
          <Figures />
          <DiffList key={`${from} ${kind}`} from={from} kind={kind} setKind={setKind} />
        </div>
      )}
    </Drawer>
  )
}

function Figures() {
  const then = useRead(kpi()).data
  const now = useRead(kpi(), { at: "now" }).data
  if (then === undefined || now === undefined) return <Skeleton className="h-40" />
  const rows: [string, (of: Kpi) => string][] = [
    ["Entries in Kimai", (of) => formatNumber(of.synced_entries)],
    ["Time not yet in Kimai", (of) => formatDuration(of.unsynced_minutes)],
    ["Need a decision", (of) => formatNumber(of.open_conflicts)],
    ["Pending", (of) => formatNumber(of.pending_entries)],
    ["Failed", (of) => formatNumber(of.failed_entries)],
  ]
  return (
    <Table caption="Figures then and now">
      <thead>
        <tr>
          <Th>Figure</Th>
          <Th numeric>Then</Th>
          <Th numeric>Now</Th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, say]) => {
          const [before, after] = [say(then), say(now)]
          return (
            <Tr key={name} className="h-9">
              <th scope="row" className="px-3 text-left font-normal first:pl-4">
                {name}
              </th>
              <Td numeric>{before}</Td>
              <Td numeric className={before === after ? "text-ink3" : "font-semibold"}>
                {after}
                {before !== after && <span className="sr-only">, differs</span>}
              </Td>
            </Tr>
          )
        })}
      </tbody>
    </Table>
  )
}

function DiffList({
  from,
  kind,
  setKind,
}: {
  from: string
  kind: DiffKind | undefined
  setKind: (kind: DiffKind | undefined) => void
}) {
  const { timezone } = useSession()
  const query = useRead(changesSince(from, kind, undefined), { at: "now" })
  const all = useRead(changesSince(from, undefined, undefined), { at: "now" })
  const options = [
    { value: ALL, label: "Everything" },
    ...Object.entries(KINDS).map(([value, { many }]) => {
      const counts = all.data?.counts[value as DiffKind]
      const sum = counts ? counts.added + counts.changed + counts.removed : undefined
      return { value, label: many, hint: sum === undefined ? undefined : formatNumber(sum) }
    }),
  ]
  return (
    <section aria-label="Changes">
      <div className="flex flex-wrap items-center justify-between gap-2 pb-2">
        <h3 className="font-semibold text-body">Every change</h3>
        <Select
          aria-label="Kind of change"
          value={kind ?? ALL}
          options={options}
          onChange={(next) => setKind(next === ALL ? undefined : (next as DiffKind))}
          className="w-56"
        />
      </div>
      <QueryState
        query={query}
        what="the changes"
        zone={timezone}
        skeleton={<Skeleton className="h-64" />}
        isEmpty={(data) => data.items.length === 0}
        empty={
          <EmptyState
            title={
              kind
                ? `No change of ${KINDS[kind].many.toLowerCase()} since.`
                : "Nothing changed since."
            }
          />
        }
      >
        {(data) => <Page data={data} from={from} kind={kind} />}
      </QueryState>
    </section>
  )
}

function Page({
  data,
  from,
  kind,
}: {
  data: Diff
  from: string
  kind: DiffKind | undefined
}): ReactNode {
  const [more, setMore] = useState(false)
  return (
    <>
      <ul className="divide-y divide-line border-line border-y">
        {data.items.map((item) => (
          <Item key={`${item.kind} ${item.id}`} item={item} />
        ))}
      </ul>
      {data.next_cursor &&
        (more ? (
          <NextPage cursor={data.next_cursor} from={from} kind={kind} />
        ) : (
          <Button className="mt-3" onClick={() => setMore(true)}>
            Show more
          </Button>
        ))}
    </>
  )
}

function NextPage({
  cursor,
  from,
  kind,
}: {
  cursor: string
  from: string
  kind: DiffKind | undefined
}) {
  const { timezone } = useSession()
  const query = useRead(changesSince(from, kind, cursor), { at: "now" })
  return (
    <QueryState
      query={query}
      what="more changes"
      zone={timezone}
      skeleton={<Skeleton className="mt-3 h-40" />}
    >
      {(data) => <Page data={data} from={from} kind={kind} />}
    </QueryState>
  )
}

const FEW = 4 // fields of one object before "and 7 more"

function Item({ item }: { item: Diff["items"][number] }) {
  const place = usePlaces()
  /** Events after the moment exist in the present only. */
  const now = { as_of: null, compare: null }
  const told = item.changes.filter((one) => one.field !== "id")
  const last = item.positions.at(-1)
  const who = [...new Set(item.actors.map((one) => one.name ?? "an erased name"))].join(", ")
  return (
    <li className="py-2.5 text-table">
      <p className="flex flex-wrap items-baseline gap-x-2">
        <span className="rounded-badge bg-hover px-1.5 text-meta">{CHANGES[item.change]}</span>
        <span className="font-medium">{item.label || KINDS[item.kind].one}</span>
        <span className="text-ink2">{`${KINDS[item.kind].one} ${item.id}${who ? `, by ${who}` : ""}`}</span>
      </p>
      {told.length > 0 && (
        <ul className="pt-0.5 text-ink2">
          {told.slice(0, FEW).map((one) => (
            <li key={one.field} className="break-words">
              {`${one.field.replaceAll("_", " ")}: `}
              {item.change === "changed" && (
                <>
                  <s className="text-ink3">{plain(one.before)}</s>
                  {" → "}
                </>
              )}
              <span className="text-ink">
                {plain(item.change === "removed" ? one.before : one.after)}
              </span>
            </li>
          ))}
          {told.length > FEW && <li>{`and ${told.length - FEW} more`}</li>}
        </ul>
      )}
      <p className="flex flex-wrap gap-x-4 pt-0.5">
        {last !== undefined && (
          <Link className="link" to={place("audit", { ...now, "audit.event": String(last) })}>
            {item.positions.length === 1
              ? `Event ${formatNumber(last)}`
              : `Last of ${item.positions.length} events, ${formatNumber(last)}`}
          </Link>
        )}
        {item.kind === "entry" && (
          <Link className="link" to={place("reconcile", { ...now, entry: String(item.id) })}>
            Entry history
          </Link>
        )}
      </p>
    </li>
  )
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing"
  if (typeof value === "object") return JSON.stringify(value)
  return String(value)
}
