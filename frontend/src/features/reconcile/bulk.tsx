/**
 * Many rows at once: what would change, then row by row with progress, to be stopped, with a
 * report. Each row carries the version that was seen; one that changed meanwhile is left out.
 */
import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useRef, useState } from "react"
import { toApiError } from "@/api/errors"
import { useAnnounce } from "@/app/announcer"
import { useWritable } from "@/app/session"
import { Minutes, ProgressBar } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Dialog } from "@/ui/dialog"
import { Field, Textarea } from "@/ui/field"
import { formatMinutes, formatNumber } from "@/ui/format"
import { StateIcon } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"
import { decide, leftOut, STALE } from "./actions"
import type { BulkWish } from "./list"
import { type Line, nameOfLine } from "./model"
import { type Act, changeOf, type Gain, netOf } from "./proposals"
import { Change } from "./row"
import { ACTS } from "./words"

type Planned = { line: Line; act: Act; change: Gain | null }
type Left = { line: Line; why: string }
type Result = { line: Line; act: Act; is: "done" | "left" | "failed" | "stopped"; text: string }

/** What each row would get, and which rows are left out with the reason. */
export function planned(
  { lines, act }: BulkWish,
  now: readonly Line[],
): { rows: Planned[]; left: Left[] } {
  const latest = new Map(now.map((line) => [line.key, line]))
  const rows: Planned[] = []
  const left: Left[] = []
  for (const line of lines) {
    const current = latest.get(line.key)
    if (current && current.signature !== line.signature) {
      left.push({
        line,
        why: "It changed since you selected it. Look at it, then select it again.",
      })
      continue
    }
    const wanted = wantedFor(line, act)
    if ("why" in wanted) left.push({ line, why: wanted.why })
    else rows.push({ line, act: wanted.act, change: changeOf(wanted.act, line) })
  }
  return { rows, left }
}

function wantedFor(line: Line, act: Act | "proposals"): { act: Act } | { why: string } {
  if (act === "proposals") {
    if (line.proposal === null) return { why: "There is nothing to decide." }
    if ("goTo" in line.proposal) return { why: line.proposal.because }
    return { act: line.proposal.act }
  }
  const same: Partial<Record<Act, readonly Act[]>> = {
    update: ["update", "delete", "create"],
    "keep-target": ["keep-target", "skip"],
  }
  const found = line.alternatives.find((one) => (same[act] ?? [act]).includes(one.act))
  if (found === undefined) return { why: "This cannot be chosen for it." }
  return found.blocked === undefined ? { act: found.act } : { why: found.blocked }
}

export default function Bulk({
  wish,
  now,
  onDecided,
  onClose,
  returnTo,
}: {
  wish: BulkWish
  now: readonly Line[]
  onDecided: (key: string) => void
  onClose: () => void
  returnTo: () => HTMLElement | null
}) {
  const client = useQueryClient()
  const announce = useAnnounce()
  const { reason } = useWritable("operator")
  const [notes, setNotes] = useState("")
  const [results, setResults] = useState<Result[] | null>(null)
  const [running, setRunning] = useState(false)
  const stop = useRef(false)
  const alive = useRef(true)
  useEffect(() => {
    alive.current = true
    return () => {
      alive.current = false
      stop.current = true
    }
  }, [])
  // The plan is that of the moment it was shown; what changes later the service refuses.
  const [{ rows, left }] = useState(() => planned(wish, now))
  const net = netOf(rows.map((one) => one.change))

  async function apply() {
    setRunning(true)
    stop.current = false
    const found: Result[] = []
    for (const { line, act } of rows) {
      if (stop.current) {
        found.push({ line, act, is: "stopped", text: "Not begun: you stopped before it." })
        continue
      }
      try {
        const intent = { idempotencyKey: crypto.randomUUID() }
        const answer = await decide({ line, act, notes: notes.trim() || undefined }, intent)
        found.push({ line, act, is: "done", text: answer.message })
        onDecided(line.key)
      } catch (thrown) {
        const error = toApiError(thrown)
        found.push({ line, act, is: leftOut(error) ? "left" : "failed", text: error.sentence })
        if (error.status === 401 || error.code === "offline") stop.current = true
      }
      if (alive.current) setResults([...found])
    }
    for (const queryKey of STALE) void client.invalidateQueries({ queryKey })
    if (!alive.current) return
    setResults(found)
    setRunning(false)
    announce(summary(found))
  }

  const done = results?.length ?? 0
  const title =
    wish.act === "proposals" ? "Preview of the proposals" : `Preview: ${ACTS[wish.act].label}`
  return (
    <Dialog
      open
      onOpenChange={(next) => {
        if (!next && !running) onClose()
      }}
      title={results && !running ? "What was done" : title}
      description={
        results && !running
          ? summary(results)
          : rows.length === 0
            ? "None of the selected rows can be decided this way."
            : `${formatNumber(rows.length)} ${rows.length === 1 ? "row" : "rows"}, ${netText(net)}. Nothing is written before you apply.`
      }
      className="max-w-3xl"
      returnTo={returnTo}
      footer={
        running ? (
          <>
            <div className="min-w-40 flex-1">
              <ProgressBar value={rows.length ? done / rows.length : 1} label="Rows decided" />
              <p className="pt-1 text-ink2 text-meta">{`${done} of ${rows.length}`}</p>
            </div>
            <Button
              onClick={() => {
                stop.current = true
              }}
            >
              Stop after this row
            </Button>
          </>
        ) : results ? (
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button look="ghost" onClick={onClose}>
              Cancel
            </Button>
            <Button
              look="primary"
              disabledReason={rows.length === 0 ? "No row is left to decide." : reason}
              onClick={() => void apply()}
            >
              {`Decide ${formatNumber(rows.length)} ${rows.length === 1 ? "row" : "rows"}`}
            </Button>
          </>
        )
      }
    >
      <div className="grid gap-5">
        {results ? <Report results={results} left={left} /> : <Plan rows={rows} left={left} />}
        {results === null && rows.length > 0 && (
          <Field
            label="Note"
            optional
            hint="Recorded with each decision, in the history of each row."
          >
            <Textarea
              value={notes}
              maxLength={500}
              rows={2}
              onChange={(event) => setNotes(event.target.value)}
            />
          </Field>
        )}
      </div>
    </Dialog>
  )
}

function netText(net: Gain | null): string {
  if (net === null) return "net change not known before Kimai is asked"
  const minutes = formatMinutes(net.minutes, { signed: true })
  return net.about ? `net about ${minutes} in Kimai, before rounding` : `net ${minutes} in Kimai`
}

function summary(results: readonly Result[]): string {
  const count = (is: Result["is"]) => results.filter((one) => one.is === is).length
  const parts = [
    `${count("done")} decided`,
    count("left") > 0 && `${count("left")} left out because they changed`,
    count("failed") > 0 && `${count("failed")} not decided`,
    count("stopped") > 0 && `${count("stopped")} not begun`,
  ]
  return `${parts.filter(Boolean).join(", ")}.`
}

function Name({ line }: { line: Line }) {
  return <TwoLines className="max-w-72" first={nameOfLine(line)} second={line.customer} />
}

function Plan({ rows, left }: { rows: readonly Planned[]; left: readonly Left[] }) {
  return (
    <>
      {rows.length > 0 && (
        <Table caption="What would change">
          <thead>
            <tr>
              <Th>Entry</Th>
              <Th>Decision</Th>
              <Th numeric>Kimai now</Th>
              <Th numeric>Change</Th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ line, act, change }) => (
              <Tr key={line.key} twoLines>
                <RowTh>
                  <Name line={line} />
                </RowTh>
                <Td>{ACTS[act].label}</Td>
                <Td numeric>
                  {line.kimai?.minutes == null ? (
                    <span className="text-ink3">none</span>
                  ) : (
                    <Minutes value={line.kimai.minutes} />
                  )}
                </Td>
                <Td numeric>
                  <Change gain={change} />
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
      <LeftOut left={left} />
    </>
  )
}

function LeftOut({ left }: { left: readonly Left[] }) {
  if (left.length === 0) return null
  return (
    <section aria-label="Left out">
      <h3 className="pb-2 font-semibold text-body">{`Left out: ${left.length}`}</h3>
      <ul className="grid gap-2 text-table">
        {left.map(({ line, why }) => (
          <li key={line.key}>
            <span className="font-medium">
              {line.ticket ? `#${line.ticket} ` : ""}
              {line.title}
            </span>
            <span className="block text-ink2">{why}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

const LOOK = {
  done: { state: "synced", word: "Decided" },
  left: { state: "conflict", word: "Left out, changed meanwhile" },
  failed: { state: "failed", word: "Not decided" },
  stopped: { state: "ignored", word: "Stopped" },
} as const

function Report({ results, left }: { results: readonly Result[]; left: readonly Left[] }) {
  return (
    <>
      <Table caption="What became of each row">
        <thead>
          <tr>
            <Th>Entry</Th>
            <Th>What became of it</Th>
          </tr>
        </thead>
        <tbody>
          {results.map(({ line, is, text }) => (
            <Tr key={line.key} twoLines>
              <RowTh>
                <Name line={line} />
              </RowTh>
              <Td>
                <div className="flex gap-2 py-1.5">
                  <StateIcon state={LOOK[is].state} className="mt-0.5" />
                  <span>
                    <span className="font-medium">{LOOK[is].word}</span>
                    <span className="block text-ink2 text-meta">{text}</span>
                  </span>
                </div>
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
      <LeftOut left={left} />
    </>
  )
}
