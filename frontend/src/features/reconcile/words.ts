/** What a person reads for reasons, acts and fields; the service's codes stand nowhere on the page. */
import type { ReasonCode } from "@/api/shapes"
import { formatInstant, formatMinutes } from "@/ui/format"
import type { StateName } from "@/ui/state-badge"
import type { Act } from "./proposals"

/** Why a row waits, in a few words; the service's own sentence stands under it. */
export const REASONS: Record<ReasonCode, { state: StateName; title: string }> = {
  UNMAPPED_ACTIVITY: { state: "pending", title: "Activity not mapped" },
  USER_UNMAPPED: { state: "pending", title: "Person not mapped" },
  UNIT_UNKNOWN: { state: "pending", title: "Time unit not known" },
  NEGATIVE_TIME: { state: "conflict", title: "Negative time" },
  PROJECT_OR_CUSTOMER_MISSING: { state: "pending", title: "No customer or project in Kimai" },
  TICKET_UNREADABLE: { state: "failed", title: "Ticket cannot be read" },
  CREATION_ERROR: { state: "failed", title: "Kimai refused the new timesheet" },
  TARGET_DELETED: { state: "conflict", title: "Deleted in Kimai" },
  TARGET_EDITED: { state: "conflict", title: "Changed in Kimai" },
  SOURCE_DELETED: { state: "conflict", title: "Deleted in Zammad" },
  SOURCE_CHANGED_AFTER_EXPORT: { state: "conflict", title: "Changed after it was billed" },
  TIME_MISMATCH: { state: "conflict", title: "Same work, other duration" },
  DUPLICATE: { state: "conflict", title: "Several timesheets claim it" },
  TICKET_MERGED: { state: "conflict", title: "Ticket was merged" },
  LOCKED_OR_EXPORTED: { state: "conflict", title: "Locked in Kimai" },
  PERIOD_LOCKED: { state: "conflict", title: "Period is locked in Kimai" },
  OVERLAP_FORBIDDEN: { state: "failed", title: "Overlaps another timesheet" },
  BUDGET_EXCEEDED: { state: "failed", title: "Budget is used up" },
  WRITE_UNCERTAIN: { state: "failed", title: "Kimai’s answer was lost" },
  PEER_REJECTED: { state: "failed", title: "Kimai refused the write" },
  CONFLICT: { state: "conflict", title: "Both sides differ" },
  OTHER: { state: "conflict", title: "Flagged by a person" },
}

export function isReason(code: string | null | undefined): code is ReasonCode {
  return code != null && Object.hasOwn(REASONS, code)
}

/** Label of a button, and what the act does in one sentence. */
export const ACTS: Record<Act, { label: string; does: string; done: string }> = {
  update: {
    label: "Use Zammad",
    does: "Kimai is brought to what Zammad says.",
    done: "Zammad’s values were taken",
  },
  delete: {
    label: "Delete in Kimai",
    does: "The timesheet is deleted in Kimai, because its booking is gone in Zammad.",
    done: "The timesheet was deleted",
  },
  "keep-target": {
    label: "Keep Kimai",
    does: "Kimai stays as it is and is the base of later comparisons.",
    done: "Kimai stays as it is",
  },
  create: {
    label: "Create in Kimai",
    does: "The timesheet is created in Kimai and linked.",
    done: "The timesheet is in Kimai",
  },
  skip: {
    label: "Leave out of Kimai",
    does: "Kimai stays without it until it changes in Zammad.",
    done: "Kimai stays without it",
  },
  correct: {
    label: "Add correction",
    does: "The locked timesheet stays; what is missing is booked as a second one beside it.",
    done: "The difference is in Kimai",
  },
  ignore: {
    label: "Ignore until it changes",
    does: "Nothing is written. The row returns when either side changes.",
    done: "Ignored until either side changes",
  },
  retry: {
    label: "Try again",
    does: "It is decided again with today’s settings.",
    done: "It is tried again",
  },
  unignore: {
    label: "Take up again",
    does: "It is decided again, as if it had never been ignored.",
    done: "It is taken up again",
  },
}

const FIELDS: Record<string, string> = {
  minutes: "Duration",
  time_minutes: "Duration",
  begin: "Begin",
  end: "End",
  user_id: "Person",
  user_name: "Person",
  project_id: "Project",
  activity_id: "Activity",
  activity_name: "Activity",
  description: "Description",
  billable: "Billable",
  exported: "Exported",
  timesheet_id: "Timesheet",
  ticket_number: "Ticket",
  state: "State",
}

/** A sentence of the service with its instants and lengths as the page writes them. */
export function plainSentence(text: string, zone: string): string {
  return text
    .replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})/g, (at) =>
      formatInstant(at, "day-time", zone),
    )
    .replace(/(?<![\d:])(\d+):(\d{2}):00(?![\d:])/g, (_, hours: string, minutes: string) =>
      formatMinutes(Number(hours) * 60 + Number(minutes)),
    )
}

/** In the middle of a sentence: "use Zammad", "changed in Kimai". */
export function inSentence(label: string): string {
  return label.charAt(0).toLowerCase() + label.slice(1)
}

export function fieldName(field: string): string {
  return FIELDS[field] ?? field
}
