/** Field by field: Zammad, Kimai now, Kimai after. Equal is quiet; what differs is marked on both. */
import type { ReactNode } from "react"
import type { Entry, RowDetail } from "@/api/shapes"
import { DiffValue, Minutes } from "@/ui/bits"
import { cn } from "@/ui/cn"
import { formatInstant, formatMinutes } from "@/ui/format"
import { Skeleton } from "@/ui/panel"
import type { After, Values } from "./after"
import type { Names } from "./model"

type Column = Values | null
type Shown = {
  name: string
  differs: boolean
  by: string | null
  zammad: ReactNode
  kimai: ReactNode
  after: (values: Values) => ReactNode
  /** As it is read aloud. */
  spoken: [string, string]
}

const BY = {
  source: "changed in Zammad",
  target: "changed in Kimai",
  both: "changed on both sides",
} as const

export function fieldsOf(
  detail: RowDetail,
  entry: Entry | undefined,
  names: Names,
  zone: string,
): Shown[] {
  const source = detail.source as Column
  const target = detail.target as Column
  const { item } = detail
  const changed = new Map(detail.fields.map((one) => [one.field, one]))
  const look = (...fields: string[]) => {
    const found = fields.flatMap((field) => changed.get(field) ?? [])
    // Nobody asked for a value: Kimai decides, and that is no difference.
    const unequal = found.filter(
      (one) => one.source !== null && JSON.stringify(one.source) !== JSON.stringify(one.target),
    )
    const by = found.find((one) => one.changed_by)?.changed_by ?? null
    const differs = unequal.length > 0 && source !== null && target !== null
    return { differs, by: differs ? by && BY[by] : null }
  }
  const when = (values: Column | undefined): string | null => {
    const begin = values?.begin
    const end = values?.end
    if (typeof begin !== "string") return null
    const time = (at: string) => formatInstant(at, "time", zone)
    const until = typeof end === "string" ? `–${time(end)}` : ""
    return `${formatInstant(begin, "day", zone)}, ${time(begin)}${until}`
  }
  const same = (field: keyof Values) =>
    source !== null && target !== null && source[field] === target[field]
  const person = (id: unknown): string | null => {
    if (typeof id !== "number") return null
    if (target !== null && id === target.user_id) return kimaiPerson
    if (source !== null && id === source.user_id) return item.source?.user ?? `Person ${id}`
    return names.people.get(id) ?? `Person ${id}`
  }
  const activity = (id: unknown): string | null => {
    if (typeof id !== "number") return null
    if (target !== null && id === target.activity_id)
      return item.target?.activity ?? `Activity ${id}`
    return names.activities.get(id) ?? `Activity ${id}`
  }
  const project = (id: unknown): string | null => {
    if (typeof id !== "number") return null
    const known = entry?.target?.project_id === id ? entry.project_name : null
    return known ?? `Project ${id}`
  }
  // The same person on both sides has one name, also where nobody told how Kimai calls them.
  const kimaiPerson =
    (same("user_id") && item.target?.user.startsWith("Unknown")
      ? item.source?.user
      : item.target?.user) ?? "Unknown person"
  const minutes = (value: unknown) =>
    typeof value === "number" ? <Minutes value={value} /> : NOT_KNOWN
  const spokenMinutes = (value: unknown) =>
    typeof value === "number" ? `${value} minutes` : "not known"
  const text = (value: string | null | undefined) => value || NOT_KNOWN
  const booked = item.source?.startedAt
    ? formatInstant(item.source.startedAt, "day-time", zone)
    : entry?.entry_date
  return [
    {
      name: "Duration",
      ...look("minutes"),
      zammad: minutes(source?.minutes ?? item.source?.minutes),
      kimai: minutes(target?.minutes),
      after: (values) => (
        <>
          {minutes(values.minutes)}
          {typeof values.minutes === "number" &&
            typeof target?.minutes === "number" &&
            values.minutes !== target.minutes && (
              <span className="pl-1.5 font-normal text-ink2">
                {formatMinutes(values.minutes - target.minutes, { signed: true })}
              </span>
            )}
        </>
      ),
      spoken: [spokenMinutes(source?.minutes), spokenMinutes(target?.minutes)],
    },
    {
      name: "Activity",
      ...look("activity_id"),
      zammad: text(item.source?.activity),
      kimai: text(item.target?.activity),
      after: (values) => text(activity(values.activity_id)),
      spoken: [item.source?.activity ?? "none", item.target?.activity ?? "none"],
    },
    {
      name: "Person",
      ...look("user_id"),
      zammad: text(item.source?.user),
      kimai: text(item.target ? kimaiPerson : null),
      after: (values) => text(person(values.user_id)),
      spoken: [item.source?.user ?? "none", kimaiPerson],
    },
    {
      name: "Day and time",
      ...look("begin"), // another length alone shows under Duration
      zammad: text(when(source) ?? booked),
      kimai: text(when(target)),
      after: (values) => text(when(values)),
      spoken: [when(source) ?? "not known", when(target) ?? "not known"],
    },
    {
      name: "Project",
      ...look("project_id"),
      zammad: text(
        typeof source?.project_id === "number" ? project(source.project_id) : entry?.customer_name,
      ),
      kimai: text(project(target?.project_id)),
      after: (values) => text(project(values.project_id)),
      spoken: [project(source?.project_id) ?? "none", project(target?.project_id) ?? "none"],
    },
    {
      name: "Description",
      ...look("description"),
      zammad: text(item.source?.description),
      kimai: text(item.target?.description),
      after: (values) =>
        text(typeof values.description === "string" ? plainDescription(values.description) : null),
      spoken: [item.source?.description || "empty", item.target?.description || "empty"],
    },
    ...(look("billable").differs
      ? [
          {
            name: "Billable",
            ...look("billable"),
            zammad: source?.billable ? "Yes" : "No",
            kimai: target?.billable ? "Yes" : "No",
            after: (values: Values) => (values.billable ? "Yes" : "No"),
            spoken: [source?.billable ? "yes" : "no", target?.billable ? "yes" : "no"] as [
              string,
              string,
            ],
          },
        ]
      : []),
  ]
}

const NOT_KNOWN = <span className="text-ink3">–</span>

/** Without the line by which the service knows its own timesheets. */
function plainDescription(text: string): string {
  return text.replace(/\n?Zammad #\S+ TL-\S+$/, "")
}

export function Compare({
  fields,
  detail,
  after,
  heads,
}: {
  fields: readonly Shown[]
  detail: RowDetail
  /** Undefined while it is asked for. */
  after: After | null | undefined
  heads: { zammad: ReactNode; kimai: ReactNode; after: ReactNode }
}) {
  const hasZammad = detail.item.source != null
  const hasKimai = detail.target !== null
  return (
    <div className="overflow-clip rounded-panel border border-line">
      <table className="w-full table-fixed border-collapse text-left text-table">
        <caption className="sr-only">Both sides, and Kimai after the decision</caption>
        <colgroup>
          <col className="w-24 sm:w-28" />
          <col />
          <col />
          <col className="max-sm:hidden" />
        </colgroup>
        <thead>
          <tr className="bg-sunken align-top">
            <td className="border-line border-b" />
            <Head>{heads.zammad}</Head>
            <Head>{heads.kimai}</Head>
            <Head className="border-line border-l bg-surface max-sm:hidden">{heads.after}</Head>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field.name} className="border-line border-b align-top last:border-b-0">
              <th scope="row" className="py-1.5 pr-2 pl-3 font-normal text-ink2">
                {field.name}
              </th>
              <td className="px-2 py-1.5 [overflow-wrap:anywhere]">
                {hasZammad ? (
                  <DiffValue
                    side="zammad"
                    differs={field.differs}
                    className={cn(!field.differs && "text-ink")}
                    spoken={`${field.name}: Zammad ${field.spoken[0]}, Kimai ${field.spoken[1]}, differs`}
                  >
                    {field.zammad}
                  </DiffValue>
                ) : (
                  NOT_KNOWN
                )}
              </td>
              <td className="px-2 py-1.5 [overflow-wrap:anywhere]">
                {hasKimai ? (
                  <>
                    <DiffValue
                      side="kimai"
                      differs={field.differs}
                      className={cn(!field.differs && "text-ink")}
                    >
                      {field.kimai}
                    </DiffValue>
                    {field.by && <span className="block text-ink2 text-meta">{field.by}</span>}
                  </>
                ) : (
                  NOT_KNOWN
                )}
              </td>
              <td className="border-line border-l px-2 py-1.5 font-medium [overflow-wrap:anywhere] max-sm:hidden">
                <AfterValue field={field} after={after} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Head({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <th scope="col" className={cn("border-line border-b px-2 py-2 font-normal", className)}>
      {children}
    </th>
  )
}

function AfterValue({ field, after }: { field: Shown; after: After | null | undefined }) {
  if (after === undefined) return <Skeleton className="my-0.5 h-4 w-3/4" />
  if (after === null || after.is === "deleted") return NOT_KNOWN
  if (after.values === null) return NOT_KNOWN
  return <>{field.after(after.values)}</>
}
