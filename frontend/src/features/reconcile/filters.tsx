/** Search and filter of the list; both live in the URL, so that a link shows the same rows. */
import { ListFilter, SearchIcon, X } from "lucide-react"
import { type FormEvent, type RefObject, useState } from "react"
import { useUrlParams } from "@/app/url-state"
import { useTyped } from "@/app/use-typed"
import { Kbd } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Select } from "@/ui/choices"
import { Field, Input } from "@/ui/field"
import { formatDay } from "@/ui/format"
import { Popover } from "@/ui/menu"
import { type Filters, KNOWN_FILTERS, type TabId } from "./reads"
import { isReason, REASONS } from "./words"

const PAUSE = 250 // ms after the last letter

export function Search({
  tab,
  label,
  field,
}: {
  tab: TabId
  label: string
  field: RefObject<HTMLInputElement | null>
}) {
  const { params, set } = useUrlParams()
  const kept = params.get("reconcile.q") ?? ""
  const [text, setText] = useTyped(kept, (q) => set({ "reconcile.q": q }), { pause: PAUSE })
  const possible = KNOWN_FILTERS[tab].includes("q")
  return (
    <div className="relative min-w-0 max-sm:flex-1 sm:w-58">
      <SearchIcon
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-ink3"
      />
      <Input
        ref={field}
        type="text"
        role="searchbox"
        aria-label="Search in Reconcile"
        aria-keyshortcuts="/"
        placeholder={possible ? "Ticket, customer, person…" : `No search in ${label}`}
        disabled={!possible}
        maxLength={200}
        value={possible ? text : ""}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && text !== "") {
            event.preventDefault()
            setText("")
          }
        }}
        className="pr-9 pl-8"
      />
      {text === "" && possible && (
        <Kbd
          keys="/"
          className="pointer-events-none absolute top-1/2 right-2 -translate-y-1/2 touch:hidden"
        />
      )}
    </div>
  )
}

/** The filters of a tab that are on, each as a person reads it. */
export function active(tab: TabId, filters: Filters): { name: keyof Filters; text: string }[] {
  return KNOWN_FILTERS[tab].flatMap((name) => {
    const value = filters[name]
    return value === null ? [] : [{ name, text: told(name, value) }]
  })
}

function told(name: keyof Filters, value: string): string {
  switch (name) {
    case "q":
      return `“${value}”`
    case "reason":
      return isReason(value) ? REASONS[value].title : value
    case "person":
      return `Person ${value}`
    case "customer":
      return `Customer ${value}`
    case "from":
      return `From ${formatDay(value)}`
    case "to":
      return `Until ${formatDay(value)}`
    case "kind":
      return value === "entry" ? "Time entries" : "Webhook deliveries"
  }
}

const ALL = "all"

export function FilterButton({ tab, filters }: { tab: TabId; filters: Filters }) {
  const [open, setOpen] = useState(false)
  const fields = KNOWN_FILTERS[tab].filter((one) => one !== "q")
  const on = active(tab, filters).filter((one) => one.name !== "q").length
  if (fields.length === 0) {
    return (
      <Button icon={<ListFilter aria-hidden />} disabledReason="There is no filter for this tab.">
        Filter
      </Button>
    )
  }
  return (
    <Popover
      label="Filter"
      align="end"
      open={open}
      onOpenChange={setOpen}
      className="w-80"
      trigger={
        <Button icon={<ListFilter aria-hidden />}>
          Filter{on > 0 && <span className="font-normal text-ink2">{`${on} on`}</span>}
        </Button>
      }
    >
      <FilterForm key={tab} fields={fields} filters={filters} done={() => setOpen(false)} />
    </Popover>
  )
}

function FilterForm({
  fields,
  filters,
  done,
}: {
  fields: readonly (keyof Filters)[]
  filters: Filters
  done: () => void
}) {
  const { set } = useUrlParams()
  const [wish, setWish] = useState<Partial<Record<keyof Filters, string>>>(() =>
    Object.fromEntries(fields.map((name) => [name, filters[name] ?? ""])),
  )
  const [errors, setErrors] = useState<Partial<Record<keyof Filters, string>>>({})
  const change = (name: keyof Filters) => (value: string) =>
    setWish((before) => ({ ...before, [name]: value === ALL ? "" : value }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wrong: typeof errors = {}
    for (const name of ["from", "to"] as const) {
      const day = wish[name]
      if (day && !(/^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day))))
        wrong[name] = "Write a day as 2026-11-30."
    }
    if (!wrong.from && !wrong.to && wish.from && wish.to && wish.from > wish.to)
      wrong.to = "The last day is before the first."
    setErrors(wrong)
    if (Object.keys(wrong).length > 0) return
    set(Object.fromEntries(fields.map((name) => [`reconcile.${name}`, wish[name]?.trim() || null])))
    done()
  }
  const reasons = Object.entries(REASONS).map(([value, { title }]) => ({ value, label: title }))
  return (
    <form onSubmit={submit} className="grid gap-3">
      {fields.includes("reason") && (
        <Field label="Why it waits">
          <Select
            value={wish.reason || ALL}
            onChange={change("reason")}
            options={[{ value: ALL, label: "Every reason" }, ...reasons]}
          />
        </Field>
      )}
      {fields.includes("kind") && (
        <Field label="What">
          <Select
            value={wish.kind || ALL}
            onChange={change("kind")}
            options={[
              { value: ALL, label: "Everything" },
              { value: "entry", label: "Time entries" },
              { value: "delivery", label: "Webhook deliveries" },
            ]}
          />
        </Field>
      )}
      {(["person", "customer"] as const)
        .filter((name) => fields.includes(name))
        .map((name) => (
          <Field key={name} label={name === "person" ? "Person" : "Customer"}>
            <Input
              value={wish[name] ?? ""}
              maxLength={200}
              placeholder="A part of the name"
              onChange={(event) => change(name)(event.target.value)}
            />
          </Field>
        ))}
      {fields.includes("from") && (
        <div className="grid grid-cols-2 gap-3">
          {(["from", "to"] as const).map((name) => (
            <Field
              key={name}
              label={name === "from" ? "First day" : "Last day"}
              error={errors[name]}
            >
              <Input
                value={wish[name] ?? ""}
                inputMode="numeric"
                placeholder="2026-11-01"
                onChange={(event) => change(name)(event.target.value)}
              />
            </Field>
          ))}
        </div>
      )}
      <div className="flex justify-end gap-2 pt-1">
        <Button
          look="ghost"
          onClick={() => {
            set(Object.fromEntries(fields.map((name) => [`reconcile.${name}`, null])))
            done()
          }}
        >
          Clear
        </Button>
        <Button look="primary" type="submit">
          Apply
        </Button>
      </div>
    </form>
  )
}

/** What the list is narrowed by; each can be taken off. */
export function Chips({ tab, filters }: { tab: TabId; filters: Filters }) {
  const { set } = useUrlParams()
  const on = active(tab, filters)
  if (on.length === 0) return null
  return (
    <ul aria-label="Filters that are on" className="flex flex-wrap gap-2 pb-3">
      {on.map(({ name, text }) => (
        <li key={name}>
          <Button
            size="small"
            onClick={() => set({ [`reconcile.${name}`]: null })}
            aria-label={`Take off the filter ${text}`}
          >
            {text}
            <X aria-hidden />
          </Button>
        </li>
      ))}
    </ul>
  )
}
