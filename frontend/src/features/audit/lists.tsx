/** The two lists: every event of the ledger, and who did what. */
import { Pause, Play } from "lucide-react"
import {
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react"
import { useRead, useReadOn } from "@/api/hooks"
import { useShortcuts } from "@/app/keyboard"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { EmptyState } from "@/ui/bits"
import { Button } from "@/ui/button"
import { formatNumber } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { useMedia } from "@/ui/use-media"
import { VirtualTable, type VirtualTableHandle } from "@/ui/virtual-table"
import { eventLine, type Line } from "./line"
import { auditRows, chunkOf, eventsFound, oneEvent } from "./reads"
import {
  type AuditContext,
  AuditRow,
  columns,
  type LedgerContext,
  LedgerRow,
  LineRow,
  type RowsContext,
} from "./rows"
import type { Filters } from "./use-filters"
import { useFollowing } from "./use-following"
import { useHead } from "./use-head"

const MOST_ROWS = 200_000 // a taller page than 17 million pixels is cut by browsers
const HEIGHT = "max(24rem, min(76vh, 54rem))"

/** What both lists share: columns, the chosen row, what a press on a row does. */
function useRows(filters: Filters, withAddress: boolean): RowsContext {
  const { timezone: zone } = useSession()
  const narrow = useMedia("(max-width: 47.99rem)")
  const { selected, change } = filters
  const chosen = useRead(oneEvent(selected ?? 0), { enabled: selected !== null }).data
  const correlation = chosen && selected !== null ? eventLine(chosen).correlation : ""
  const select = useCallback(
    (line: Line) => {
      const event = String(line.position)
      change({
        event:
          new URLSearchParams(window.location.search).get("audit.event") === event ? null : event,
      })
    },
    [change],
  )
  const follow = useCallback(
    (line: Line) =>
      change(
        line.run === null || `run-${line.run}` !== line.correlation
          ? { correlation: line.correlation, run: null }
          : { correlation: line.correlation, run: String(line.run) },
        true,
      ),
    [change],
  )
  return useMemo(
    () => ({ zone, narrow, withAddress, selected, correlation, select, follow }),
    [zone, narrow, withAddress, selected, correlation, select, follow],
  )
}

/** The list says here how it goes to the next row: its drawer, which lies over it, goes so too. */
export type Steps = RefObject<(by: number) => void>
type ListProps = { filters: Filters; steps: Steps }

export function EventsList({ filters, steps }: ListProps) {
  const { timezone } = useSession()
  const { head, query } = useHead()
  if (head === undefined) {
    return (
      <QueryState query={query} what="the events" zone={timezone} skeleton={<RowsSkeleton />}>
        {() => null}
      </QueryState>
    )
  }
  if (head === 0) return <EmptyState title="Nothing was recorded by then." />
  const dim = query.isPlaceholderData // another moment loads
  return filters.filtered ? (
    <FoundEvents filters={filters} steps={steps} head={head} />
  ) : (
    <Ledger filters={filters} steps={steps} head={head} dim={dim} />
  )
}

function Ledger({ filters, steps, head, dim }: ListProps & { head: number; dim: boolean }) {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const rows = useRows(filters, false)
  const following = useFollowing(head, { hold: filters.selected !== null })
  const shown = following.shown ?? head
  const newest = useRead(chunkOf(shown, shown))
  const [from, setFrom] = useState<number | null>(null) // where the rows begin, of a long ledger
  const first = from === null ? shown : Math.min(from, shown)
  const positions = useMemo(
    () => Array.from({ length: Math.min(first, MOST_ROWS) }, (_, index) => first - index),
    [first],
  )
  const context = useMemo<LedgerContext>(() => ({ ...rows, head: shown }), [rows, shown])
  const table = useRef<VirtualTableHandle>(null)
  useJump(filters.selected, table, (position) => {
    if (position > shown) return null
    if (position > first || position <= first - MOST_ROWS) {
      setFrom(position > shown - MOST_ROWS ? null : Math.min(shown, position + CENTRE))
      return null
    }
    return first - position
  })
  const step = (by: number) => {
    const at = filters.selected === null ? shown : filters.selected - by
    filters.change({ event: String(Math.max(1, Math.min(shown, at))) })
  }
  const panel = useRef<HTMLDivElement>(null)
  useRowKeys(panel, step, filters, steps)
  return (
    <div ref={panel} onScrollCapture={following.onScrollCapture}>
      {asOf === null && (
        <FollowBar
          following={following.following}
          behind={following.behind}
          stop={following.stop}
          follow={() => {
            following.follow()
            setFrom(null)
            filters.change({ event: null })
            table.current?.scrollTo(0)
          }}
        />
      )}
      <QueryState
        query={{ ...newest, isPlaceholderData: dim } as typeof newest}
        what="the events"
        zone={timezone}
        skeleton={<RowsSkeleton />}
      >
        {() => (
          <VirtualTable
            ref={table}
            caption="Events"
            columns={columns(rows)}
            rows={positions}
            total={shown}
            rowKey={String}
            rowName={eventName}
            rowHeight={rows.narrow ? 76 : 58}
            height={HEIGHT}
            minWidth={rows.narrow ? "0" : "42rem"}
            Row={LedgerRow}
            context={context}
            active={filters.selected === null ? null : String(filters.selected)}
          />
        )}
      </QueryState>
      {first - positions.length > 0 && (
        <Foot>
          <Button size="small" onClick={() => setFrom(first - positions.length)}>
            {`Older than event ${formatNumber(first - positions.length + 1)}`}
          </Button>
        </Foot>
      )}
    </div>
  )
}

/** Of one that flies past: its page is not even asked for. */
function eventName(position: number): string {
  return `Event ${formatNumber(position)}`
}

function placeName(index: number): string {
  return `Row ${formatNumber(index + 1)}`
}

const CENTRE = 1_000 // rows above the one that was asked for

function FoundEvents({ filters, steps, head }: ListProps & { head: number }) {
  const { timezone } = useSession()
  const rows = useRows(filters, false)
  const following = useFollowing(head, { hold: true })
  const shown = following.shown ?? head
  const found = useReadOn(eventsFound(filters.events, shown))
  const parts = found.data?.pages
  const lines = useMemo(() => (parts ?? []).flatMap((part) => part.events).map(eventLine), [parts])
  const searchedFrom = parts?.at(-1)?.searchedFrom ?? null
  const table = useRef<VirtualTableHandle>(null)
  useJump(filters.selected, table, (position) => {
    const index = lines.findIndex((one) => one.position === position)
    return index < 0 ? null : index
  })
  const panel = useRef<HTMLDivElement>(null)
  useRowKeys(panel, (by) => stepTo(lines, by, filters), filters, steps)
  return (
    <div ref={panel}>
      <QueryState
        query={found}
        what="the events"
        zone={timezone}
        skeleton={<RowsSkeleton />}
        isEmpty={() => lines.length === 0}
        empty={
          <EmptyState
            title={
              searchedFrom === null
                ? "No event fits these filters."
                : `None of the newest ${formatNumber(shown + 1 - searchedFrom)} events fits these filters.`
            }
            action={<Button onClick={filters.clear}>Clear filters</Button>}
          />
        }
      >
        {() => (
          <VirtualTable
            ref={table}
            caption="Events that fit the filters"
            columns={columns(rows)}
            rows={lines}
            rowKey={(line) => String(line.position)}
            rowName={(line) => line.sentence}
            rowHeight={rows.narrow ? 76 : 58}
            height={HEIGHT}
            minWidth={rows.narrow ? "0" : "42rem"}
            Row={LineRow}
            context={rows}
            active={filters.selected === null ? null : String(filters.selected)}
          />
        )}
      </QueryState>
      <Foot>
        <span>
          {`${formatNumber(lines.length)} found${searchedFrom === null ? "" : ` since event ${formatNumber(searchedFrom)}`}`}
        </span>
        {following.behind > 0 && (
          <Button size="small" onClick={following.follow}>
            {`Look through ${formatNumber(following.behind)} new events`}
          </Button>
        )}
        {searchedFrom !== null && (
          <Button size="small" busy={found.isFetching} onClick={() => void found.fetchNextPage()}>
            Look for older ones
          </Button>
        )}
      </Foot>
    </div>
  )
}

export function AuditList({ filters, steps }: ListProps) {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const { head } = useHead()
  const rows = useRows(filters, true)
  const following = useFollowing(head, { hold: filters.selected !== null })
  const pinned = following.following || asOf !== null ? null : (following.shown ?? null)
  const query = useRead(auditRows(filters.audit, 0, pinned))
  const total = query.data?.total ?? 0
  const indexes = useMemo(
    () => Array.from({ length: Math.min(total, MOST_ROWS) }, (_, index) => index),
    [total],
  )
  const context = useMemo<AuditContext>(
    () => ({ ...rows, filter: filters.audit, pinned }),
    [rows, filters.audit, pinned],
  )
  const table = useRef<VirtualTableHandle>(null)
  const known = useMemo(
    () => (query.data?.data ?? []).map((one) => ({ position: one.id })),
    [query.data],
  )
  const panel = useRef<HTMLDivElement>(null)
  useRowKeys(panel, (by) => stepTo(known, by, filters), filters, steps)
  return (
    <div ref={panel} onScrollCapture={following.onScrollCapture}>
      {asOf === null && (
        <FollowBar
          following={following.following}
          behind={following.behind}
          stop={following.stop}
          follow={() => {
            following.follow()
            filters.change({ event: null })
            table.current?.scrollTo(0)
          }}
        />
      )}
      <QueryState
        query={query}
        what="the audit log"
        zone={timezone}
        skeleton={<RowsSkeleton />}
        isEmpty={(data) => data.total === 0}
        empty={
          filters.filtered ? (
            <EmptyState
              title="Nothing in the audit log fits these filters."
              action={<Button onClick={filters.clear}>Clear filters</Button>}
            />
          ) : (
            <EmptyState title="Nothing was recorded by then." />
          )
        }
      >
        {() => (
          <VirtualTable
            ref={table}
            caption="Audit log"
            columns={columns(rows)}
            rows={indexes}
            total={total}
            rowKey={String}
            rowName={placeName}
            rowHeight={rows.narrow ? 76 : 58}
            height={HEIGHT}
            minWidth={rows.narrow ? "0" : "46rem"}
            Row={AuditRow}
            context={context}
          />
        )}
      </QueryState>
      <Foot>{`${formatNumber(total)} ${total === 1 ? "row" : "rows"}${filters.filtered ? " fit the filters" : ""}`}</Foot>
    </div>
  )
}

function FollowBar({
  following,
  behind,
  follow,
  stop,
}: {
  following: boolean
  behind: number
  follow: () => void
  stop: () => void
}) {
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-3 border-line border-b px-4 py-1 text-ink2 text-table">
      <span>{following ? "Following live" : "Stopped where you read"}</span>
      <Button
        size="small"
        look="ghost"
        icon={following ? <Pause aria-hidden /> : <Play aria-hidden />}
        onClick={following ? stop : follow}
      >
        {following
          ? "Stop"
          : behind > 0
            ? `${formatNumber(behind)} new, follow live`
            : "Follow live"}
      </Button>
    </div>
  )
}

function Foot({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-11 flex-wrap items-center gap-3 border-line border-t px-4 py-1.5 text-ink2 text-table">
      {children}
    </div>
  )
}

function RowsSkeleton() {
  return (
    <div className="grid gap-px" style={{ height: HEIGHT }}>
      {Array.from({ length: 8 }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of a skeleton are all the same
        <div key={index} className="flex h-14.5 items-center gap-6 px-4">
          <Skeleton className="h-3.5 w-12" />
          <Skeleton className="h-3.5 w-24" />
          <Skeleton className="h-3.5 flex-1" />
        </div>
      ))}
    </div>
  )
}

function stepTo(lines: readonly { position: number }[], by: number, filters: Filters) {
  const at = lines.findIndex((one) => one.position === filters.selected)
  const next = lines[at < 0 ? 0 : Math.max(0, Math.min(lines.length - 1, at + by))]
  if (next !== undefined) filters.change({ event: String(next.position) })
}

/** Bring the chosen event into sight once it can be; `find` says its row, null not yet. */
function useJump(
  selected: number | null,
  table: RefObject<VirtualTableHandle | null>,
  find: (position: number) => number | null,
) {
  const done = useRef<number | null>(null)
  useEffect(() => {
    if (selected === null) done.current = null
    if (selected === null || done.current === selected || table.current === null) return
    const index = find(selected)
    if (index === null) return
    const jumped = done.current !== null // j, k and presses move as little as needed
    done.current = selected
    table.current.scrollTo(index, jumped ? "auto" : "center")
  })
}

/** J, K and Escape while the list is in the middle of the window. */
function useRowKeys(
  panel: RefObject<HTMLElement | null>,
  step: (by: number) => void,
  filters: Filters,
  steps: Steps,
) {
  useEffect(() => {
    steps.current = step
  })
  const [inReach, setInReach] = useState(false)
  useEffect(() => {
    if (panel.current === null || typeof IntersectionObserver === "undefined") return
    const observer = new IntersectionObserver(
      (seen) => setInReach(seen.at(-1)?.isIntersecting ?? false),
      { rootMargin: "-45% 0px -45% 0px" },
    )
    observer.observe(panel.current)
    return () => observer.disconnect()
  }, [panel])
  useShortcuts([
    { keys: "j", label: "Next event", group: "Rows", enabled: inReach, run: () => step(1) },
    { keys: "k", label: "Previous event", group: "Rows", enabled: inReach, run: () => step(-1) },
    {
      keys: "Escape",
      label: "Close the chosen event",
      group: "Rows",
      enabled: inReach && filters.selected !== null,
      run: () => filters.change({ event: null }),
    },
  ])
}
