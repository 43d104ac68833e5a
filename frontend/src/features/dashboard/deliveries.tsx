import { ListFilter, Pause, Play, RotateCw } from "lucide-react"
import { type ReactNode, useState } from "react"
import { post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import type { Delivery } from "@/api/shapes"
import { useLive } from "@/app/live"
import { notify } from "@/app/notify"
import { kpi } from "@/app/reads"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useDialog, useUrlState } from "@/app/url-state"
import { EmptyState, Instant } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatNumber, formatPercent, isSameDay } from "@/ui/format"
import { Menu, MenuChoice } from "@/ui/menu"
import { CommandError, Panel, QueryState, Skeleton } from "@/ui/panel"
import { StateIcon, type StateName } from "@/ui/state-badge"
import { type DeliveryStatus, deliveries } from "./reads"
import { useHeld } from "./use-held"

const FILTERS = ["all", "received", "processed", "failed", "rejected"] as const
const STATUS: Record<DeliveryStatus, { state: StateName; word: string }> = {
  received: { state: "pending", word: "Accepted" },
  processed: { state: "synced", word: "Processed" },
  failed: { state: "failed", word: "Failed" },
  rejected: { state: "ignored", word: "Rejected" },
}
const FIRST = 8 // rows that the panel shows
const MOST = 200 // rows that the service gives at once

/** Its position moves on with what becomes of it; a refused one may carry any id, also twice. */
const keyOf = (one: Delivery) => `${one.delivery_id} ${one.received_at}`

/**
 * What Zammad said, as it says it. New ones wait while somebody reads, points or has stopped it. In
 * the past, what was known of them then.
 */
export function Deliveries({ footer }: { footer: ReactNode }) {
  const { asOf } = useMoment()
  const { timezone } = useSession()
  const { state } = useLive()
  const [filter, setFilter] = useUrlState("deliveries", FILTERS)
  const [limit, setLimit] = useState(FIRST)
  const [paused, setPaused] = useState(false)
  const query = useRead(deliveries(limit, filter === "all" ? undefined : filter))
  const held = useHeld(query.data?.items ?? [], {
    key: keyOf,
    paused: paused && asOf === null,
    of: `${filter} ${limit} ${asOf} ${query.isPlaceholderData}`,
  })
  return (
    <Panel
      title="Webhook deliveries"
      note={<Share />}
      actions={
        <>
          {asOf === null && (
            <p className="flex items-center gap-2 text-ink2 text-table">
              <span
                aria-hidden
                className={cn(
                  "size-2 rounded-full",
                  state.is === "live" && !held.resting ? "bg-synced" : "border-2 border-ink3",
                )}
              />
              {paused
                ? "Paused"
                : held.resting
                  ? "Waits"
                  : state.is === "live"
                    ? "Live"
                    : "Not live"}
            </p>
          )}
          <Menu
            trigger={
              <IconButton
                label={filter === "all" ? "Filter deliveries" : `Filter: ${STATUS[filter].word}`}
                aria-pressed={filter !== "all"}
                className={cn(filter !== "all" && "bg-hover text-ink")}
              >
                <ListFilter aria-hidden />
              </IconButton>
            }
          >
            <MenuChoice
              value={filter}
              onChange={setFilter}
              options={FILTERS.map((value) => ({
                value,
                label: value === "all" ? "All" : STATUS[value].word,
              }))}
            />
          </Menu>
          {asOf === null && (
            <IconButton
              label={paused ? "Go on" : "Pause"}
              aria-pressed={paused}
              onClick={() => setPaused(!paused)}
            >
              {paused ? <Play aria-hidden /> : <Pause aria-hidden />}
            </IconButton>
          )}
        </>
      }
      footer={footer}
    >
      <QueryState
        query={query}
        what="the webhook deliveries"
        zone={timezone}
        skeleton={
          <div className="grid gap-3 p-4">
            {Array.from({ length: FIRST }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
              <Skeleton key={index} className="h-9" />
            ))}
          </div>
        }
        isEmpty={(page) => page.items.length === 0}
        empty={
          filter === "all" ? (
            <EmptyState title={asOf === null ? "No delivery yet." : "No delivery by then."}>
              {asOf === null &&
                "Zammad tells of changed tickets once its webhook is set up. Until then runs find them."}
            </EmptyState>
          ) : (
            <EmptyState
              title={`No delivery is “${STATUS[filter].word}”.`}
              action={<Button onClick={() => setFilter(null)}>Clear the filter</Button>}
            />
          )
        }
      >
        {(page) => (
          // The panel holds still under the pointer and around the focus.
          <div {...held.while}>
            <div className="min-h-0">
              {held.waiting > 0 && (
                <Button
                  look="ghost"
                  className="w-full rounded-none border-line border-t text-accent"
                  onClick={held.show}
                >
                  {`${formatNumber(held.waiting)} new`}
                </Button>
              )}
            </div>
            <Rows
              items={held.shown}
              fresh={held.fresh}
              zone={timezone}
              more={page.next_cursor === null || limit >= MOST ? null : () => setLimit(MOST)}
              cut={page.next_cursor !== null && limit >= MOST}
            />
          </div>
        )}
      </QueryState>
    </Panel>
  )
}

/** Of what was accepted in the last 24 hours, how much was carried on without an error. */
function Share() {
  const { data } = useRead(kpi())
  if (data === undefined) return null
  return data.webhook_success_rate === null
    ? "none in 24 h"
    : `${share(data.webhook_success_rate)} processed in 24 h`
}

/** 99.96 % is not all of them: rounded down. */
function share(of: number): string {
  return formatPercent(Math.floor(of * 1000) / 1000, of === 1 ? 0 : 1)
}

function Rows({
  items,
  fresh,
  zone,
  more,
  cut,
}: {
  items: readonly Delivery[]
  fresh: ReadonlySet<string>
  zone: string
  more: (() => void) | null
  cut: boolean
}) {
  const { reason } = useWritable("operator")
  const now = Date.now()
  const isToday = (one: Delivery) => isSameDay(one.received_at, now, zone)
  const wide = !items.every(isToday)
  const repeat = useCommand({
    send: (id: string, { idempotencyKey }) =>
      post("/api/v1/webhook/deliveries/{delivery_id}/replay", {
        path: { delivery_id: id },
        idempotencyKey,
      }),
    stale: [["deliveries"], ["deadLetters"]],
    onDone: () => notify("The delivery is processed again."),
  })
  return (
    <section
      aria-label="Deliveries"
      tabIndex={0}
      className={cn("-outline-offset-2", items.length > FIRST && "max-h-110 overflow-y-auto")}
    >
      <ul aria-label="Webhook deliveries, newest first">
        {items.map((one) => {
          const { state, word } = STATUS[one.status]
          const not = one.status === "rejected" ? "A rejected delivery was not kept." : reason
          const ticket = one.ticket_id === null ? "no ticket" : `ticket id ${one.ticket_id}`
          return (
            <li
              key={keyOf(one)}
              className={cn(
                "grid min-h-10 grid-cols-[auto_auto_1fr_auto] items-center gap-x-3 border-line border-t px-4 py-1 text-table sm:grid-cols-[4rem_6rem_auto_1fr_auto] sm:gap-x-4",
                wide && "sm:grid-cols-[6rem_6rem_auto_1fr_auto]",
                fresh.has(keyOf(one)) && "animate-new-row",
              )}
            >
              <Instant
                at={one.received_at}
                look={isToday(one) ? "seconds" : "day-time"}
                zone={zone}
                className="text-ink2"
              />
              <span className="flex items-center gap-1.5 whitespace-nowrap">
                <StateIcon state={state} />
                {word}
              </span>
              <span className="whitespace-nowrap font-medium">
                {one.ticket_id === null ? (
                  "No ticket"
                ) : (
                  <>
                    Ticket <span className="font-normal text-ink2">{`id ${one.ticket_id}`}</span>
                  </>
                )}
              </span>
              <span className="min-w-0 text-ink2 max-sm:order-last max-sm:col-span-3 sm:text-right">
                <Outcome of={one} />
              </span>
              <IconButton
                size="small"
                label={`Repeat the delivery of ${ticket}`}
                disabledReason={not}
                busy={repeat.isPending && repeat.variables === one.delivery_id}
                onClick={() => repeat.mutate(one.delivery_id)}
                className="-mr-1.5"
              >
                <RotateCw aria-hidden />
              </IconButton>
            </li>
          )
        })}
      </ul>
      {repeat.error && (
        <div className="p-3">
          <CommandError error={repeat.error} />
        </div>
      )}
      {more && (
        <Button look="ghost" className="w-full rounded-none border-line border-t" onClick={more}>
          Show more
        </Button>
      )}
      {cut && (
        <p className="border-line border-t px-4 py-2 text-ink2 text-table">
          {`The newest ${MOST}. Older ones are in Audit.`}
        </p>
      )}
    </section>
  )
}

function Outcome({ of: { status, message, attempts, duplicates, run_id } }: { of: Delivery }) {
  const { open } = useDialog()
  const again = [
    ...(attempts > 1 ? [`attempt ${attempts}`] : []),
    ...(duplicates > 0 ? [`came ${duplicates + 1} times`] : []),
  ].join(", ")
  return (
    <>
      {message ?? (status === "received" ? "waits for its turn" : null)}
      {run_id !== null && (
        <>
          {message && " "}
          <button
            type="button"
            className="link finger whitespace-nowrap"
            onClick={() => open("runs", { run: String(run_id) })}
          >{`run #${run_id}`}</button>
        </>
      )}
      {again && `, ${again}`}
    </>
  )
}
