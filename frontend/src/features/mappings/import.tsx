import { FileUp } from "lucide-react"
import { useId, useRef, useState } from "react"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { Change } from "@/ui/bits"
import { Button } from "@/ui/button"
import { RadioGroup } from "@/ui/choices"
import { Dialog, DialogClose } from "@/ui/dialog"
import { formatNumber } from "@/ui/format"
import { CommandError } from "@/ui/panel"
import { StateBadge, type StateName } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr } from "@/ui/table"
import { Segments } from "@/ui/tabs"
import { continuing } from "./acts"
import { type Amount, countWord } from "./lines"
import {
  BOOKS,
  type Imported,
  type ImportLine,
  type Kind,
  type Mode,
  type Row,
  type Source,
  sourceKey,
  sourceName,
  type Target,
  targetName,
} from "./model"

const SHOWN = 200 // lines at once; a file may have 5 000
const COLUMNS: Record<Kind, string> = {
  activities: "zammad_type_id, kimai_activity_id, kimai_activity_name, is_active, billable",
  users: "zammad_user_id, kimai_user_id, timezone, is_active",
  projects: "source_kind, source_id, kimai_customer_id, kimai_project_id, is_active",
}
const ACTIONS: Record<ImportLine["action"], { word: string; state: StateName }> = {
  error: { word: "Error", state: "failed" },
  add: { word: "Add", state: "synced" },
  change: { word: "Change", state: "pending" },
  remove: { word: "Remove", state: "conflict" },
  unchanged: { word: "Same", state: "ignored" },
}
const ORDER: ImportLine["action"][] = ["error", "remove", "change", "add", "unchanged"]

type Sent = { file: File; name: string; size: number; modified: number; mode: Mode; dry: boolean }

/** A file of mappings: first what it would do row by row, then all of it or nothing. */
export default function ImportMappings({
  kind,
  rows,
  named,
  waitingFor,
  onClose,
}: {
  kind: Kind
  rows: readonly Row[]
  /** The name that Kimai or a mapping has for a target. */
  named: (target: Target) => Target
  waitingFor: (source: Source) => Amount
  onClose: () => void
}) {
  const book = BOOKS[kind]
  const announce = useAnnounce()
  const input = useRef<HTMLInputElement>(null)
  const hint = useId()
  const [file, setFile] = useState<File | null>(null)
  const [mode, setMode] = useState<Mode>("merge")
  const command = (onDone: (answer: Imported) => void) => ({
    send: (sent: Sent, intent: { idempotencyKey: string }) => {
      const body = new FormData()
      body.append("file", sent.file, sent.name)
      return book.import(body, { dryRun: sent.dry, mode: sent.mode }, intent)
    },
    onDone,
  })
  const preview = useCommand(command(({ counts }) => announce(`Preview: ${summary(counts)}.`)))
  const apply = useCommand({
    ...command(({ counts }) => {
      const text = `Imported: ${summary(counts)}.`
      notify(text, { detail: continuing(continued) })
      announce(`${text} ${continuing(continued)}`)
      onClose()
    }),
    stale: stale.mapping,
  })
  const look = (next: File | null, how: Mode) => {
    apply.reset()
    preview.reset()
    if (next) preview.mutate(sentOf(next, how, true))
  }
  // A refused import tells its rows too: the table may have changed since the preview.
  const refused = apply.error?.problem.rows
  const lines: readonly ImportLine[] = Array.isArray(refused)
    ? (refused as ImportLine[])
    : (preview.data?.rows ?? [])
  const before = new Map(
    rows.filter((one) => one.isActive).map((one) => [sourceKey(one.source), one]),
  )
  const continued = lines
    .filter((line) => line.action === "add" || line.action === "change")
    .map((line) => waitingFor(sourceOf(kind, line)))
    .reduce(
      (sum, one) => ({ entries: sum.entries + one.entries, minutes: sum.minutes + one.minutes }),
      {
        entries: 0,
        minutes: 0,
      },
    )
  const errors = lines.filter((line) => line.action === "error").length
  const changes = lines.filter((line) => !["error", "unchanged"].includes(line.action)).length
  const why =
    file === null || preview.data === undefined
      ? "Choose a file first."
      : errors > 0
        ? `${countWord(errors, "row", "rows")} cannot be read. Mend the file and choose it again: nothing is imported before.`
        : changes === 0
          ? "The file changes nothing."
          : undefined
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Import ${book.label.toLowerCase()}`}
      description="You see every change before anything is saved."
      className="max-w-3xl"
      footer={
        <>
          <p role="status" className="mr-auto text-ink2 text-table">
            {preview.data && (why ?? (continuing(continued) || "No waiting entry is touched."))}
          </p>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look="primary"
            busy={apply.isPending}
            disabledReason={why}
            onClick={() => file && apply.mutate(sentOf(file, mode, false))}
          >
            {changes > 0 ? `Import ${countWord(changes, "change", "changes")}` : "Import"}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="flex flex-wrap items-center gap-3 rounded-control border border-control border-dashed p-4">
          <input
            ref={input}
            type="file"
            accept=".csv,.json,text/csv,application/json"
            aria-label="File to import"
            aria-describedby={hint}
            className="sr-only"
            tabIndex={-1}
            onChange={(event) => {
              const next = event.target.files?.[0] ?? null
              event.target.value = "" // the same file again, after it was mended
              if (next === null) return
              setFile(next)
              look(next, mode)
            }}
          />
          <Button
            icon={<FileUp aria-hidden />}
            busy={preview.isPending}
            onClick={() => input.current?.click()}
          >
            {file ? "Choose another file…" : "Choose file…"}
          </Button>
          <p id={hint} className="min-w-48 flex-1 text-ink2 text-meta">
            {file ? (
              <strong className="font-medium text-ink">{file.name}</strong>
            ) : (
              <>
                CSV or JSON, up to 5,000 rows. Columns:{" "}
                <span className="break-words font-mono">{COLUMNS[kind]}</span>. An export is a good
                start.
              </>
            )}
          </p>
        </div>
        <RadioGroup<Mode>
          aria-label="Rows that the file does not name"
          className="sm:grid-cols-2"
          value={mode}
          onChange={(next) => {
            setMode(next)
            look(file, next)
          }}
          options={[
            { value: "merge", label: "Keep rows that are not in the file" },
            { value: "replace", label: "Remove rows that are not in the file" },
          ]}
        />
        <CommandError error={preview.error ?? apply.error} />
        {lines.length > 0 && (
          <Preview kind={kind} lines={lines} before={before} named={named} key={file?.name} />
        )}
      </div>
    </Dialog>
  )
}

function sentOf(file: File, mode: Mode, dry: boolean): Sent {
  // Name, size and time make the intent: a mended file is another one.
  return { file, name: file.name, size: file.size, modified: file.lastModified, mode, dry }
}

function summary(counts: Imported["counts"]): string {
  const parts = [
    [counts.add, "to add", "add"],
    [counts.change, "to change", "change"],
    [counts.remove, "to remove", "remove"],
    [counts.error, "with errors", "error"],
    [counts.unchanged, "the same", "same"],
  ] as const
  return (
    parts
      .filter(([count]) => count > 0)
      .map(([count, words]) => `${formatNumber(count)} ${words}`)
      .join(", ") || "no rows"
  )
}

function sourceOf(kind: Kind, line: ImportLine): Source {
  if (kind === "projects") {
    const { source_id, source_kind } = line as { source_id?: number; source_kind?: Source["kind"] }
    return { id: source_id ?? null, name: "", kind: source_kind ?? "organization" }
  }
  const ids = line as { zammad_type_id?: number | null; zammad_user_id?: number | null }
  return { id: (kind === "activities" ? ids.zammad_type_id : ids.zammad_user_id) ?? null, name: "" }
}

function targetsOf(line: ImportLine): Target[] {
  const found: Target[] = []
  const put = (list: Target["list"], id: number | null | undefined) => {
    if (typeof id === "number") found.push({ list, id, name: "" })
  }
  if ("kimai_activity_id" in line) put("activities", line.kimai_activity_id)
  if ("kimai_user_id" in line) put("users", line.kimai_user_id)
  if ("kimai_customer_id" in line) put("customers", line.kimai_customer_id)
  if ("kimai_project_id" in line) put("projects", line.kimai_project_id)
  return found
}

function Preview({
  kind,
  lines,
  before,
  named,
}: {
  kind: Kind
  lines: readonly ImportLine[]
  before: ReadonlyMap<string, Row>
  named: (target: Target) => Target
}) {
  const [show, setShow] = useState<"changes" | "all">("changes")
  const [most, setMost] = useState(SHOWN)
  const counts = new Map<ImportLine["action"], number>()
  for (const line of lines) counts.set(line.action, (counts.get(line.action) ?? 0) + 1)
  const wanted = lines
    .filter((line) => show === "all" || line.action !== "unchanged")
    .sort((one, other) => ORDER.indexOf(one.action) - ORDER.indexOf(other.action))
  const words = (targets: readonly Target[]) =>
    targets.map((one) => targetName(named(one))).join(", ")
  return (
    <section aria-label="Preview" className="grid gap-2">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <ul className="flex flex-wrap gap-2 text-table">
          {ORDER.filter((action) => counts.has(action)).map((action) => (
            <li key={action}>
              <StateBadge state={ACTIONS[action].state}>
                {`${formatNumber(counts.get(action) ?? 0)} ${ACTIONS[action].word.toLowerCase()}`}
              </StateBadge>
            </li>
          ))}
        </ul>
        <Segments
          label="Rows to show"
          value={show}
          onChange={setShow}
          options={[
            { value: "changes", label: "Changes" },
            { value: "all", label: "All rows" },
          ]}
        />
      </div>
      {wanted.length === 0 ? (
        <p className="py-4 text-center text-ink2 text-table">
          Every row is there already, just as the file says.
        </p>
      ) : (
        <div className="overflow-clip rounded-panel border border-line">
          <Table caption="What the file would do, row by row">
            <thead>
              <tr>
                <Th numeric>Row</Th>
                <Th>What happens</Th>
                <Th>{BOOKS[kind].sourceHead}</Th>
                <Th>{BOOKS[kind].targetHead}</Th>
              </tr>
            </thead>
            <tbody>
              {wanted.slice(0, most).map((line, index) => {
                const source = sourceOf(kind, line)
                const row = before.get(sourceKey(source))
                const to = words(targetsOf(line))
                const was = row ? words(row.targets) : ""
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: several rows may map the same, and none moves
                  <Tr key={index}>
                    <Td numeric className="text-ink2">
                      {line.row ?? "–"}
                    </Td>
                    <Td>
                      <StateBadge state={ACTIONS[line.action].state}>
                        {ACTIONS[line.action].word}
                      </StateBadge>
                    </Td>
                    <RowTh>
                      {line.action === "error" && source.id === null
                        ? "–"
                        : sourceName(kind, row ? row.source : source)}
                    </RowTh>
                    <Td>
                      {line.message ? (
                        <span className="text-failed">{line.message}</span>
                      ) : line.action === "change" && was !== to ? (
                        <Change before={was || "off"} after={to} />
                      ) : line.action === "change" ? (
                        <>
                          {to} <span className="text-ink2">(its other fields change)</span>
                        </>
                      ) : line.action === "remove" ? (
                        <s className="text-ink2">{to || was}</s>
                      ) : (
                        to
                      )}
                    </Td>
                  </Tr>
                )
              })}
            </tbody>
          </Table>
        </div>
      )}
      {wanted.length > most && (
        <div className="text-center">
          <Button size="small" onClick={() => setMost(most + SHOWN)}>
            {`Show ${formatNumber(Math.min(SHOWN, wanted.length - most))} more of ${formatNumber(wanted.length - most)}`}
          </Button>
        </div>
      )}
    </section>
  )
}
