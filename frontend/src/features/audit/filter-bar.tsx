import { ListFilter, X } from "lucide-react"
import { useId, useState } from "react"
import { useTyped } from "@/app/use-typed"
import { Button, IconButton } from "@/ui/button"
import { type Option, Select } from "@/ui/choices"
import { cn } from "@/ui/cn"
import { Combobox } from "@/ui/combobox"
import { Field, Input } from "@/ui/field"
import { dayBegins } from "@/ui/wall-time"
import { SERVICES, shortLink } from "./line"
import { ICONS } from "./marks"
import { ACTORS, type Filters, type Name } from "./use-filters"
import { ACTIONS, actionLabel, EVENTS, GROUPS, type Group, told } from "./words"

const ALL = "all"
const byLabel = (one: Option, other: Option) => one.label.localeCompare(other.label)
const TYPES: readonly Option[] = [
  { value: ALL, label: "Every event" },
  ...Object.entries(EVENTS)
    .map(([value, { label, group }]) => ({ value, label, hint: GROUPS[group] }))
    .toSorted(byLabel),
]
const BY: readonly Option[] = [
  { value: ALL, label: "Everyone" },
  ...ACTORS.map((value) => ({ value, label: SERVICES[value] ?? "People" })),
]
const ACTION_OPTIONS: readonly Option[] = [
  { value: ALL, label: "Every action" },
  ...Object.entries(ACTIONS)
    .map(([value, { type }]) => ({
      value,
      label: actionLabel(value),
      hint: GROUPS[told(type).group],
    }))
    .toSorted(byLabel),
]
const KINDS = [
  { value: ALL, label: "All" },
  { value: "sync", label: "Runs" },
  { value: "access", label: "Not runs" },
] as const

/** Of the ledger: a way to a number, kinds at a press, and what, by whom and when behind a button. */
export function EventFilters({ filters }: { filters: Filters }) {
  const { given, groups, events, change } = filters
  const more = [given.type, events.actor, events.from, events.to].filter(Boolean).length
  const [open, setOpen] = useState(more > 0)
  const id = useId()
  const toggle = (group: Group) => {
    const next = groups.includes(group) ? groups.filter((one) => one !== group) : [...groups, group]
    change({ groups: next.join(",") || null, type: null })
  }
  return (
    <div
      role="search"
      aria-label="Filter events"
      className="grid gap-3 border-line border-b px-4 py-3"
    >
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        <GoTo filters={filters} />
        <Button
          look="ghost"
          icon={<ListFilter aria-hidden />}
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
        >
          {more === 0 ? "More filters" : `More filters, ${more} set`}
        </Button>
        {filters.filtered && (
          <Button look="ghost" onClick={filters.clear}>
            Clear filters
          </Button>
        )}
        <fieldset className="flex flex-wrap gap-1.5">
          <legend className="sr-only">Kinds of events</legend>
          {Object.entries(GROUPS).map(([name, label]) => {
            const group = name as Group
            const Icon = ICONS[group]
            return (
              <Button
                key={group}
                icon={<Icon aria-hidden className="text-ink3" />}
                aria-pressed={groups.includes(group)}
                onClick={() => toggle(group)}
                className="px-2.5 font-normal text-ink2 aria-pressed:border-ink aria-pressed:bg-hover aria-pressed:font-medium aria-pressed:text-ink"
              >
                {label}
              </Button>
            )
          })}
        </fieldset>
      </div>
      <div id={id} hidden={!open} className="flex flex-wrap items-end gap-3 [&[hidden]]:hidden">
        <Choice
          label="By"
          value={events.actor}
          options={BY}
          onChange={(by) => change({ by })}
          className="w-40"
        />
        <TextFilter filters={filters} name="from" label="From day" placeholder="2026-11-02" day />
        <TextFilter filters={filters} name="to" label="To day" placeholder="2026-11-28" day />
        <Choice
          of={Combobox}
          label="What happened"
          value={given.type}
          options={TYPES}
          onChange={(type) => change({ type, groups: null })}
          className="w-60"
        />
      </div>
      <Chips filters={filters} names={["stream", "correlation"]} />
    </div>
  )
}

/** Of the audit log: who, what, when, which thing, from where. */
export function AuditFilters({ filters }: { filters: Filters }) {
  const { given, audit, change } = filters
  return (
    <div
      role="search"
      aria-label="Filter the audit log"
      className="grid gap-3 border-line border-b px-4 py-3"
    >
      <div className="flex flex-wrap items-end gap-3">
        <TextFilter filters={filters} name="user" label="Who" placeholder="Name or action" />
        <Choice
          of={Combobox}
          label="What"
          value={given.action}
          options={ACTION_OPTIONS}
          onChange={(action) => change({ action })}
          className="w-52"
        />
        <Choice
          label="Kind"
          value={audit.action_type}
          options={KINDS}
          onChange={(kind) => change({ kind })}
          className="w-36"
        />
        <TextFilter filters={filters} name="from" label="From day" placeholder="2026-11-02" day />
        <TextFilter filters={filters} name="to" label="To day" placeholder="2026-11-28" day />
        <TextFilter
          filters={filters}
          name="entity"
          label="Thing"
          placeholder="connector:1"
          narrow
        />
        <TextFilter
          filters={filters}
          name="address"
          label="Address"
          placeholder="10.0.0.7"
          narrow
        />
        {filters.filtered && (
          <Button look="ghost" onClick={filters.clear}>
            Clear filters
          </Button>
        )}
      </div>
      <Chips filters={filters} names={["run", "correlation"]} />
    </div>
  )
}

/** One of several, or all: then nothing is filtered. */
function Choice({
  of: Control = Select,
  label,
  value,
  options,
  onChange,
  className,
}: {
  of?: typeof Select<string> | typeof Combobox<string>
  label: string
  value: string | undefined
  options: readonly Option[]
  onChange: (value: string | null) => void
  className: string
}) {
  return (
    <div className="grid gap-1.5 max-sm:w-full">
      <span aria-hidden className="font-medium text-table">
        {label}
      </span>
      <Control
        aria-label={label}
        value={value || ALL}
        options={options}
        onChange={(chosen) => onChange(chosen === ALL ? null : chosen)}
        className={cn(className, "max-sm:w-full")}
      />
    </div>
  )
}

const WAIT = 400 // ms after the last letter before the list is asked for anew

function TextFilter({
  filters,
  name,
  label,
  placeholder,
  day = false,
  narrow = false,
}: {
  filters: Filters
  name: Name
  label: string
  placeholder: string
  day?: boolean
  narrow?: boolean
}) {
  const { given, change } = filters
  const may = (typed: string) => !day || typed === "" || dayBegins(typed, "UTC") !== null
  const [text, setText] = useTyped(given[name], (typed) => change({ [name]: typed || null }), {
    pause: WAIT,
    may,
  })
  const wrong = !may(text.trim())
  return (
    <Field
      label={label}
      error={wrong && text.length >= 10 ? "A day is written 2026-11-02." : undefined}
      className={day || narrow ? "w-30 max-sm:w-full" : "w-40 max-sm:w-full"}
    >
      <Input
        value={text}
        placeholder={placeholder}
        maxLength={100}
        onChange={(event) => setText(event.target.value)}
      />
    </Field>
  )
}

const CHIPS: Partial<Record<Name, (value: string) => string>> = {
  stream: (value) => `Stream ${value}`,
  correlation: (value) => `Operation ${shortLink(value)}`,
  run: (value) => `Run #${value}`,
}

function Chips({ filters, names }: { filters: Filters; names: Name[] }) {
  const shown = names.filter((name) => filters.given[name] !== "")
  if (shown.length === 0) return null
  return (
    <ul className="flex flex-wrap gap-2">
      {shown.map((name) => {
        const said = CHIPS[name]?.(filters.given[name]) ?? filters.given[name]
        return (
          <li
            key={name}
            className="flex h-7 items-center gap-1 rounded-badge bg-accent-soft pl-2.5 text-table"
          >
            <span className="max-w-72 truncate">{`Only ${said}`}</span>
            <IconButton
              size="small"
              label={`Remove: ${said}`}
              onClick={() => filters.change({ [name]: null })}
            >
              <X aria-hidden />
            </IconButton>
          </li>
        )
      })}
    </ul>
  )
}

/** A number leads to that event, a stream or an operation shows only what belongs to it. */
function GoTo({ filters }: { filters: Filters }) {
  const [text, setText] = useState("")
  const [error, setError] = useState<string>()
  const id = useId()
  const go = () => {
    const asked = text.trim().replace(/^#/, "")
    const number = asked.replaceAll(/[ ,.]/g, "")
    if (asked === "") return
    if (/^\d{1,15}$/.test(number)) filters.change({ event: number })
    else if (/^run-\d+$|^[0-9a-f]{32}$/.test(asked)) filters.change({ correlation: asked })
    else if (/^[a-z][a-z-]*(-[\w.-]+)?$/.test(asked)) filters.change({ stream: asked })
    else {
      setError("Type a number such as 48210, a stream such as connector-1, or run-118.")
      return
    }
    setError(undefined)
    setText("")
  }
  return (
    <form
      className="w-72 max-sm:w-full"
      onSubmit={(event) => {
        event.preventDefault()
        go()
      }}
    >
      <input
        aria-label="Event number, stream or operation"
        aria-describedby={error && `${id}-error`}
        aria-invalid={error !== undefined || undefined}
        placeholder="Number, stream or run-118, then Enter"
        value={text}
        maxLength={200}
        onChange={(event) => {
          setText(event.target.value)
          setError(undefined)
        }}
        className="h-8 w-full rounded-control border border-control bg-surface px-2.5 text-ink text-table aria-invalid:border-failed touch:min-h-11"
      />
      {error && (
        <p id={`${id}-error`} role="alert" className="pt-1 text-failed text-meta">
          {error}
        </p>
      )}
    </form>
  )
}
