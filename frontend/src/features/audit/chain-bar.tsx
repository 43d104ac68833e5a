import { useQueryClient } from "@tanstack/react-query"
import { CircleAlert, ShieldAlert, ShieldCheck } from "lucide-react"
import { useState } from "react"
import { get } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import { useAnnounce } from "@/app/announcer"
import { chain } from "@/app/reads"
import { useSession } from "@/app/session"
import { ProgressBar } from "@/ui/bits"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { Skeleton } from "@/ui/panel"
import { CopyButton } from "./copy"
import { shortHash } from "./line"
import { useHead } from "./use-head"

type Verified = components["schemas"]["VerifyOut"]
const STEPS = 20 // parts of the ledger, so that the check can tell how far it is
const LEAST = 500 // events; smaller parts would only cost time
const MOST = 100_000

/** Whether every event is where it was written; "Verify now" looks again, part by part. */
export function ChainBar() {
  const { timezone } = useSession()
  const client = useQueryClient()
  const announce = useAnnounce()
  const query = useRead(chain(), { at: "now" })
  // The badge is that of the present, so the check goes to its end whichever moment is shown.
  const { head } = useHead({ at: "now" })
  const [done, setDone] = useState<number | null>(null) // 0 to 1
  const [took, setTook] = useState<number | null>(null) // ms
  const verify = useCommand({
    send: async () => {
      setDone(0)
      const began = performance.now()
      const verified = await verifiedInSteps(head ?? query.data?.checked_to ?? 1, (share) =>
        setDone(share),
      )
      setTook(performance.now() - began)
      return verified
    },
    onDone: (verified: Verified) => {
      setDone(null)
      client.setQueryData(keys.chain(), { ...verified, at: new Date().toISOString() })
      announce(
        verified.ok
          ? `Chain verified, ${formatNumber(verified.checked_to)} events.`
          : `Chain broken at event ${formatNumber(verified.first_bad_position ?? 0)}.`,
      )
    },
    onFailed: () => setDone(null),
  })
  const { data } = query
  const broken = data !== undefined && !data.ok
  return (
    <section
      aria-label="Chain of events"
      className={cn(
        "mb-4 rounded-panel border px-4 py-3",
        broken ? "border-failed bg-failed-soft" : "border-line bg-surface",
      )}
    >
      <div className="flex min-h-8 flex-wrap items-center gap-x-6 gap-y-2 text-table">
        {data === undefined ? (
          query.isError ? (
            <p className="flex items-center gap-2">
              <CircleAlert aria-hidden className="size-4 text-failed" />
              {`The chain could not be checked. ${query.error.sentence}`}
            </p>
          ) : (
            <Skeleton className="h-4 w-96 max-w-full" />
          )
        ) : broken ? (
          <p className="flex items-start gap-2 text-failed">
            <ShieldAlert aria-hidden className="mt-0.5 size-4.5 shrink-0" />
            <span>
              <strong className="font-semibold">
                {`Chain broken at event ${formatNumber(data.first_bad_position ?? 0)}.`}
              </strong>{" "}
              It is not what was written. What writes is off until it was compared with a backup;
              runs and the schedule can be stopped, and export stays possible.
            </span>
          </p>
        ) : (
          <>
            <p className="flex items-center gap-2 font-semibold text-synced">
              <ShieldCheck aria-hidden className="size-4.5" />
              Chain verified
            </p>
            <p>
              <span className="font-semibold">{formatNumber(data.checked_to)}</span>
              <span className="text-ink2"> events, no gaps</span>
            </p>
          </>
        )}
        {data !== undefined && (
          <>
            <p className="flex items-center gap-2">
              <span className="text-ink2">head</span>
              <span className="font-mono" title={data.head_digest}>
                {shortHash(data.head_digest)}
              </span>
              <CopyButton text={data.head_digest} what="the head hash" />
            </p>
            <p className="text-ink2">
              {`checked ${formatInstant(data.at, "time", timezone)}${took === null ? "" : `, took ${(took / 1000).toFixed(1)}\u00a0s`}`}
            </p>
          </>
        )}
        <div className="ml-auto flex items-center gap-3">
          {done !== null && (
            <ProgressBar value={done} label="Checking the chain" className="w-32" />
          )}
          <Button
            look="ghost"
            busy={verify.isPending}
            disabledReason={head === undefined ? "The ledger is not read yet." : undefined}
            onClick={() => verify.mutate()}
          >
            Verify now
          </Button>
        </div>
      </div>
      {verify.error && (
        <p role="alert" className="pt-1 text-failed text-table">
          {`The check did not come through. ${verify.error.sentence}`}
        </p>
      )}
    </section>
  )
}

/** The whole ledger from its first event; ends at the first part that is not what was written. */
async function verifiedInSteps(head: number, told: (share: number) => void): Promise<Verified> {
  const size = Math.min(MOST, Math.max(LEAST, Math.ceil(head / STEPS)))
  let last: Verified | null = null
  for (let from = 1; from <= head; from += size) {
    const to = Math.min(head, from + size - 1)
    // The last part goes as far as the ledger does by then.
    last = await get("/api/v1/audit/verify", { query: to < head ? { from, to } : { from } })
    told(to / head)
    if (!last.ok) return { ...last, checked_from: 1 }
  }
  if (last === null) return get("/api/v1/audit/verify")
  return { ...last, checked_from: 1 }
}
