import { X } from "lucide-react"
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react"
import type { ApiError } from "@/api/errors"
import { useCommand, useRead } from "@/api/hooks"
import { useShortcuts } from "@/app/keyboard"
import { lazily } from "@/app/lazily"
import { notify } from "@/app/notify"
import { kpi } from "@/app/reads"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useUrlParams } from "@/app/url-state"
import { EmptyState, Kbd } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { Checkbox } from "@/ui/choices"
import { formatInstant, formatNumber } from "@/ui/format"
import { CommandError, Panel, QueryState, Skeleton } from "@/ui/panel"
import { VirtualTable, type VirtualTableHandle } from "@/ui/virtual-table"
import { type Decided, type Decision, decide, STALE } from "./actions"
import { Cards } from "./cards"
import { active as activeFilters, Chips } from "./filters"
import { type Line, nameOfLine } from "./model"
import { isLine, placeOf, type Slot, usePages } from "./pages"
import type { Act } from "./proposals"
import { type Filters, isReadOnly, KNOWN_FILTERS, segmentsOf, type TabId } from "./reads"
import { LETTERS, LetterRow, RESOLVED, ResolvedRow, type Shown, SIDES, SidesRow } from "./row"
import { SelectionBar } from "./selection-bar"
import { useChanged, useInReach, usePhone, useSelection } from "./state"
import { useNames } from "./use-names"
import { ACTS } from "./words"

const Bulk = lazily(() => import("./bulk"))

export type BulkWish = { lines: readonly Line[]; act: Act | "proposals" }
/** What was not decided stays said until it is tried again, whatever else is decided meanwhile. */
type Refused = { line: Line; error: ApiError }
type Move = "use" | "keep" | "ignore"
const MOVES: Record<Move, readonly Act[]> = {
  use: ["update", "delete", "create", "retry", "unignore"],
  keep: ["keep-target", "skip"],
  ignore: ["ignore"],
}

export function List({
  tab,
  label,
  filters,
  onOpen,
  onSlots,
  onSearch,
  openId,
}: {
  tab: TabId
  label: string
  filters: Filters
  onOpen: (entryId: number | null) => void
  onSlots: (slots: readonly Slot[]) => void
  onSearch: () => void
  /** The entry in the drawer. */
  openId: number | null
}) {
  const { timezone } = useSession()
  const { asOf } = useMoment()
  const { reason } = useWritable("operator")
  const names = useNames()
  const segments = useMemo(() => segmentsOf(tab, filters), [tab, filters])
  const list = usePages(segments, names)
  const { slots, onRange, onNear } = list
  const lines = useMemo(() => slots.filter(isLine), [slots])
  useEffect(() => onSlots(slots), [slots, onSlots])
  const { changed, forget } = useChanged(lines, asOf)
  const selection = useSelection(slots)
  const [activeKey, setActiveKey] = useState<string | null>(null)
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set())
  const [bulk, setBulk] = useState<BulkWish | null>(null)
  const [refused, setRefused] = useState<readonly Refused[]>([])
  const [hint, setHint] = useState<string | null>(null)
  const table = useRef<VirtualTableHandle>(null)
  const panel = useRef<HTMLDivElement>(null)
  const leaving = useRef<string | null>(null) // decided from the list, as long as it stands there
  const inReach = useInReach(panel)
  const phone = usePhone()

  const drawerOpen = openId !== null
  const opened = drawerOpen ? placeOf(slots, openId) : -1
  useEffect(() => {
    onNear(opened < 0 ? null : opened)
    // The list stands where the drawer does when it closes.
    if (opened >= 0) table.current?.scrollTo(opened)
  }, [opened, onNear])

  const undo = useCommand({
    send: (back: () => Promise<unknown>) => back(),
    stale: STALE,
    onDone: () => notify("Taken back"),
    onFailed: (error) => notify("It could not be taken back", { detail: error.sentence }),
  })
  const command = useCommand<Decision, Decided>({
    send: decide,
    stale: STALE,
    onDone: (answer, { line }) => {
      setBusy((was) => without(was, line.key))
      setRefused((was) => exceptOf(was, line))
      forget(line.key)
      selection.drop(line.key)
      const back = answer.undo
      notify(answer.message, {
        detail: nameOfLine(line),
        undo: back && (() => undo.mutate(back)),
      })
    },
    onFailed: (error, { line }) => {
      leaving.current = null
      setBusy((was) => without(was, line.key))
      setRefused((was) => [...exceptOf(was, line), { line, error }])
    },
  })

  const open = useCallback(
    (line: Line) => {
      forget(line.key)
      setActiveKey(line.key)
      onOpen(line.entryId)
    },
    [forget, onOpen],
  )
  const send = command.mutate
  const act = useCallback(
    (line: Line, wanted: Act) => {
      setActiveKey(line.key)
      setRefused((was) => exceptOf(was, line))
      setHint(null)
      // What deletes is looked at first: the drawer names the timesheet and shows the request.
      if (wanted === "delete") return open(line)
      leaving.current = line.key
      setBusy((was) => new Set(was).add(line.key))
      send({ line, act: wanted })
    },
    [open, send],
  )
  const context = useMemo<Shown>(
    () => ({
      reason,
      busy,
      act,
      open,
      selected: selection.selected,
      changed,
      toggle: selection.toggle,
      selectable: !isReadOnly(tab),
      zone: timezone,
    }),
    [reason, busy, act, open, selection.selected, selection.toggle, changed, tab, timezone],
  )

  const at = useRef(0)
  const index = activeKey === null ? -1 : slots.findIndex((one) => one.key === activeKey)
  if (index >= 0) at.current = index
  const focusOn = (key: string) =>
    requestAnimationFrame(() => {
      const found = panel.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`)
      found?.focus({ preventScroll: !phone })
    })
  const go = (step: number) => {
    if (slots.length === 0) return
    // A row that left the list leaves its place: the next one stands there now.
    const from = activeKey === null ? -1 : index >= 0 ? index : at.current - (step > 0 ? 1 : 0)
    const next = Math.min(slots.length - 1, Math.max(0, from + step))
    const slot = slots[next]
    if (!isLine(slot)) return table.current?.scrollTo(next)
    at.current = next
    setActiveKey(slot.key)
    table.current?.scrollTo(next)
    focusOn(slot.key)
  }
  // A decided row takes the focus of its button along: what stands in its place now gets it. Only
  // the focus: the same key pressed twice decides one row.
  useEffect(() => {
    if (leaving.current === null || leaving.current !== activeKey || index >= 0) return
    leaving.current = null
    if (document.activeElement !== document.body) return
    const slot = slots[Math.min(at.current, slots.length - 1)]
    if (!isLine(slot)) return panel.current?.focus({ preventScroll: true })
    focusOn(slot.key)
  })
  const current = index >= 0 && isLine(slots[index]) ? (slots[index] as Line) : null
  const move = (which: Move) => {
    const chosen = [...selection.selected.values()]
    if (chosen.length > 0) return setBulk({ lines: chosen, act: MOVE_ACT[which] })
    if (current === null || busy.has(current.key)) return
    const found = current.alternatives.find((one) => MOVES[which].includes(one.act))
    if (found === undefined) return setHint("This row has nothing of the kind to choose.")
    if (found.blocked) return setHint(`${ACTS[found.act].label} is not possible. ${found.blocked}`)
    act(current, found.act)
  }
  const rowKeys = inReach && !drawerOpen && bulk === null
  const deciding =
    rowKeys && reason === undefined && (current !== null || selection.selected.size > 0)
  useShortcuts([
    { keys: "j", label: "Next row", group: "Rows", run: () => go(1), enabled: rowKeys },
    { keys: "k", label: "Previous row", group: "Rows", run: () => go(-1), enabled: rowKeys },
    {
      keys: "x",
      label: "Select the row",
      group: "Rows",
      run: () => current && selection.toggle(current, index, false),
      enabled: rowKeys && !isReadOnly(tab),
    },
    {
      keys: "Shift+X",
      label: "Select up to the row",
      group: "Rows",
      run: () => current && selection.toggle(current, index, true),
      enabled: rowKeys && !isReadOnly(tab),
    },
    {
      keys: "Enter",
      label: "Open the row",
      group: "Rows",
      run: () => current && open(current),
      enabled: rowKeys && current !== null && current.entryId !== null,
    },
    { keys: "z", label: "Use Zammad", group: "Rows", run: () => move("use"), enabled: deciding },
    { keys: "u", label: "Keep Kimai", group: "Rows", run: () => move("keep"), enabled: deciding },
    {
      keys: "i",
      label: "Ignore until it changes",
      group: "Rows",
      run: () => move("ignore"),
      enabled: deciding,
    },
    { keys: "/", label: "Search in Reconcile", group: "Rows", run: onSearch, enabled: inReach },
    {
      keys: "Escape",
      label: "Clear the selection",
      group: "Rows",
      run: selection.clear,
      enabled: rowKeys && selection.selected.size > 0,
    },
  ])

  const every = lines.length > 0 && lines.every((line) => selection.selected.has(line.key))
  const { selectAll, clear } = selection
  const some = selection.selected.size > 0
  const columns = useMemo(() => {
    const own = tab === "resolved" ? RESOLVED : tab === "dead" ? LETTERS : SIDES
    if (isReadOnly(tab)) return own
    const box = (
      <Checkbox
        checked={every ? true : some ? "indeterminate" : false}
        onCheckedChange={() => (every || some ? clear() : selectAll(lines))}
        aria-label="Select all rows read so far"
      />
    )
    return [{ id: "select", header: box, width: "3rem" }, ...own]
  }, [tab, every, some, clear, selectAll, lines])
  const selectedKeys = useMemo(() => new Set(selection.selected.keys()), [selection.selected])

  const caption = `${label}, ${formatNumber(slots.length)} ${slots.length === 1 ? "row" : "rows"}`
  return (
    <div ref={panel} data-shown={slots.length} data-focus-container tabIndex={-1}>
      <Chips tab={tab} filters={filters} />
      <RefusedRows
        refused={refused}
        onDismiss={(line) => setRefused((was) => exceptOf(was, line))}
      />
      {hint && (
        <p role="status" className="pb-3 text-ink2 text-table">
          {hint}
        </p>
      )}
      <QueryState
        query={list.query}
        what={label.toLowerCase()}
        zone={timezone}
        skeleton={<ListSkeleton phone={phone} />}
        isEmpty={(loaded) => loaded.slots.length === 0}
        empty={<Empty tab={tab} filters={filters} />}
      >
        {() =>
          phone ? (
            <Cards
              slots={slots}
              caption={caption}
              context={context}
              active={activeKey}
              onRange={onRange}
            />
          ) : (
            <Panel label={caption} footer={<Keys count={slots.length} read={lines.length} />}>
              <VirtualTable
                ref={table}
                caption={caption}
                columns={columns}
                rows={slots}
                rowKey={keyOf}
                rowName={nameOf}
                Row={tab === "resolved" ? ResolvedRow : tab === "dead" ? LetterRow : SidesRow}
                context={context}
                selected={selectedKeys}
                active={activeKey}
                onRange={onRange}
                minWidth={tab === "dead" ? "44rem" : "66rem"}
              />
            </Panel>
          )
        }
      </QueryState>
      {selection.selected.size > 0 && bulk === null && !drawerOpen && (
        <SelectionBar
          lines={[...selection.selected.values()]}
          changed={changed}
          reason={reason}
          onBulk={(wanted) => setBulk({ lines: [...selection.selected.values()], act: wanted })}
          onClear={selection.clear}
        />
      )}
      {bulk && (
        <Suspense fallback={null}>
          <Bulk
            wish={bulk}
            now={lines}
            onDecided={(key) => {
              forget(key)
              selection.drop(key)
            }}
            onClose={() => setBulk(null)}
            returnTo={() => panel.current?.querySelector<HTMLElement>("[data-row]") ?? null}
          />
        </Suspense>
      )}
    </div>
  )
}

const MOVE_ACT: Record<Move, Act> = { use: "update", keep: "keep-target", ignore: "ignore" }

function keyOf(slot: { key: string }): string {
  return slot.key
}

function nameOf(slot: Slot): string {
  return isLine(slot) ? nameOfLine(slot) : ""
}

function exceptOf(all: readonly Refused[], { key }: Line): readonly Refused[] {
  return all.filter((one) => one.line.key !== key)
}

function RefusedRows({
  refused,
  onDismiss,
}: {
  refused: readonly Refused[]
  onDismiss: (line: Line) => void
}) {
  return refused.map(({ line, error }) => {
    const about = nameOfLine(line)
    return (
      <div key={line.key} className="flex items-start gap-2 pb-3">
        <div className="min-w-0 flex-1">
          <CommandError error={error}>{`Nothing was decided about ${about}.`}</CommandError>
        </div>
        <IconButton label={`Dismiss what was said of ${about}`} onClick={() => onDismiss(line)}>
          <X aria-hidden />
        </IconButton>
      </div>
    )
  })
}

function without(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set)
  next.delete(key)
  return next
}

function Keys({ count, read }: { count: number; read: number }) {
  const keys = [
    ["j k", "move"],
    ["x", "select"],
    ["Enter", "open"],
    ["z", "use Zammad"],
    ["u", "keep Kimai"],
    ["i", "ignore"],
  ] as const
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <span>
        {read < count
          ? `${formatNumber(read)} of ${formatNumber(count)} read, more as you scroll`
          : `${formatNumber(count)} ${count === 1 ? "row" : "rows"}`}
      </span>
      {keys.map(([key, does]) => (
        <span key={key} className="inline-flex items-center gap-1.5 touch:hidden">
          <Kbd keys={key} /> {does}
        </span>
      ))}
    </div>
  )
}

function ListSkeleton({ phone }: { phone: boolean }) {
  const rows = Array.from({ length: phone ? 3 : 8 }, (_, row) => row)
  if (phone) {
    return (
      <div className="grid gap-3">
        {rows.map((row) => (
          <Skeleton key={row} className="h-70 rounded-panel" />
        ))}
      </div>
    )
  }
  return (
    <Panel label="Loading">
      <div className="h-9 border-line border-b bg-sunken" />
      {rows.map((row) => (
        <div
          key={row}
          className="grid h-14.5 grid-cols-4 items-center gap-6 border-line border-b px-4"
        >
          <Skeleton className="h-4" />
          <Skeleton className="h-4" />
          <Skeleton className="h-4 w-3/4" />
          <Skeleton className="ml-auto h-7 w-28" />
        </div>
      ))}
    </Panel>
  )
}

const EMPTY: Record<TabId, string> = {
  decision: "Nothing needs a decision.",
  conflicts: "There is no conflict.",
  missing: "Nothing is missing in Kimai.",
  failed: "Nothing was given up.",
  dead: "There are no dead letters.",
  ignored: "Nothing is ignored.",
  pending: "Nothing is on its way to Kimai.",
  resolved: "Nothing was resolved yet.",
}

function Empty({ tab, filters }: { tab: TabId; filters: Filters }) {
  const { timezone } = useSession()
  const { set } = useUrlParams()
  const compared = useRead(kpi()).data?.last_sync
  const on = activeFilters(tab, filters)
  if (on.length > 0) {
    const clear = Object.fromEntries(KNOWN_FILTERS[tab].map((name) => [`reconcile.${name}`, null]))
    return (
      <Panel label="Nothing found">
        <EmptyState
          title={`Nothing here matches ${on.map((one) => one.text).join(" and ")}.`}
          action={<Button onClick={() => set(clear)}>Clear the filter</Button>}
        />
      </Panel>
    )
  }
  return (
    <Panel label="Nothing here">
      <EmptyState title={EMPTY[tab]}>
        {compared
          ? `Last compared ${formatInstant(compared, "day-time", timezone)}.`
          : "Zammad and Kimai were not compared yet."}
      </EmptyState>
    </Panel>
  )
}
