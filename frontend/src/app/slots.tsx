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
import { type ComponentType, type LazyExoticComponent, lazy } from "react"
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
    Content: lazy(() => import("@/features/dashboard")),
  },
  {
    id: "connectors",
    label: "Connectors",
    icon: Link2,
    letter: "c",
    Content: lazy(() => import("@/features/connectors")),
  },
  {
    id: "mappings",
    label: "Mappings",
    icon: Waypoints,
    letter: "m",
    Content: lazy(() => import("@/features/mappings")),
  },
  {
    id: "reconcile",
    label: "Reconcile",
    icon: GitCompareArrows,
    letter: "r",
    Content: lazy(() => import("@/features/reconcile")),
  },
  {
    id: "audit",
    label: "Audit",
    icon: ScrollText,
    letter: "a",
    Content: lazy(() => import("@/features/audit")),
  },
]

/** Replaces the dashboard until the first sync has come to its end. */
export const FirstRun = lazy(() => import("@/features/first-run"))
/** The bar under the top bar; there while `as_of` or `?dialog=time-machine` is in the URL. */
export const TimeMachineBar = lazy(() => import("@/features/time-machine"))

/** Dialogs that are not a part of one section, by the name `?dialog=` gives them. */
export const DIALOGS: Partial<Record<DialogName, LazyExoticComponent<ComponentType>>> = {
  schedule: lazy(() => import("@/features/schedule")),
  "dry-run": lazy(() => import("@/features/dry-run")),
  runs: lazy(() => import("@/features/runs")),
  "run-range": lazy(() => import("@/features/run-range")),
  notifications: lazy(() => import("@/features/schedule/notifications")),
  accounts: lazy(() => import("@/features/accounts")),
  palette: lazy(() => import("@/features/palette")),
}
