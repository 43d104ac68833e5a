/** A row of Reconcile for tests: both sides there, edited in Kimai; `more` says what is different. */
import type { Row } from "@/api/shapes"

export function row(more: Partial<Row> = {}): Row {
  return {
    id: "77",
    status: "conflict",
    ticketId: "10050",
    ticketTitle: "VPN down",
    customer: "Awesome",
    source: {
      minutes: 75,
      activity: "Support",
      user: "Emma Taylor",
      startedAt: "2026-11-17T09:45:00+01:00",
      ticketNumber: "10050",
      description: "",
    },
    target: {
      minutes: 90,
      activity: "Support",
      user: "Emma Taylor",
      startedAt: "2026-11-17T09:45:00+01:00",
      description: "",
    },
    base: {
      minutes: 75,
      activity: "Support",
      user: "Emma Taylor",
      startedAt: "2026-11-17T09:45:00+01:00",
    },
    edited: ["end", "duration"],
    minutesAfter: 75,
    conflictReason:
      "Timesheet 11 was edited in Kimai after it was written: end 2026-11-17T10:00:00+00:00 → 2026-11-17T10:15:00+00:00, duration 1:15:00 → 1:30:00. Keep the edit or bring it to Zammad's values.",
    reasonCode: "TARGET_EDITED",
    entryId: 4711,
    openedAt: "2026-11-18T06:00:00Z",
    allowedOps: ["keep-target", "update"],
    blockedBy: null,
    version: 1,
    links: {},
    ...more,
  } as Row
}
