/** The states that the chart stacks, from below, each with the texture that tells it apart. */
import { X } from "lucide-react"
import { cn } from "@/ui/cn"
import { STATES } from "@/ui/state-badge"

export const STACK = ["synced", "pending", "conflict", "failed"] as const
export type Stacked = (typeof STACK)[number]

const SWATCH: Record<Stacked, string> = {
  synced: "border border-synced bg-synced-fill/30",
  pending: "dotted-pending",
  conflict: "hatched-conflict",
  failed: "bg-failed-fill text-surface",
}

export function Swatch({ state, className }: { state: Stacked; className?: string }) {
  return (
    <span
      aria-hidden
      data-bar
      className={cn(
        "inline-grid size-3.5 shrink-0 place-items-center overflow-hidden rounded-[3px]",
        SWATCH[state],
        className,
      )}
    >
      {state === "failed" && <X className="size-2.5" strokeWidth={4} />}
    </span>
  )
}

export const wordOf = (state: Stacked) => STATES[state].word
