import { type FormEvent, useId, useRef, useState } from "react"
import type { AuditLog } from "@/api/shapes"
import { Button } from "@/ui/button"
import { type Option, RadioGroup, Select, Switch } from "@/ui/choices"
import { Combobox } from "@/ui/combobox"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { formatInstant } from "@/ui/format"
import { CommandError } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { continuing, useAct } from "./acts"
import { type Amount, type Difference, differencesOf, type Start } from "./lines"
import {
  BOOKS,
  type Complete,
  type Draft,
  draftOf,
  type Kind,
  type Noun,
  type Row,
  SOURCE_KINDS,
  type Source,
  type SourceKind,
  sourceName,
  type Target,
  targetName,
} from "./model"
import { type PeerState, sourceNoun, usePair, usePeer } from "./peers"
import type { Choice } from "./reads"

type Props = {
  kind: Kind
  start: Start
  /** As they are now: what somebody else does meanwhile shows in the open form. */
  rows: readonly Row[]
  changes: Map<number, AuditLog> | undefined
  waitingFor: (source: Source) => Amount
  known: { sources: readonly Source[]; targets: readonly Target[] }
  zone: string
  onClose: () => void
  onSaved: () => void
  /** Of a review: where it stands, and how to leave one out. */
  review?: { at: number; of: number; onSkip: () => void }
}

const EMPTY: Draft = { source: null, targets: [], isActive: true, billable: null, timezone: null }
const TARGET_LISTS: Record<Kind, readonly Noun[]> = {
  activities: ["activities"],
  users: ["users"],
  projects: ["customers", "projects"],
}

export default function EditMapping(props: Props) {
  const { kind, start, rows, changes, waitingFor, known, zone, onClose, onSaved, review } = props
  const book = BOOKS[kind]
  const form = useId()
  const body = useRef<HTMLFormElement>(null)
  const [base, setBase] = useState(start.row)
  const [draft, setDraft] = useState<Draft>(() =>
    start.row ? draftOf(start.row) : { ...EMPTY, source: start.source, targets: start.targets },
  )
  const [asked, setAsked] = useState(false)
  const { zammad, kimai } = usePair()
  const sources = usePeer("Zammad", zammad, sourceNoun(kind, draft.source?.kind), true)
  const lists = {
    first: usePeer("Kimai", kimai, TARGET_LISTS[kind][0] ?? "activities", true),
    second: usePeer("Kimai", kimai, TARGET_LISTS[kind][1] ?? "projects", kind === "projects"),
  }
  const save = useAct(kind, {
    waited: (act) => (act.do === "remove" ? NONE : amountFor(act.draft, waitingFor)),
    onDone: onSaved,
  })
  const now = base === null ? null : (rows.find((one) => one.id === base.id) ?? "removed")
  const moved = base !== null && now !== null && (now === "removed" || now.version !== base.version)
  const errors = asked ? missing(kind, draft) : {}
  const change = (some: Partial<Draft>) => setDraft((one) => ({ ...one, ...some }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    if (save.isPending) return
    if (Object.keys(missing(kind, draft)).length > 0) {
      // After the errors stand at their fields: the first one gets the focus.
      requestAnimationFrame(() =>
        body.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(),
      )
      return
    }
    const whole = draft as Complete
    if (base === null || now === "removed") save.mutate({ do: "add", draft: whole })
    else save.mutate({ do: "change", row: now ?? base, draft: whole })
  }
  const title = base
    ? `Edit the mapping of ${sourceName(kind, base.source)}`
    : start.source && (kind !== "projects" || start.source.name !== "")
      ? `Map ${sourceName(kind, start.source)}`
      : "Add mapping"
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      returnTo={selectedTab}
      description={
        review ? `${review.at} of ${review.of} to review` : "Applies to entries not yet in Kimai."
      }
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">{review ? "Stop" : "Cancel"}</Button>
          </DialogClose>
          {review && (
            <Button look="ghost" onClick={review.onSkip}>
              Skip
            </Button>
          )}
          <Button look="primary" type="submit" form={form} busy={save.isPending}>
            {moved
              ? now === "removed"
                ? "Add it again"
                : "Save mine instead"
              : base
                ? "Save"
                : "Save mapping"}
          </Button>
        </>
      }
    >
      <form id={form} ref={body} noValidate className="grid gap-4" onSubmit={submit}>
        {moved && base && (
          <Moved
            kind={kind}
            base={base}
            now={now === "removed" ? null : now}
            last={changes?.get(base.id)}
            zone={zone}
            onTake={(row) => {
              setBase(row)
              setDraft(draftOf(row))
              save.reset()
            }}
          />
        )}
        {kind === "projects" && (
          <Field label="What of the ticket decides">
            <Select<SourceKind>
              value={draft.source?.kind ?? "organization"}
              onChange={(next) => change({ source: { id: null, name: "", kind: next } })}
              options={Object.entries(SOURCE_KINDS).map(([value, label]) => ({
                value: value as SourceKind,
                label,
              }))}
            />
          </Field>
        )}
        <PeerPick
          label={kind === "projects" ? sourceLabel(draft.source?.kind) : book.sourceHead}
          peer={sources}
          known={known.sources
            .filter((one) => (one.kind ?? null) === (draft.source?.kind ?? one.kind ?? null))
            .map(asChoice)}
          value={draft.source ? (chosenSource(kind, draft.source) ?? undefined) : undefined}
          nothing={
            kind === "activities"
              ? "Entries without activity"
              : kind === "users"
                ? "Everyone without a row"
                : undefined
          }
          error={errors.source}
          onChange={(one) => {
            const sourceKind = kind === "projects" ? (draft.source?.kind ?? "organization") : null
            change({
              source: {
                id: one?.id ?? null,
                name: one?.name ?? "",
                ...(kind === "users" ? { email: one?.hint ?? null } : {}),
                ...(sourceKind ? { kind: sourceKind } : {}),
              },
            })
          }}
        />
        {TARGET_LISTS[kind].map((list, index) => (
          <PeerPick
            key={list}
            label={kind === "projects" ? TARGET_LABELS[list] : book.targetHead}
            optional={kind === "projects"}
            nothing={kind === "projects" ? "None" : undefined}
            peer={index === 0 ? lists.first : lists.second}
            known={known.targets.filter((one) => one.list === list).map(asChoice)}
            value={asValue(draft.targets.find((one) => one.list === list))}
            error={index === 0 ? errors.target : undefined}
            onChange={(one) =>
              change({
                targets: [
                  ...draft.targets.filter((other) => other.list !== list),
                  ...(one ? [{ list, id: one.id, name: one.name }] : []),
                ],
              })
            }
          />
        ))}
        {kind === "activities" && (
          <fieldset className="grid gap-1.5">
            <legend className="mb-1.5 font-medium text-table">Billable</legend>
            <RadioGroup
              aria-label="Billable"
              className="grid-cols-3 max-sm:grid-cols-1"
              value={String(draft.billable)}
              onChange={(next) => change({ billable: next === "null" ? null : next === "true" })}
              options={[
                { value: "null", label: "Kimai decides" },
                { value: "true", label: "Billable" },
                { value: "false", label: "Not billable" },
              ]}
            />
          </fieldset>
        )}
        {kind === "users" && (
          <Field
            label="Time zone"
            optional
            hint="In which this person's bookings get their day. Empty: that of the Zammad connector."
          >
            <Combobox
              value={draft.timezone ?? ""}
              onChange={(next) => change({ timezone: next || null })}
              options={ZONES}
              search="Type a city"
            />
          </Field>
        )}
        {base && (
          <label htmlFor={`${form}-on`} className="flex items-center gap-3 text-table">
            <Switch
              id={`${form}-on`}
              checked={draft.isActive}
              onCheckedChange={(isActive) => change({ isActive })}
            />
            Used for new entries
          </label>
        )}
        <Effect kind={kind} base={base} draft={draft} waitingFor={waitingFor} />
        {!(moved && save.error?.code === "stale_version") && <CommandError error={save.error} />}
      </form>
    </Dialog>
  )
}

/** The line that opened it may be gone by then: it was mapped. */
const selectedTab = () =>
  document.querySelector<HTMLElement>("#mappings [role=tab][aria-selected=true]")

const NONE: Amount = { entries: 0, minutes: 0 }
const TARGET_LABELS: Record<Noun, string> = {
  customers: "Customer in Kimai",
  projects: "Project in Kimai",
  activities: "Activity in Kimai",
  users: "User in Kimai",
}
const ZONES: readonly Option[] = [
  { value: "", label: "As the connector" },
  ...Intl.supportedValuesOf("timeZone").map((zone) => ({ value: zone, label: zone })),
]

const sourceLabel = (kind: SourceKind = "organization") => `${SOURCE_KINDS[kind]} in Zammad`

function asChoice(one: { id: number | null; name: string }): Choice {
  return { id: one.id ?? 0, name: one.name, active: true }
}

function asValue(one: Target | undefined): Picked | undefined {
  return one && { id: one.id, name: one.name || targetName(one) }
}

/** Of customers and projects only an id is a choice; elsewhere none means all the rest. */
function chosenSource(kind: Kind, source: Source): Picked | null {
  if (kind === "projects" && source.id === null) return null
  return { id: source.id, name: sourceName(kind, source) }
}

function missing(kind: Kind, draft: Draft): { source?: string; target?: string } {
  const found: { source?: string; target?: string } = {}
  if (draft.source === null || (kind === "projects" && draft.source.id === null)) {
    found.source = "Choose what is mapped."
  }
  if (draft.targets.length === 0) {
    found.target =
      kind === "projects" ? "Choose a customer, a project or both." : "Choose where it goes."
  }
  return found
}

export function amountFor(draft: Draft, waitingFor: (source: Source) => Amount): Amount {
  return draft.source && draft.isActive ? waitingFor(draft.source) : NONE
}

/** What saving does, before it is saved. */
function Effect({
  kind,
  base,
  draft,
  waitingFor,
}: {
  kind: Kind
  base: Row | null
  draft: Draft
  waitingFor: (source: Source) => Amount
}) {
  if (draft.source === null) return null
  const amount = amountFor(draft, waitingFor)
  const name = sourceName(kind, draft.source)
  return (
    <div role="status" className="flex gap-2 rounded-control bg-hover px-3 py-2 text-table">
      <StateIcon
        state={!draft.isActive ? "ignored" : amount.entries > 0 ? "synced" : "pending"}
        className="mt-0.5"
      />
      <p>
        {!draft.isActive ? (
          `Off: new entries of ${name} are treated as if this mapping were not there.`
        ) : amount.entries > 0 ? (
          <>
            <strong className="font-semibold">{continuing(amount)}</strong> They are decided again
            as soon as this is saved.
          </>
        ) : (
          "No entry waits for this. It applies to entries that are not in Kimai yet."
        )}
        {base && " Entries already in Kimai stay as they are."}
      </p>
    </div>
  )
}

/** Somebody else was there meanwhile: what they did; what was typed here stays. */
function Moved({
  kind,
  base,
  now,
  last,
  zone,
  onTake,
}: {
  kind: Kind
  base: Row
  now: Row | null
  last: AuditLog | undefined
  zone: string
  onTake: (row: Row) => void
}) {
  const who = last?.user ?? "Somebody"
  const when = last ? ` at ${formatInstant(last.created_at, "time", zone)}` : ""
  const found: Difference[] = now ? differencesOf(kind, base, now, {}) : []
  return (
    <div role="alert" className="grid gap-2 rounded-control bg-conflict-soft px-3 py-2 text-table">
      <p className="flex gap-2">
        <StateIcon state="conflict" className="mt-0.5" />
        <span>
          <strong className="font-semibold">
            {now
              ? `${who} changed this mapping${when}, while you had it open.`
              : `${who} removed this mapping${when}, while you had it open.`}
          </strong>{" "}
          What you entered is kept.
        </span>
      </p>
      {found.length > 0 && (
        <ul className="grid gap-1 pl-6">
          {found.map((one) => (
            <li key={one.field}>
              {`${one.field}: `}
              <s className="text-ink2">
                <span className="sr-only">from </span>
                {one.mine}
              </s>{" "}
              → <span className="sr-only">to </span>
              <strong className="font-medium">{one.theirs}</strong>
            </li>
          ))}
        </ul>
      )}
      {now && (
        <div className="pl-6">
          <Button size="small" onClick={() => onTake(now)}>
            Take theirs
          </Button>
        </div>
      )}
    </div>
  )
}

type Picked = { id: number | null; name: string }
const NOTHING = "nothing"

/**
 * One of a connected system's list. When there is no list: says why, offers what is known from
 * mappings and bookings, and takes an id.
 */
function PeerPick({
  label,
  peer,
  known,
  value,
  nothing,
  optional,
  error,
  onChange,
}: {
  label: string
  peer: PeerState
  known: readonly Choice[]
  value: Picked | undefined
  /** What the choice of none is called; without it none cannot be chosen. */
  nothing?: string
  optional?: boolean
  error?: string
  onChange: (one: Choice | null) => void
}) {
  const away = peer.why !== undefined
  const listed = peer.choices ?? (away ? unique(known) : [])
  const options: Option[] = [
    ...(nothing === undefined ? [] : [{ value: NOTHING, label: nothing }]),
    ...listed.map((one) => ({
      value: String(one.id),
      label: one.name || `ID ${one.id}`,
      hint: [one.hint, `ID ${one.id}`, one.active ? "" : "hidden"].filter(Boolean).join(" · "),
    })),
  ]
  const chosen =
    value === undefined
      ? optional
        ? NOTHING
        : undefined
      : value.id === null
        ? NOTHING
        : String(value.id)
  if (value && value.id !== null && !options.some((one) => one.value === chosen)) {
    options.push({
      value: String(value.id),
      label: value.name || `ID ${value.id}`,
      hint: peer.choices ? `ID ${value.id} · not listed` : `ID ${value.id}`,
    })
  }
  const pick = (text: string) => {
    if (text === NOTHING) return onChange(null)
    const id = Number(text)
    onChange(
      listed.find((one) => one.id === id) ?? {
        id,
        name: value?.id === id ? value.name : "",
        active: true,
      },
    )
  }
  return (
    <div className="grid gap-2">
      <Field label={label} optional={optional} error={error}>
        <Combobox
          value={chosen}
          onChange={pick}
          options={options}
          placeholder={peer.loading ? `Asking ${peer.system}…` : "Choose…"}
          empty={away ? "Nothing known of that name." : `${peer.system} lists nothing like this.`}
        />
      </Field>
      {away && (
        <div className="grid gap-1.5 rounded-control bg-hover px-3 py-2">
          <p className="text-meta">
            {peer.why
              ? `${peer.why} You can choose what is known here already, or type the id.`
              : "Zammad keeps no list of customers to choose from. Type the id of the person."}
          </p>
          <Input
            aria-label={`${label}: id`}
            inputMode="numeric"
            placeholder="Id"
            className="w-32"
            defaultValue={value?.id ?? ""}
            onChange={(event) => {
              const text = event.target.value.trim()
              if (/^[1-9]\d{0,9}$/.test(text)) pick(text)
            }}
          />
        </div>
      )}
    </div>
  )
}

function unique(choices: readonly Choice[]): Choice[] {
  const found = new Map<number, Choice>()
  for (const one of choices)
    if (one.id > 0 && (!found.has(one.id) || !found.get(one.id)?.name)) found.set(one.id, one)
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name, "en"))
}
