import { Command } from "cmdk"
import {
  Bell,
  CalendarClock,
  CalendarRange,
  CircleDot,
  Clock,
  CornerDownRight,
  Eye,
  History,
  Keyboard,
  KeyRound,
  LogOut,
  type LucideIcon,
  Moon,
  Play,
  Search,
  ShieldCheck,
  Sun,
  Ticket,
  Users,
  Waypoints,
} from "lucide-react"
import { type MouseEvent, type ReactNode, useEffect, useRef, useState } from "react"
import { useLocation, useNavigate } from "react-router"
import type { ApiError } from "@/api/errors"
import { useRead } from "@/api/hooks"
import type { Entry, SyncRun } from "@/api/shapes"
import { useKeyboard } from "@/app/keyboard"
import { kpi } from "@/app/reads"
import { useSession, useWritable } from "@/app/session"
import { SECTIONS } from "@/app/slots"
import { useTheme } from "@/app/theme"
import { useMoment } from "@/app/time-machine"
import { type DialogName, useDialog, usePlaces } from "@/app/url-state"
import { Kbd } from "@/ui/bits"
import { Button } from "@/ui/button"
import { formatDay, formatDuration, formatInstant, formatNumber } from "@/ui/format"
import { StateIcon, type StateName } from "@/ui/state-badge"
import {
  entriesFound,
  entriesWaiting,
  eventFound,
  type Known,
  mappingsKnown,
  runsActive,
  runsFound,
} from "./reads"

const TYPING = 200 // ms without a key until the service is asked
const CLOSING = 80 // ms until the focus is back where it was; what opens then remembers it
const MOST_MAPPINGS = 4

/** What may be done or gone to. */
type Act = {
  name: string
  /** More words that find it. */
  also?: string
  icon: LucideIcon
  keys?: string
  /** Why not now. */
  reason?: string
  /** A place of the page, as a link; or something to do. */
  to?: string
  run?: () => void
  /** Shown once somebody types; the list begins with what is done every day. */
  seldom?: boolean
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("")
  const navigate = useNavigate()
  const actions = useActions()
  const sections = useSections()
  const wanted = text.trim().toLowerCase()
  const found = useFound(wanted)
  const words = wanted.split(/\s+/).filter(Boolean)
  const matching = (acts: Act[]) =>
    acts.filter((act) => {
      const hay = `${act.name} ${act.also ?? ""}`.toLowerCase()
      return words.every((word) => hay.includes(word))
    })
  const go = (to: string) => {
    onClose()
    setTimeout(() => void navigate(to), CLOSING)
  }
  const perform = (run: () => void) => {
    onClose()
    setTimeout(run, CLOSING)
  }
  const props = { go, perform }
  const doing = matching(actions).filter((act) => wanted !== "" || !act.seldom)
  const going = matching(sections).filter((act) => wanted !== "" || !act.seldom)
  const { entries, runs, mappings, event } = found
  const nothing =
    doing.length + going.length + entries.length + runs.length + mappings.length === 0 && !event
  return (
    <Command shouldFilter={false} label="Search or jump to" loop className="flex min-h-0 flex-col">
      <div className="flex items-center gap-3 border-line border-b px-4">
        <Search aria-hidden className="size-4 shrink-0 text-ink3" />
        <Command.Input
          value={text}
          onValueChange={setText}
          placeholder="Type a command, ticket or customer…"
          className="h-12 min-w-0 flex-1 bg-transparent text-body outline-none placeholder:text-ink3"
        />
        <Kbd keys="Escape" className="max-md:hidden" />
        <Button size="small" look="ghost" onClick={onClose} className="md:hidden">
          Close
        </Button>
      </div>
      <Command.List
        label="Found"
        className="min-h-0 overflow-y-auto overscroll-contain p-2 empty:p-0 max-md:max-h-[70vh] md:max-h-116"
      >
        {doing.length > 0 && <Acts heading="Actions" acts={doing} {...props} />}
        {going.length > 0 && <Acts heading="Go to" acts={going} {...props} />}
        {wanted === "" ? <Waiting {...props} /> : <Found found={found} go={go} />}
      </Command.List>
      {found.failed && (
        <Failed error={found.failed.error} again={() => void found.failed?.refetch()} />
      )}
      <p role="status" className="px-4 text-ink2 text-table">
        {wanted !== "" && found.searching && <span className="block py-2">Searching…</span>}
        {wanted !== "" && !found.searching && !found.failed && nothing && (
          <span className="block py-6 text-center">{`Nothing matches “${wanted}”.`}</span>
        )}
      </p>
    </Command>
  )
}

type Doing = { go: (to: string) => void; perform: (run: () => void) => void }

function Acts({ heading, acts, go, perform }: { heading: string; acts: Act[] } & Doing) {
  return (
    <Group heading={heading}>
      {acts.map(({ name, icon: Icon, keys, reason, to, run }) => (
        <Item
          key={name}
          value={`${heading} ${name}`}
          icon={<Icon aria-hidden />}
          end={
            reason ? (
              <span className="text-ink3 text-meta">{reason}</span>
            ) : (
              keys && <Kbd keys={keys} />
            )
          }
          disabled={reason !== undefined}
          to={to}
          onSelect={() => (to !== undefined ? go(to) : run && perform(run))}
        >
          {name}
        </Item>
      ))}
    </Group>
  )
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="pb-1 [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-meta [&_[cmdk-group-heading]]:text-ink2"
    >
      {children}
    </Command.Group>
  )
}

const ITEM =
  "flex min-h-9 cursor-pointer items-center gap-3 rounded-control px-2.5 py-1.5 text-table data-[selected=true]:bg-hover aria-disabled:cursor-not-allowed aria-disabled:text-ink3 touch:min-h-11 [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-ink2"

/** What leads somewhere is a link: it may be opened in another tab, or its address copied. */
function Item({
  value,
  icon,
  end,
  disabled = false,
  to,
  onSelect,
  children,
}: {
  value: string
  icon: ReactNode
  end?: ReactNode
  disabled?: boolean
  to?: string
  onSelect: () => void
  children: ReactNode
}) {
  const elsewhere = useRef(false)
  const inside = (
    <>
      {icon}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {end}
    </>
  )
  if (to === undefined) {
    return (
      <Command.Item value={value} disabled={disabled} onSelect={onSelect} className={ITEM}>
        {inside}
      </Command.Item>
    )
  }
  const pressed = (event: MouseEvent) => {
    elsewhere.current = event.metaKey || event.ctrlKey || event.shiftKey
    if (!elsewhere.current) event.preventDefault()
  }
  return (
    <Command.Item
      asChild
      value={value}
      disabled={disabled}
      onSelect={() => {
        if (!elsewhere.current) onSelect()
        elsewhere.current = false
      }}
    >
      <a href={to} tabIndex={-1} onClick={pressed} className={ITEM}>
        {inside}
      </a>
    </Command.Item>
  )
}

// ── Commands ────────────────────────────────────────────────────────────────

const ICONS: Record<string, LucideIcon> = {
  "Run sync now": Play,
  "Dry run": Eye,
  "Time machine": History,
  "All shortcuts": Keyboard,
}
/** As a palette names them: "…" when more input follows. */
const NAMES: Record<string, string> = {
  "Dry run": "Dry run…",
  "Time machine": "Open time machine…",
  "All shortcuts": "Keyboard shortcuts",
}

function useActions(): Act[] {
  const { shortcuts } = useKeyboard()
  const { open } = useDialog()
  const { user, signOut } = useSession()
  const { asOf } = useMoment()
  const { shown, choose } = useTheme()
  const run = useWritable("operator")
  const past = asOf === null ? undefined : "This is the past: read only."
  const place = usePlaces()
  const dialog = (name: DialogName) => () => open(name)
  const keyed = shortcuts
    .filter((one) => one.group !== "Go to" && one.keys !== "Mod+k")
    .filter((one) => one.enabled !== false || one.group === "Page")
    .map((one): Act => {
      const off = one.enabled === false ? (past ?? run.reason ?? "Not now.") : undefined
      return {
        name: NAMES[one.label] ?? one.label,
        also: one.group,
        seldom: one.group !== "Page" || one.keys === "?",
        icon: ICONS[one.label] ?? CornerDownRight,
        keys: one.keys,
        ...(off ? { reason: off } : {}),
        run: () => one.run(new KeyboardEvent("keydown")),
      }
    })
  // The page's own first, what the row in reach can do behind all others.
  const page = keyed.filter((act) => act.also === "Page")
  const rest = keyed.filter((act) => act.also !== "Page")
  const other = shown === "dark" ? "light" : "dark"
  const admin: Act[] = [
    {
      name: "Accounts…",
      also: "users people roles",
      seldom: true,
      icon: Users,
      run: dialog("accounts"),
    },
    {
      name: "Notifications…",
      also: "channels mail slack teams alert",
      seldom: true,
      icon: Bell,
      run: dialog("notifications"),
    },
  ]
  return [
    ...page,
    {
      name: "Edit schedule…",
      also: "cron repeat",
      icon: CalendarClock,
      ...(past ? { reason: past } : {}),
      run: dialog("schedule"),
    },
    {
      name: "Run for other days…",
      also: "range dates",
      seldom: true,
      icon: CalendarRange,
      ...(run.reason ? { reason: past ?? run.reason } : {}),
      run: dialog("run-range"),
    },
    { name: "All runs", also: "history", seldom: true, icon: Clock, run: dialog("runs") },
    { name: "Verify event chain", also: "audit proof", icon: ShieldCheck, to: place("audit") },
    {
      name: `Switch to ${other} theme`,
      also: "appearance",
      icon: other === "dark" ? Moon : Sun,
      run: () => choose(other),
    },
    ...(user.role === "admin" ? admin : []),
    {
      name: "Change password…",
      also: "account",
      seldom: true,
      icon: KeyRound,
      run: dialog("password"),
    },
    { name: "Sign out", also: "log out", seldom: true, icon: LogOut, run: () => void signOut() },
    ...rest,
  ]
}

function useSections(): Act[] {
  const place = usePlaces()
  const { data } = useRead(kpi())
  const waiting = data?.open_conflicts ?? 0
  return SECTIONS.map(({ id, label, icon, letter }) => ({
    name:
      id === "reconcile" && waiting > 0
        ? `${label}, ${formatNumber(waiting)} need a decision`
        : label,
    also: "section",
    seldom: !(id === "reconcile" && waiting > 0),
    icon,
    keys: `g ${letter}`,
    to: place(id),
  }))
}

// ── What the service finds ──────────────────────────────────────────────────

function Waiting({ go }: Doing) {
  const runs = useRead(runsActive())
  const entries = useRead(entriesWaiting())
  return (
    <>
      {runs.data && runs.data.length > 0 && (
        <Group heading="Going on">
          {runs.data.map((run) => (
            <RunItem key={run.id} run={run} go={go} />
          ))}
        </Group>
      )}
      {entries.data && entries.data.length > 0 && (
        <Group heading="Needs a decision">
          {entries.data.map((entry) => (
            <EntryItem key={entry.id} entry={entry} go={go} />
          ))}
        </Group>
      )}
    </>
  )
}

/** What the service finds for a text, of every kind; what is still of another text is left out. */
function useFound(text: string) {
  const settled = useSettled(text)
  const number = /^#?(\d{1,15})$/.exec(settled)?.[1]
  const enabled = settled.length > 0
  const entries = useRead(entriesFound(settled.replace(/^#/, "")), { enabled })
  const runs = useRead(runsFound(number ?? ""), { enabled: number !== undefined })
  const event = useRead(eventFound(Number(number ?? 1)), { enabled: number !== undefined })
  const known = useRead(mappingsKnown(), { enabled: settled.length > 1 })
  const asked = !enabled ? [] : number ? [entries, runs, event] : [entries, known]
  const of = <T,>(query: { data?: T | undefined; isPlaceholderData: boolean }) =>
    query.isPlaceholderData ? undefined : query.data
  return {
    entries: (enabled && of(entries)) || [],
    runs: (number && of(runs)) || [],
    event: (number && of(event)) || null,
    mappings: number === undefined ? mappingsMatching(known.data ?? [], settled) : [],
    searching:
      settled !== text ||
      asked.some((one) => one.isFetching && (one.isPending || one.isPlaceholderData)),
    failed: asked.find((query) => query.isError),
  }
}

function Found({ found, go }: { found: ReturnType<typeof useFound>; go: Doing["go"] }) {
  const { entries, runs, mappings, event } = found
  return (
    <>
      {entries.length > 0 && (
        <Group heading="Entries">
          {entries.map((entry) => (
            <EntryItem key={entry.id} entry={entry} go={go} />
          ))}
        </Group>
      )}
      {runs.length > 0 && (
        <Group heading="Sync runs">
          {runs.map((run) => (
            <RunItem key={run.id} run={run} go={go} />
          ))}
        </Group>
      )}
      {mappings.length > 0 && (
        <Group heading="Mappings">
          {mappings.map((mapping) => (
            <MappingItem key={mapping.key} mapping={mapping} go={go} />
          ))}
        </Group>
      )}
      {event && (
        <Group heading="Events">
          <EventItem event={event} go={go} />
        </Group>
      )}
    </>
  )
}

function Failed({ error, again }: { error: ApiError | null; again: () => void }) {
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-3 border-line border-t px-4 py-2 text-table"
    >
      <p className="min-w-48 flex-1">
        <span className="font-medium">Not everything could be searched.</span> {error?.sentence}
      </p>
      <Button size="small" onClick={again}>
        Retry
      </Button>
    </div>
  )
}

const STATES: Record<Entry["state"], StateName> = {
  pending: "pending",
  writing: "pending",
  synced: "synced",
  conflict: "conflict",
  failed: "failed",
  ignored: "ignored",
  withdrawn: "ignored",
}
const WORDS: Record<Entry["state"], string> = {
  pending: "pending",
  writing: "being written",
  synced: "synced",
  conflict: "needs a decision",
  failed: "failed",
  ignored: "ignored",
  withdrawn: "withdrawn",
}

function EntryItem({ entry, go }: { entry: Entry; go: Doing["go"] }) {
  const to = usePlaces()("reconcile", { entry: String(entry.id) })
  return (
    <Item
      value={`entry ${entry.id}`}
      icon={<Ticket aria-hidden />}
      to={to}
      onSelect={() => go(to)}
      end={
        <span className="flex shrink-0 items-center gap-2 text-ink2 text-meta">
          {formatDay(entry.entry_date)}
          <StateIcon state={STATES[entry.state]} label={WORDS[entry.state]} />
        </span>
      }
    >
      {`#${entry.ticket_number} ${entry.ticket_title ?? entry.description}`}
      <span className="text-ink2">
        {[
          "",
          entry.time_minutes === null ? null : formatDuration(entry.time_minutes),
          entry.user_name,
          entry.customer_name,
        ]
          .filter((part) => part !== null)
          .join(" · ")}
      </span>
    </Item>
  )
}

function RunItem({ run, go }: { run: SyncRun; go: Doing["go"] }) {
  const { timezone } = useSession()
  const { hash } = useLocation()
  const to = usePlaces()(hash, { dialog: "runs", run: String(run.id) })
  return (
    <Item
      value={`run ${run.id}`}
      icon={<Clock aria-hidden />}
      to={to}
      onSelect={() => go(to)}
      end={
        <span className="text-ink2 text-meta">
          {formatInstant(run.started_at, "day-time", timezone)}
        </span>
      }
    >
      {`Sync run #${formatNumber(run.id)}, ${run.state}`}
    </Item>
  )
}

function mappingsMatching(known: Known[], text: string): Known[] {
  if (text.length < 2) return []
  const words = text.split(/\s+/)
  return known
    .filter(({ from, to }) => {
      const hay = `${from} ${to} mapping`.toLowerCase()
      return words.every((word) => hay.includes(word))
    })
    .slice(0, MOST_MAPPINGS)
}

const TAB_WORDS: Record<string, string> = {
  activities: "activity",
  users: "person",
  projects: "project",
}

function MappingItem({ mapping, go }: { mapping: Known; go: Doing["go"] }) {
  const to = usePlaces()("mappings", { "mappings.tab": mapping.tab, "mappings.q": mapping.from })
  return (
    <Item
      value={`mapping ${mapping.key}`}
      icon={<Waypoints aria-hidden />}
      to={to}
      onSelect={() => go(to)}
      end={
        <span className="text-ink2 text-meta">
          {mapping.active ? TAB_WORDS[mapping.tab] : "off"}
        </span>
      }
    >
      {`${mapping.from} → ${mapping.to}`}
    </Item>
  )
}

function EventItem({
  event,
  go,
}: {
  event: { position: number; type: string; recorded_at: string }
  go: Doing["go"]
}) {
  const { timezone } = useSession()
  const to = usePlaces()("audit", { "audit.event": String(event.position) })
  return (
    <Item
      value={`event ${event.position}`}
      icon={<CircleDot aria-hidden />}
      to={to}
      onSelect={() => go(to)}
      end={
        <span className="text-ink2 text-meta">
          {formatInstant(event.recorded_at, "day-time", timezone)}
        </span>
      }
    >
      {`Event ${formatNumber(event.position)} `}
      <span className="font-mono text-ink2 text-meta">{event.type}</span>
    </Item>
  )
}

/** The text once nobody types; the first at once. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}
