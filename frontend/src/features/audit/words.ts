/**
 * What each event says, in people's words: one table for the ledger and the audit log. A test
 * holds that it names every event type and every audit action that the service has.
 */
import { changed, count, type Data, inWords, lasting, list, part, text, words } from "./values"

export type Group = "entries" | "writes" | "decisions" | "webhooks" | "runs" | "settings" | "access"
export const GROUPS: Readonly<Record<Group, string>> = {
  entries: "Entries",
  writes: "Writes",
  decisions: "Decisions",
  webhooks: "Webhooks",
  runs: "Runs",
  settings: "Settings",
  access: "Accounts",
}

export type Mark = "synced" | "conflict" | "failed" | "dead"
type Told = {
  group: Group
  /** As a filter names it. */
  label: string
  /** What happened, of this one. */
  say: (data: Data) => string
  /** A state that it means, shown with its shape. */
  mark?: Mark
}

const OUTCOMES: Readonly<Record<string, string>> = {
  create: "Goes to Kimai as a new timesheet",
  update: "Kimai's timesheet is to be changed",
  delete: "Kimai's timesheet is to be deleted",
  leave: "Nothing to change in Kimai",
  hold: "Held back",
}
const REQUESTS: Readonly<Record<string, string>> = {
  create: "Create a timesheet",
  update: "Change timesheet",
  delete: "Delete timesheet",
}
const REASONS: Readonly<Record<string, string>> = {
  UNMAPPED_ACTIVITY: "activity not mapped",
  USER_UNMAPPED: "person not mapped",
  UNIT_UNKNOWN: "unit of time not known",
  NEGATIVE_TIME: "negative time",
  PROJECT_OR_CUSTOMER_MISSING: "no project or customer in Kimai",
  TICKET_UNREADABLE: "ticket cannot be read",
  CREATION_ERROR: "Kimai refused to create it",
  TARGET_DELETED: "deleted in Kimai",
  TARGET_EDITED: "changed in Kimai",
  SOURCE_DELETED: "deleted in Zammad",
  SOURCE_CHANGED_AFTER_EXPORT: "changed in Zammad after the export",
  TIME_MISMATCH: "times differ",
  DUPLICATE: "found more than once",
  TICKET_MERGED: "ticket was merged",
  LOCKED_OR_EXPORTED: "locked in Kimai",
  PERIOD_LOCKED: "period is locked",
  OVERLAP_FORBIDDEN: "overlaps other time",
  BUDGET_EXCEEDED: "budget is used up",
  WRITE_UNCERTAIN: "no answer to a write",
  PEER_REJECTED: "refused",
  CONFLICT: "both sides disagree",
  OTHER: "flagged by a person",
}
const ADOPTED: Readonly<Record<string, string>> = {
  equal: "it is equal",
  read_back: "it was read back after an answer was lost",
  kept: "a person keeps Kimai's values",
  unchanged: "it is as it was",
}
const KINDS: Readonly<Record<string, string>> = { zammad: "Zammad", kimai: "Kimai" }
const TOPICS: Readonly<Record<string, string>> = { ok: "works", healthy: "works" }

function reason(data: Data): string {
  const code = text(data.reason)
  return REASONS[code] ?? words(code)
}
function noted(data: Data): string {
  const note = text(data.note)
  return note === "" ? "" : `, “${note}”`
}
function because(data: Data, name: string): string {
  const why = text(data[name])
  return why === "" ? "" : `: ${why}`
}
function booked(data: Data): string {
  const [booking, context] = [part(data, "booking"), part(data, "context")]
  const activity = text(context.type_name)
  const ticket = text(context.ticket_number) || text(booking.ticket_id)
  return `${Number(text(booking.time_unit))} booked on ticket #${ticket}${activity && `, ${activity}`}`
}
function counted(data: Data): string {
  const counters = part(data, "counters")
  const said = [
    ["created", "new"],
    ["updated", "updated"],
    ["deleted", "deleted"],
    ["conflicts", "for review"],
    ["failed", "failed"],
  ].flatMap(([name = "", word]) => (counters[name] ? [`${text(counters[name])} ${word}`] : []))
  return said.length === 0 ? "nothing to change" : said.join(", ")
}
function who(data: Data): string {
  return text(data.username) || text(data.full_name) || `user ${text(data.user_id)}`
}
function connector(data: Data): string {
  return text(data.name) ? `“${text(data.name)}”` : `connection ${text(data.connector_id)}`
}
function seconds(data: Data, name: string): string {
  const total = list(data, name).reduce<number>(
    (sum, one) => sum + Number(part({ one }, "one").seconds ?? 0),
    0,
  )
  return inWords(total / 60)
}
function off(data: Data): string {
  return data.is_active === false ? ", switched off" : ""
}
function target(data: Data): string {
  const owner = part(data, "owner")
  return owner.kind === undefined
    ? text(data.item)
    : `${text(data.item)} for ${words(text(owner.kind))} ${text(owner.source_id)}`
}

export const EVENTS: Readonly<Record<string, Told>> = {
  // ── what Zammad shows ──
  EntryObserved: {
    group: "entries",
    label: "Entry seen in Zammad",
    say: (data) => `Seen in Zammad: ${booked(data)}`,
  },
  EntryUnreadable: {
    group: "entries",
    label: "Entry not readable",
    say: (data) => `Seen in Zammad, but not readable: ${list(data, "fields").map(text).join(", ")}`,
    mark: "failed",
  },
  EntryChangedAtSource: {
    group: "entries",
    label: "Entry changed in Zammad",
    say: (data) => {
      const fields = list(data, "changed").map(text)
      const told = fields.filter((one) => one !== "updated_at" || fields.length === 1).map(words)
      return `Changed in Zammad (${told.join(", ")}): ${booked(data)}`
    },
  },
  EntryVanishedAtSource: {
    group: "entries",
    label: "Entry deleted in Zammad",
    say: () => "Deleted in Zammad",
  },
  EntryDecided: {
    group: "entries",
    label: "What to do was worked out",
    say: (data) => {
      const outcome = text(data.outcome)
      const head = OUTCOMES[outcome] ?? words(outcome)
      if (outcome === "hold") return `${head}: ${reason(data)}`
      return head + lasting(part(data, "desired"), outcome === "update" ? " to " : " of ")
    },
  },
  EntryReduced: {
    group: "entries",
    label: "Entry shortened by negative time",
    say: (data) => `Shortened by ${seconds(data, "by")} of negative time`,
  },
  EntryNetted: {
    group: "entries",
    label: "Negative time taken from other entries",
    say: (data) =>
      `Negative time: ${seconds(data, "against")} taken from ${count(list(data, "against").length, "earlier entry", "earlier entries")}`,
  },
  EntryDeadLettered: {
    group: "entries",
    label: "Gave up on an entry",
    say: (data) => `Gave up after ${count(data.attempts, "attempt")}: ${reason(data)}`,
    mark: "dead",
  },
  SlotTaken: {
    group: "entries",
    label: "Time of day reserved",
    say: (data) => `Time of day reserved on ${text(data.day)}, entry ${text(data.entry_id)}`,
  },
  SlotFreed: {
    group: "entries",
    label: "Time of day free again",
    say: (data) => `Time of day free again on ${text(data.day)}, entry ${text(data.entry_id)}`,
  },
  // ── what Kimai is asked for and answers ──
  TimesheetWriteIntended: {
    group: "writes",
    label: "Write to Kimai begun",
    say: (data) => {
      const operation = text(data.operation)
      const fields = part(part(data, "request"), "fields")
      const sheet = operation === "create" ? "" : ` ${text(data.timesheet_id)}`
      const long = operation === "delete" ? "" : lasting(fields, sheet ? " to " : " of ")
      return `${REQUESTS[operation] ?? words(operation)}${sheet}${long} in Kimai`
    },
  },
  TimesheetCreated: {
    group: "writes",
    label: "Timesheet created",
    say: (data) =>
      `Timesheet ${text(part(data, "written").timesheet_id)}${lasting(part(data, "written"))} created in Kimai`,
    mark: "synced",
  },
  TimesheetUpdated: {
    group: "writes",
    label: "Timesheet updated",
    say: (data) =>
      `Timesheet ${text(part(data, "written").timesheet_id)} updated in Kimai${lasting(part(data, "written"), " to ")}`,
    mark: "synced",
  },
  TimesheetDeleted: {
    group: "writes",
    label: "Timesheet deleted",
    say: (data) => `Timesheet ${text(data.timesheet_id)} deleted in Kimai`,
    mark: "synced",
  },
  TimesheetAdopted: {
    group: "writes",
    label: "Timesheet found and linked",
    say: (data) =>
      `Timesheet ${text(part(data, "written").timesheet_id)}${lasting(part(data, "written"))} found in Kimai and linked; ${ADOPTED[text(data.how)] ?? words(text(data.how))}`,
    mark: "synced",
  },
  TimesheetDrifted: {
    group: "entries",
    label: "Timesheet changed in Kimai",
    say: (data) =>
      `Changed in Kimai (${list(data, "changed")
        .map((one) => words(text(one)))
        .join(", ")})${lasting(part(data, "found"), ", now ")}`,
  },
  TimesheetVanished: {
    group: "entries",
    label: "Timesheet deleted in Kimai by somebody",
    say: (data) => `Timesheet ${text(data.timesheet_id)} was deleted in Kimai by somebody`,
  },
  TimesheetWriteRejected: {
    group: "writes",
    label: "Write refused by Kimai",
    say: (data) => `Refused by Kimai (${text(data.status)}): ${text(data.detail) || reason(data)}`,
    mark: "failed",
  },
  TimesheetWriteUncertain: {
    group: "writes",
    label: "No answer from Kimai",
    say: (data) => `No answer from Kimai; it is read back first${because(data, "cause")}`,
    mark: "failed",
  },
  TimesheetWriteUnsent: {
    group: "writes",
    label: "Write not sent",
    say: (data) => `Not sent to Kimai, it is tried again${because(data, "cause")}`,
  },
  TargetItemIntended: {
    group: "writes",
    label: "New customer or project for Kimai",
    say: (data) => `Create a ${target(data)} in Kimai`,
  },
  TargetItemFound: {
    group: "writes",
    label: "Customer or project found in Kimai",
    say: (data) => `A ${target(data)} is in Kimai already, number ${text(data.item_id)}`,
    mark: "synced",
  },
  TargetItemCreated: {
    group: "writes",
    label: "Customer or project created in Kimai",
    say: (data) => `Created in Kimai, number ${text(data.item_id)}`,
    mark: "synced",
  },
  TargetItemRefused: {
    group: "writes",
    label: "Customer or project refused by Kimai",
    say: (data) => `Refused by Kimai (${text(data.status)})${because(data, "detail")}`,
    mark: "failed",
  },
  TargetItemUncertain: {
    group: "writes",
    label: "No answer about a customer or project",
    say: (data) => `No answer from Kimai; it is read back first${because(data, "cause")}`,
    mark: "failed",
  },
  TargetItemUnsent: {
    group: "writes",
    label: "Customer or project not sent",
    say: (data) => `Not sent to Kimai, it is tried again${because(data, "cause")}`,
  },
  TargetNamed: {
    group: "entries",
    label: "Name read from Kimai",
    say: (data) =>
      `Kimai calls ${text(data.kind)} ${text(data.item_id)} “${text(data.name) || text(data.personal)}”`,
  },
  // ── what waits for a person, and what people decided ──
  ConflictOpened: {
    group: "entries",
    label: "Entry needs a decision",
    say: (data) => `Needs a decision: ${reason(data)}`,
    mark: "conflict",
  },
  ConflictResolved: {
    group: "decisions",
    label: "Conflict resolved",
    say: (data) => `Resolved (${words(text(data.action))}): ${reason(data)}${noted(data)}`,
  },
  ConflictDismissed: {
    group: "decisions",
    label: "Conflict closed undecided",
    say: (data) => `Closed without a decision: ${reason(data)}${noted(data)}`,
  },
  ConflictReopened: {
    group: "decisions",
    label: "Conflict opened again",
    say: (data) => `Needs a decision again: ${reason(data)}${noted(data)}`,
    mark: "conflict",
  },
  ConflictNoteChanged: {
    group: "decisions",
    label: "Note changed",
    say: (data) => (text(data.note) ? `Note: “${text(data.note)}”` : "Note removed"),
  },
  EntryIgnored: {
    group: "decisions",
    label: "Entry ignored",
    say: (data) =>
      `Ignored${data.until_change === false ? "" : " until either side changes"}${noted(data)}`,
  },
  EntryUnignored: {
    group: "decisions",
    label: "Entry no longer ignored",
    say: (data) => `No longer ignored${noted(data)}`,
  },
  EntryRetryRequested: {
    group: "decisions",
    label: "Another attempt asked for",
    say: (data) => `Another attempt was asked for${noted(data)}`,
  },
  WaitingDecided: {
    group: "runs",
    label: "Waiting entries looked at again",
    say: (data) =>
      text(data.error)
        ? `Waiting entries could not be looked at again: ${text(data.error)}`
        : `Waiting entries looked at again: ${text(data.to_write)} continue, ${text(data.held)} still held back`,
  },
  // ── runs and plans ──
  SyncRunQueued: {
    group: "runs",
    label: "Run asked for",
    say: (data) =>
      `Run #${text(data.run_id)} asked for, ${text(data.start_date)} to ${text(data.end_date)}`,
  },
  SyncRunStarted: {
    group: "runs",
    label: "Run started",
    say: (data) => `Run #${text(data.run_id)} started`,
  },
  SyncRunProgressed: {
    group: "runs",
    label: "Run came further",
    say: (data) =>
      `Run #${text(data.run_id)}: ${words(text(data.phase))}, ${text(data.done)} of ${text(data.total)}`,
  },
  SyncRunCompleted: {
    group: "runs",
    label: "Run completed",
    say: (data) =>
      `Run #${text(data.run_id)} completed: ${counted(data)}${because(data, "remark")}`,
    mark: "synced",
  },
  SyncRunFailed: {
    group: "runs",
    label: "Run failed",
    say: (data) => `Run #${text(data.run_id)} failed${because(data, "error")}`,
    mark: "failed",
  },
  SyncRunCancelRequested: {
    group: "runs",
    label: "Run to be stopped",
    say: (data) => `Run #${text(data.run_id)} is to stop${because(data, "reason")}`,
  },
  SyncRunCancelled: {
    group: "runs",
    label: "Run stopped",
    say: (data) => `Run #${text(data.run_id)} stopped: ${counted(data)}`,
  },
  SyncRunSkipped: {
    group: "runs",
    label: "Run left out",
    say: (data) => `A due run was left out${because(data, "detail")}`,
  },
  PlanRequested: {
    group: "runs",
    label: "Dry run asked for",
    say: (data) =>
      `Dry run ${text(data.plan_id)} asked for, ${text(data.start_date)} to ${text(data.end_date)}`,
  },
  PlanBegun: {
    group: "runs",
    label: "Dry run begun",
    say: (data) => `Dry run ${text(data.plan_id)} begun`,
  },
  PlanRowsListed: {
    group: "runs",
    label: "Planned changes listed",
    say: (data) =>
      `Dry run ${text(data.plan_id)}: ${count(list(data, "rows").length, "planned change")} listed`,
  },
  PlanMade: {
    group: "runs",
    label: "Dry run ready",
    say: (data) => {
      const counts = part(data, "counts")
      return `Dry run ${text(data.plan_id)} ready: ${text(counts.create)} new, ${text(counts.update)} to update, ${text(counts.delete)} to delete`
    },
  },
  PlanApplied: {
    group: "runs",
    label: "Dry run written",
    say: (data) => `Dry run ${text(data.plan_id)} is written by run #${text(data.run_id)}`,
  },
  PlanRefused: {
    group: "runs",
    label: "Dry run out of date",
    say: (data) =>
      `Dry run ${text(data.plan_id)} not written: ${count(list(data, "moved").length, "planned change")} changed meanwhile`,
    mark: "conflict",
  },
  PlanFailed: {
    group: "runs",
    label: "Dry run failed",
    say: (data) => `Dry run ${text(data.plan_id)} failed${because(data, "error")}`,
    mark: "failed",
  },
  // ── webhooks ──
  WebhookDeliveryReceived: {
    group: "webhooks",
    label: "Webhook accepted",
    say: (data) =>
      `Ticket ${text(data.ticket_id)} updated, signature valid${data.trigger ? `, trigger “${text(data.trigger)}”` : ""}`,
  },
  WebhookDeliveryProcessed: {
    group: "webhooks",
    label: "Webhook processed",
    say: (data) =>
      data.run_id ? `Webhook processed by run #${text(data.run_id)}` : "Webhook processed",
  },
  WebhookDeliveryFailed: {
    group: "webhooks",
    label: "Webhook failed",
    say: (data) =>
      `Webhook not processed, attempt ${text(data.attempts)}: ${text(data.message) || words(text(data.reason))}`,
    mark: "failed",
  },
  WebhookDeliveryRejected: {
    group: "webhooks",
    label: "Webhook refused",
    say: (data) => `Webhook refused: ${words(text(data.code))}`,
    mark: "failed",
  },
  WebhookDeliveryRepeated: {
    group: "webhooks",
    label: "Webhook came twice",
    say: () => "Webhook came once more; nothing to do",
  },
  WebhookDeliveryReplayRequested: {
    group: "webhooks",
    label: "Webhook repeated by a person",
    say: (data) => `Webhook ${text(data.delivery_id)} is processed again`,
  },
  // ── settings ──
  ConnectorAdded: {
    group: "settings",
    label: "Connection added",
    say: (data) =>
      `${KINDS[text(data.kind)] ?? words(text(data.kind))} connection ${connector(data)} added${off(data)}`,
  },
  ConnectorChanged: {
    group: "settings",
    label: "Connection changed",
    say: (data) => `Connection ${connector(data)} changed${changed(data)}`,
  },
  ConnectorTokenReplaced: {
    group: "settings",
    label: "Token replaced",
    say: (data) => `Token of connection ${text(data.connector_id)} replaced`,
  },
  WebhookSecretReplaced: {
    group: "settings",
    label: "Webhook secret replaced",
    say: (data) => `Webhook secret of connection ${text(data.connector_id)} replaced`,
  },
  ConnectorTested: {
    group: "settings",
    label: "Connection tested",
    say: (data) =>
      `Connection ${text(data.connector_id)} tested: ${data.valid === false ? "not usable" : "works"}${because(data, "message")}`,
  },
  ConnectorRetired: {
    group: "settings",
    label: "Connection deleted",
    say: (data) => `Connection ${text(data.connector_id)} deleted; its history stays`,
  },
  ConnectorHealthChanged: {
    group: "settings",
    label: "Connection health changed",
    say: (data) =>
      `Connection ${text(data.connector_id)} ${TOPICS[text(data.state)] ?? `is ${words(text(data.state))}`}${because(data, "message")}`,
  },
  MappingSet: {
    group: "settings",
    label: "Activity mapped",
    say: (data) =>
      `Activity “${text(data.zammad_type_name) || text(data.zammad_type_id)}” goes to “${text(data.kimai_activity_name) || text(data.kimai_activity_id)}”${off(data)}`,
  },
  MappingRemoved: {
    group: "settings",
    label: "Activity mapping removed",
    say: (data) => `Activity mapping ${text(data.mapping_id)} removed`,
  },
  MappingsImported: {
    group: "settings",
    label: "Mappings imported",
    say: (data) =>
      `${words(text(data.table))} imported: ${text(data.added)} added, ${text(data.changed)} changed, ${text(data.removed)} removed`,
  },
  UserMappingSet: {
    group: "settings",
    label: "Person mapped",
    say: (data) =>
      `Person ${text(data.zammad_user_name) || text(data.zammad_user_id)} goes to ${text(data.kimai_user_name) || text(data.kimai_user_id)}${off(data)}`,
  },
  UserMappingRemoved: {
    group: "settings",
    label: "Person mapping removed",
    say: (data) => `Person mapping ${text(data.mapping_id)} removed`,
  },
  ProjectMappingSet: {
    group: "settings",
    label: "Customer or project mapped",
    say: (data) =>
      `${words(text(data.source_kind))} “${text(data.source_name) || text(data.customer_name) || text(data.source_id)}” goes to Kimai ${data.kimai_project_id ? `project ${text(data.kimai_project_id)}` : `customer ${text(data.kimai_customer_id)}`}${off(data)}`,
  },
  ProjectMappingRemoved: {
    group: "settings",
    label: "Customer or project mapping removed",
    say: (data) => `Project mapping ${text(data.mapping_id)} removed`,
  },
  ScheduleChanged: {
    group: "settings",
    label: "Schedule changed",
    say: (data) =>
      `Schedule changed${changed(data) || `: ${data.enabled === false ? "off" : text(data.cron)}`}`,
  },
  ChannelAdded: {
    group: "settings",
    label: "Notification added",
    say: (data) => `Notification “${text(data.name)}” added${off(data)}`,
  },
  ChannelChanged: {
    group: "settings",
    label: "Notification changed",
    say: (data) => `Notification “${text(data.name)}” changed${changed(data)}`,
  },
  ChannelRemoved: {
    group: "settings",
    label: "Notification removed",
    say: (data) => `Notification ${text(data.channel_id)} removed`,
  },
  NotificationSent: {
    group: "settings",
    label: "Notification sent",
    say: (data) => `Notification about ${words(text(data.topic))} sent`,
  },
  NotificationFailed: {
    group: "settings",
    label: "Notification not sent",
    say: (data) =>
      `Notification about ${words(text(data.topic))} not sent${because(data, "reason")}`,
    mark: "failed",
  },
  // ── people ──
  UserAdded: {
    group: "access",
    label: "User added",
    say: (data) => `User ${who(data)} added as ${text(data.role)}${off(data)}`,
  },
  UserChanged: {
    group: "access",
    label: "User changed",
    say: (data) => `User ${who(data)} changed${changed(data)}`,
  },
  UserPasswordReplaced: {
    group: "access",
    label: "Password changed",
    say: (data) => `Password of user ${text(data.user_id)} changed`,
  },
  UserLoggedIn: {
    group: "access",
    label: "Signed in",
    say: (data) => `Signed in as ${who(data)}`,
  },
  LoginFailed: {
    group: "access",
    label: "Sign-in failed",
    say: (data) =>
      `Sign-in as ${who(data)} failed: ${text(data.code) === "account_inactive" ? "the account is switched off" : "wrong username or password"}`,
    mark: "failed",
  },
  LoginThrottled: {
    group: "access",
    label: "Sign-in held off",
    say: (data) => `Sign-in as ${who(data)} held off after too many attempts`,
    mark: "failed",
  },
  UserLoggedOut: {
    group: "access",
    label: "Signed out",
    say: (data) => `Signed out, ${who(data)}`,
  },
  SubjectExported: {
    group: "access",
    label: "Personal data handed out",
    say: (data) =>
      `Personal data of ${text(data.subject)} handed out: ${count(data.entries, "entry", "entries")}`,
  },
  SubjectErased: {
    group: "access",
    label: "Personal data erased",
    say: (data) =>
      `Personal data of ${text(data.subject)} erased; ${inWords(data.minutes_kept)} of time kept`,
  },
}

/** Audit action of the service → the event it comes from; a label where the event has two. */
export const ACTIONS: Readonly<Record<string, { type: string; label?: string }>> = {
  user_created: { type: "UserAdded" },
  user_updated: { type: "UserChanged" },
  password_changed: { type: "UserPasswordReplaced" },
  login_success: { type: "UserLoggedIn" },
  login_failed: { type: "LoginFailed" },
  login_throttled: { type: "LoginThrottled" },
  logout: { type: "UserLoggedOut" },
  connector_created: { type: "ConnectorAdded" },
  connector_updated: { type: "ConnectorChanged" },
  connector_token_replaced: { type: "ConnectorTokenReplaced" },
  webhook_secret_replaced: { type: "WebhookSecretReplaced" },
  connector_tested: { type: "ConnectorTested" },
  connector_deleted: { type: "ConnectorRetired" },
  connector_health_changed: { type: "ConnectorHealthChanged" },
  mapping_created: { type: "MappingSet" },
  mapping_updated: { type: "MappingSet", label: "Activity mapping changed" },
  mapping_deleted: { type: "MappingRemoved" },
  mappings_imported: { type: "MappingsImported" },
  user_mapping_created: { type: "UserMappingSet" },
  user_mapping_updated: { type: "UserMappingSet", label: "Person mapping changed" },
  user_mapping_deleted: { type: "UserMappingRemoved" },
  project_mapping_created: { type: "ProjectMappingSet" },
  project_mapping_updated: {
    type: "ProjectMappingSet",
    label: "Customer or project mapping changed",
  },
  project_mapping_deleted: { type: "ProjectMappingRemoved" },
  sync_waiting_decided: { type: "WaitingDecided" },
  sync_queued: { type: "SyncRunQueued" },
  sync_triggered: { type: "SyncRunStarted" },
  sync_completed: { type: "SyncRunCompleted" },
  sync_failed: { type: "SyncRunFailed" },
  sync_cancel_requested: { type: "SyncRunCancelRequested" },
  sync_cancelled: { type: "SyncRunCancelled" },
  sync_skipped: { type: "SyncRunSkipped" },
  schedule_updated: { type: "ScheduleChanged" },
  channel_created: { type: "ChannelAdded" },
  channel_updated: { type: "ChannelChanged" },
  channel_deleted: { type: "ChannelRemoved" },
  sync_plan_made: { type: "PlanMade" },
  sync_plan_applied: { type: "PlanApplied" },
  sync_plan_refused: { type: "PlanRefused" },
  webhook_received: { type: "WebhookDeliveryReceived" },
  webhook_error: { type: "WebhookDeliveryFailed" },
  webhook_rejected: { type: "WebhookDeliveryRejected" },
  webhook_replayed: { type: "WebhookDeliveryReplayRequested" },
  entry_retried: { type: "EntryRetryRequested" },
  entry_ignored: { type: "EntryIgnored" },
  entry_unignored: { type: "EntryUnignored" },
  conflict_resolved: { type: "ConflictResolved" },
  subject_exported: { type: "SubjectExported" },
  subject_erased: { type: "SubjectErased" },
  conflict_dismissed: { type: "ConflictDismissed" },
  conflict_reopened: { type: "ConflictReopened" },
  conflict_note_changed: { type: "ConflictNoteChanged" },
}

/** The event types of these groups. */
export function typesOf(groups: readonly Group[]): string[] {
  return Object.keys(EVENTS).filter((type) => groups.includes(told(type).group))
}

/** Of a type that a newer service may have, its own name is better than nothing. */
export function told(type: string): Told {
  return EVENTS[type] ?? { group: "entries", label: type, say: () => words(spaced(type)) }
}

/** `TimeEntryEdited` → "Time entry edited". */
function spaced(type: string): string {
  const parts = type.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()
  return parts.charAt(0).toUpperCase() + parts.slice(1)
}

export function sentence(type: string, data: unknown): string {
  const say = told(type).say(part({ data }, "data"))
  return say.charAt(0).toUpperCase() + say.slice(1)
}

export function actionLabel(action: string): string {
  const known = ACTIONS[action]
  return known?.label ?? (known ? told(known.type).label : words(action))
}
