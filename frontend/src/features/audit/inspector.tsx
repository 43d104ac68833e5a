import { CornerDownRight, History, X } from "lucide-react"
import { Fragment, type ReactNode } from "react"
import { useNavigate } from "react-router"
import { useRead } from "@/api/hooks"
import type { LedgerEvent } from "@/api/shapes"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { usePlaces } from "@/app/url-state"
import { EmptyState } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { QueryState, Skeleton } from "@/ui/panel"
import { delay, tree } from "./causes"
import { CopyButton } from "./copy"
import { entryOf, eventLine, shortHash, shortLink } from "./line"
import { EventMark, GroupIcon } from "./marks"
import { causesOf, oneEvent } from "./reads"
import { type Filters, NO_FILTER } from "./use-filters"
import { useHead } from "./use-head"
import { type Data, isData, text } from "./values"
import { GROUPS, told } from "./words"

/** All about one event: what caused it and what it caused, its data, its place in the chain. */
export function Inspector({
  position,
  filters,
  onClose,
}: {
  position: number
  filters: Filters
  /** Not given inside a drawer, which has its own. */
  onClose?: () => void
}) {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const { head } = useHead()
  const query = useRead(oneEvent(position))
  if (asOf !== null && head !== undefined && position > head) {
    return (
      <EmptyState title={`Event ${formatNumber(position)} was recorded after this moment.`}>
        Go back to live to see it.
      </EmptyState>
    )
  }
  return (
    <QueryState
      query={query}
      what={`event ${formatNumber(position)}`}
      zone={timezone}
      skeleton={<InspectorSkeleton />}
    >
      {(event) => <About event={event} filters={filters} onClose={onClose} zone={timezone} />}
    </QueryState>
  )
}

function About({
  event,
  filters,
  onClose,
  zone,
}: {
  event: LedgerEvent
  filters: Filters
  onClose?: () => void
  zone: string
}) {
  const line = eventLine(event)
  const meta: Data = isData(event.metadata) ? event.metadata : {}
  return (
    <article aria-label={`Event ${event.position}`}>
      <header className="grid gap-2 border-line border-b p-4">
        <div className="flex items-center gap-2 text-ink2 text-table">
          <span className="font-mono">{event.position}</span>
          <span className="rounded-badge border border-line-strong px-1.5 text-meta">
            {GROUPS[told(event.type).group]}
          </span>
          <time dateTime={event.recorded_at} className="ml-auto whitespace-nowrap">
            {`${formatInstant(event.recorded_at, "day", zone)}, ${formatInstant(event.recorded_at, "millis", zone)}`}
          </time>
          {onClose && (
            <IconButton size="small" label="Close the event" onClick={onClose}>
              <X aria-hidden />
            </IconButton>
          )}
        </div>
        <h3 className="font-semibold text-body">
          {line.sentence} <EventMark type={event.type} />
        </h3>
        <p className="break-all font-mono text-ink3 text-meta">{line.technical}</p>
        <Ways event={event} filters={filters} />
      </header>
      <Causes event={event} filters={filters} />
      <Block title="Recorded data" beside={<CopyButton text={json(event)} what="the data" />}>
        <Json value={event} />
      </Block>
      <Block title="Where it came from">
        <Facts
          facts={[
            ["By", line.actor],
            ["Address", text(meta.ip_address)],
            ["Program", text(meta.user_agent)],
            ["Request", text(meta.request_id)],
            ["Version", `${event.version} of ${event.stream}`],
          ]}
        />
      </Block>
      <Hashes event={event} />
    </article>
  )
}

function Ways({ event, filters }: { event: LedgerEvent; filters: Filters }) {
  const navigate = useNavigate()
  const entry = entryOf(event.stream)
  const place = usePlaces()
  return (
    <div className="flex flex-wrap gap-2">
      <Button
        size="small"
        icon={<History aria-hidden />}
        onClick={() => void navigate(place("dashboard", { as_of: `position:${event.position}` }))}
      >
        Dashboard at this moment
      </Button>
      {entry && (
        <Button
          size="small"
          look="ghost"
          onClick={() => void navigate(place("reconcile", { entry }))}
        >
          Entry history
        </Button>
      )}
      {filters.events.stream !== event.stream && (
        <Button
          size="small"
          look="ghost"
          onClick={() => filters.change({ ...NO_FILTER, view: null, stream: event.stream }, true)}
        >
          {entry ? "Only this entry" : "Only this stream"}
        </Button>
      )}
    </div>
  )
}

function Causes({ event, filters }: { event: LedgerEvent; filters: Filters }) {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const { head = event.position } = useHead()
  const query = useRead(causesOf(event, asOf === null ? Number.POSITIVE_INFINITY : head))
  const { correlation } = eventLine(event)
  return (
    <Block
      title="What caused what"
      beside={
        correlation && filters.events.correlation !== correlation ? (
          <Button
            size="small"
            look="ghost"
            onClick={() => filters.change({ ...NO_FILTER, view: null, correlation }, true)}
          >
            {`Show all of ${shortLink(correlation)}`}
          </Button>
        ) : null
      }
    >
      <QueryState
        query={query}
        what="its causes"
        zone={timezone}
        skeleton={<Skeleton className="h-24" />}
      >
        {(causes) => {
          const { branches, more } = tree(event, causes)
          return (
            <>
              <ol className="grid gap-0.5">
                {branches.map(({ event: one, depth, after }) => {
                  const current = one.position === event.position
                  return (
                    <li
                      key={one.position}
                      className="flex min-w-0 items-center gap-1.5"
                      style={{ paddingLeft: `${Math.min(depth, 5) * 0.875}rem` }}
                    >
                      {depth > 0 && (
                        <CornerDownRight aria-hidden className="size-3.5 shrink-0 text-ink3" />
                      )}
                      <button
                        type="button"
                        aria-current={current || undefined}
                        onClick={() => filters.change({ event: String(one.position) })}
                        className={cn(
                          "flex min-h-7 min-w-0 items-center gap-1.5 rounded-badge px-1.5 text-left text-table hover:bg-hover touch:min-h-11",
                          current && "bg-accent-soft font-medium",
                        )}
                      >
                        <span className="sr-only">{`Step ${depth + 1}. `}</span>
                        <GroupIcon type={one.type} />
                        <span className="truncate">{told(one.type).label}</span>
                        <span className="whitespace-nowrap text-ink2">
                          {depth === 0 && after === 0 ? "" : delay(after)}
                        </span>
                      </button>
                    </li>
                  )
                })}
              </ol>
              {more > 0 && (
                <p className="pt-1 text-ink2 text-meta">{`${formatNumber(more)} more close by.`}</p>
              )}
            </>
          )
        }}
      </QueryState>
    </Block>
  )
}

const FIRST_HASH = "0".repeat(64)

function Hashes({ event }: { event: LedgerEvent }) {
  const before = useRead(oneEvent(event.position - 1), { enabled: event.position > 1 })
  const previous = event.position === 1 ? FIRST_HASH : before.data?.digest
  return (
    <Block title="Place in the chain">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-3 text-table">
        <Hash name="Hash" digest={event.digest} />
        <Hash
          name="Previous"
          digest={
            before.data?.position === event.position - 1 || event.position === 1
              ? previous
              : undefined
          }
        />
      </dl>
    </Block>
  )
}

function Hash({ name, digest }: { name: string; digest: string | undefined }) {
  return (
    <>
      <dt className="text-ink2">{name}</dt>
      <dd className="font-mono" title={digest}>
        {digest === undefined
          ? "…"
          : digest === FIRST_HASH
            ? "none, it is the first"
            : shortHash(digest)}
      </dd>
      <dd className="h-7">
        {digest && digest !== FIRST_HASH && (
          <CopyButton text={digest} what={`the hash (${name.toLowerCase()})`} />
        )}
      </dd>
    </>
  )
}

function Facts({ facts }: { facts: [string, string][] }) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5 text-table">
      {facts
        .filter(([, value]) => value !== "")
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt className="text-ink2">{name}</dt>
            <dd className="break-words">{value}</dd>
          </Fragment>
        ))}
    </dl>
  )
}

function Block({
  title,
  beside,
  children,
}: {
  title: string
  beside?: ReactNode
  children: ReactNode
}) {
  return (
    <section className="border-line border-b p-4 last:border-b-0">
      <div className="mb-1.5 flex min-h-7 items-center justify-between gap-2">
        <h4 className="font-semibold text-table">{title}</h4>
        {beside}
      </div>
      {children}
    </section>
  )
}

/** The event as the service gave it, without what stands elsewhere already. */
function json(event: LedgerEvent): string {
  const { digest: _, ...rest } = event
  return JSON.stringify(rest, null, 2)
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?/g

function Json({ value }: { value: LedgerEvent }) {
  const parts: ReactNode[] = []
  const source = json(value)
  let at = 0
  for (const match of source.matchAll(TOKEN)) {
    const [whole, quoted = "", colon] = match
    parts.push(source.slice(at, match.index))
    parts.push(
      <span key={match.index} className={colon === undefined ? "text-synced" : "text-accent"}>
        {quoted}
      </span>,
    )
    if (colon !== undefined) parts.push(colon)
    at = match.index + whole.length
  }
  parts.push(source.slice(at))
  return (
    <section
      aria-label="Recorded data as JSON"
      tabIndex={0}
      className="max-h-96 overflow-auto rounded-control border border-line bg-sunken p-3 -outline-offset-2"
    >
      <pre className="whitespace-pre-wrap break-words font-mono text-meta">{parts}</pre>
    </section>
  )
}

function InspectorSkeleton() {
  return (
    <div className="grid gap-3 p-4">
      <Skeleton className="h-4 w-2/3" />
      <Skeleton className="h-5 w-full" />
      <Skeleton className="h-7 w-48" />
      <Skeleton className="h-24" />
      <Skeleton className="h-48" />
    </div>
  )
}
