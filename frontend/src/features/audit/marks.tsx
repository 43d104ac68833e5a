import {
  KeyRound,
  type LucideIcon,
  Pencil,
  Send,
  SlidersHorizontal,
  Timer,
  UserCheck,
  Webhook,
} from "lucide-react"
import { cn } from "@/ui/cn"
import { STATES, StateIcon } from "@/ui/state-badge"
import { GROUPS, type Group, told } from "./words"

export const ICONS: Readonly<Record<Group, LucideIcon>> = {
  entries: Pencil,
  writes: Send,
  decisions: UserCheck,
  webhooks: Webhook,
  runs: Timer,
  settings: SlidersHorizontal,
  access: KeyRound,
}

export function GroupIcon({ type, className }: { type: string; className?: string }) {
  const { group } = told(type)
  const Icon = ICONS[group]
  return (
    <>
      <Icon aria-hidden className={cn("size-4 shrink-0 text-ink3", className)} />
      <span className="sr-only">{`${GROUPS[group]}: `}</span>
    </>
  )
}

/** The state that an event means, beside its sentence. */
export function EventMark({ type }: { type: string }) {
  const { mark } = told(type)
  return mark === undefined ? null : (
    <StateIcon state={mark} label={STATES[mark].word} className="inline" />
  )
}
