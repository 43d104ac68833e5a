/** The settings of a system's kind; only what was changed is kept, and sent. */
import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { useMoment } from "@/app/time-machine"
import { Checkbox, Select, Switch } from "@/ui/choices"
import { Combobox } from "@/ui/combobox"
import { Field, Input } from "@/ui/field"
import { activities, projects } from "./reads"
import { DAYS, GROUPS, type Kind, type Setting } from "./words"

type Values = Record<string, unknown>

/** What the service starts with; shown for a connector that does not exist yet. */
const START: Record<Kind, Values> = {
  zammad: {
    time_unit_minutes: null,
    timezone: null,
    work_time_anchor: "end_at_booking",
    day_start: "09:00",
    discovery: "auto",
    lookback: 15,
    concurrent_requests: 8,
    requests_per_second: null,
  },
  kimai: {
    project_strategy: "per_ticket",
    default_project_id: null,
    default_activity_id: null,
    use_global_activities: true,
    ignore_unmapped_activities: false,
    auto_create_customers: true,
    auto_create_projects: true,
    default_country: "BE",
    default_currency: "EUR",
    default_timezone: "Europe/Brussels",
    rounding_mode: "default",
    round_begin: 0,
    round_end: 0,
    round_duration: 0,
    rounding_days: [0, 1, 2, 3, 4, 5, 6],
    delete_policy: "conflict",
    delete_limit: 20,
    delete_limit_percent: 5,
    edited_in_kimai_policy: "conflict",
    entry_tag: "source:zammad",
    concurrent_requests: 8,
    requests_per_second: null,
  },
}

export function SettingsForm({
  kind,
  connector,
  draft,
  onChange,
  errorOf,
}: {
  kind: Kind
  connector: Connector | undefined
  draft: Values
  onChange: (draft: Values) => void
  errorOf: (key: string) => string | undefined
}) {
  const stored: Values = connector?.settings ?? START[kind]
  const values = { ...stored, ...draft }
  const set = (key: string, value: unknown) => {
    const next = { ...draft }
    if (JSON.stringify(stored[key] ?? null) === JSON.stringify(value ?? null)) delete next[key]
    else next[key] = value
    onChange(next)
  }
  return GROUPS[kind].map((group) => (
    <fieldset key={group.title} className="grid gap-4 border-line border-t pt-5 sm:grid-cols-2">
      <legend className="float-left w-full font-semibold sm:col-span-2">{group.title}</legend>
      {group.settings
        .filter((setting) => setting.when?.(values) ?? true)
        .map((setting) => (
          <SettingField
            key={setting.key}
            setting={setting}
            value={values[setting.key]}
            error={sentence(errorOf(setting.key))}
            connector={connector}
            onChange={(value) => set(setting.key, value)}
          />
        ))}
    </fieldset>
  ))
}

function sentence(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const words = text.startsWith("must") ? `It ${text}` : text
  return /[.!?]$/.test(words) ? words : `${words}.`
}

type FieldProps = {
  setting: Setting
  value: unknown
  error: string | undefined
  connector: Connector | undefined
  onChange: (value: unknown) => void
}

function SettingField({ setting, value, error, connector, onChange }: FieldProps) {
  if (setting.as === "switch") {
    return (
      <div className="flex items-start gap-3 sm:col-span-2">
        <Switch
          aria-label={setting.label}
          aria-describedby={`${setting.key}-hint`}
          checked={value === true}
          onCheckedChange={onChange}
        />
        <div className="text-table">
          <span aria-hidden className="font-medium">
            {setting.label}
          </span>
          <p id={`${setting.key}-hint`} className="text-ink3 text-meta">
            {setting.hint}
          </p>
          {error && <p className="text-failed text-meta">{error}</p>}
        </div>
      </div>
    )
  }
  if (setting.as === "days") {
    const days = Array.isArray(value) ? value.map(Number) : []
    return (
      <fieldset className="grid gap-1.5 sm:col-span-2">
        <legend className="mb-1.5 font-medium text-table">{setting.label}</legend>
        <div className="flex flex-wrap gap-x-5 gap-y-2">
          {DAYS.map((name, day) => (
            <span key={name} className="inline-flex items-center gap-2 text-table touch:min-h-11">
              <Checkbox
                aria-label={name}
                checked={days.includes(day)}
                onCheckedChange={(on) =>
                  onChange(
                    on
                      ? [...days, day].toSorted((a, b) => a - b)
                      : days.filter((one) => one !== day),
                  )
                }
              />
              <span aria-hidden>{name}</span>
            </span>
          ))}
        </div>
        {error && <p className="text-failed text-meta">{error}</p>}
        <p className="text-ink3 text-meta">{setting.hint}</p>
      </fieldset>
    )
  }
  const wide = ["choice", "unit", "zone", "project", "activity"].includes(setting.as)
  return (
    <Field
      label={setting.label}
      hint={setting.hint}
      error={error}
      className={wide ? "sm:col-span-2" : undefined}
    >
      <Control setting={setting} value={value} connector={connector} onChange={onChange} />
    </Field>
  )
}

function Control({ setting, value, connector, onChange }: Omit<FieldProps, "error">) {
  switch (setting.as) {
    case "choice":
      return <Select value={String(value)} onChange={onChange} options={setting.options} />
    case "zone":
      return (
        <Combobox
          value={value == null ? undefined : String(value)}
          onChange={onChange}
          options={zones()}
          placeholder="The zone the page shows"
          search="Type a city or region"
        />
      )
    case "unit":
      return <Unit value={value} onChange={onChange} />
    case "project":
    case "activity":
      return <OfKimai as={setting.as} value={value} connector={connector} onChange={onChange} />
    case "whole":
    case "decimal":
      return (
        <span className="flex items-center gap-2">
          <NumberInput setting={setting} value={value} onChange={onChange} />
          {setting.unit && (
            <span className="whitespace-nowrap text-ink2 text-table">{setting.unit}</span>
          )}
        </span>
      )
    default:
      return (
        <Input
          value={value == null ? "" : String(value)}
          autoComplete="off"
          spellCheck={false}
          className="max-w-60"
          onChange={(event) => onChange(event.target.value)}
        />
      )
  }
}

/** Text, not a picker; what is no number goes to the service as typed, which says why not. */
function NumberInput({
  setting,
  value,
  onChange,
}: {
  setting: Extract<Setting, { as: "whole" | "decimal" }>
  value: unknown
  onChange: (value: unknown) => void
}) {
  const nullable = setting.as === "whole" && setting.nullable !== undefined
  return (
    <Input
      inputMode={setting.as === "whole" ? "numeric" : "decimal"}
      value={value == null ? "" : String(value)}
      placeholder={setting.as === "whole" ? setting.nullable : undefined}
      autoComplete="off"
      className="max-w-44"
      onChange={(event) => {
        const text = event.target.value.trim()
        if (text === "") onChange(nullable ? null : "")
        else onChange(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text)
      }}
    />
  )
}

const UNITS = [
  { value: "declared", label: "As Zammad declares" },
  { value: "minute", label: "1 minute" },
  { value: "quarter", label: "15 minutes" },
  { value: "hour", label: "1 hour" },
  { value: "other", label: "Another number of minutes" },
] as const
const OF_MINUTES: Record<string, string> = { "1": "minute", "15": "quarter", "60": "hour" }

function Unit({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
  const text = value == null ? "declared" : String(value)
  const name = OF_MINUTES[text] ?? text
  const chosen = UNITS.find((one) => one.value === name && name !== "other")?.value ?? "other"
  return (
    <span className="flex flex-wrap items-center gap-2">
      <Select
        className="max-w-72"
        value={chosen}
        options={UNITS}
        onChange={(next) => onChange(next === "declared" ? null : next === "other" ? "" : next)}
      />
      {chosen === "other" && (
        <span className="flex items-center gap-2">
          <Input
            id={undefined}
            aria-label="Minutes of one unit"
            inputMode="decimal"
            className="w-24"
            value={text}
            onChange={(event) => {
              const typed = event.target.value.trim()
              onChange(/^\d+(\.\d+)?$/.test(typed) ? Number(typed) : typed)
            }}
          />
          <span className="text-ink2 text-table">minutes</span>
        </span>
      )}
    </span>
  )
}

/** A project or activity of Kimai, by name; by number when Kimai cannot be asked. */
function OfKimai({
  as,
  value,
  connector,
  onChange,
}: {
  as: "project" | "activity"
  value: unknown
  connector: Connector | undefined
  onChange: (value: unknown) => void
}) {
  const { asOf } = useMoment()
  const asked = connector !== undefined && asOf === null
  const id = connector?.id ?? 0
  const listed = useRead(projects(id), { enabled: asked && as === "project" })
  const offered = useRead(activities(id), { enabled: asked && as === "activity" })
  const query = as === "project" ? listed : offered
  if (!asked || query.isError) {
    return (
      <span className="grid gap-1">
        <Input
          inputMode="numeric"
          className="max-w-44"
          placeholder="none"
          value={value == null ? "" : String(value)}
          onChange={(event) => {
            const text = event.target.value.trim()
            onChange(text === "" ? null : /^\d+$/.test(text) ? Number(text) : text)
          }}
        />
        <span className="text-ink2 text-meta">
          {query.isError
            ? `Kimai's list could not be loaded: ${query.error.sentence} Enter its number.`
            : "Its number in Kimai; after it is connected you can choose by name."}
        </span>
      </span>
    )
  }
  const rows = (query.data ?? []) as { id: number; name: string; customer_name?: string | null }[]
  const none = { value: "none", label: as === "project" ? "No project" : "None: they wait" }
  const options = rows.map((one) => ({
    value: String(one.id),
    label: one.name,
    ...(one.customer_name ? { hint: one.customer_name } : {}),
  }))
  const known = value == null || options.some((one) => one.value === String(value))
  return (
    <Combobox
      value={value == null ? "none" : String(value)}
      onChange={(next) => onChange(next === "none" ? null : Number(next))}
      options={[
        none,
        ...(known ? [] : [{ value: String(value), label: `Number ${String(value)}` }]),
        ...options,
      ]}
      placeholder={query.isPending ? "Loading…" : "Choose…"}
      search={as === "project" ? "Type a project or customer" : "Type an activity"}
    />
  )
}

let every: { value: string; label: string }[] | undefined
function zones() {
  every ??= [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])].map((value) => ({
    value,
    label: value,
  }))
  return every
}
