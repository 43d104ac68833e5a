import { Link, useLocation } from "react-router"
import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { connectors } from "@/app/reads"
import { useSession } from "@/app/session"
import { EmptyState } from "@/ui/bits"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { RowTh, Table, Td, Th, Tr } from "@/ui/table"

type Rule = { name: string; says: string; setting: string }
type Settings = Record<string, unknown>

/** What decides where no row of a mapping does; it is set with the connectors, and only there. */
export default function Rules() {
  const { timezone } = useSession()
  const query = useRead(connectors())
  return (
    <Panel label="Rules">
      <QueryState
        query={query}
        what="the rules of the connectors"
        zone={timezone}
        skeleton={<Skeleton className="m-4 h-96" />}
        isEmpty={(data) => data.every((one) => !one.is_active)}
        empty={
          <EmptyState title="No rules yet.">
            They come with the connectors. Connect Zammad and Kimai first.
          </EmptyState>
        }
      >
        {(data) => (
          <>
            {data
              .filter((one) => one.is_active)
              .map((one) => (
                <RulesOf key={one.id} connector={one} />
              ))}
          </>
        )}
      </QueryState>
    </Panel>
  )
}

function RulesOf({ connector }: { connector: Connector }) {
  const { search } = useLocation()
  const rules = connector.type === "kimai" ? kimaiRules(connector) : zammadRules(connector)
  return (
    <section
      aria-label={`Rules of ${connector.name}`}
      className="border-line border-b last:border-b-0"
    >
      <header className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 px-4 py-3">
        <h3 className="font-semibold text-body">
          {connector.name}
          <span className="pl-2 font-normal text-ink2 text-table">
            {connector.type === "kimai" ? "Kimai" : "Zammad"}
          </span>
        </h3>
        <Link to={{ search, hash: "connectors" }} className="link text-table">
          {`Change in the settings of ${connector.name}`}
        </Link>
      </header>
      <Table caption={`What ${connector.name} is set to`}>
        <thead>
          <tr>
            <Th className="w-64">Question</Th>
            <Th>Rule</Th>
            <Th className="max-md:hidden">Setting</Th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <Tr key={rule.setting}>
              <RowTh className="py-2">{rule.name}</RowTh>
              <Td className="py-2">{rule.says}</Td>
              <Td className="py-2 font-mono text-ink3 text-meta max-md:hidden">{rule.setting}</Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}

const YES = (value: unknown) => value === true
/** One of some words by a setting; an unknown one shows as it is. */
function chosen(words: Record<string, string>, value: unknown): string {
  return words[String(value)] ?? String(value)
}

const UNITS = { minute: "One minute.", quarter: "A quarter of an hour.", hour: "One hour." }
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

export function kimaiRules({ settings: given }: Connector): Rule[] {
  const settings = given as Settings
  const round = (name: string) => Number(settings[name] ?? 0)
  const rounded = [
    ["begin", round("round_begin")],
    ["end", round("round_end")],
    ["duration", round("round_duration")],
  ] as const
  const some = rounded.filter(([, minutes]) => minutes > 0)
  const days = Array.isArray(settings.rounding_days) ? (settings.rounding_days as number[]) : []
  return [
    {
      name: "Which project, without an own row?",
      setting: "project_strategy",
      says: chosen(
        {
          per_ticket: "One project for each ticket.",
          per_organization: "One project for each organization.",
          fixed:
            typeof settings.default_project_id === "number"
              ? `Always project ${settings.default_project_id}.`
              : "Always the same project, but none is chosen: entries wait.",
        },
        settings.project_strategy,
      ),
    },
    {
      name: "Which activity, without a mapping?",
      setting: "default_activity_id",
      says:
        typeof settings.default_activity_id === "number"
          ? `Activity ${settings.default_activity_id}.`
          : YES(settings.ignore_unmapped_activities)
            ? "None: the entry is ignored."
            : "None: the entry waits until the activity is mapped.",
    },
    {
      name: "Customer missing in Kimai?",
      setting: "auto_create_customers",
      says: YES(settings.auto_create_customers)
        ? `It is made, for ${settings.default_country}, in ${settings.default_currency}, zone ${settings.default_timezone}.`
        : "The entry waits for a decision.",
    },
    {
      name: "Project missing in Kimai?",
      setting: "auto_create_projects",
      says: YES(settings.auto_create_projects) ? "It is made." : "The entry waits for a decision.",
    },
    {
      name: "Which activities are offered?",
      setting: "use_global_activities",
      says: YES(settings.use_global_activities)
        ? "Only those that belong to no project."
        : typeof settings.default_project_id === "number"
          ? `Those that project ${settings.default_project_id} takes.`
          : "All of them.",
    },
    {
      name: "How is time rounded?",
      setting: "rounding_mode",
      says:
        some.length === 0
          ? "Not at all."
          : `${some.map(([what, minutes]) => `${what} to ${minutes}\u00a0m`).join(", ")}; ${chosen(
              {
                default: "begin down, end and duration up",
                closest: "to the nearest",
                floor: "down",
                ceil: "up",
              },
              settings.rounding_mode,
            )}${days.length < 7 ? `; on ${days.map((day) => DAYS[day]).join(", ")}` : ""}.`,
    },
    {
      name: "Deleted in Zammad?",
      setting: "delete_policy",
      says: chosen(
        {
          delete: "Its timesheet is deleted, unless it is exported or locked.",
          conflict: "A person decides.",
          keep: "Its timesheet stays.",
        },
        settings.delete_policy,
      ),
    },
    {
      name: "Edited in Kimai?",
      setting: "edited_in_kimai_policy",
      says: chosen(
        {
          conflict: "A person decides.",
          keep_target: "Kimai's values are kept.",
          overwrite: "Zammad's values are written again.",
        },
        settings.edited_in_kimai_policy,
      ),
    },
    {
      name: "How is a written timesheet marked?",
      setting: "entry_tag",
      says: `With the tag ${settings.entry_tag}.`,
    },
  ]
}

export function zammadRules({ settings: given }: Connector): Rule[] {
  const settings = given as Settings
  const unit = settings.time_unit_minutes
  return [
    {
      name: "How long is a unit of time?",
      setting: "time_unit_minutes",
      says:
        unit === null || unit === undefined
          ? "As Zammad declares it; without that, entries wait."
          : typeof unit === "string" && unit in UNITS
            ? UNITS[unit as keyof typeof UNITS]
            : `${unit}\u00a0m.`,
    },
    {
      name: "Which day does a booking belong to?",
      setting: "timezone",
      says: `That of ${settings.timezone}, unless the person has an own zone.`,
    },
    {
      name: "When was the work done?",
      setting: "work_time_anchor",
      says: chosen(
        {
          end_at_booking: "It ended when it was booked.",
          start_at_booking: "It began when it was booked.",
          day_start_stacked: `One after the other from ${settings.day_start} on.`,
        },
        settings.work_time_anchor,
      ),
    },
  ]
}
