import { Download, RefreshCw } from "lucide-react"
import { Suspense, useCallback, useRef, useState } from "react"
import { LayerKeys, type Shortcut } from "@/app/keyboard"
import { lazily } from "@/app/lazily"
import { SectionHead } from "@/app/section-frame"
import { useMoment } from "@/app/time-machine"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Drawer } from "@/ui/dialog"
import { formatNumber } from "@/ui/format"
import { Tabs } from "@/ui/tabs"
import { useMedia } from "@/ui/use-media"
import { ChainBar } from "./chain-bar"
import { AuditFilters, EventFilters } from "./filter-bar"
import { Inspector } from "./inspector"
import { AuditList, EventsList } from "./lists"
import { useFilters, type View } from "./use-filters"

const ExportDialog = lazily(() => import("./export-dialog"))
const CompareDialog = lazily(() => import("./compare-dialog"))
/** A dialog that was open once stays mounted, so that it gives the focus back. */
type Seen = "never" | "open" | "closed"

const TABS: readonly { value: View; label: string }[] = [
  { value: "events", label: "Events" },
  { value: "log", label: "Audit log" },
]

/** Every fact the service has recorded, whether the chain holds, and who did what. */
export default function Audit() {
  const filters = useFilters()
  const { asOf } = useMoment()
  const beside = useMedia("(min-width: 80rem)")
  const [exporting, setExporting] = useState<Seen>("never")
  const [comparing, setComparing] = useState<Seen>("never")
  const { selected, view, change } = filters
  const close = useCallback(() => change({ event: null }), [change])
  const steps = useRef<(by: number) => void>(() => {})
  const keys: Shortcut[] = [
    { keys: "j", label: "Next event", group: "Rows", run: () => steps.current(1) },
    { keys: "k", label: "Previous event", group: "Rows", run: () => steps.current(-1) },
  ]
  return (
    <>
      <SectionHead
        id="audit"
        title="Audit"
        sentence={
          asOf === null
            ? "Every fact the service has recorded, in order. Nothing here can be edited or removed."
            : "What was recorded up to this moment, in order."
        }
        actions={
          <>
            <Button icon={<RefreshCw aria-hidden />} onClick={() => setComparing("open")}>
              Replay and compare…
            </Button>
            <Button icon={<Download aria-hidden />} onClick={() => setExporting("open")}>
              Export…
            </Button>
          </>
        }
      />
      <ChainBar />
      <Tabs
        label="Audit views"
        tabs={TABS}
        value={view}
        onChange={(next) => change({ view: next === "events" ? null : next })}
      >
        <div
          className={cn(
            "overflow-clip rounded-panel border border-line bg-surface",
            beside && selected !== null && "grid grid-cols-[minmax(0,1fr)_25rem]",
          )}
        >
          <div className="min-w-0">
            {view === "log" ? (
              <>
                <AuditFilters filters={filters} />
                <AuditList filters={filters} steps={steps} />
              </>
            ) : (
              <>
                <EventFilters filters={filters} />
                <EventsList filters={filters} steps={steps} />
              </>
            )}
          </div>
          {beside && selected !== null && (
            <aside
              aria-label="Chosen event"
              className="min-h-0 overflow-y-auto border-line border-l"
              style={{ contain: "size" }}
            >
              <Inspector position={selected} filters={filters} onClose={close} />
            </aside>
          )}
        </div>
      </Tabs>
      {!beside && (
        <Drawer
          open={selected !== null}
          onOpenChange={(open) => !open && close()}
          title={selected === null ? "Event" : `Event ${formatNumber(selected)}`}
        >
          {selected !== null && (
            <div className="-mx-5 -my-4">
              <LayerKeys shortcuts={keys} />
              <Inspector position={selected} filters={filters} />
            </div>
          )}
        </Drawer>
      )}
      {comparing !== "never" && (
        <Suspense fallback={null}>
          <CompareDialog
            open={comparing === "open"}
            onOpenChange={(open) => setComparing(open ? "open" : "closed")}
            filters={filters}
          />
        </Suspense>
      )}
      {exporting !== "never" && (
        <Suspense fallback={null}>
          <ExportDialog
            open={exporting === "open"}
            onOpenChange={(open) => setExporting(open ? "open" : "closed")}
            filters={filters}
          />
        </Suspense>
      )}
    </>
  )
}
