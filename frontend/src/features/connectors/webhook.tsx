/** Where Zammad calls, whether that is taken, what came, and the way to set it up. */
import { CircleHelp, RotateCw, Webhook as WebhookIcon } from "lucide-react"
import { type ReactNode, useState } from "react"
import { patch, post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector, Delivery } from "@/api/shapes"
import { notify } from "@/app/notify"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { Instant } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Switch } from "@/ui/choices"
import { formatInstant, formatNumber } from "@/ui/format"
import { CommandError, Panel, QueryState, Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { Tooltip } from "@/ui/tooltip"
import { ConfirmDialog } from "./confirm"
import { CopyField } from "./copy"
import type { OpenDialog } from "./open"
import { deliveries, health, NEWEST, secretChange } from "./reads"

export function WebhookPanel({ connector, open }: { connector: Connector; open: OpenDialog }) {
  const { asOf } = useMoment()
  const { timezone } = useSession()
  const admin = useWritable("admin")
  const operator = useWritable("operator")
  const read = useRead(health(connector.id), { enabled: asOf === null })
  const webhook = read.data?.webhook
  const secretSet = connector.settings.webhook_secret != null
  const [asking, setAsking] = useState(false)
  const accepts = connector.settings.accept_webhooks !== false
  const toggle = useCommand({
    send: (accept_webhooks: boolean, { idempotencyKey }) =>
      patch("/api/v1/connectors/{connector_id}", {
        path: { connector_id: connector.id },
        body: { settings: { accept_webhooks } },
        idempotencyKey,
      }),
    stale: [...stale.connector, ["deliveries"]],
    onDone: (_, on) => {
      setAsking(false)
      notify(on ? "Webhooks are accepted again." : "Webhooks are switched off.")
    },
  })
  const trial = useCommand({
    send: (_: undefined, { idempotencyKey }) =>
      post("/api/v1/connectors/{connector_id}/webhook/test", {
        path: { connector_id: connector.id },
        body: {},
        idempotencyKey,
      }),
    stale: [...stale.connector, ["deliveries"]],
  })
  return (
    <Panel
      title={
        <span className="inline-flex items-center gap-2.5">
          <WebhookIcon aria-hidden className="size-4 text-ink2" />
          Webhook endpoint
        </span>
      }
      note="Zammad calls this when a ticket changes"
      actions={
        <>
          {secretSet && (
            <Button
              look="ghost"
              size="small"
              icon={<RotateCw aria-hidden />}
              disabledReason={admin.reason}
              onClick={() => open(`secret:${connector.id}`)}
            >
              Rotate secret…
            </Button>
          )}
          {secretSet && (
            <Button
              look="ghost"
              size="small"
              busy={trial.isPending}
              disabledReason={
                operator.reason ?? (accepts ? undefined : "Webhooks are off: switch them on first.")
              }
              onClick={() => trial.mutate(undefined)}
            >
              Send test delivery
            </Button>
          )}
          <Button size="small" onClick={() => open(`webhook:${connector.id}`)}>
            {secretSet ? "Set up in Zammad…" : "Set up…"}
          </Button>
        </>
      }
    >
      {asOf !== null ? (
        <div className="grid border-line border-t lg:grid-cols-[1.2fr_1fr]">
          <p className="p-4 text-ink2 text-table">
            The address is shown for now only. Go back to live to see it.
          </p>
          <Counts />
        </div>
      ) : (
        <div className="grid border-line border-t lg:grid-cols-[1.2fr_1fr]">
          <div className="grid content-start gap-3 p-4">
            {webhook ? (
              <CopyField value={webhook.url} label="Address for Zammad" />
            ) : (
              <Skeleton className="h-9" />
            )}
            <ul className="flex flex-wrap gap-x-5 gap-y-1.5 text-ink2 text-table">
              <li className="flex items-center gap-2">
                <StateIcon state={secretSet ? "synced" : "conflict"} />
                {secretSet
                  ? "HMAC-SHA1 signature required"
                  : "No secret yet: deliveries are refused"}
              </li>
              <li className="flex items-center gap-2">
                <StateIcon state="synced" />
                Duplicates dropped by delivery ID
              </li>
              <li className="flex items-center gap-2">
                <StateIcon state={webhook?.last_delivery_at ? "synced" : "pending"} />
                {webhook?.last_delivery_at ? (
                  <span>
                    Last delivery{" "}
                    <Instant at={webhook.last_delivery_at} look="day-time" zone={timezone} />
                  </span>
                ) : (
                  "No delivery yet"
                )}
              </li>
            </ul>
            <SecretOverlap connector={connector} />
            {trial.data && (
              <p role="status" className="flex gap-2 text-table">
                <StateIcon state={trial.data.ok ? "synced" : "failed"} className="mt-0.5" />
                <span>
                  {`Test delivery for ticket ${trial.data.ticket_id}: ${trial.data.message} `}
                  {trial.data.ok &&
                    `It took ${trial.data.duration_ms}\u00a0ms. The way from Zammad to here is not tested by it.`}
                </span>
              </p>
            )}
            <CommandError error={trial.error} />
          </div>
          <Counts />
        </div>
      )}
      <div className="grid gap-2 border-line border-t px-4 py-3 text-table">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Switch
            aria-label="Accept webhooks"
            aria-describedby="accept-webhooks-why"
            checked={accepts}
            aria-disabled={admin.reason !== undefined || toggle.isPending || undefined}
            className="aria-disabled:cursor-not-allowed aria-disabled:opacity-60"
            onCheckedChange={(next) => {
              if (admin.reason !== undefined || toggle.isPending) return
              if (next) toggle.mutate(true)
              else setAsking(true)
            }}
          />
          <span className="font-medium">Accept webhooks</span>
          <span id="accept-webhooks-why" className="text-ink2">
            {accepts
              ? "When off, the schedule alone keeps both sides in step."
              : "Off: Zammad's deliveries are refused. The schedule alone keeps both sides in step."}
            {admin.reason && ` ${admin.reason}`}
          </span>
        </div>
        {!asking && <CommandError error={toggle.error} />}
      </div>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Switch webhooks off?"
        verb="Switch off"
        busy={toggle.isPending}
        error={toggle.error}
        onConfirm={() => toggle.mutate(false)}
      >
        Zammad's deliveries are refused from now on, and Zammad stops repeating them after a while.
        Nothing is lost: each run reads what has changed. The secret stays.
      </ConfirmDialog>
    </Panel>
  )
}

/** During a rotation two secrets count; say until when. */
export function SecretOverlap({ connector }: { connector: Connector }) {
  const { asOf } = useMoment()
  const { timezone } = useSession()
  const { data } = useRead(secretChange(connector.id), { enabled: asOf === null })
  const until = data?.details.former_until
  if (typeof until !== "string" || Date.parse(until) <= Date.now()) return null
  return (
    <p className="flex gap-2 text-table">
      <StateIcon state="pending" className="mt-0.5" />
      <span>
        Two secrets are valid: the new one, and the former one until{" "}
        <Instant at={until} look="day-time" zone={timezone} />.
      </span>
    </p>
  )
}

// ── Figures of the newest deliveries ────────────────────────────────────────

export type Sums = { accepted: number; rejected: number; retried: number; duplicates: number }
export function summed(items: readonly Delivery[]): Sums {
  const sums = { accepted: 0, rejected: 0, retried: 0, duplicates: 0 }
  for (const one of items) {
    if (one.status === "rejected") sums.rejected += 1
    else sums.accepted += 1
    if (one.attempts > 1) sums.retried += 1
    sums.duplicates += one.duplicates
  }
  return sums
}

const MEANING: Record<keyof Sums, { label: string; text: string }> = {
  accepted: { label: "Accepted", text: "Signed rightly and kept. Its ticket is read by a run." },
  rejected: {
    label: "Rejected",
    text: "Wrong signature or unreadable. At most ten for each sender and minute are kept.",
  },
  retried: { label: "Retried", text: "Its ticket had to be looked at more than once." },
  duplicates: {
    label: "Duplicates",
    text: "Sent again by Zammad and dropped. At most ten are counted for each delivery.",
  },
}

function Counts() {
  const { timezone } = useSession()
  const query = useRead(deliveries())
  return (
    <div className="border-line max-lg:border-t lg:border-l">
      <QueryState
        query={query}
        what="the deliveries"
        zone={timezone}
        skeleton={<Skeleton className="m-4 h-16" />}
      >
        {(items) => {
          const sums = summed(items)
          const oldest = items.at(-1)?.received_at
          return (
            <>
              <dl className="grid grid-cols-2 sm:grid-cols-4">
                {(Object.keys(MEANING) as (keyof Sums)[]).map((name) => (
                  <div
                    key={name}
                    className="grid gap-1 border-line p-4 max-sm:even:border-l sm:not-first:border-l"
                  >
                    <dt className="flex items-center gap-1 text-ink2 text-table">
                      {MEANING[name].label}
                      <Help of={MEANING[name].label}>{MEANING[name].text}</Help>
                    </dt>
                    <dd className="flex items-center gap-2 font-semibold text-section">
                      {formatNumber(sums[name])}
                      {name === "rejected" && sums.rejected > 0 && (
                        <StateIcon state="failed" label="needs a look" />
                      )}
                    </dd>
                  </div>
                ))}
              </dl>
              <p className="px-4 pb-3 text-ink3 text-meta">
                {items.length === 0
                  ? "No delivery."
                  : items.length < NEWEST
                    ? `All ${formatNumber(items.length)} deliveries.`
                    : `The newest ${NEWEST}, since ${oldest ? formatInstant(oldest, "day-time", timezone) : ""}.`}
              </p>
            </>
          )
        }}
      </QueryState>
    </div>
  )
}

function Help({ of, children }: { of: string; children: ReactNode }) {
  return (
    <Tooltip text={children}>
      <button type="button" aria-label={`What “${of}” means`} className="finger text-ink3">
        <CircleHelp aria-hidden className="size-3.5" />
      </button>
    </Tooltip>
  )
}
