import { ChevronDown, ChevronRight, RotateCw } from "lucide-react"
import { useId, useState } from "react"
import { type BodyOf, post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import { useAnnounce } from "@/app/announcer"
import { useSession, useWritable } from "@/app/session"
import { EmptyState, Instant } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { formatNumber } from "@/ui/format"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { StateBadge } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"
import { deadLetterGroups, deadLetters } from "./reads"

type Group = components["schemas"]["DeadLetterGroup"]
type Body = NonNullable<BodyOf<"/api/v1/dead-letters/retry", "post">>
type Result = components["schemas"]["RetryResult"]

const count = (value: number, what = "dead letter") =>
  `${formatNumber(value)} ${what}${value === 1 ? "" : "s"}`

/** What was given up after all attempts, by its cause; tried again one by one, by cause, or all. */
export default function DeadLetterDrawer({
  open,
  onClose,
}: {
  open: boolean
  onClose: () => void
}) {
  const { timezone } = useSession()
  const { reason } = useWritable("operator")
  const groups = useRead(deadLetterGroups(), { enabled: open })
  const announce = useAnnounce()
  const [result, setResult] = useState<Result | null>(null)
  const retry = useCommand<Body, Result>({
    send: (body, { idempotencyKey }) =>
      post("/api/v1/dead-letters/retry", { body, idempotencyKey }),
    stale: [...stale.entry, ["deliveries"]],
    onDone: (answer) => {
      setResult(answer)
      announce(said(answer))
    },
  })
  const again = (body: Body) => {
    setResult(null)
    retry.mutate(body)
  }
  const busyWith = retry.isPending ? JSON.stringify(retry.variables) : null
  // `total` of groups counts groups; the letters are the sum.
  const letters = (groups.data?.items ?? []).reduce((sum, group) => sum + group.count, 0)
  return (
    <Drawer
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Dead letters"
      description="What the service gave up after all its attempts. A retry uses today's settings and mappings, and writes to Kimai in the background."
      footer={
        <>
          <Button
            icon={<RotateCw aria-hidden />}
            busy={busyWith === JSON.stringify({ filter: { kind: "delivery" } })}
            disabledReason={reason}
            onClick={() => again({ filter: { kind: "delivery" } })}
          >
            Repeat all failed deliveries
          </Button>
          <Button
            look="primary"
            busy={busyWith === JSON.stringify({ filter: {} })}
            disabledReason={reason ?? (letters === 0 ? "There is nothing to retry." : undefined)}
            onClick={() => again({ filter: {} })}
          >
            {letters > 0 ? `Retry all ${formatNumber(letters)}` : "Retry all"}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <CommandError error={retry.error} />
        {result && (
          <p className="rounded-control bg-sunken px-3 py-2 text-table">
            {said(result)}
            {result.refused.length > 0 && (
              <span className="block text-ink2">
                {result.refused.map((one) => `${one.id}: ${one.code}`).join(", ")}
              </span>
            )}
          </p>
        )}
        <QueryState
          query={groups}
          what="the dead letters"
          zone={timezone}
          skeleton={<Skeleton className="h-40" />}
          isEmpty={(page) => page.items.length === 0}
          empty={<EmptyState title="No dead letter.">Nothing was given up.</EmptyState>}
        >
          {(page) => (
            <ul className="grid gap-3">
              {page.items.map((group) => (
                <Cause
                  key={`${group.reason_code} ${group.cause} ${group.message}`}
                  group={group}
                  zone={timezone}
                  reason={reason}
                  busyWith={busyWith}
                  again={again}
                />
              ))}
            </ul>
          )}
        </QueryState>
      </div>
    </Drawer>
  )
}

function said({ accepted, refused }: Result): string {
  return `${count(accepted)} ${accepted === 1 ? "is" : "are"} tried again.${
    refused.length > 0 ? ` ${formatNumber(refused.length)} refused.` : ""
  }`
}

type CauseProps = {
  group: Group
  zone: string
  reason: string | undefined
  busyWith: string | null
  again: (body: Body) => void
}

function Cause({ group, zone, reason, busyWith, again }: CauseProps) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const { reason_code, cause, message } = group
  const whole = { filter: { reason_code, message, ...(cause ? { cause } : {}) } }
  const Arrow = open ? ChevronDown : ChevronRight
  return (
    <li className="overflow-clip rounded-panel border border-line">
      <div className="flex flex-wrap items-start gap-3 p-3">
        <div className="min-w-48 flex-1">
          <p className="font-medium">{message}</p>
          <p className="mt-1 flex flex-wrap items-center gap-2 text-meta">
            <StateBadge state="dead">{count(group.count)}</StateBadge>
            <span className="font-mono text-ink2">{cause ?? reason_code}</span>
          </p>
        </div>
        <Button
          size="small"
          busy={busyWith === JSON.stringify(whole)}
          disabledReason={reason}
          onClick={() => again(whole)}
        >
          {`Retry ${formatNumber(group.count)}`}
        </Button>
      </div>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
        className="flex min-h-9 w-full items-center gap-1.5 border-line border-t px-3 text-left text-ink2 text-table -outline-offset-2 hover:bg-hover touch:min-h-11"
      >
        <Arrow aria-hidden className="size-4" />
        {open ? "Hide them" : "Show them"}
      </button>
      <div id={id}>
        {open && <Letters group={group} zone={zone} {...{ reason, busyWith, again }} />}
      </div>
    </li>
  )
}

function Letters({ group, zone, reason, busyWith, again }: CauseProps) {
  const { reason_code, cause, message } = group
  const query = useRead(deadLetters({ reason_code, ...(cause ? { cause } : {}) }))
  return (
    <QueryState
      query={query}
      what="the dead letters of this cause"
      zone={zone}
      skeleton={<Skeleton className="m-3 h-16" />}
    >
      {(page) => (
        <>
          <Table caption={`Dead letters: ${message}`}>
            <thead>
              <tr>
                <Th>What</Th>
                <Th numeric>Attempts</Th>
                <Th>Failed</Th>
                <Th>
                  <span className="sr-only">Retry</span>
                </Th>
              </tr>
            </thead>
            <tbody>
              {page.items
                .filter((item) => item.message === message)
                .map((item) => {
                  const one = { ids: [item.id] }
                  const name =
                    item.kind === "entry"
                      ? `Entry ${item.entry_id}`
                      : `Delivery ${item.delivery_id}`
                  return (
                    <Tr key={item.id} twoLines>
                      <RowTh className="max-w-56">
                        <TwoLines
                          first={name}
                          second={item.kind === "entry" ? "time entry" : "webhook delivery"}
                        />
                      </RowTh>
                      <Td numeric>{formatNumber(item.attempts)}</Td>
                      <Td>
                        <TwoLines
                          first={<Instant at={item.last_failed_at} look="day-time" zone={zone} />}
                          second={
                            <>
                              first{" "}
                              <Instant at={item.first_failed_at} look="day-time" zone={zone} />
                            </>
                          }
                        />
                      </Td>
                      <Td className="w-0">
                        <IconButton
                          size="small"
                          label={`Retry ${name}`}
                          disabledReason={reason}
                          busy={busyWith === JSON.stringify(one)}
                          onClick={() => again(one)}
                        >
                          <RotateCw aria-hidden />
                        </IconButton>
                      </Td>
                    </Tr>
                  )
                })}
            </tbody>
          </Table>
          {page.next_cursor !== null && (
            <p className="border-line border-t px-4 py-2 text-ink2 text-table">
              The newest 200 are looked through.
            </p>
          )}
        </>
      )}
    </QueryState>
  )
}
