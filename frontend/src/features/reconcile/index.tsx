import { ArchiveX, CircleDashed, CircleSlash, OctagonX, TriangleAlert } from "lucide-react"
import { type ReactNode, Suspense, useCallback, useMemo, useRef, useState } from "react"
import { useRead } from "@/api/hooks"
import type { ReasonCode } from "@/api/shapes"
import { lazily } from "@/app/lazily"
import { kpi } from "@/app/reads"
import { SectionHead } from "@/app/section-frame"
import { useUrlParams, useUrlState } from "@/app/url-state"
import { cn } from "@/ui/cn"
import { type Tab, Tabs } from "@/ui/tabs"
import { FilterButton, Search } from "./filters"
import { List } from "./list"
import type { Slot } from "./pages"
import {
  entryCount,
  type Filters,
  letterCount,
  openCounts,
  resolvedCount,
  TABS,
  type TabId,
} from "./reads"
import { sentence } from "./sentence"
import { isReason } from "./words"

const EntryDrawer = lazily(() => import("./drawer"))

const ICONS: Partial<Record<TabId, ReactNode>> = {
  conflicts: <TriangleAlert aria-hidden className="text-conflict" />,
  missing: <CircleDashed aria-hidden className="text-pending" />,
  failed: <OctagonX aria-hidden className="text-failed" />,
  dead: <ArchiveX aria-hidden className="text-dead" />,
  ignored: <CircleSlash aria-hidden className="text-ignored" />,
  pending: <CircleDashed aria-hidden className="text-pending" />,
}
const LABELS: Record<TabId, string> = {
  decision: "Needs a decision",
  conflicts: "Conflicts",
  missing: "Missing in Kimai",
  failed: "Failed",
  dead: "Dead letters",
  ignored: "Ignored",
  pending: "Pending",
  resolved: "Resolved",
}

export default function Reconcile() {
  const [tab, setTab] = useUrlState("tab", TABS)
  const { params, set } = useUrlParams()
  const counts = useCounts()
  const said = useSentence(counts)
  const filters = useFilters(params)
  const search = useRef<HTMLInputElement>(null)
  const opened = params.get("entry")
  const entryId = opened !== null && /^\d{1,15}$/.test(opened) ? Number(opened) : null
  // The list as it stands, for "1 of 23", previous and next in the drawer.
  const [slots, setSlots] = useState<readonly Slot[]>([])
  const [seen, setSeen] = useState(entryId !== null)
  if (entryId !== null && !seen) setSeen(true)
  const open = useCallback(
    (id: number | null) => {
      const wasOpen = new URLSearchParams(window.location.search).has("entry")
      set({ entry: id === null ? null : String(id) }, { push: id !== null && !wasOpen })
    },
    [set],
  )
  const tabs = useMemo(
    () =>
      TABS.map(
        (value): Tab<TabId> => ({
          value,
          label: LABELS[value],
          icon: ICONS[value],
          count: counts[value],
          due: value === "decision" && (counts.decision ?? 0) > 0,
        }),
      ),
    [counts],
  )
  return (
    <>
      <SectionHead
        id="reconcile"
        title="Reconcile"
        sentence={said}
        actions={
          <>
            <Search tab={tab} label={LABELS[tab]} field={search} />
            <FilterButton tab={tab} filters={filters} />
          </>
        }
      />
      <Tabs
        value={tab}
        onChange={setTab}
        tabs={tabs}
        label="What to reconcile"
        className={cn("min-w-0")}
      >
        <List
          key={tab}
          tab={tab}
          label={LABELS[tab]}
          filters={filters}
          onOpen={open}
          onSlots={setSlots}
          onSearch={() => search.current?.focus()}
          openId={entryId}
        />
      </Tabs>
      {seen && (
        <Suspense fallback={null}>
          <EntryDrawer id={entryId} slots={slots} onOpen={open} />
        </Suspense>
      )}
    </>
  )
}

/** Null until everything that it speaks of is known. */
function useSentence({ decision, failed, dead, pending }: Counts): string | null {
  const figures = useRead(kpi()).data
  if (figures === undefined || decision === undefined) return null
  if (failed === undefined || dead === undefined || pending === undefined) return null
  return sentence({
    decisions: decision,
    failed,
    dead,
    pending,
    compared: figures.last_sync !== null,
  })
}

type Counts = Partial<Record<TabId, number>>

/** Of the saved filters; what is searched for does not change them. */
function useCounts(): Counts {
  const open = useRead(openCounts()).data
  const failed = useRead(entryCount("failed")).data
  const ignored = useRead(entryCount("ignored")).data
  const pending = useRead(entryCount("pending")).data
  const resolved = useRead(resolvedCount()).data
  const dead = useRead(letterCount()).data
  return useMemo(
    () => ({
      decision: open && open.conflicts + open.missing,
      conflicts: open?.conflicts,
      missing: open?.missing,
      failed,
      dead,
      ignored,
      pending,
      resolved,
    }),
    [open, failed, ignored, pending, resolved, dead],
  )
}

function useFilters(params: URLSearchParams): Filters {
  const text = JSON.stringify(
    ["q", "reason", "person", "customer", "from", "to", "kind"].map((name) =>
      params.get(`reconcile.${name}`),
    ),
  )
  return useMemo(() => {
    const [q, reason, person, customer, from, to, kind] = JSON.parse(text) as (string | null)[]
    const day = (one: string | null | undefined) =>
      one && /^\d{4}-\d{2}-\d{2}$/.test(one) ? one : null
    return {
      q: q?.slice(0, 200) || null,
      reason: isReason(reason) ? (reason as ReasonCode) : null,
      person: person ?? null,
      customer: customer ?? null,
      from: day(from),
      to: day(to),
      kind: kind === "entry" || kind === "delivery" ? kind : null,
    }
  }, [text])
}
