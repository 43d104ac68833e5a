/** Zammad's side of the webhook, step by step, with a check that goes green by itself. */
import { ExternalLink } from "lucide-react"
import { type ReactNode, useState } from "react"
import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { useSession, useWritable } from "@/app/session"
import { Instant } from "@/ui/bits"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { DialogClose, Drawer } from "@/ui/dialog"
import { CommandError, Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { CopyField } from "./copy"
import { useFreshSecret } from "./fresh-secret"
import { deliveries, health, isTest } from "./reads"
import { randomSecret, useStoreSecret } from "./secret"
import { SecretOverlap } from "./webhook"

export function Guide({
  connector,
  open,
  close,
  rotate,
}: {
  connector: Connector
  open: boolean
  close: () => void
  rotate: () => void
}) {
  const { reason } = useWritable("admin")
  const read = useRead(health(connector.id), { enabled: open })
  const fresh = useFreshSecret(connector.id)
  const [made] = useState(randomSecret)
  const store = useStoreSecret(connector, () => {})
  const set = connector.settings.webhook_secret != null
  const zammad = connector.base_url.replace(/\/$/, "")
  return (
    <Drawer
      open={open}
      onOpenChange={(next) => !next && close()}
      title="Let Zammad call"
      description="One webhook and one trigger in Zammad; then bookings arrive within seconds."
      footer={
        <DialogClose asChild>
          <Button look="primary">Done</Button>
        </DialogClose>
      }
    >
      <ol className="grid gap-6">
        <Step number={1} title="A secret that both sides know" done={set}>
          <p>With it Timeledger knows that a delivery really comes from your Zammad.</p>
          {fresh ? (
            <>
              <CopyField value={fresh.secret} label="Webhook secret" />
              <p className="text-ink3 text-meta">
                Copy it now: when this page is left it is never shown again.
              </p>
            </>
          ) : set ? (
            <p className="flex flex-wrap items-center gap-2">
              <span>A secret is set; it is never shown again.</span>
              <Button size="small" disabledReason={reason} onClick={rotate}>
                Make a new one…
              </Button>
            </p>
          ) : (
            <div>
              <Button
                look="primary"
                busy={store.isPending}
                disabledReason={reason}
                onClick={() => store.mutate({ secret: made })}
              >
                Make a secret
              </Button>
            </div>
          )}
          <CommandError error={store.error} />
          <SecretOverlap connector={connector} />
        </Step>
        <Step number={2} title="A webhook in Zammad">
          <p>
            <Way href={`${zammad}/#manage/webhook`}>Admin, Manage, Webhook</Way>, then New Webhook.
            Enter:
          </p>
          <dl className="grid gap-x-4 gap-y-2 sm:grid-cols-[9rem_1fr]">
            <dt className="text-ink2 sm:pt-2">Endpoint</dt>
            <dd>
              {read.data?.webhook ? (
                <CopyField value={read.data.webhook.url} label="Endpoint" />
              ) : (
                <Skeleton className="h-9" />
              )}
            </dd>
            <dt className="text-ink2">HMAC SHA1 Signature Token</dt>
            <dd>the secret of step 1</dd>
            <dt className="text-ink2">SSL verification</dt>
            <dd>yes</dd>
            <dt className="text-ink2">Custom payload</dt>
            <dd>off: the delivery must name its ticket</dd>
          </dl>
        </Step>
        <Step number={3} title="A trigger that sends it">
          <p>
            <Way href={`${zammad}/#manage/trigger`}>Admin, Manage, Trigger</Way>, then New Trigger.
            Choose:
          </p>
          <dl className="grid gap-x-4 gap-y-2 sm:grid-cols-[9rem_1fr]">
            <dt className="text-ink2">Activated by</dt>
            <dd>Action</dd>
            <dt className="text-ink2">Action execution</dt>
            <dd>Always</dd>
            <dt className="text-ink2">Conditions</dt>
            <dd>
              none. Or only <em className="not-italic">Article, Time accounting, is set</em>: then
              only new bookings call, and edits wait for the next run.
            </dd>
            <dt className="text-ink2">Execute changes</dt>
            <dd>Notification, Webhook: the one of step 2</dd>
          </dl>
        </Step>
        <Step number={4} title="The first delivery">
          <p>Book some time on any ticket in Zammad, or change one.</p>
          <Waiting connector={connector} since={fresh?.at} open={open} />
        </Step>
      </ol>
    </Drawer>
  )
}

function Way({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a className="link" href={href} target="_blank" rel="noreferrer">
      {children}
      <ExternalLink aria-hidden className="ml-1 inline size-3.5" />
      <span className="sr-only"> (opens Zammad)</span>
    </a>
  )
}

function Step({
  number,
  title,
  done = false,
  children,
}: {
  number: number
  title: string
  done?: boolean
  children: ReactNode
}) {
  return (
    <li className="grid grid-cols-[1.75rem_1fr] gap-3">
      <span
        aria-hidden
        className={cn(
          "grid size-7 place-items-center rounded-full font-medium text-table",
          done ? "bg-synced-soft text-synced" : "border border-line-strong",
        )}
      >
        {done ? <StateIcon state="synced" /> : number}
      </span>
      <div className="grid min-w-0 content-start gap-2.5 text-table">
        <h3 className="pt-0.5 font-semibold text-body">
          {title}
          {done && <span className="sr-only">, done</span>}
        </h3>
        {children}
      </div>
    </li>
  )
}

/** Goes green with the stream: nothing has to be pressed. */
function Waiting({
  connector,
  since,
  open,
}: {
  connector: Connector
  since: number | undefined
  open: boolean
}) {
  const { timezone } = useSession()
  const query = useRead(deliveries(), { enabled: open })
  const [from] = useState(Date.now)
  const begin = since ?? 0
  const all = (query.data ?? []).filter(
    (one) => !isTest(one) && Date.parse(one.received_at) >= begin,
  )
  const good = all.find((one) => one.status !== "rejected")
  const bad = good ? undefined : all.find((one) => Date.parse(one.received_at) >= from)
  const off = connector.settings.accept_webhooks === false
  return (
    <div
      role="status"
      data-waiting={good ? "arrived" : "waiting"}
      className={cn(
        "flex items-start gap-2.5 rounded-control px-3 py-2.5",
        good
          ? "bg-synced-soft text-synced"
          : bad || off
            ? "bg-failed-soft text-failed"
            : "bg-pending-soft text-pending",
      )}
    >
      <StateIcon state={good ? "synced" : bad || off ? "failed" : "pending"} className="mt-0.5" />
      <span>
        {off ? (
          "Webhooks are switched off in the panel: deliveries are refused."
        ) : good ? (
          <>
            {since === undefined
              ? "Deliveries arrive; the newest came "
              : "A delivery signed with the new secret or the former one came "}
            <Instant at={good.received_at} look="seconds" zone={timezone} />
            {good.ticket_id != null && `, for ticket ${good.ticket_id}`}.
          </>
        ) : bad ? (
          <>
            A delivery came <Instant at={bad.received_at} look="seconds" zone={timezone} /> but was
            refused: {bad.message ?? "the signature is another"}. Check the signature token in
            Zammad's webhook.
          </>
        ) : (
          "Waiting for the first delivery. This turns green by itself."
        )}
      </span>
    </div>
  )
}
