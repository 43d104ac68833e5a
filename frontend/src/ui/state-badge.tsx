import {
  ArchiveX,
  CircleCheck,
  CircleDashed,
  CircleSlash,
  type LucideIcon,
  OctagonX,
  TriangleAlert,
} from "lucide-react"
import type { ReactNode } from "react"
import { cn } from "./cn"

export type StateName = "synced" | "pending" | "conflict" | "failed" | "ignored" | "dead"

/** The one map from a state to its shape, word and colours. */
export const STATES: Record<
  StateName,
  { word: string; icon: LucideIcon; text: string; soft: string }
> = {
  synced: { word: "Synced", icon: CircleCheck, text: "text-synced", soft: "bg-synced-soft" },
  pending: { word: "Pending", icon: CircleDashed, text: "text-pending", soft: "bg-pending-soft" },
  conflict: {
    word: "Conflict",
    icon: TriangleAlert,
    text: "text-conflict",
    soft: "bg-conflict-soft",
  },
  failed: { word: "Failed", icon: OctagonX, text: "text-failed", soft: "bg-failed-soft" },
  ignored: { word: "Ignored", icon: CircleSlash, text: "text-ignored", soft: "bg-ignored-soft" },
  dead: { word: "Dead letter", icon: ArchiveX, text: "text-dead", soft: "bg-dead-soft" },
}

/** Always shape and word; `children` replaces the word ("Healthy", "Not mapped"), never removes it. */
export function StateBadge({
  state,
  children,
  className,
}: {
  state: StateName
  children?: ReactNode
  className?: string
}) {
  const { word, icon: Icon, text, soft } = STATES[state]
  return (
    <span
      data-state-badge
      className={cn(
        "inline-flex h-6 items-center gap-1.5 whitespace-nowrap rounded-badge px-2 font-medium text-table",
        soft,
        text,
        className,
      )}
    >
      <Icon aria-hidden className="size-4" />
      {children ?? word}
    </span>
  )
}

/** The shape alone, beside text that says the state; otherwise give it a `label`. */
export function StateIcon({
  state,
  label,
  className,
}: {
  state: StateName
  label?: string
  className?: string
}) {
  const { icon: Icon, text } = STATES[state]
  return (
    <>
      <Icon aria-hidden className={cn("size-4 shrink-0", text, className)} />
      {label && <span className="sr-only">{label}</span>}
    </>
  )
}
