/**
 * What the page is made of. Each feature is a folder with a default export, loaded when it is
 * needed; this file alone knows them all, and features do not know each other.
 */
import {
  GitCompareArrows,
  LayoutDashboard,
  Link2,
  type LucideIcon,
  ScrollText,
  Waypoints,
} from "lucide-react"
import type { ComponentType, LazyExoticComponent } from "react"
import { lazily } from "./lazily"
import type { DialogName } from "./url-state"

export type SectionId = "dashboard" | "connectors" | "mappings" | "reconcile" | "audit"
export type Section = {
  id: SectionId
  label: string
  icon: LucideIcon
  /** Second key after G. */
  letter: string
  Content: LazyExoticComponent<ComponentType>
}

export const SECTIONS: readonly Section[] = [
  {
    id: "dashboard",
    label: "Dashboard",
    icon: LayoutDashboard,
    letter: "d",
    Content: lazily(() => import("@/features/dashboard")),
  },
  {
    id: "connectors",
    label: "Connectors",
    icon: Link2,
    letter: "c",
    Content: lazily(() => import("@/features/connectors")),
  },
  {
    id: "mappings",
    label: "Mappings",
    icon: Waypoints,
    letter: "m",
    Content: lazily(() => import("@/features/mappings")),
  },
  {
    id: "reconcile",
    label: "Reconcile",
    icon: GitCompareArrows,
    letter: "r",
    Content: lazily(() => import("@/features/reconcile")),
  },
  {
    id: "audit",
    label: "Audit",
    icon: ScrollText,
    letter: "a",
    Content: lazily(() => import("@/features/audit")),
  },
]

/** Replaces the dashboard until the first sync has come to its end. */
export const FirstRun = lazily(() => import("@/features/first-run"))
/** The bar under the top bar; there while `as_of` or `?dialog=time-machine` is in the URL. */
export const TimeMachineBar = lazily(() => import("@/features/time-machine"))

/** Dialogs that are not a part of one section, by the name `?dialog=` gives them. */
export const DIALOGS: Partial<Record<DialogName, LazyExoticComponent<ComponentType>>> = {
  schedule: lazily(() => import("@/features/schedule")),
  "dry-run": lazily(() => import("@/features/dry-run")),
  runs: lazily(() => import("@/features/runs")),
  "run-range": lazily(() => import("@/features/run-range")),
  notifications: lazily(() => import("@/features/schedule/notifications")),
  accounts: lazily(() => import("@/features/accounts")),
  palette: lazily(() => import("@/features/palette")),
}
