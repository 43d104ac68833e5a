import {
  Component,
  type ErrorInfo,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useState,
} from "react"
import { useNavigate } from "react-router"
import { useRead } from "@/api/hooks"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { useShortcuts } from "./keyboard"
import { lazily } from "./lazily"
import { BottomBar, Sidebar } from "./navigation"
import { kpi } from "./reads"
import { useRun } from "./run-sync"
import { DIALOGS, FirstRun, SECTIONS, type Section, type SectionId, TimeMachineBar } from "./slots"
import { useMoment } from "./time-machine"
import { TopBar } from "./top-bar"
import { type DialogName, useDialog } from "./url-state"
import { useSectionScroll } from "./use-scroll"

const Shortcuts = lazily(() => import("./shortcuts"))
const Password = lazily(() => import("./password"))

/** The page: navigation, top bar, five sections one under the other, and dialogs over them. */
export function Shell() {
  const { active, target, onMounted } = useSectionScroll()
  const { asOf } = useMoment()
  const { dialog } = useDialog()
  const painted = useAfterFigures()
  usePageKeys()
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it goes to a place of this page; the hash is the sections' */}
      <a
        href="#content"
        className="sr-only z-50 rounded-control bg-primary text-primary-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:px-4 focus:py-2"
        onClick={(event) => {
          event.preventDefault()
          document.getElementById("content")?.focus()
        }}
      >
        Skip to content
      </a>
      <Sidebar active={active} />
      <div className="max-lg:pb-20 lg:pl-58">
        <div className="sticky top-0 z-30">
          <TopBar />
          {(asOf !== null || dialog === "time-machine") && (
            <section
              aria-label="Time machine"
              data-time-machine
              className="min-h-14 bg-bar text-bar-ink"
            >
              <Guard what="The time machine">
                <Suspense fallback={null}>
                  <TimeMachineBar />
                </Suspense>
              </Guard>
            </section>
          )}
        </div>
        <main
          id="content"
          tabIndex={-1}
          data-focus-container
          className="mx-auto max-w-376 px-4 sm:px-6 lg:px-8"
        >
          {SECTIONS.map((section, index) => {
            const first = index === 0
            const awaited = first || section.id === target
            return (
              <Slot
                key={section.id}
                section={section}
                first={first}
                tall={awaited}
                load={awaited || painted}
                onMounted={onMounted}
              />
            )
          })}
        </main>
      </div>
      <BottomBar active={active} />
      <DialogSlot name={dialog} />
    </>
  )
}

function Slot({
  section,
  first,
  tall,
  load,
  onMounted,
}: {
  section: Section
  first: boolean
  /** A window high at least: what comes below stays out of sight while it is filled. */
  tall: boolean
  load: boolean
  onMounted: (id: SectionId) => void
}) {
  const { Content, id, label } = section
  return (
    <section
      id={id}
      aria-label={label}
      className={cn(
        "pb-12",
        first ? "pt-6" : "border-line border-t pt-10",
        tall ? "min-h-dvh" : "min-h-[60vh] last:min-h-[80vh]",
      )}
    >
      {load && (
        <Guard what={label}>
          <Suspense fallback={<p className="sr-only">{`Loading ${label}`}</p>}>
            {first ? <Dashboard Content={Content} /> : <Content />}
            <Mounted id={id} told={onMounted} />
          </Suspense>
        </Guard>
      )}
    </section>
  )
}

/** Until the first sync came to its end, the way to it stands where the dashboard will be. */
function Dashboard({ Content }: { Content: Section["Content"] }) {
  const { data } = useRead(kpi(), { at: "now" })
  const { asOf } = useMoment()
  const [settingUp, setSettingUp] = useState(false)
  if (!settingUp && data !== undefined && data.last_sync === null) setSettingUp(true)
  const onDone = useCallback(() => setSettingUp(false), [])
  // After the first sync it says itself when it is done; once gone it never comes back, also when
  // a connector is disabled later. The past shows what was known then, not a way to set up.
  return settingUp && asOf === null ? <FirstRun onDone={onDone} /> : <Content />
}

function Mounted({ id, told }: { id: SectionId; told: (id: SectionId) => void }) {
  useEffect(() => told(id), [id, told])
  return null
}

function DialogSlot({ name }: { name: string | null }) {
  // What was open stays mounted, so that it can close with its motion and give the focus back.
  const [seen, setSeen] = useState<string[]>([])
  if (name !== null && !seen.includes(name)) setSeen([...seen, name])
  return (
    <Guard what="This dialog">
      <Suspense fallback={null}>
        {seen.map((one) => {
          const Content = DIALOGS[one as DialogName]
          if (Content) return <Content key={one} />
          if (one === "shortcuts") return <Shortcuts key={one} />
          if (one === "password") return <Password key={one} />
          return null
        })}
      </Suspense>
    </Guard>
  )
}

function usePageKeys() {
  const navigate = useNavigate()
  const { open } = useDialog()
  const { asOf } = useMoment()
  const { run, reason } = useRun()
  useShortcuts([
    ...SECTIONS.map((section) => ({
      keys: `g ${section.letter}`,
      label: section.label,
      group: "Go to" as const,
      run: () => void navigate({ search: window.location.search, hash: section.id }),
    })),
    {
      keys: "Mod+k",
      label: "Command palette",
      group: "Page",
      everywhere: true,
      run: () => open("palette"),
    },
    {
      keys: "r",
      label: "Run sync now",
      group: "Page",
      enabled: reason === undefined,
      run: () => run(),
    },
    {
      keys: "Shift+R",
      label: "Dry run",
      group: "Page",
      enabled: asOf === null,
      run: () => open("dry-run"),
    },
    { keys: "t", label: "Time machine", group: "Page", run: () => open("time-machine") },
    { keys: "?", label: "All shortcuts", group: "Page", run: () => open("shortcuts") },
  ])
}

const PATIENCE = 3_000 // ms after which the other sections no longer wait for the figures

/** The first section's figures are there and painted: only then the others take their share. */
function useAfterFigures(): boolean {
  const { isPending } = useRead(kpi())
  const [painted, setPainted] = useState(false)
  useEffect(() => {
    if (isPending) {
      const timer = setTimeout(() => setPainted(true), PATIENCE)
      return () => clearTimeout(timer)
    }
    const frame = requestAnimationFrame(() => setTimeout(() => setPainted(true), 0))
    return () => cancelAnimationFrame(frame)
  }, [isPending])
  return painted
}

/** A part that breaks says so in its place; the rest of the page goes on. */
class Guard extends Component<{ what: string; children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null }
  static getDerivedStateFromError(error: Error) {
    return { error }
  }
  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error(error, info.componentStack)
  }
  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <div role="alert" className="rounded-panel border border-line bg-surface p-4">
        <p className="font-medium">{`${this.props.what} could not be shown.`}</p>
        <p className="mb-3 text-ink2 text-table">
          A part of the page did not load or failed. The rest goes on.
        </p>
        <Button onClick={() => window.location.reload()}>Load the page again</Button>
      </div>
    )
  }
}
