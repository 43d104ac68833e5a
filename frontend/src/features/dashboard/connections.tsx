import { Database } from "lucide-react"
import type { ReactNode } from "react"
import { Link, useLocation } from "react-router"
import { useRead } from "@/api/hooks"
import type { components } from "@/api/schema.gen"
import type { Connector } from "@/api/shapes"
import { connectors, kpi } from "@/app/reads"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { EmptyState, SparkBars } from "@/ui/bits"
import { formatInstant, formatNumber, formatWhen } from "@/ui/format"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { StateBadge, type StateName } from "@/ui/state-badge"
import { type Health, health, healthHistory, ready } from "./reads"

type State = Health["state"]
type History = components["schemas"]["HealthHistory"]

const LOOKS: Record<State, { state: StateName; word: string }> = {
  ok: { state: "synced", word: "Healthy" },
  degraded: { state: "conflict", word: "Limited" },
  down: { state: "failed", word: "Not reachable" },
  auth_failed: { state: "failed", word: "Sign-in refused" },
  unknown: { state: "pending", word: "Not asked yet" },
}
/** Height falls with severity: trouble is a hole in the row, whatever its colour. */
const BARS: Record<State, { height: number; tone: "synced" | "conflict" | "failed" | "quiet" }> = {
  ok: { height: 1, tone: "synced" },
  degraded: { height: 0.62, tone: "conflict" },
  down: { height: 0.4, tone: "failed" },
  auth_failed: { height: 0.4, tone: "failed" },
  unknown: { height: 0.15, tone: "quiet" },
}

/** How both peers and the store fared in the last day, half hour by half hour. */
export function Connections() {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const query = useRead(connectors())
  return (
    <Panel
      title="Connections"
      note={asOf === null ? "last 24 hours" : "the 24 hours before"}
      footer={<Waiting />}
    >
      <QueryState
        query={query}
        what="the connections"
        zone={timezone}
        skeleton={
          <div className="grid gap-px">
            {["zammad", "kimai"].map((name) => (
              <div key={name} className="h-35 border-line border-t p-4">
                <Skeleton className="h-9 w-48" />
                <Skeleton className="mt-3 h-5" />
                <Skeleton className="mt-3 h-4 w-60" />
              </div>
            ))}
          </div>
        }
        isEmpty={(all) => all.every((one) => !one.is_active)}
        empty={<NoConnection />}
      >
        {(all) => all.filter((one) => one.is_active).map((one) => <System key={one.id} of={one} />)}
      </QueryState>
      <Store />
    </Panel>
  )
}

function NoConnection() {
  const { search } = useLocation()
  return (
    <EmptyState
      title="Nothing is connected."
      action={
        <Link to={{ search, hash: "connectors" }} className="link">
          Connect Zammad and Kimai
        </Link>
      }
    />
  )
}

function Row({
  sign,
  name,
  version,
  second,
  badge,
  children,
}: {
  sign: ReactNode
  name: string
  version?: string | null
  second: ReactNode
  badge: ReactNode
  children?: ReactNode
}) {
  return (
    <section aria-label={`${name}, health`} className="border-line border-t p-4">
      <div className="flex items-center gap-3">
        <span
          aria-hidden
          className="grid size-9 shrink-0 place-items-center rounded-control border border-line-strong bg-sunken font-semibold text-ink2 text-table [&_svg]:size-4"
        >
          {sign}
        </span>
        <div className="min-w-0 flex-1 text-table">
          <h4 className="truncate font-semibold">
            {name}
            {version && <span className="ml-2 font-normal text-ink2">{version}</span>}
          </h4>
          <p className="truncate text-ink2">{second}</p>
        </div>
        {badge}
      </div>
      {children}
    </section>
  )
}

function System({ of }: { of: Connector }) {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  // What the peer says right now is not of the past; its state then is in the connector.
  const now = useRead(health(of.id), { enabled: asOf === null, at: "now" })
  const day = useRead(healthHistory(of.id))
  const state = (asOf === null ? now.data?.state : undefined) ?? of.health.state
  const look = LOOKS[state]
  const message = asOf === null ? (now.data?.message ?? of.health.message) : of.health.message
  return (
    <Row
      sign={of.type === "zammad" ? "Z" : "K"}
      name={of.name}
      version={now.data?.peer_version ?? now.data?.found?.peer_version}
      second={hostOf(of.base_url)}
      badge={<StateBadge state={look.state}>{look.word}</StateBadge>}
    >
      <div className="mt-3 min-h-5">
        {day.data ? (
          <SparkBars
            label={inWords(of.name, day.data, timezone)}
            bars={day.data.parts.map((part) => ({
              key: part.from,
              ...BARS[part.state],
              title: `${formatInstant(part.from, "time", timezone)}–${formatInstant(part.to, "time", timezone)}: ${LOOKS[part.state].word}${part.message ? `. ${part.message}` : ""}`,
            }))}
          />
        ) : (
          day.isError && (
            <p className="text-ink2 text-meta">{`How its day was could not be loaded. ${day.error.sentence}`}</p>
          )
        )}
      </div>
      <div className="mt-2 flex flex-wrap justify-between gap-x-4 text-ink2 text-table">
        <p className="min-w-0">
          {message ?? (day.data ? troubles(day.data, timezone) : "\u00a0")}
          {now.data?.needs === "time" && now.data.next_try_at && (
            <span>{` Next try ${formatWhen(now.data.next_try_at, timezone)}.`}</span>
          )}
          {now.data?.needs === "person" && <Mend />}
        </p>
        {asOf === null && now.data != null && now.data.latency_ms !== null && (
          <p className="ml-auto">{`answers in ${formatNumber(now.data.latency_ms)}\u00a0ms`}</p>
        )}
      </div>
    </Row>
  )
}

function Mend() {
  const { search } = useLocation()
  return (
    <>
      {" "}
      <Link to={{ search, hash: "connectors" }} className="link whitespace-nowrap">
        What to do
      </Link>
    </>
  )
}

function hostOf(url: string): string {
  const { host, pathname } = new URL(url)
  return host + (pathname === "/" ? "" : pathname.replace(/\/$/, ""))
}

const WELL: readonly State[] = ["ok", "unknown"]

/** "Trouble from 13:28 to 13:44" or that there was none. */
function troubles({ parts, turns }: History, zone: string): string {
  const end = parts.at(-1)?.to ?? Date.now()
  const time = (at: string) => formatWhen(at, zone, end)
  const begin = parts[0]?.from ?? ""
  const bad = turns
    .map((turn, index) => ({ ...turn, until: turns[index + 1]?.at }))
    .filter((turn) => !WELL.includes(turn.state) && (turn.until ?? begin) >= begin)
  if (bad.length === 0) {
    return parts.every((part) => part.state === "unknown")
      ? "Nothing known yet"
      : "No trouble known"
  }
  const last = bad.at(-1)
  if (last === undefined) return "No trouble known"
  const when = last.until ? `${time(last.at)} to ${time(last.until)}` : `since ${time(last.at)}`
  return bad.length === 1
    ? `${LOOKS[last.state].word}, ${when}`
    : `Trouble ${bad.length} times, last ${when}`
}

function inWords(name: string, history: History, zone: string): string {
  const of = (state: State) => history.parts.filter((part) => part.state === state).length
  const counts = (["ok", "degraded", "down", "auth_failed", "unknown"] as const)
    .filter((state) => of(state) > 0)
    .map((state) => `${of(state)} ${LOOKS[state].word.toLowerCase()}`)
  return `${name}, the last 48 half hours: ${counts.join(", ")}. ${troubles(history, zone)}.`
}

/** The ledger itself: reachable, and every view up to its newest event. */
function Store() {
  const { asOf } = useMoment()
  const query = useRead(ready(), { enabled: asOf === null, at: "now" })
  const { data } = query
  if (asOf !== null) return null
  const behind = data?.projections.filter((one) => one.lag > 0) ?? []
  const lag = Math.max(0, ...behind.map((one) => one.lag))
  const views = data?.projections.length ?? 0
  const look: { state: StateName; word: string } = query.isError
    ? { state: "failed", word: "Not ready" }
    : data === undefined
      ? { state: "pending", word: "Asking" }
      : data.status === "ready"
        ? { state: "synced", word: "Healthy" }
        : { state: "conflict", word: "Catching up" }
  return (
    <Row
      sign={<Database />}
      name="Event store"
      second={
        query.isError
          ? query.error.sentence
          : data === undefined
            ? "\u00a0"
            : `event ${data.head_position === null ? "unknown" : formatNumber(data.head_position)}, ${
                lag === 0
                  ? `all ${views} views current`
                  : `${behind.length} of ${views} views ${formatNumber(lag)} behind`
              }`
      }
      badge={<StateBadge state={look.state}>{look.word}</StateBadge>}
    />
  )
}

function Waiting() {
  const { data } = useRead(kpi())
  if (data === undefined) return "\u00a0"
  const { pending_entries: waiting, failed_entries: failed } = data
  return `Write queue ${formatNumber(waiting)} waiting, ${formatNumber(failed)} gave up`
}
