import { Download, FileUp, Plus, Search, TriangleAlert, X } from "lucide-react"
import { Suspense, useEffect, useMemo, useState } from "react"
import { fileUrl } from "@/api/client"
import { useRead } from "@/api/hooks"
import { lazily } from "@/app/lazily"
import { SectionHead } from "@/app/section-frame"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useUrlState } from "@/app/url-state"
import { useTyped } from "@/app/use-typed"
import { EmptyState } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { Input } from "@/ui/field"
import { formatDuration } from "@/ui/format"
import { Menu, MenuItem } from "@/ui/menu"
import { Loading, Panel, QueryState, Skeleton } from "@/ui/panel"
import { Tabs } from "@/ui/tabs"
import type { Doing } from "./confirm"
import {
  type Amount,
  countWord,
  filtered,
  type Line,
  linesOf,
  type Start,
  startOf,
  sumOf,
} from "./lines"
import {
  BOOKS,
  KINDS,
  type Kind,
  type Noun,
  type Source,
  sourceKey,
  suggestedSource,
  type Target,
} from "./model"
import { usePair, usePeer } from "./peers"
import { type Choice, lastChanges, rows, usage, waiting } from "./reads"
import Rules from "./rules"
import { LinesTable } from "./table"
import { useNarrow } from "./use-narrow"

const Edit = lazily(() => import("./edit"))
const Confirm = lazily(() => import("./confirm"))
const AcceptAll = lazily(() => import("./accept-all"))
const Import = lazily(() => import("./import"))

const TABS = [...KINDS, "rules"] as const
type TabName = (typeof TABS)[number]

type Open =
  | { is: "edit"; start: Start; key: string }
  | { is: "review"; keys: readonly string[]; at: number }
  | { is: "confirm"; key: string; doing: Doing }
  | { is: "accept" }
  | { is: "import" }

/** How Zammad's words become Kimai's: what is not mapped first, with what waits for it. */
export default function Mappings() {
  const [tab, setTab] = useUrlState<TabName>("mappings.tab", TABS)
  const kind = tab === "rules" ? "activities" : tab
  const books = useBooks(kind)
  const [open, setOpen] = useState<Open | null>(null)
  const { asOf } = useMoment()
  const writable = useWritable("admin")
  const narrow = useNarrow()
  const add = () =>
    setOpen({
      is: "edit",
      key: "new",
      start: {
        row: null,
        source: kind === "projects" ? { id: null, name: "", kind: "organization" } : null,
        targets: [],
      },
    })
  return (
    <>
      <SectionHead
        id="mappings"
        title="Mappings"
        sentence="How Zammad words become Kimai words. Every change is an event and can be undone."
        actions={
          tab !== "rules" && (
            <>
              <Button
                look="ghost"
                icon={<FileUp aria-hidden />}
                disabledReason={writable.reason}
                onClick={() => setOpen({ is: "import" })}
              >
                Import…
              </Button>
              <Menu
                trigger={
                  <Button look="ghost" icon={<Download aria-hidden />}>
                    Export
                  </Button>
                }
              >
                {(["csv", "json"] as const).map((format) => (
                  <MenuItem key={format} asChild>
                    <a
                      download
                      href={fileUrl(BOOKS[kind].exportPath, {
                        format,
                        ...(asOf ? { as_of: asOf } : {}),
                      })}
                    >
                      {`${BOOKS[kind].label} as ${format.toUpperCase()}`}
                    </a>
                  </MenuItem>
                ))}
              </Menu>
              <Button icon={<Plus aria-hidden />} disabledReason={writable.reason} onClick={add}>
                Add mapping
              </Button>
            </>
          )
        }
      />
      <Tabs
        label="Kinds of mappings"
        value={tab}
        onChange={setTab}
        tabs={[
          ...KINDS.map((one) => ({
            value: one as TabName,
            label: BOOKS[one].label,
            ...(books.counts[one] === undefined ? {} : { count: books.counts[one] }),
          })),
          { value: "rules" as const, label: "Rules" },
        ]}
        beside={tab !== "rules" && !narrow && <Filter />}
      >
        {tab === "rules" ? (
          <Rules />
        ) : (
          <>
            {narrow && <Filter />}
            <Book key={kind} kind={kind} books={books} onOpen={setOpen} onTab={setTab} />
          </>
        )}
      </Tabs>
      {open && (
        <Suspense fallback={null}>
          <OpenDialog kind={kind} books={books} open={open} onOpen={setOpen} />
        </Suspense>
      )}
    </>
  )
}

type Books = ReturnType<typeof useBooks>

/** All that the section shows, read once for its tables and its dialogs. */
function useBooks(kind: Kind) {
  const read = {
    activities: useRead(rows("activities")),
    users: useRead(rows("users")),
    projects: useRead(rows("projects")),
  }
  const suggestions = useRead(waiting())
  const changes = useRead(lastChanges(kind))
  const used = useRead(usage())
  const { zammad, kimai } = usePair()
  const peers = {
    activities: usePeer("Kimai", kimai, "activities", kind === "activities"),
    users: usePeer("Kimai", kimai, "users", kind === "users"),
    customers: usePeer("Kimai", kimai, "customers", kind === "projects"),
    projects: usePeer("Kimai", kimai, "projects", kind === "projects"),
  }
  const lists: Partial<Record<Noun, readonly Choice[]>> = {}
  for (const noun of ["activities", "users", "customers", "projects"] as const) {
    const choices = peers[noun].choices
    if (choices) lists[noun] = choices
  }
  const items = suggestions.data?.items ?? []
  const lines = (of: Kind): Line[] =>
    linesOf({
      kind: of,
      rows: read[of].data ?? [],
      suggestions: items,
      ...(of === kind && changes.data && !changes.isPlaceholderData
        ? { changes: changes.data }
        : {}),
      ...(used.data ? { usage: used.data } : {}),
      lists,
    })
  const counts: Partial<Record<Kind, number>> = {}
  for (const one of KINDS) if (read[one].data) counts[one] = lines(one).length
  const waitingFor =
    (of: Kind) =>
    (source: Source): Amount => {
      // The row for everyone takes all people who have none of their own.
      const all = items.filter((one) => {
        if (one.kind !== of) return false
        if (of === "users" && source.id === null) return true
        const waits = suggestedSource(one)
        // Bookings know organizations by name; the id is there only while Zammad answers.
        if (source.kind === "organization" && waits.kind === "organization" && waits.id === null) {
          return waits.name === source.name
        }
        return sourceKey(waits) === sourceKey(source)
      })
      return sumOf(
        all.map((one) => ({
          waiting: { entries: one.waiting_entries, minutes: one.waiting_minutes },
        })),
      )
    }
  const named = (target: Target): Target => {
    if (target.name !== "") return target
    const live = lists[target.list]?.find((one) => one.id === target.id)?.name
    const kept = (read[kind].data ?? [])
      .flatMap((row) => row.targets)
      .find((one) => one.list === target.list && one.id === target.id)?.name
    return { ...target, name: live ?? kept ?? "" }
  }
  return {
    read,
    suggestions,
    changes,
    zammad,
    kimai,
    peers,
    lines,
    counts,
    waitingFor,
    named,
    lists,
  }
}

const EARLY = 2_000 // ms that the rows wait for what stands above them; a peer may be slow

/** Whether it is pending and not for long yet. */
function useEarly(pending: boolean): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!pending) return
    const timer = setTimeout(() => setLate(true), EARLY)
    return () => clearTimeout(timer)
  }, [pending])
  return pending && !late
}

const PAUSE = 150 // ms after the last letter; the lines are looked through here

function Filter() {
  const [kept, keep] = useUrlState("mappings.q")
  const [text, setText] = useTyped(kept ?? "", (typed) => keep(typed || null), { pause: PAUSE })
  return (
    <div className="relative max-md:pb-4">
      <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-ink3 touch:top-3.5" />
      <Input
        type="search"
        aria-label="Filter mappings"
        placeholder="Filter…"
        className="w-56 pl-8 max-md:w-full"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {text !== "" && (
        <IconButton
          label="Clear"
          size="small"
          className="absolute top-1 right-1 size-6 touch:top-2.5"
          onClick={() => setText("")}
        >
          <X aria-hidden />
        </IconButton>
      )}
    </div>
  )
}

function Book({
  kind,
  books,
  onOpen,
  onTab,
}: {
  kind: Kind
  books: Books
  onOpen: (open: Open) => void
  onTab: (tab: TabName) => void
}) {
  const { timezone } = useSession()
  const [text, setText] = useUrlState("mappings.q")
  const query = books.read[kind]
  const lines = books.lines(kind)
  const shown = filtered(lines, text ?? "")
  const book = BOOKS[kind]
  const what = `the mappings of ${book.many}`
  const early = useEarly(books.suggestions.isPending)
  if (!query.isError && (query.isPending || early)) {
    // What waits stands first: without it the rows would move away under the hand.
    return (
      <Panel key="early" label={`${book.label}: being read`}>
        <Loading what={what}>
          <TableSkeleton />
        </Loading>
      </Panel>
    )
  }
  return (
    <div key="known" className="grid gap-4">
      <HeldBack kind={kind} books={books} lines={lines} onOpen={onOpen} onTab={onTab} />
      <PeersAway books={books} kind={kind} />
      <Panel label={`${book.label}: mapped and not mapped`}>
        <QueryState query={query} what={what} zone={timezone} skeleton={<TableSkeleton />}>
          {() => {
            if (lines.length === 0) {
              // Before the suggestions are there nobody knows whether it is empty.
              if (books.suggestions.isPending) return <TableSkeleton />
              return <EmptyState title={book.empty} />
            }
            if (shown.length === 0) {
              return (
                <EmptyState
                  title={`No mapping of ${book.many} matches “${text}”.`}
                  action={<Button onClick={() => setText(null)}>Clear the filter</Button>}
                />
              )
            }
            return (
              <LinesTable
                kind={kind}
                lines={shown}
                zone={timezone}
                acts={{
                  edit: (line) => onOpen({ is: "edit", start: startOf(line), key: line.key }),
                  toggle: (line) =>
                    onOpen({
                      is: "confirm",
                      key: line.key,
                      doing: line.row?.isActive ? "off" : "on",
                    }),
                  remove: (line) => onOpen({ is: "confirm", key: line.key, doing: "remove" }),
                }}
              />
            )
          }}
        </QueryState>
      </Panel>
      <p className="text-ink2 text-meta">
        Changing a mapping never rewrites history. Entries already in Kimai stay as they are unless
        you ask for a replay.
      </p>
    </div>
  )
}

function TableSkeleton() {
  return (
    <div className="grid gap-px">
      <Skeleton className="h-9 rounded-none" />
      {[1, 2, 3, 4, 5].map((one) => (
        <Skeleton key={one} className="mx-4 my-3 h-6" />
      ))}
    </div>
  )
}

/** Time first: what is held back here, and what else is in the other tabs. */
function HeldBack({
  kind,
  books,
  lines,
  onOpen,
  onTab,
}: {
  kind: Kind
  books: Books
  lines: readonly Line[]
  onOpen: (open: Open) => void
  onTab: (tab: TabName) => void
}) {
  const { reason } = useWritable("admin")
  const { timezone } = useSession()
  const open = lines.filter((line) => line.state === "unmapped")
  const proposed = open.filter((line) => line.proposal)
  const others = KINDS.filter((one) => one !== kind)
    .map((one) => ({
      kind: one,
      lines: books.lines(one).filter((line) => line.state === "unmapped"),
    }))
    .filter((one) => one.lines.length > 0)
  if (books.suggestions.isError) {
    return (
      <Panel label="What waits">
        <QueryState
          query={books.suggestions}
          what="what waits for a mapping"
          zone={timezone}
          skeleton={null}
        >
          {() => null}
        </QueryState>
      </Panel>
    )
  }
  if (open.length === 0 && others.length === 0) return null
  const sum = sumOf(open)
  const book = BOOKS[kind]
  return (
    <Panel label="What waits" bodyClassName="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
      <TriangleAlert
        aria-hidden
        className="mt-0.5 size-4 shrink-0 self-start text-conflict md:self-center"
      />
      <p className="min-w-56 flex-1 text-table">
        {open.length > 0 && (
          <>
            <strong className="font-semibold">
              {`${countWord(open.length, book.one, book.many)} ${open.length === 1 ? "holds" : "hold"} back ${formatDuration(sum.minutes)}.`}
            </strong>{" "}
            <span className="text-ink2">
              {`${countWord(sum.entries, "entry continues", "entries continue")} on ${sum.entries === 1 ? "its" : "their"} own once ${open.length === 1 ? "this is" : "these are"} mapped. `}
            </span>
          </>
        )}
        {others.map((other) => (
          <button
            key={other.kind}
            type="button"
            className="link mr-2 inline-flex min-h-6 items-center text-left touch:min-h-11"
            onClick={() => onTab(other.kind)}
          >
            {`${open.length > 0 ? "Also " : ""}${countWord(other.lines.length, BOOKS[other.kind].one, BOOKS[other.kind].many)} not mapped, ${formatDuration(sumOf(other.lines).minutes)}`}
          </button>
        ))}
      </p>
      {proposed.length > 1 && (
        <Button size="small" disabledReason={reason} onClick={() => onOpen({ is: "accept" })}>
          {`Accept ${proposed.length} suggestions…`}
        </Button>
      )}
      {open.length > 0 && (
        <Button
          size="small"
          disabledReason={reason}
          onClick={() => onOpen({ is: "review", keys: open.map((line) => line.key), at: 0 })}
        >
          Review one by one…
        </Button>
      )}
    </Panel>
  )
}

/** What cannot be known while a system does not answer. */
function PeersAway({ books, kind }: { books: Books; kind: Kind }) {
  const peers =
    kind === "projects"
      ? [books.peers.customers, books.peers.projects]
      : [books.peers[kind === "users" ? "users" : "activities"]]
  const { asOf } = useMoment()
  if (asOf !== null) return null
  const why =
    books.suggestions.data?.withoutPeers ??
    peers.find((one) => one.why && books.kimai !== undefined)?.why
  if (!why) return null
  return (
    <p role="status" className="flex gap-2 rounded-control bg-hover px-3 py-2 text-table">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-conflict" />
      {`${why} Until it answers there are no suggestions from its lists, and targets that were deleted there are not noticed. Mappings can be changed all the same.`}
    </p>
  )
}

function OpenDialog({
  kind,
  books,
  open,
  onOpen,
}: {
  kind: Kind
  books: Books
  open: Open
  onOpen: (open: Open | null) => void
}) {
  const { timezone } = useSession()
  const lines = useMemo(() => books.lines(kind), [books, kind])
  const close = () => onOpen(null)
  const all = books.read[kind].data ?? []
  const waitingFor = books.waitingFor(kind)
  const known = {
    sources: lines.map((line) => line.source),
    targets: lines.flatMap((line) => [
      ...line.targets,
      ...(line.proposal ? [line.proposal.target] : []),
    ]),
  }
  const common = {
    kind,
    rows: all,
    changes: books.changes.data,
    waitingFor,
    known,
    zone: timezone,
    onClose: close,
  }
  switch (open.is) {
    case "edit":
      return <Edit {...common} key={open.key} start={open.start} onSaved={close} />
    case "review": {
      const line = lines.find((one) => one.key === open.keys[open.at])
      const next = () =>
        open.at + 1 < open.keys.length ? onOpen({ ...open, at: open.at + 1 }) : close()
      if (line === undefined) return <Gone onNext={next} />
      return (
        <Edit
          {...common}
          key={line.key}
          start={startOf(line)}
          onSaved={next}
          review={{ at: open.at + 1, of: open.keys.length, onSkip: next }}
        />
      )
    }
    case "confirm": {
      const line = lines.find((one) => one.key === open.key)
      if (!line?.row) return null // somebody removed it meanwhile
      return (
        <Confirm
          kind={kind}
          line={line}
          row={line.row}
          doing={open.doing}
          kimai={books.kimai}
          waitingFor={waitingFor}
          onClose={close}
        />
      )
    }
    case "accept":
      return (
        <AcceptAll
          kind={kind}
          lines={lines.filter((line) => line.state === "unmapped" && line.proposal)}
          onClose={close}
        />
      )
    case "import":
      return (
        <Import
          kind={kind}
          rows={all}
          named={books.named}
          waitingFor={waitingFor}
          onClose={close}
        />
      )
  }
}

/** Somebody else mapped it before its turn came. */
function Gone({ onNext }: { onNext: () => void }) {
  useEffect(onNext)
  return null
}
