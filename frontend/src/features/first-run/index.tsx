/** From nothing to the first sync: six steps where the dashboard will be, gone when done. */
import { ArrowRight, Check, Eye } from "lucide-react"
import { type ReactNode, useEffect, useState } from "react"
import { Link, useLocation } from "react-router"
import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { newestPlan } from "@/app/first-sync"
import { connectors, kpi, schedule } from "@/app/reads"
import { SectionHead } from "@/app/section-frame"
import { useSession, useWritable } from "@/app/session"
import { useDialog, useUrlParams } from "@/app/url-state"
import { Button, buttonStyle } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { Matches, useMatches } from "./matches"
import { delivered } from "./reads"
import { AlreadySeen } from "./seen"

const KEPT = "timeledger.first-run" // which steps a person chose to leave, by name

type StepName = "zammad" | "kimai" | "map" | "webhook" | "dry-run" | "schedule"
type Step = {
  name: StepName
  title: string
  says: ReactNode
  done: boolean
  /** Left by choice: it counts as passed, and can still be done. */
  left?: boolean
  minutes: number
  /** What it needs before: said instead of its button. */
  waits?: string
  action?: ReactNode
  again?: ReactNode
}

export default function FirstRun({ onDone }: { onDone: () => void }) {
  const { timezone } = useSession()
  const query = useRead(connectors())
  return (
    <QueryState
      query={query}
      what="the setup"
      zone={timezone}
      skeleton={
        <>
          <SectionHead id="dashboard" title="Set up Timeledger" top sentence={null} />
          <Skeleton className="h-150 rounded-panel" />
        </>
      }
    >
      {(rows) => <Checklist rows={rows} onDone={onDone} />}
    </QueryState>
  )
}

function useLeft(): [readonly string[], (name: StepName) => void] {
  const [left, setLeft] = useState<readonly string[]>(
    () => localStorage.getItem(KEPT)?.split(" ") ?? [],
  )
  return [
    left,
    (name) => {
      const next = [...left, name]
      localStorage.setItem(KEPT, next.join(" "))
      setLeft(next)
    },
  ]
}

function Checklist({ rows, onDone }: { rows: readonly Connector[]; onDone: () => void }) {
  const active = (type: Connector["type"]) => rows.find((one) => one.type === type && one.is_active)
  const [zammad, kimai] = [active("zammad"), active("kimai")]
  const both = zammad !== undefined && kimai !== undefined
  const steps = useSteps(zammad, kimai)
  const synced = useRead(kpi()).data?.last_sync != null
  const passed = steps.filter((one) => one.done || one.left).length
  const all = passed === steps.length
  useEffect(() => {
    if (!(synced && all)) return
    localStorage.removeItem(KEPT)
    onDone()
  }, [synced, all, onDone])
  const current = steps.find((one) => !one.done && !one.left)
  const left = steps
    .filter((one) => !one.done && !one.left)
    .reduce((sum, one) => sum + one.minutes, 0)
  return (
    <>
      <SectionHead
        id="dashboard"
        title="Set up Timeledger"
        top
        sentence={
          synced
            ? "The first sync is done. One choice is left."
            : "Nothing is written to Kimai until you approve the dry run in step 5."
        }
        actions={
          synced && (
            <Button look="primary" onClick={onDone} icon={<ArrowRight aria-hidden />}>
              Go to the dashboard
            </Button>
          )
        }
      />
      <div className="grid items-start gap-4 xl:grid-cols-[1.5fr_1fr]">
        <Panel label="Steps">
          <div className="flex items-center gap-4 border-line border-b px-5 py-3.5">
            <p className="whitespace-nowrap font-semibold text-table" role="status">
              {`${passed} of ${steps.length} done`}
            </p>
            <div aria-hidden className="flex flex-1 gap-1">
              {steps.map((one) => (
                <span
                  key={one.name}
                  className={cn(
                    "h-1.5 flex-1 rounded-full",
                    one.done
                      ? "bg-synced-fill"
                      : one.left
                        ? "bg-ignored-fill"
                        : one === current
                          ? "bg-primary"
                          : "bg-line",
                  )}
                />
              ))}
            </div>
            {left > 0 && (
              <p className="whitespace-nowrap text-ink2 text-table">{`about ${left} min left`}</p>
            )}
          </div>
          <ol>
            {steps.map((one, index) => (
              <StepRow key={one.name} step={one} number={index + 1} current={one === current} />
            ))}
          </ol>
        </Panel>
        <div className="grid gap-4">
          {zammad ? <AlreadySeen zammad={zammad} /> : <Before />}
          {both && zammad && kimai && <Matches zammad={zammad} kimai={kimai} />}
        </div>
      </div>
      {!synced && <Outlook ready={both} />}
    </>
  )
}

function useSteps(zammad: Connector | undefined, kimai: Connector | undefined): readonly Step[] {
  const { timezone } = useSession()
  const { set } = useUrlParams()
  const { open } = useDialog()
  const admin = useWritable("admin")
  const operator = useWritable("operator")
  const [left, leave] = useLeft()
  const matches = useMatches(zammad, kimai)
  const delivery = useRead(delivered(), { enabled: zammad !== undefined }).data
  const plan = useRead(newestPlan(), { enabled: zammad !== undefined && kimai !== undefined }).data
  const timetable = useRead(schedule()).data
  const both = zammad !== undefined && kimai !== undefined
  const connector = (what: string) => set({ connector: what }, { push: true })
  const connect = (type: Connector["type"], one: Connector | undefined): Partial<Step> =>
    one
      ? {
          done: true,
          says: `${one.name}, ${new URL(one.base_url).host}`,
          again: (
            <Button look="ghost" size="small" onClick={() => connector(`edit:${one.id}`)}>
              Edit
              <span className="sr-only"> {one.name}</span>
            </Button>
          ),
        }
      : {
          done: false,
          action: (
            <Button
              look="primary"
              disabledReason={admin.reason}
              onClick={() => connector(`new:${type}`)}
            >
              Connect {type === "zammad" ? "Zammad" : "Kimai"}
              <ArrowRight aria-hidden />
            </Button>
          ),
        }
  const { types, mapped, suggested } = matches
  const counts = plan?.counts
  const next = timetable?.next_runs[0]
  return [
    {
      name: "zammad",
      title: "Connect Zammad",
      says: "Its address and an access token. It is tested first, and only read.",
      minutes: 2,
      done: false,
      ...connect("zammad", zammad),
    },
    {
      name: "kimai",
      title: "Connect Kimai",
      says: "Its address and an API token. The test shows what the token may do.",
      minutes: 2,
      done: false,
      ...connect("kimai", kimai),
    },
    {
      name: "map",
      title: "Map activities",
      says: !both
        ? "Say which activity type of Zammad is which activity of Kimai."
        : types === undefined
          ? "Reading the activities of both sides…"
          : types === mapped
            ? `All ${formatNumber(types)} activity types are mapped.`
            : `${formatNumber(mapped)} of ${formatNumber(types)} mapped. ${
                suggested > 0
                  ? `${formatNumber(suggested)} ${suggested === 1 ? "has" : "have"} the same name on both sides: check and accept.`
                  : "Choose the others in the list."
              }`,
      minutes: 3,
      done: both && types !== undefined && types > 0 && types === mapped,
      left: left.includes("map"),
      waits: "Needs both connections.",
      action: both && types !== undefined && (
        <>
          {suggested > 0 && (
            <Button
              look="primary"
              busy={matches.accepting}
              disabledReason={admin.reason}
              onClick={matches.acceptAll}
            >
              {`Accept ${suggested} ${suggested === 1 ? "match" : "matches"}`}
            </Button>
          )}
          <MappingsLink primary={suggested === 0} />
          <Button look="ghost" onClick={() => leave("map")}>
            Leave the rest for later
          </Button>
        </>
      ),
    },
    {
      name: "webhook",
      title: "Let Zammad call",
      says: delivery
        ? `The last delivery came ${formatInstant(delivery.received_at, "day-time", timezone)}.`
        : left.includes("webhook")
          ? "Left out: the schedule alone keeps both sides in step."
          : "Add one trigger in Zammad and watch for its first delivery. You can skip this and use the schedule alone.",
      minutes: 4,
      done: delivery != null,
      left: left.includes("webhook"),
      waits: "Needs Zammad.",
      action: zammad && (
        <>
          <Button look="primary" onClick={() => connector(`webhook:${zammad.id}`)}>
            Set up in Zammad
            <ArrowRight aria-hidden />
          </Button>
          <Button look="ghost" onClick={() => leave("webhook")}>
            Skip
          </Button>
        </>
      ),
      again: zammad && left.includes("webhook") && (
        <Button look="ghost" size="small" onClick={() => connector(`webhook:${zammad.id}`)}>
          Set up
        </Button>
      ),
    },
    {
      name: "dry-run",
      title: "Do a dry run",
      says: counts
        ? `${formatNumber(counts.create)} would be created in Kimai, ${formatNumber(counts.conflict)} are left for you. Nothing is written yet: open it to write.`
        : "See what the first sync would create in Kimai before anything is written.",
      minutes: 1,
      done: plan != null,
      waits: "Needs both connections.",
      action: both && (
        <Button
          look="primary"
          disabledReason={operator.reason}
          icon={<Eye aria-hidden />}
          onClick={() => open("dry-run")}
        >
          Dry run
        </Button>
      ),
      again: (
        <Button look="ghost" size="small" onClick={() => open("dry-run")}>
          Open
          <span className="sr-only"> the dry run</span>
        </Button>
      ),
    },
    {
      name: "schedule",
      title: "Turn the schedule on",
      says: timetable?.enabled
        ? `On${next ? `, next run ${formatInstant(next, "day-time", timezone)}` : ""}.`
        : "Every 15 minutes on weekdays is a good start.",
      minutes: 1,
      done: timetable?.enabled === true,
      action: (
        <Button look="primary" disabledReason={admin.reason} onClick={() => open("schedule")}>
          Schedule
          <ArrowRight aria-hidden />
        </Button>
      ),
      again: (
        <Button look="ghost" size="small" onClick={() => open("schedule")}>
          Edit<span className="sr-only"> the schedule</span>
        </Button>
      ),
    },
  ]
}

function MappingsLink({ primary }: { primary: boolean }) {
  const { search } = useLocation()
  return (
    <Link
      to={{ search, hash: "mappings" }}
      className={buttonStyle({ look: primary ? "primary" : "outline" })}
    >
      Open Mappings
      <ArrowRight aria-hidden />
    </Link>
  )
}

function StepRow({ step, number, current }: { step: Step; number: number; current: boolean }) {
  const passed = step.done || step.left
  return (
    <li
      aria-current={current ? "step" : undefined}
      data-step={step.name}
      data-done={step.done || undefined}
      className={cn(
        "grid grid-cols-[1.75rem_1fr] gap-3.5 border-line border-b px-5 py-4 last:border-b-0",
        current && "bg-sunken",
      )}
    >
      <span
        aria-hidden
        className={cn(
          "grid size-7 place-items-center rounded-full font-medium text-table",
          step.done
            ? "bg-synced-soft text-synced"
            : current
              ? "bg-primary text-primary-ink"
              : "border border-line-strong text-ink2",
        )}
      >
        {step.done ? <Check className="size-4" /> : number}
      </span>
      <div className="min-w-0">
        <div className="flex items-start gap-3">
          <h2
            className={cn("min-w-0 flex-1 pt-0.5 font-medium", passed && "font-normal text-ink2")}
          >
            {step.title}
            {step.done ? (
              <span className="sr-only">, done</span>
            ) : (
              step.left && <span className="text-ink3 text-table"> left for later</span>
            )}
          </h2>
          {passed ? (
            step.again
          ) : (
            <span className="whitespace-nowrap pt-0.5 text-ink2 text-table">
              {`about ${step.minutes} min`}
            </span>
          )}
        </div>
        <p className="max-w-prose text-ink2 text-table">{step.says}</p>
        {current &&
          (step.action ? (
            <div className="flex flex-wrap gap-2 pt-3">{step.action}</div>
          ) : (
            <p className="pt-2 text-ink3 text-table">{step.waits}</p>
          ))}
      </div>
    </li>
  )
}

function Before() {
  return (
    <Panel label="Already seen in Zammad" bodyClassName="px-5 py-4">
      <h2 className="font-semibold">Already seen in Zammad</h2>
      <p className="text-ink2 text-table">
        As soon as Zammad is connected, its activity types, people and customers show here. Nothing
        is changed in Zammad.
      </p>
    </Panel>
  )
}

const BARS = [55, 80, 76, 92, 86, 12, 6, 78, 70, 66, 84, 70, 14, 4, 74, 88, 80, 92, 82, 10]

/** Where the chart will be; its bars are a drawing, not data. */
function Outlook({ ready }: { ready: boolean }) {
  const { open } = useDialog()
  const { reason } = useWritable("operator")
  return (
    <section
      aria-label="Time per day"
      className="relative mt-4 grid h-44 place-items-center overflow-hidden rounded-panel border border-line-strong border-dashed"
    >
      <div aria-hidden className="absolute inset-x-6 bottom-0 flex h-28 items-end gap-3">
        {BARS.map((height, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a fixed drawing
            key={index}
            className="flex-1 rounded-t-badge bg-hover"
            style={{ height: `${height}%` }}
          />
        ))}
      </div>
      <div className="relative grid justify-items-center gap-1 rounded-panel bg-canvas px-6 py-3 text-center">
        <p className="font-medium">Time per day appears after the first run</p>
        <p className="pb-1 text-ink2 text-table">
          {ready ? "You can already look at the plan." : "Connect both systems first."}
        </p>
        {ready && (
          <Button
            icon={<Eye aria-hidden />}
            disabledReason={reason}
            onClick={() => open("dry-run")}
          >
            Dry run
          </Button>
        )}
      </div>
    </section>
  )
}
