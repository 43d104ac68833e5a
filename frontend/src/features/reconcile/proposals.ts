/**
 * What the page proposes for a row, and why. The service says which ops it would accept now
 * (`allowedOps`, `blockedBy`); which of them fits the reason best is said here, and nowhere else.
 */
import type { Row } from "@/api/shapes"
import { isReason } from "./words"

/** `delete` is the service's `update` of a booking that is gone in Zammad. */
export type Act =
  | "update"
  | "delete"
  | "keep-target"
  | "create"
  | "skip"
  | "correct"
  | "ignore"
  | "retry"
  | "unignore"

export type Proposal =
  | { act: Act; because: string; label?: string }
  /** What has to be mended elsewhere first. */
  | { goTo: "mappings" | "connectors"; label: string; because: string }
export type Alternative = { act: Act; blocked?: string }

type Facts = Pick<Row, "allowedOps" | "blockedBy" | "status" | "reasonCode" | "source" | "target">

const MEND: Record<string, { goTo: "mappings" | "connectors"; label: string }> = {
  UNMAPPED_ACTIVITY: { goTo: "mappings", label: "Map activity" },
  USER_UNMAPPED: { goTo: "mappings", label: "Map person" },
  PROJECT_OR_CUSTOMER_MISSING: { goTo: "mappings", label: "Map customer" },
  UNIT_UNKNOWN: { goTo: "connectors", label: "Set time unit" },
  TICKET_UNREADABLE: { goTo: "connectors", label: "Check access" },
}
const LOCKED = ["LOCKED_OR_EXPORTED", "SOURCE_CHANGED_AFTER_EXPORT", "PERIOD_LOCKED"]

export function writing(row: Facts): Act {
  if (row.status === "missing") return "create"
  return row.source ? "update" : "delete"
}

/** The op of the contract that an act is; null for what is no op. */
export function opOf(act: Act): Row["allowedOps"][number] | null {
  if (act === "delete") return "update"
  return act === "ignore" || act === "retry" || act === "unignore" ? null : act
}

export function proposalOf(row: Facts): Proposal {
  const may = (op: Row["allowedOps"][number]) => row.allowedOps.includes(op)
  const reason = isReason(row.reasonCode) ? row.reasonCode : "CONFLICT"
  const mend = MEND[reason]
  if (row.status === "missing") {
    if (reason === "TARGET_DELETED" && may("create"))
      return { act: "create", because: "Zammad still has the booking, and Kimai lost it." }
    if (may("create")) {
      const again = reason !== "UNMAPPED_ACTIVITY" && reason !== "USER_UNMAPPED"
      return again
        ? { act: "create", label: "Try again", because: "Whatever stood in the way may be gone." }
        : { act: "create", because: "Nothing stands in the way any more." }
    }
    if (mend) return { ...mend, because: row.blockedBy ?? "Something is missing first." }
    if (reason === "NEGATIVE_TIME")
      return { act: "skip", because: "Kimai holds no negative time; correct it by hand first." }
    if (may("skip")) return { act: "skip", because: row.blockedBy ?? "It cannot be created now." }
    return { act: "retry", label: "Check again", because: row.blockedBy ?? "Look again first." }
  }
  if (LOCKED.includes(reason) && may("correct"))
    return {
      act: "correct",
      because: "Kimai forbids changing the timesheet; Zammad has more time.",
    }
  if (reason === "SOURCE_DELETED" && may("update"))
    return { act: "delete", because: "The booking is gone in Zammad, the source of truth." }
  if (reason === "OTHER" && may("keep-target"))
    return { act: "keep-target", because: "Somebody asked for a look; nothing else is wrong." }
  if (may("update")) {
    const because: Partial<Record<typeof reason, string>> = {
      TIME_MISMATCH: "The timesheet looks like this booking; Zammad is the source of truth.",
      DUPLICATE: "One timesheet stays linked and takes Zammad’s values; no other is touched.",
      TICKET_MERGED: "The booking moved with its ticket; Kimai should follow.",
      TARGET_EDITED: "Zammad is the source of truth.",
    }
    return { act: "update", because: because[reason] ?? "Zammad is the source of truth." }
  }
  if (may("keep-target"))
    return { act: "keep-target", because: row.blockedBy ?? "Kimai’s timesheet cannot be changed." }
  return { act: "retry", label: "Check again", because: row.blockedBy ?? "Look again first." }
}

/** Everything that can be chosen for the row; what the service would refuse now says why. */
export function alternativesOf(row: Facts): Alternative[] {
  const offered: Act[] =
    row.status === "missing" ? ["create", "skip"] : [writing(row), "keep-target"]
  const locked = row.reasonCode !== null && LOCKED.includes(row.reasonCode)
  if (row.status === "conflict" && (locked || row.allowedOps.includes("correct")))
    offered.push("correct")
  const found: Alternative[] = offered.map((act) => {
    const op = opOf(act)
    if (op !== null && row.allowedOps.includes(op)) return { act }
    return { act, blocked: row.blockedBy ?? "The service would refuse this now." }
  })
  if (found.some((one) => one.blocked !== undefined)) found.push({ act: "retry" })
  return [...found, { act: "ignore" }]
}

/** Minutes that Kimai gains; `about` while nobody has rounded them yet. */
export type Gain = { minutes: number; about: boolean }
type Minutes = { minutes: number | null } | null

/** What the act changes in Kimai; null while nobody knows. `stored` is that of the line. */
export function changeOf(
  act: Act,
  { zammad, kimai, stored }: { zammad: Minutes; kimai: Minutes; stored: number | null },
): Gain | null {
  const ours = stored ?? zammad?.minutes ?? null
  const theirs = kimai === null ? 0 : kimai.minutes
  switch (act) {
    case "update":
    case "create":
    case "correct":
    case "retry":
      if (ours === null || theirs === null) return null
      return { minutes: ours - theirs, about: stored === null }
    case "delete":
      return theirs === null ? null : { minutes: -theirs, about: false }
    default:
      return { minutes: 0, about: false }
  }
}

/** All of them together; null when one is not known. */
export function netOf(gains: readonly (Gain | null)[]): Gain | null {
  const net = { minutes: 0, about: false }
  for (const gain of gains) {
    if (gain === null) return null
    net.minutes += gain.minutes
    net.about ||= gain.about
  }
  return net
}
