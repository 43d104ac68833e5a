import { ArrowUpRight, Braces, ChevronDown, ChevronUp, History as HistoryIcon } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { Link } from "react-router"
import { patch } from "@/api/client"
import type { ApiError } from "@/api/errors"
import { useCommand, useRead } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Entry, RowDetail } from "@/api/shapes"
import { LayerKeys, type Shortcut } from "@/app/keyboard"
import { notify, UNDO } from "@/app/notify"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useUrlParams } from "@/app/url-state"
import { Kbd } from "@/ui/bits"
import { Button, buttonStyle, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Drawer } from "@/ui/dialog"
import { Field, Textarea } from "@/ui/field"
import { formatInstant, formatMinutes, formatNumber } from "@/ui/format"
import { Menu, MenuItem } from "@/ui/menu"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { StateBadge } from "@/ui/state-badge"
import { type Decided, type Decision, decide, STALE } from "./actions"
import { type After, afterOf } from "./after"
import { Compare, fieldsOf } from "./compare"
import { History, plainTitle } from "./history"
import { type Line, lineOfEntry, lineOfRow, NO_NAMES } from "./model"
import { isLine, placeOf, type Slot } from "./pages"
import { type Act, opOf } from "./proposals"
import {
  entry as entryRead,
  history as historyRead,
  type Op,
  type Preview,
  preview as previewRead,
  row as rowRead,
} from "./reads"
import { useNames } from "./use-names"
import { ACTS, inSentence, plainSentence } from "./words"

export default function EntryDrawer({
  id,
  slots,
  onOpen,
}: {
  id: number | null
  slots: readonly Slot[]
  onOpen: (id: number | null) => void
}) {
  // What was open stays while it slides away.
  const [last, setLast] = useState(id)
  if (id !== null && id !== last) setLast(id)
  const shownId = id ?? last
  if (shownId === null) return null
  return <Opened key={shownId} id={shownId} open={id !== null} slots={slots} onOpen={onOpen} />
}

function Opened({
  id,
  open,
  slots,
  onOpen,
}: {
  id: number
  open: boolean
  slots: readonly Slot[]
  onOpen: (id: number | null) => void
}) {
  const { timezone: zone } = useSession()
  const { asOf } = useMoment()
  const { params } = useUrlParams()
  const writable = useWritable("operator")
  const [at, setAt] = useState<number | null>(null)
  // An event is asked for by its position, whatever moment the page shows.
  const when = { enabled: open, at: at === null ? "shown" : "now" } as const
  const entry = useRead(entryRead(id, at), when)
  const detail = useRead(rowRead(`entry-${id}`, id, at), when)
  const past = useRead(historyRead(id), { enabled: open })
  const names = useNames({ enabled: open }) ?? NO_NAMES
  const [chosen, setChosen] = useState<Act | null>(null)
  const [json, setJson] = useState(false)
  const [note, setNote] = useState<string | null>(null)
  const [done, setDone] = useDone()

  const data = detail.data
  const line = lineOf(data, entry.data, names)
  const proposed = line?.proposal && "act" in line.proposal ? line.proposal.act : null
  const act = at === null ? (chosen ?? proposed) : null
  const kept = data?.item.notes ?? ""
  const written = note ?? kept
  const reason =
    at === null ? writable.reason : "This is an earlier state: read only. Go back to now."

  const op = act && opOf(act)
  const asks = open && op !== null && line?.conflictId != null && asOf === null && at === null
  const previewed = useRead(
    previewRead(
      line?.conflictId == null ? "" : String(line.conflictId),
      line?.version ?? 0,
      op ?? "skip",
    ),
    { enabled: asks },
  )
  const answer = asks && !previewed.isPlaceholderData ? previewed.data : undefined
  const after: After | null | undefined = !asks
    ? act === null || data === undefined
      ? null
      : { is: "unchanged", values: data.target as never }
    : answer && data
      ? answer.applicable
        ? afterOf(answer, data.target)
        : null
      : previewed.isError
        ? null
        : undefined

  const off =
    reason ??
    (act === null ? "Choose a side first." : undefined) ??
    (asks ? previewSays(op, previewed.isError ? "failed" : answer) : undefined)

  const undo = useCommand({
    send: (back: () => Promise<unknown>) => back(),
    stale: STALE,
    onDone: () => {
      setDone(null)
      notify("Taken back")
    },
    onFailed: (error) => notify("It could not be taken back", { detail: error.sentence }),
  })
  const command = useCommand<Decision, Decided>({
    send: decide,
    stale: STALE,
    onDone: (answer, decided) => {
      setChosen(null)
      setNote(null)
      setDone(answer)
      const back = answer.undo
      notify(answer.message, {
        detail: `#${decided.line.ticket} ${decided.line.title}`,
        undo: back && (() => undo.mutate(back)),
      })
    },
  })
  const saveNote = useCommand({
    send: (notes: string, { idempotencyKey }) =>
      patch("/api/v1/conflicts/{conflict_id}", {
        path: { conflict_id: line?.conflictId ?? 0 },
        body: { notes },
        idempotencyKey,
      }),
    stale: [...stale.reconcile, ["entry", id]],
    onDone: () => {
      setNote(null)
      notify("Note saved")
    },
  })
  const apply = (wanted: Act | null) => {
    if (wanted === null || line === null || command.isPending) return
    if ((wanted === act ? off : reason) !== undefined) return
    const notes = written.trim() !== kept.trim() ? written.trim() || undefined : undefined
    command.mutate({ line, act: wanted, notes })
  }

  const index = placeOf(slots, id)
  const place = useRef(0)
  if (index >= 0) place.current = index
  const beside = (by: number) => slots[index >= 0 ? index + by : place.current - (by < 0 ? 1 : 0)]
  const step = (by: number) => {
    const next = beside(by)
    if (isLine(next) && next.entryId !== null) onOpen(next.entryId)
  }
  const noStep = (by: number, end: string) => {
    const next = beside(by)
    if (next === undefined) return end
    return isLine(next) ? undefined : "It is being read."
  }
  const pick = (...acts: Act[]) => {
    const found = line?.alternatives.find((one) => acts.includes(one.act) && !one.blocked)
    if (found) setChosen(found.act)
  }
  const shortcuts: Shortcut[] = [
    { keys: "j", label: "Next entry", group: "Rows", run: () => step(1) },
    { keys: "k", label: "Previous entry", group: "Rows", run: () => step(-1) },
    {
      keys: "z",
      label: "Choose Zammad",
      group: "Rows",
      run: () => pick("update", "delete", "create", "retry", "unignore"),
    },
    { keys: "u", label: "Choose Kimai", group: "Rows", run: () => pick("keep-target", "skip") },
    { keys: "i", label: "Choose to ignore", group: "Rows", run: () => pick("ignore") },
    {
      keys: "Mod+Enter",
      label: "Apply the decision",
      group: "Rows",
      everywhere: true,
      run: () => apply(act),
    },
  ]
  useEffect(() => {
    if (at !== null) document.getElementById("entry-state")?.scrollIntoView({ block: "nearest" })
  }, [at])

  const links = data?.item.links ?? entry.data?.links ?? {}
  const events = past.data?.items ?? []
  const stateAt = events.find((one) => one.position === at)
  const choices = line?.alternatives ?? []
  const main = (side: "zammad" | "kimai"): Act | null => {
    const acts: Act[] = side === "zammad" ? ["update", "delete", "create"] : ["keep-target", "skip"]
    return choices.find((one) => acts.includes(one.act))?.act ?? null
  }
  const head = (side: "zammad" | "kimai") => {
    const own = main(side)
    const name = side === "zammad" ? "Zammad" : "Kimai now"
    const blocked = choices.find((one) => one.act === own)?.blocked
    const sub =
      side === "kimai" && entry.data?.target ? `Timesheet ${entry.data.target.timesheet_id}` : null
    if (own === null || at !== null) {
      return (
        <>
          <span className="font-semibold">{name}</span>
          {sub && <span className="block text-ink2 text-meta">{sub}</span>}
        </>
      )
    }
    return (
      <label className="flex items-start gap-2">
        <input
          type="radio"
          name={`decision-${id}`}
          className="mt-0.5 size-4 shrink-0 accent-primary"
          checked={act === own}
          disabled={blocked !== undefined}
          onChange={() => setChosen(own)}
          aria-label={`${name}: ${ACTS[own].label}`}
        />
        <span className="min-w-0">
          <span className="font-semibold">{name}</span>
          {sub && <span className="block text-ink2 text-meta">{sub}</span>}
        </span>
      </label>
    )
  }
  const others = choices.filter(
    (one) => one.act !== main("zammad") && one.act !== main("kimai") && one.act !== "ignore",
  )

  return (
    <Drawer
      open={open}
      onOpenChange={(next) => {
        if (!next) onOpen(null)
      }}
      returnTo={() =>
        document.querySelector<HTMLElement>(
          `[data-row="${CSS.escape(slots[Math.min(place.current, slots.length - 1)]?.key ?? "")}"]`,
        )
      }
      title={
        line ? (
          <>
            <span className="pr-2 font-normal text-ink2">#{line.ticket}</span>
            {line.title}
          </>
        ) : (
          `Entry ${id}`
        )
      }
      description={
        line ? (
          <span className="flex flex-wrap items-center gap-x-4 gap-y-1 pt-1">
            <StateBadge state={line.state}>{line.why}</StateBadge>
            <span>{line.customer}</span>
            <Outward href={links.ticket} text="Ticket in Zammad" />
            <Outward
              href={links.timesheet}
              text={`Timesheet ${entry.data?.target?.timesheet_id ?? ""} in Kimai`}
            />
          </span>
        ) : (
          "Loading"
        )
      }
      actions={
        <div className="flex items-center gap-1">
          <span className="whitespace-nowrap px-1 text-ink2 text-table">
            {index >= 0 ? `${formatNumber(index + 1)} of ${formatNumber(slots.length)}` : ""}
          </span>
          <IconButton
            label="Previous entry"
            disabledReason={noStep(-1, "This is the first one.")}
            onClick={() => step(-1)}
          >
            <ChevronUp aria-hidden />
          </IconButton>
          <IconButton
            label="Next entry"
            disabledReason={noStep(1, "This is the last one.")}
            onClick={() => step(1)}
          >
            <ChevronDown aria-hidden />
          </IconButton>
        </div>
      }
      footer={
        line && (choices.length > 0 || line.proposal) ? (
          <div className="flex w-full flex-wrap items-center gap-2">
            {line.proposal && "goTo" in line.proposal && act === null ? (
              <Link
                to={{ search: withoutEntry(params), hash: line.proposal.goTo }}
                className={buttonStyle({ look: "primary" })}
              >
                {line.proposal.label}
              </Link>
            ) : (
              <Button
                look={act === "delete" ? "danger" : "primary"}
                busy={command.isPending}
                disabledReason={off}
                onClick={() => apply(act)}
              >
                {applyLabel(act, after, line)}
                <Kbd keys="Mod+Enter" className="touch:hidden" />
              </Button>
            )}
            {choices.some((one) => one.act === "ignore") && act !== "ignore" && (
              <Button
                look="ghost"
                disabledReason={reason}
                busy={command.isPending}
                onClick={() => apply("ignore")}
              >
                Ignore until it changes
              </Button>
            )}
            <span className="ml-auto text-ink2 text-meta">Recorded as your decision</span>
          </div>
        ) : undefined
      }
    >
      <LayerKeys shortcuts={shortcuts} />
      <div className="grid gap-5" id="entry-state">
        {/* The toast lies outside: the keyboard and screen readers cannot leave the drawer for it. */}
        {done?.undo && (
          <p
            role="status"
            className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-control bg-hover px-3 py-2 text-table"
          >
            <span className="flex-1">{`${done.message}.`}</span>
            <Button
              size="small"
              busy={undo.isPending}
              onClick={() => done.undo && undo.mutate(done.undo)}
            >
              Undo
            </Button>
          </p>
        )}
        {stateAt && (
          <p
            role="status"
            className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-control bg-bar px-3 py-2 text-bar-ink text-table"
          >
            <span className="flex-1">
              {`State after “${plainTitle(stateAt.title).title}”, ${formatInstant(stateAt.recorded_at, "day-time", zone)}. Read only.`}
            </span>
            <button
              type="button"
              className="finger font-medium underline"
              onClick={() => setAt(null)}
            >
              Back to now
            </button>
          </p>
        )}
        <QueryState
          query={detail}
          what="both sides of the entry"
          zone={zone}
          skeleton={<Skeleton className="h-64 rounded-panel" />}
        >
          {(loaded) => (
            <div className="grid gap-3">
              <Compare
                fields={fieldsOf(loaded, entry.data, names, zone)}
                detail={loaded}
                after={after}
                heads={{
                  zammad: head("zammad"),
                  kimai: head("kimai"),
                  after: (
                    <>
                      <span className="font-semibold">Kimai after</span>
                      <span className="block text-ink2 text-meta">{afterNote(act, after, at)}</span>
                    </>
                  ),
                }}
              />
              <p className="text-table sm:hidden">
                <span className="font-medium">Kimai after: </span>
                {afterWords(after)} <span className="text-ink2">{afterNote(act, after, at)}</span>
              </p>
              {others.length > 0 && at === null && (
                <fieldset className="flex flex-wrap gap-x-5 gap-y-1 text-table">
                  <legend className="sr-only">Other choices</legend>
                  {others.map((one) => (
                    <label key={one.act} className="flex min-h-6 items-start gap-2 touch:min-h-11">
                      <input
                        type="radio"
                        name={`decision-${id}`}
                        className="mt-0.5 size-4 shrink-0 accent-primary"
                        checked={act === one.act}
                        disabled={one.blocked !== undefined}
                        onChange={() => setChosen(one.act)}
                      />
                      {ACTS[one.act].label}
                    </label>
                  ))}
                </fieldset>
              )}
              {line && at === null && <Why line={line} act={act} detail={loaded} zone={zone} />}
              {asks && (
                <ExactRequest
                  pending={answer === undefined && !previewed.isError}
                  answer={answer}
                  error={previewed.error}
                  retry={() => void previewed.refetch()}
                />
              )}
              {asOf !== null && op !== null && at === null && (
                <p className="text-ink2 text-table">
                  What would be sent is known for now only; nobody can ask Kimai of then.
                </p>
              )}
              <CommandError error={command.error}>Nothing was decided.</CommandError>
            </div>
          )}
        </QueryState>
        {line?.conflictId != null && choices.length > 0 && at === null && (
          <div className="grid gap-2">
            <Field
              label="Note"
              optional
              hint="Stays with the row, and with your decision in the history."
            >
              <Textarea
                rows={2}
                maxLength={500}
                value={written}
                readOnly={reason !== undefined}
                onChange={(event) => setNote(event.target.value)}
              />
            </Field>
            {written.trim() !== kept.trim() && (
              <div>
                <Button
                  size="small"
                  disabledReason={reason}
                  busy={saveNote.isPending}
                  onClick={() => saveNote.mutate(written.trim())}
                >
                  Save the note only
                </Button>
              </div>
            )}
            <CommandError error={saveNote.error} />
          </div>
        )}
        <section aria-label="History">
          <div className="flex flex-wrap items-center gap-2 pb-3">
            <h3 className="font-semibold text-body">History</h3>
            {past.data && (
              <span className="text-ink2 text-table">
                {`${formatNumber(events.length)} ${events.length === 1 ? "event" : "events"}`}
              </span>
            )}
            <div className="ml-auto flex gap-1">
              <Menu
                trigger={
                  <Button look="ghost" size="small" icon={<HistoryIcon aria-hidden />}>
                    State at…
                  </Button>
                }
              >
                <MenuItem onSelect={() => setAt(null)} disabled={at === null}>
                  Now
                </MenuItem>
                <div className="max-h-72 overflow-y-auto">
                  {events.map((one) => (
                    <MenuItem
                      key={one.position}
                      onSelect={() => setAt(one.position)}
                      hint={formatInstant(one.recorded_at, "seconds", zone)}
                    >
                      <span className="max-w-64 truncate">{`v${one.version} ${plainTitle(one.title).title}`}</span>
                    </MenuItem>
                  ))}
                </div>
              </Menu>
              <Button
                look="ghost"
                size="small"
                icon={<Braces aria-hidden />}
                aria-expanded={json}
                onClick={() => setJson(!json)}
              >
                JSON
              </Button>
            </div>
          </div>
          {json && (
            <section
              aria-label="The entry as JSON"
              tabIndex={0}
              className="mb-4 max-h-80 overflow-auto rounded-panel border border-line bg-sunken p-3 -outline-offset-2"
            >
              <pre className="font-mono text-meta">
                {JSON.stringify({ entry: entry.data, row: data }, null, 2)}
              </pre>
            </section>
          )}
          <QueryState
            query={past}
            what="the history"
            zone={zone}
            skeleton={<Skeleton className="h-40" />}
          >
            {(loaded) => (
              <History
                items={loaded.items}
                cut={loaded.cut}
                names={names}
                zone={zone}
                at={at}
                onAt={setAt}
              />
            )}
          </QueryState>
        </section>
      </div>
    </Drawer>
  )
}

/** Why it cannot be applied yet: what is written to Kimai was to be seen before. */
function previewSays(op: Op | null, answer: Preview | "failed" | undefined): string | undefined {
  if (answer !== undefined && answer !== "failed")
    return answer.applicable ? undefined : (answer.blockedBy ?? REFUSED)
  if (op === "keep-target" || op === "skip") return undefined
  return answer === undefined
    ? "Kimai is being asked what would be sent."
    : "What would be sent is not known. Ask again first."
}

const REFUSED = "The service would refuse this now."

/** What was decided last, for as long as it can be taken back. */
function useDone() {
  const [done, setDone] = useState<Decided | null>(null)
  useEffect(() => {
    if (done === null) return
    const timer = setTimeout(() => setDone(null), UNDO)
    return () => clearTimeout(timer)
  }, [done])
  return [done, setDone] as const
}

function lineOf(
  detail: RowDetail | undefined,
  entry: Entry | undefined,
  names: Parameters<typeof lineOfRow>[1],
): Line | null {
  if (detail && detail.item.status !== "match") return lineOfRow(detail.item, names)
  return entry ? lineOfEntry(entry, names) : null
}

function Outward({ href, text }: { href: string | null | undefined; text: string }) {
  if (!href) return null
  return (
    <a href={href} target="_blank" rel="noreferrer" className="link inline-flex items-center gap-1">
      {text}
      <ArrowUpRight aria-hidden className="size-3.5" />
      <span className="sr-only"> in a new tab</span>
    </a>
  )
}

/** The proposal with its reason, and what the choice made does. */
function Why({
  line,
  act,
  detail,
  zone,
}: {
  line: Line
  act: Act | null
  detail: RowDetail
  zone: string
}) {
  const { proposal } = line
  const blocked = line.alternatives.filter((one) => one.blocked !== undefined)
  const label =
    proposal === null
      ? null
      : "goTo" in proposal
        ? proposal.label
        : (proposal.label ?? ACTS[proposal.act].label)
  return (
    <div className="grid gap-1 text-table">
      <p className="text-ink2">
        {plainSentence(
          detail.item.status === "match" ? line.detail : detail.item.conflictReason,
          zone,
        )}
      </p>
      {proposal && (
        <p>
          Proposal: <strong className="font-semibold">{label && inSentence(label)}.</strong>{" "}
          <span className="text-ink2">{proposal.because}</span>
        </p>
      )}
      {act && !(proposal && "act" in proposal && proposal.act === act) && (
        <p className="text-ink2">{ACTS[act].does}</p>
      )}
      {blocked.map((one) => (
        <p key={one.act} className="text-ink2">
          <span className="font-medium text-ink">{`${ACTS[one.act].label} is not possible now.`}</span>{" "}
          {one.blocked}
        </p>
      ))}
    </div>
  )
}

function ExactRequest({
  pending,
  answer,
  error,
  retry,
}: {
  pending: boolean
  answer: Preview | undefined
  error: ApiError | null
  retry: () => void
}) {
  if (error) {
    return (
      <div className="flex flex-wrap items-center gap-2">
        <div className="min-w-0 flex-1">
          <CommandError error={error}>What would be sent is not known.</CommandError>
        </div>
        <Button size="small" onClick={retry}>
          Ask again
        </Button>
      </div>
    )
  }
  if (pending || answer === undefined) {
    return (
      <p role="status" className="text-ink2 text-table">
        Asking what would be sent…
      </p>
    )
  }
  if (!answer.applicable) {
    return <p className="text-table">{answer.blockedBy ?? REFUSED}</p>
  }
  return (
    <details className="rounded-panel border border-line text-table">
      <summary className="cursor-pointer px-3 py-2">
        <span className="font-medium">
          {answer.requests.length === 0
            ? "Nothing is sent to Kimai."
            : `Exact ${answer.requests.length === 1 ? "request" : `${answer.requests.length} requests`} to Kimai`}
        </span>{" "}
        <span className="text-ink2">{answer.effects.join(" ")}</span>
      </summary>
      {answer.requests.map((one) => (
        <div key={`${one.method} ${one.path}`} className="border-line border-t bg-sunken px-3 py-2">
          <code className="font-mono text-meta">{`${one.method} ${one.path}`}</code>
          {one.body && (
            <pre
              className={cn(
                "overflow-x-auto whitespace-pre-wrap font-mono text-meta [overflow-wrap:anywhere]",
              )}
            >
              {JSON.stringify(one.body, null, 2)}
            </pre>
          )}
        </div>
      ))}
    </details>
  )
}

function afterNote(act: Act | null, after: After | null | undefined, at: number | null): string {
  if (at !== null) return "only for now"
  if (act === null) return "nothing chosen"
  if (after === undefined) return "asking…"
  if (after === null) return "not possible now"
  if (after.is === "deleted") return "deleted"
  if (after.is === "unchanged") return "stays as it is"
  return after.timesheet === "second" ? "a second timesheet" : "nothing written yet"
}

function afterWords(after: After | null | undefined): string {
  if (!after || after.is === "deleted") return ""
  const minutes = after.values?.minutes
  return typeof minutes === "number" ? formatMinutes(minutes) : ""
}

function applyLabel(act: Act | null, after: After | null | undefined, line: Line): string {
  if (act === null) return "Apply"
  const minutes = after && after.is === "written" ? after.values.minutes : null
  if (act === "update" && typeof minutes === "number")
    return minutes === line.kimai?.minutes
      ? "Apply, update Kimai"
      : `Apply, update Kimai to ${formatMinutes(minutes)}`
  if (act === "create" && typeof minutes === "number")
    return `Apply, create ${formatMinutes(minutes)} in Kimai`
  if (act === "correct" && typeof minutes === "number")
    return `Apply, add ${formatMinutes(minutes)} in Kimai`
  if (act === "delete") return `Delete the timesheet of ${formatMinutes(line.kimai?.minutes ?? 0)}`
  return `Apply, ${inSentence(ACTS[act].label)}`
}

function withoutEntry(params: URLSearchParams): string {
  const next = new URLSearchParams(params)
  next.delete("entry")
  return `?${next}`
}
