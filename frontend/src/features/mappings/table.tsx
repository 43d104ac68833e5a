import { ArrowRight, Ellipsis } from "lucide-react"
import type { ReactNode } from "react"
import { useWritable } from "@/app/session"
import { Instant } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatDuration, formatNumber } from "@/ui/format"
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu"
import { CommandError } from "@/ui/panel"
import { StateBadge, StateIcon } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr } from "@/ui/table"
import { Tooltip } from "@/ui/tooltip"
import { useAct } from "./acts"
import { BASIS_WORDS, billableWord, type Line, STATE_WORDS } from "./lines"
import { BOOKS, type Kind, SOURCE_KINDS, type Target, targetName, targetWord } from "./model"
import { useNarrow } from "./use-narrow"

export type LineActs = {
  edit: (line: Line) => void
  toggle: (line: Line) => void
  remove: (line: Line) => void
}
type Props = { kind: Kind; lines: readonly Line[]; zone: string; acts: LineActs }

/** One table for the three kinds; cards where there is no room for it. */
export function LinesTable(props: Props) {
  return useNarrow() ? <Cards {...props} /> : <Rows {...props} />
}

function Rows({ kind, lines, zone, acts }: Props) {
  const book = BOOKS[kind]
  return (
    <Table caption={`Mappings: ${book.label}`} className="min-w-240">
      <thead>
        <tr>
          <Th>{book.sourceHead}</Th>
          <Th>
            <span className="sr-only">goes to</span>
          </Th>
          <Th>{book.targetHead}</Th>
          <Th>State</Th>
          <Th numeric>
            <Explained text="Entries of the last 30 days by work date, whatever became of them. Below, in amber: those of any day that are held back until this is mapped.">
              Entries, 30 d
            </Explained>
          </Th>
          <Th numeric>
            <Explained text="Time of the entries of the last 30 days; below, of those that wait.">
              Time
            </Explained>
          </Th>
          <Th>Last change</Th>
          <Th>
            <span className="sr-only">More</span>
          </Th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <Tr
            key={line.key}
            twoLines={
              line.state !== "mapped" || line.targets.length > 1 || line.waiting.entries > 0
            }
          >
            <RowTh>
              <SourceName line={line} />
            </RowTh>
            <Td className="w-8 text-ink3">
              <ArrowRight aria-hidden className="size-4" />
            </Td>
            <Td>
              <Goes kind={kind} line={line} acts={acts} />
            </Td>
            <Td>
              <LineStateWord line={line} />
            </Td>
            <Td numeric>
              {line.used ? formatNumber(line.used.entries) : <Unknown />}
              {line.waiting.entries > 0 && (
                <span className="block text-conflict">{`${formatNumber(line.waiting.entries)} waiting`}</span>
              )}
            </Td>
            <Td numeric>
              {line.used ? formatDuration(line.used.minutes) : <Unknown />}
              {line.waiting.entries > 0 && (
                <span className="block text-conflict">{formatDuration(line.waiting.minutes)}</span>
              )}
            </Td>
            <Td className="whitespace-nowrap text-ink2 text-meta">
              <LastChange line={line} zone={zone} />
            </Td>
            <Td className="w-10">
              <More kind={kind} line={line} acts={acts} />
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}

function Cards({ kind, lines, zone, acts }: Props) {
  return (
    <ul aria-label={`Mappings: ${BOOKS[kind].label}`} className="divide-y divide-line">
      {lines.map((line) => (
        <li key={line.key} className="grid gap-2 px-4 py-3 text-table">
          <div className="-mr-2 flex items-center justify-between gap-2">
            <div className="min-w-0 font-medium">
              <SourceName line={line} />
            </div>
            <More kind={kind} line={line} acts={acts} />
          </div>
          <div className="flex min-w-0 items-start gap-2">
            <ArrowRight aria-hidden className="mt-1 size-4 shrink-0 text-ink3" />
            <div className="min-w-0 flex-1">
              <span className="sr-only">goes to </span>
              <Goes kind={kind} line={line} acts={acts} />
            </div>
          </div>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-meta">
            <LineStateWord line={line} />
            {line.used && (
              <span className="text-ink2">
                {`${formatNumber(line.used.entries)} in 30 days, ${formatDuration(line.used.minutes)}`}
              </span>
            )}
            {line.waiting.entries > 0 && (
              <span className="text-conflict">
                {`${formatNumber(line.waiting.entries)} waiting, ${formatDuration(line.waiting.minutes)}`}
              </span>
            )}
            {line.changed && (
              <span className="text-ink2">
                <LastChange line={line} zone={zone} />
              </span>
            )}
          </div>
        </li>
      ))}
    </ul>
  )
}

/** A head with its definition, for who points or focuses. */
export function Explained({ text, children }: { text: string; children: ReactNode }) {
  return (
    <Tooltip text={text}>
      <button type="button" className="cursor-help font-medium underline decoration-dotted">
        {children}
      </button>
    </Tooltip>
  )
}

function Unknown() {
  return (
    <span className="text-ink3">
      <span aria-hidden>–</span>
      <span className="sr-only">not counted</span>
    </span>
  )
}

function SourceName({ line }: { line: Line }) {
  const { source } = line
  const quiet = [
    source.kind && SOURCE_KINDS[source.kind],
    source.id !== null && `ID\u00a0${source.id}`,
    source.email,
  ].filter(Boolean)
  return (
    <span className="inline-flex flex-wrap gap-x-2 break-words">
      {line.name}
      {quiet.length > 0 && (
        <span className="break-all font-normal text-ink3">{quiet.join(" · ")}</span>
      )}
    </span>
  )
}

/** The Kimai side: what it is, what is proposed, or the way to choose. */
function Goes({ kind, line, acts }: { kind: Kind; line: Line; acts: LineActs }) {
  const { reason } = useWritable("admin")
  const what =
    kind === "activities" ? "activity" : kind === "users" ? "user" : "customer or project"
  if (line.state === "unmapped") {
    if (line.proposal) return <Proposal kind={kind} line={line} onOther={() => acts.edit(line)} />
    return (
      <Button
        size="small"
        disabledReason={reason}
        aria-label={`Choose ${what} for ${line.name}…`}
        onClick={() => acts.edit(line)}
      >
        {`Choose ${what}…`}
      </Button>
    )
  }
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      {line.targets.map((one) => (
        <TargetName
          key={one.list}
          kind={kind}
          target={one}
          gone={line.gone.includes(one)}
          quiet={line.state === "off"}
        />
      ))}
      {line.state === "gone" && (
        <Button
          size="small"
          disabledReason={reason}
          aria-label={`Choose another ${what} for ${line.name}…`}
          onClick={() => acts.edit(line)}
        >
          Choose another…
        </Button>
      )}
    </span>
  )
}

function TargetName({
  kind,
  target,
  gone,
  quiet,
}: {
  kind: Kind
  target: Target
  gone: boolean
  quiet: boolean
}) {
  const name = targetName(target)
  return (
    <span className="inline-flex flex-wrap gap-x-2">
      {kind === "projects" && <span className="text-ink2">{targetWord(target.list)}</span>}
      {gone ? (
        <s className="text-ink2">{name}</s>
      ) : (
        <span className={cn(quiet && "text-ink2")}>{name}</span>
      )}
      {target.name !== "" && <span className="text-ink3">{`ID\u00a0${target.id}`}</span>}
    </span>
  )
}

/** Dashed until somebody accepts it. */
function Proposal({ kind, line, onOther }: { kind: Kind; line: Line; onOther: () => void }) {
  const { reason } = useWritable("admin")
  const accept = useAct(kind, { waited: () => line.waiting })
  if (line.proposal === null) return null
  const { target, basis } = line.proposal
  const name = targetName(target)
  const draft = {
    source: line.source,
    targets: [target],
    isActive: true,
    billable: null,
    timezone: null,
  }
  return (
    <div className="grid gap-1.5">
      <div className="flex flex-wrap items-center gap-2">
        <span className="inline-flex min-h-8 flex-wrap items-center gap-x-2 gap-y-1 rounded-control border border-control border-dashed py-0.5 pr-0.5 pl-2">
          <span className="sr-only">Suggested: </span>
          {kind === "projects" && <span className="text-ink2">{targetWord(target.list)}</span>}
          {name}
          {basis && <span className="text-ink3">{BASIS_WORDS[basis]}</span>}
          <Button
            size="small"
            data-accept
            busy={accept.isPending}
            disabledReason={reason}
            aria-label={`Accept ${name} for ${line.name}`}
            onClick={(event) => {
              const next = nextAccept(event.currentTarget)
              accept.mutate({ do: "add", draft }, { onSuccess: () => next?.focus() })
            }}
          >
            Accept
          </Button>
        </span>
        <Button
          size="small"
          look="ghost"
          disabledReason={reason}
          aria-label={`Choose another for ${line.name}…`}
          onClick={onOther}
        >
          Another…
        </Button>
      </div>
      <CommandError error={accept.error} />
    </div>
  )
}

/** Where the focus goes when an accepted line moves away: the next proposal, else the table. */
function nextAccept(button: HTMLElement): HTMLElement | null {
  const all = [...document.querySelectorAll<HTMLElement>("#mappings [data-accept]")]
  const at = all.indexOf(button)
  return (
    all[at + 1] ?? all[at - 1] ?? document.querySelector("#mappings [role=tab][aria-selected=true]")
  )
}

export function LineStateWord({ line }: { line: Line }) {
  const word = STATE_WORDS[line.state]
  if (line.state === "unmapped") return <StateBadge state="conflict">{word}</StateBadge>
  if (line.state === "gone") {
    const why =
      "Kimai does not offer it any more: it was deleted or hidden there, or belongs to a project. Writing to it may be refused."
    return (
      <Tooltip text={why}>
        <button type="button" className="cursor-help">
          <StateBadge state="failed">{word}</StateBadge>
        </button>
      </Tooltip>
    )
  }
  const notes = [
    line.row?.billable != null && billableWord(line.row.billable).toLowerCase(),
    line.row?.byEmail && "by e-mail address",
    line.row?.timezone,
  ].filter(Boolean)
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 align-middle">
      <span className="inline-flex items-center gap-1.5">
        <StateIcon state={line.state === "off" ? "ignored" : "synced"} />
        {word}
      </span>
      {notes.length > 0 && <span className="text-ink3">{notes.join(", ")}</span>}
    </span>
  )
}

function LastChange({ line, zone }: { line: Line; zone: string }) {
  if (line.changed === null) return <span className="text-ink3">Never mapped</span>
  return (
    <>
      {line.changed.who ?? (line.changed.added ? "Added" : "Changed")},{" "}
      <Instant at={line.changed.at} look="day" zone={zone} />
    </>
  )
}

function More({ kind, line, acts }: { kind: Kind; line: Line; acts: LineActs }) {
  const { reason } = useWritable("admin")
  const off = reason !== undefined
  return (
    <Menu
      trigger={
        <IconButton label={`More for ${line.name}`} size="small">
          <Ellipsis aria-hidden />
        </IconButton>
      }
    >
      {off && <p className="max-w-60 px-2.5 py-1.5 text-ink2 text-meta">{reason}</p>}
      {line.row === null ? (
        <MenuItem disabled={off} onSelect={() => acts.edit(line)}>
          Map…
        </MenuItem>
      ) : (
        <>
          <MenuItem disabled={off} onSelect={() => acts.edit(line)}>
            Edit…
          </MenuItem>
          <MenuItem disabled={off} onSelect={() => acts.toggle(line)}>
            {line.row.isActive ? "Switch off…" : "Switch on…"}
          </MenuItem>
          <MenuSeparator />
          <MenuItem disabled={off} onSelect={() => acts.remove(line)}>
            {`Remove ${BOOKS[kind].one} mapping…`}
          </MenuItem>
        </>
      )}
    </Menu>
  )
}
