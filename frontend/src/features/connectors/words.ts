/** Plain words for what a connector is, how it fares and what can be set on it. */
import type { Connector } from "@/api/shapes"
import type { Option } from "@/ui/choices"
import type { StateName } from "@/ui/state-badge"
import type { Health } from "./reads"

export type Kind = Connector["type"]
export const SYSTEM: Record<Kind, string> = { zammad: "Zammad", kimai: "Kimai" }
export const ROLE: Record<Kind, string> = { zammad: "Source", kimai: "Target" }
export const KINDS: readonly Kind[] = ["zammad", "kimai"]

export const HEALTH: Record<Health["state"], { state: StateName; word: string }> = {
  ok: { state: "synced", word: "Healthy" },
  degraded: { state: "conflict", word: "Limited" },
  down: { state: "conflict", word: "Not reachable" },
  auth_failed: { state: "failed", word: "Token refused" },
  unknown: { state: "pending", word: "Not tested yet" },
}

export const host = (connector: Connector) => {
  const { host: name, pathname } = new URL(connector.base_url)
  return name + (pathname === "/" ? "" : pathname.replace(/\/$/, ""))
}

// ── Settings ────────────────────────────────────────────────────────────────

type Base = {
  key: string
  label: string
  /** What it does, and what it is when nobody set it. */
  hint: string
  /** Shown only while this holds of the values on the screen. */
  when?: (values: Record<string, unknown>) => boolean
}
export type Setting = Base &
  (
    | { as: "choice"; options: readonly Option[] }
    | { as: "switch" }
    | { as: "whole"; unit: string; min: number; max: number; nullable?: string }
    | { as: "decimal"; unit: string; min: number; max: number }
    | { as: "zone" }
    | { as: "time" }
    | { as: "text" }
    | { as: "days" }
    | { as: "unit" }
    | { as: "project" }
    | { as: "activity" }
  )
export type Group = { title: string; settings: readonly Setting[] }

const PACE: readonly Setting[] = [
  {
    key: "concurrent_requests",
    as: "whole",
    label: "Requests at the same time",
    unit: "",
    min: 1,
    max: 16,
    hint: "How many questions may be under way at once. Default 8.",
  },
  {
    key: "requests_per_second",
    as: "whole",
    label: "Requests per second",
    unit: "per second",
    min: 1,
    max: 1000,
    nullable: "as fast as it answers",
    hint: "Empty: as fast as it answers. Set it when the system must be spared.",
  },
]

export const GROUPS: Record<Kind, readonly Group[]> = {
  zammad: [
    {
      title: "Time",
      settings: [
        {
          key: "time_unit_minutes",
          as: "unit",
          label: "One unit in Zammad is",
          hint: "“As Zammad declares” reads the unit from Zammad's own settings. If Zammad declares none, entries wait until a unit is set. Written entries keep their unit.",
        },
        {
          key: "timezone",
          as: "zone",
          label: "Time zone of bookings",
          hint: "The zone in which a booking gets its work day.",
        },
        {
          key: "work_time_anchor",
          as: "choice",
          label: "Where the work lies in the day",
          options: [
            { value: "end_at_booking", label: "Ends when it was booked" },
            { value: "start_at_booking", label: "Starts when it was booked" },
            { value: "day_start_stacked", label: "One after the other from the start of the day" },
          ],
          hint: "Zammad knows how long, not when. Default: it ends when it was booked.",
        },
        {
          key: "day_start",
          as: "time",
          label: "Start of the day",
          hint: "24 hours, for example 09:00.",
          when: (values) => values.work_time_anchor === "day_start_stacked",
        },
      ],
    },
    {
      title: "Reading",
      settings: [
        {
          key: "discovery",
          as: "choice",
          label: "How bookings are found",
          options: [
            { value: "auto", label: "The best way the token may use" },
            { value: "global_list", label: "From the list of all bookings" },
            { value: "per_ticket", label: "Ticket by ticket" },
          ],
          hint: "The list of all bookings needs an administrator's token and also shows deletions.",
        },
        {
          key: "lookback",
          as: "whole",
          label: "Look back",
          unit: "minutes",
          min: 0,
          max: 10080,
          hint: "How far each run reads again behind what it has seen. Default 15.",
        },
        ...PACE,
      ],
    },
  ],
  kimai: [
    {
      title: "Customers and projects",
      settings: [
        {
          key: "project_strategy",
          as: "choice",
          label: "Project of an entry without project mapping",
          options: [
            { value: "per_ticket", label: "One project for each ticket" },
            { value: "per_organization", label: "One project for each organization" },
            { value: "fixed", label: "Always the same project" },
          ],
          hint: "Default: one project for each ticket.",
        },
        {
          key: "default_project_id",
          as: "project",
          label: "That project",
          hint: "Entries without project mapping go here; it also gives the list of activities when not only global ones are offered.",
          when: (values) =>
            values.project_strategy === "fixed" || values.use_global_activities === false,
        },
        {
          key: "auto_create_customers",
          as: "switch",
          label: "Create customers that are missing in Kimai",
          hint: "Off: entries of an unknown customer wait for you.",
        },
        {
          key: "auto_create_projects",
          as: "switch",
          label: "Create projects that are missing in Kimai",
          hint: "Off: entries without project wait for you.",
        },
        {
          key: "default_country",
          as: "text",
          label: "Country of new customers",
          hint: "Two letters. Default BE.",
          when: (values) => values.auto_create_customers === true,
        },
        {
          key: "default_currency",
          as: "text",
          label: "Currency of new customers",
          hint: "Three letters. Default EUR.",
          when: (values) => values.auto_create_customers === true,
        },
        {
          key: "default_timezone",
          as: "zone",
          label: "Time zone of new customers",
          hint: "Default Europe/Brussels.",
          when: (values) => values.auto_create_customers === true,
        },
      ],
    },
    {
      title: "Activities",
      settings: [
        {
          key: "use_global_activities",
          as: "switch",
          label: "Offer only global activities",
          hint: "Off: also those of the project above.",
        },
        {
          key: "default_activity_id",
          as: "activity",
          label: "Activity of types without mapping",
          hint: "Empty: entries of a type without mapping wait for you.",
        },
        {
          key: "ignore_unmapped_activities",
          as: "switch",
          label: "Ignore entries without mapping",
          hint: "On: they are left alone, not shown for a decision. Their time is not in Kimai.",
        },
      ],
    },
    {
      title: "Rounding",
      settings: [
        {
          key: "rounding_mode",
          as: "choice",
          label: "Direction",
          options: [
            { value: "default", label: "Begin down, end and duration up" },
            { value: "closest", label: "To the nearest, halves up" },
            { value: "floor", label: "All down" },
            { value: "ceil", label: "All up" },
          ],
          hint: "As Kimai itself names it. Applied to what is sent and to what is compared.",
        },
        ...(["begin", "end", "duration"] as const).map(
          (part): Setting => ({
            key: `round_${part}`,
            as: "whole",
            label: `Round the ${part} to`,
            unit: "minutes",
            min: 0,
            max: 1440,
            hint: "0 is off.",
          }),
        ),
        {
          key: "rounding_days",
          as: "days",
          label: "On these days",
          hint: "By the day on which the entry ends.",
        },
      ],
    },
    {
      title: "When the two sides differ",
      settings: [
        {
          key: "delete_policy",
          as: "choice",
          label: "An entry was deleted in Zammad",
          options: [
            { value: "conflict", label: "Ask me" },
            { value: "delete", label: "Delete it in Kimai" },
            { value: "keep", label: "Keep it in Kimai" },
          ],
          hint: "Exported or locked timesheets always wait for you. Default: ask.",
        },
        {
          key: "delete_limit",
          as: "whole",
          label: "Most deletions of one run",
          unit: "entries",
          min: 0,
          max: 1_000_000,
          hint: "What goes beyond waits for you. Default 20.",
          when: (values) => values.delete_policy === "delete",
        },
        {
          key: "delete_limit_percent",
          as: "decimal",
          label: "Or, where that is more",
          unit: "% of all entries",
          min: 0,
          max: 100,
          hint: "Default 5.",
          when: (values) => values.delete_policy === "delete",
        },
        {
          key: "edited_in_kimai_policy",
          as: "choice",
          label: "A timesheet was edited in Kimai",
          options: [
            { value: "conflict", label: "Ask me" },
            { value: "keep_target", label: "Keep Kimai's values" },
            { value: "overwrite", label: "Write Zammad's values again" },
          ],
          hint: "Default: ask.",
        },
      ],
    },
    {
      title: "Writing",
      settings: [
        {
          key: "entry_tag",
          as: "text",
          label: "Tag on every timesheet",
          hint: "By it people see in Kimai where a timesheet comes from. Default source:zammad.",
        },
        ...PACE,
      ],
    },
  ],
}

export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const

function choice(kind: Kind, key: string, value: unknown): string {
  for (const group of GROUPS[kind]) {
    for (const setting of group.settings) {
      if (setting.key === key && setting.as === "choice") {
        return setting.options.find((one) => one.value === value)?.label ?? String(value)
      }
    }
  }
  return String(value)
}

/** "Closest, 5 min, compared after rounding" in the words of the form. */
export function roundingWords(settings: Record<string, unknown>): string {
  const steps = (["begin", "end", "duration"] as const)
    .map((part) => [part, Number(settings[`round_${part}`] ?? 0)] as const)
    .filter(([, minutes]) => minutes > 0)
  if (steps.length === 0) return "Off"
  const same = steps.length === 3 && new Set(steps.map(([, minutes]) => minutes)).size === 1
  const what = same
    ? `${steps[0]?.[1]}\u00a0min`
    : steps.map(([part, minutes]) => `${part} ${minutes}\u00a0min`).join(", ")
  const days = settings.rounding_days
  const when =
    Array.isArray(days) && days.length < 7
      ? `, on ${days.map((day) => DAYS[Number(day)]).join(", ")}`
      : ""
  return `${choice("kimai", "rounding_mode", settings.rounding_mode)}, ${what}${when}, compared after rounding`
}

export function projectWords(settings: Record<string, unknown>): string {
  return choice("kimai", "project_strategy", settings.project_strategy)
}

export function unitWords(value: unknown, declared: string | null | undefined): string {
  if (value === null || value === undefined) {
    return declared ? `${unitName(declared)}, as Zammad declares` : "As Zammad declares"
  }
  return `${unitName(value)}, set here`
}

function unitName(value: unknown): string {
  if (value === "hour" || value === 60) return "1 hour"
  if (value === "quarter" || value === 15) return "15 minutes"
  if (value === "minute" || value === 1) return "1 minute"
  return Number.isFinite(Number(value)) ? `${value} minutes` : String(value)
}

export function readingWords(settings: Record<string, unknown>): string {
  return `${choice("zammad", "discovery", settings.discovery)}, ${settings.lookback}\u00a0min back`
}
export function anchorWords(settings: Record<string, unknown>): string {
  return choice("zammad", "work_time_anchor", settings.work_time_anchor)
}

/** Kimai's name of a role, as a person says it: ROLE_SUPER_ADMIN is "super admin". */
export function roleWords(role: string): string {
  return role
    .replace(/^ROLE_/, "")
    .replaceAll("_", " ")
    .toLowerCase()
}
