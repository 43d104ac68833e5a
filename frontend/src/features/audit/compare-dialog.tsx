import { CircleCheck, TriangleAlert } from "lucide-react"
import { useEffect, useRef } from "react"
import { post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { useAnnounce } from "@/app/announcer"
import { useSession, useWritable } from "@/app/session"
import { ProgressBar } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Dialog } from "@/ui/dialog"
import { formatInstant, formatNumber } from "@/ui/format"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { Table, Td, Th, Tr } from "@/ui/table"
import { type Comparison, comparison } from "./reads"
import type { Filters } from "./use-filters"
import { words } from "./values"

/** Fold all events anew and hold every view against the result; nothing is changed by it. */
export default function CompareDialog({
  open,
  onOpenChange,
  filters,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  filters: Filters
}) {
  const { timezone } = useSession()
  const { reason } = useWritable("admin", { whenBroken: true })
  const query = useRead(comparison(), { enabled: open && reason === undefined, at: "now" })
  const begin = useCommand({
    send: (_: undefined, { idempotencyKey }) => post("/api/v1/audit/compare", { idempotencyKey }),
    stale: [comparison().key],
  })
  const running = query.data?.state === "running"
  useToldWhenDone(query.data)
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Replay and compare"
      description="Every view is built anew from the events, beside the real ones, and each row is compared. Nothing is changed."
      footer={
        <Button
          look="primary"
          busy={begin.isPending || running}
          disabledReason={reason}
          onClick={() => begin.mutate(undefined)}
        >
          {query.data && query.data.state !== "never" ? "Compare again" : "Compare"}
        </Button>
      }
    >
      {reason !== undefined ? (
        <p className="text-ink2">{reason}</p>
      ) : (
        <QueryState
          query={query}
          what="the comparison"
          zone={timezone}
          skeleton={<Skeleton className="h-16" />}
        >
          {(data) => (
            <Result
              data={data}
              zone={timezone}
              filters={filters}
              close={() => onOpenChange(false)}
            />
          )}
        </QueryState>
      )}
      <div className="pt-3 empty:hidden">
        <CommandError error={begin.error} />
      </div>
    </Dialog>
  )
}

function useToldWhenDone(data: Comparison | undefined) {
  const announce = useAnnounce()
  const before = useRef(data?.state)
  useEffect(() => {
    if (before.current === "running" && data?.state === "done") announce(summary(data))
    before.current = data?.state
  }, [data, announce])
}

export function summary(data: Comparison): string {
  return data.found === 0
    ? `Replay matches all views: ${formatNumber(data.rows)} rows are as ${formatNumber(data.until)} events make them.`
    : `${formatNumber(data.found)} ${data.found === 1 ? "difference" : "differences"} in ${formatNumber(data.rows)} rows.`
}

const KINDS: Readonly<Record<Comparison["differences"][number]["kind"], string>> = {
  missing: "Row is missing",
  extra: "Row should not be there",
  differs: "Row differs",
  stopped: "View cannot take the event",
  rows: "Number of rows differs",
  totals: "Totals differ",
}

function Result({
  data,
  zone,
  filters,
  close,
}: {
  data: Comparison
  zone: string
  filters: Filters
  close: () => void
}) {
  const share = data.until === 0 ? 0 : data.position / data.until
  if (data.state === "never") {
    return <p className="text-ink2">Not compared since the service was started.</p>
  }
  if (data.state === "running") {
    return (
      <div className="grid gap-2">
        <p>{`Event ${formatNumber(data.position)} of ${formatNumber(data.until)}`}</p>
        <ProgressBar value={share} label="Replay and compare" />
        <p className="text-ink2 text-table">It goes on when you close this.</p>
      </div>
    )
  }
  if (data.state === "failed") {
    return (
      <p className="flex gap-2 text-failed">
        <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
        {`The comparison ended early. ${data.error ?? ""} Compare again.`}
      </p>
    )
  }
  return (
    <div className="grid gap-3">
      <p className={`flex gap-2 ${data.found === 0 ? "text-synced" : "text-conflict"}`}>
        {data.found === 0 ? (
          <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0" />
        ) : (
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
        )}
        {summary(data)}
      </p>
      {data.ended_at && (
        <p className="text-ink2 text-table">{`Compared ${formatInstant(data.ended_at, "full", zone)}.`}</p>
      )}
      {data.differences.length > 0 && (
        <Table caption="Differences between the views and the events">
          <thead>
            <tr>
              <Th>View</Th>
              <Th>What</Th>
              <Th>Since event</Th>
            </tr>
          </thead>
          <tbody>
            {data.differences.map((one) => (
              <Tr key={`${one.view} ${one.kind} ${one.key} ${one.position}`}>
                <Td className="font-mono text-meta">
                  {one.key === null ? one.view : `${one.view} ${one.key}`}
                </Td>
                <Td>
                  {KINDS[one.kind]}
                  {one.fields.length > 0 && `: ${one.fields.map(words).join(", ")}`}
                </Td>
                <Td>
                  {one.position !== null && (
                    <button
                      type="button"
                      className="link"
                      onClick={() => {
                        close()
                        filters.change({ view: null, event: String(one.position) })
                      }}
                    >
                      {formatNumber(one.position)}
                    </button>
                  )}
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
      {data.found > data.differences.length && (
        <p className="text-ink2 text-table">{`The first ${data.differences.length} are listed.`}</p>
      )}
    </div>
  )
}
