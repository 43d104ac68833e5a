import { ChevronRight } from "lucide-react"
import { Suspense, useState } from "react"
import { useRead } from "@/api/hooks"
import { lazily } from "@/app/lazily"
import { useMoment } from "@/app/time-machine"
import { useUrlParams } from "@/app/url-state"
import { Button } from "@/ui/button"
import { formatNumber } from "@/ui/format"
import { StateIcon } from "@/ui/state-badge"
import { age } from "./comparing"
import { deadLetters } from "./reads"

const Drawer = lazily(() => import("./dead-letters"))

/** At the foot of the deliveries: what was given up, and the way to it. */
export function DeadLetters() {
  const { params, set } = useUrlParams()
  const open = params.get("given-up") !== null
  const [seen, setSeen] = useState(open)
  if (open && !seen) setSeen(true) // stays mounted, to close with its motion
  const { asOf } = useMoment()
  const { data, isError, error } = useRead(deadLetters())
  const oldest = asOf === null && data?.next_cursor === null ? oldestOf(data.items) : undefined
  return (
    <div className="flex min-h-7 flex-wrap items-center gap-x-3 gap-y-1">
      {data === undefined ? (
        isError && <p>{`Dead letters could not be loaded. ${error.sentence}`}</p>
      ) : data.total === 0 ? (
        <p>No dead letter.</p>
      ) : (
        <>
          <StateIcon state="dead" />
          <p className="mr-auto">
            <strong className="font-semibold text-ink">
              {`${formatNumber(data.total)} dead ${data.total === 1 ? "letter" : "letters"}`}
            </strong>{" "}
            {data.total === 1 ? "waits" : "waiting"}
            {oldest &&
              `, ${data.total === 1 ? "for" : "oldest"} ${age(oldest, new Date().toISOString())}`}
          </p>
        </>
      )}
      {data !== undefined && data.total > 0 && (
        <Button
          look="ghost"
          size="small"
          className="-mr-2 text-ink"
          onClick={() => set({ "given-up": "1" }, { push: true })}
        >
          Review <span className="sr-only">dead letters</span>
          <ChevronRight aria-hidden />
        </Button>
      )}
      {seen && (
        <Suspense fallback={null}>
          <Drawer open={open} onClose={() => set({ "given-up": null })} />
        </Suspense>
      )}
    </div>
  )
}

function oldestOf(items: readonly { first_failed_at: string }[]): string | undefined {
  return items.map((item) => item.first_failed_at).sort()[0]
}
