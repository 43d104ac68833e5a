import { Undo2 } from "lucide-react"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useDialog } from "@/app/url-state"
import { formatInstant } from "@/ui/format"

/** The bar of the time machine: which moment is shown, and the way back. */
export default function TimeMachineBar() {
  const { asOf, backToLive } = useMoment()
  const { dialog, close } = useDialog()
  const { timezone } = useSession()
  const at =
    asOf === null || asOf.startsWith("position:") ? asOf : formatInstant(asOf, "full", timezone)
  return (
    <div className="flex flex-wrap items-center gap-3 px-4 py-2 lg:px-8">
      <p className="flex-1">
        <span className="font-semibold">{at ?? "Pick a moment"}</span>
        <span className="block text-meta opacity-80">
          What the service believed then. Read only.
        </span>
      </p>
      <button
        type="button"
        className="inline-flex h-8 items-center gap-2 rounded-control border border-current px-3 font-medium text-table touch:h-11"
        onClick={() => (dialog === "time-machine" && asOf === null ? close() : backToLive())}
      >
        <Undo2 aria-hidden className="size-4" />
        Back to live
      </button>
    </div>
  )
}
