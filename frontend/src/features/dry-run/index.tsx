import { History, Minus, Pencil, Play, Plus, RotateCw, TriangleAlert } from "lucide-react"
import { type ReactNode, useEffect, useRef, useState } from "react"
import { type AnswerOf, post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { keys, stale } from "@/api/keys"
import type { Plan } from "@/api/shapes"
import { connectors } from "@/app/reads"
import { useSession, useWritable } from "@/app/session"
import { useDialog, useUrlParams } from "@/app/url-state"
import { EmptyState, ProgressBar } from "@/ui/bits"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Input } from "@/ui/field"
import { formatDuration, formatInstant, formatNumber, formatSeconds } from "@/ui/format"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { Earlier } from "./earlier"
import { Drifted, Writing } from "./outcome"
import { type Action, type Drift, names, plan as planRead } from "./reads"
import { PlanRows } from "./rows"
import { useRows } from "./use-rows"
import { changesOf, count, rangeInWords, subjectOf, WRITES } from "./words"

type Made = AnswerOf<"/api/v1/sync/plans", "post">
const SHOWN: readonly Action[] = [...WRITES, "adopt"]

/** What a sync would do, seen before anything is written; then written exactly so. */
export default function DryRun() {
  const { dialog, close } = useDialog()
  const { params, set } = useUrlParams()
  const open = dialog === "dry-run"
  const { timezone } = useSession()
  const { reason } = useWritable("operator")
  const id = open ? numberOf(params.get("plan")) : null
  const [list, setList] = useState(false)
  const [runId, setRunId] = useState<number | null>(null)
  const show = (plan: number | null) => {
    setList(false)
    setRunId(null)
    applying.reset()
    set({ plan: plan === null ? null : String(plan) })
  }

  const making = useCommand<void, Made>({
    send: (_, { idempotencyKey }) =>
      post("/api/v1/sync/plans", { body: {}, respondAsync: true, idempotencyKey }),
    stale: [keys.own("plans")],
    onDone: (answer) => show(answer.plan_id ?? null),
  })
  // Opening it asks what a sync would do now; a plan in the address is shown as it was made.
  const asked = useRef(false)
  useEffect(() => {
    if (!open) asked.current = false
    else if (id === null && reason === undefined && !asked.current && !list) {
      asked.current = true
      making.mutate()
    }
  }, [open, id, reason, list, making.mutate])

  const [watched, setWatched] = useState(true)
  const query = useRead(planRead(id ?? 0, watched), { enabled: open && id !== null })
  const plan = query.data?.plan_id === id ? query.data : undefined
  useEffect(() => setWatched(plan === undefined || plan.state === "building"), [plan])

  const applying = useCommand({
    send: (digest: string, { idempotencyKey }) =>
      post("/api/v1/sync/plans/{plan_id}/apply", {
        path: { plan_id: id ?? 0 },
        body: { digest },
        respondAsync: true,
        idempotencyKey,
      }),
    stale: [...stale.run, keys.own("plans")],
    onDone: (answer) => setRunId(answer.run_id ?? null),
  })
  const again = () => {
    show(null)
    asked.current = true
    making.mutate()
  }
  const leave = () => {
    setList(false)
    setRunId(null)
    making.reset()
    applying.reset()
    close(["plan"])
  }
  const changes = plan ? changesOf(plan) : 0
  const drift = driftOf(applying.error?.problem.drift)
  const building = making.isPending || (id !== null && (!plan || plan.state === "building"))
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && leave()}
      title={list ? "Earlier dry runs" : "Dry run"}
      description={
        list
          ? "What was planned, and what became of it."
          : plan
            ? `What a sync ${plan.state === "ready" ? "would do now" : "was to do"}, ${rangeInWords(plan.start_date, plan.end_date)}.${plan.state === "applied" ? "" : " Nothing has been written."}`
            : "What a sync would do now. Nothing is written."
      }
      className="max-w-190"
      flush
      actions={
        !list && (
          <Button
            size="small"
            look="ghost"
            icon={<History aria-hidden />}
            onClick={() => setList(true)}
            aria-label="Earlier dry runs"
          >
            Earlier
          </Button>
        )
      }
      footer={
        <>
          {plan && !list && <Validity plan={plan} />}
          {list ? (
            <Button look="ghost" onClick={() => setList(false)}>
              Back
            </Button>
          ) : (
            <DialogClose asChild>
              <Button look="ghost">Close</Button>
            </DialogClose>
          )}
          {!list && plan && plan.state !== "building" && runId === null && (
            <Button
              icon={<RotateCw aria-hidden />}
              busy={making.isPending}
              disabledReason={reason}
              onClick={again}
            >
              Plan again
            </Button>
          )}
          {!list && plan?.state === "ready" && runId === null && (
            <Button
              look="primary"
              icon={<Play aria-hidden />}
              busy={applying.isPending}
              disabledReason={
                reason ??
                (changes === 0 ? "There is nothing to write: both sides agree." : undefined)
              }
              onClick={() => plan.digest && applying.mutate(plan.digest)}
            >
              {changes === 0 ? "Nothing to write" : `Write ${count(changes, "change")}`}
            </Button>
          )}
        </>
      }
    >
      {list ? (
        <Earlier open={open} onChoose={show} />
      ) : (
        <>
          {applying.error && (
            <div className="grid gap-3 px-5 py-4">
              <CommandError error={applying.error}>
                {applying.error.code === "plan_expired" && "Plan again to see what is true now."}
              </CommandError>
              {drift.length > 0 && <Drifted drift={drift} rows={drift.length} />}
            </div>
          )}
          {runId !== null && (
            <Writing runId={runId} planId={id} changes={changes} onAgain={again} />
          )}
          {id === null && making.error ? (
            <div className="grid justify-items-start gap-3 px-5 py-4">
              <CommandError error={making.error} />
              <Button icon={<RotateCw aria-hidden />} onClick={again} disabledReason={reason}>
                Try again
              </Button>
            </div>
          ) : id === null && reason ? (
            <div className="px-5 py-4">
              <p className="text-ink2">{`${reason} Earlier dry runs can be looked at.`}</p>
            </div>
          ) : query.isError && plan === undefined ? (
            <QueryState query={query} what="the plan" zone={timezone} skeleton={null}>
              {() => null}
            </QueryState>
          ) : building || plan === undefined ? (
            <Building since={plan?.created_at} />
          ) : (
            <PlanBody key={plan.plan_id} plan={plan} open={open} />
          )}
        </>
      )}
    </Dialog>
  )
}

function numberOf(text: string | null): number | null {
  const value = Number(text)
  return text !== null && Number.isInteger(value) && value > 0 ? value : null
}

function driftOf(value: unknown): Drift[] {
  return Array.isArray(value) ? (value as Drift[]) : []
}

function Building({ since }: { since: string | undefined }) {
  const [begun] = useState(Date.now)
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(0, now - (since ? Date.parse(since) : begun)) / 1000
  return (
    <div className="grid gap-3 px-5 py-10" role="status">
      <p className="font-medium">Reading Zammad and Kimai, and comparing them…</p>
      <ProgressBar value={undefined} label="Making the plan" />
      <p className="text-ink2 text-table" aria-hidden>
        {`${formatSeconds(seconds)} so far. It goes on when this is closed; it is then among the earlier ones.`}
      </p>
    </div>
  )
}

function Validity({ plan }: { plan: Plan }) {
  const { timezone } = useSession()
  if (plan.state === "building") return <span className="mr-auto" />
  const at = (instant: string) => formatInstant(instant, "day-time", timezone)
  const made = `Computed ${at(plan.created_at)}.`
  const words = {
    ready: plan.expires_at
      ? `Valid until ${at(plan.expires_at)}, or until either side changes.`
      : "",
    expired: "Expired: plan again to see what is true now.",
    applied: `Written by run ${plan.applied_by ?? plan.run_id ?? ""}.`,
    failed: "",
  }[plan.state]
  return <p className="mr-auto min-w-48 flex-1 text-ink2 text-table">{`${made} ${words}`}</p>
}

type Shown = "all" | Action

function PlanBody({ plan, open }: { plan: Plan; open: boolean }) {
  const { timezone } = useSession()
  const [shown, setShown] = useState<Shown>("all")
  const [text, setText] = useState("")
  const searching = text.trim() !== ""
  const rows = useRows(plan, shown === "all" ? SHOWN : [shown], searching)
  const kimai = useRead(connectors(), { enabled: open }).data?.find(
    (one) => one.type === "kimai" && one.is_active,
  )
  const called = useRead(names(kimai?.id ?? 0), { enabled: open && kimai !== undefined }).data
  // A filter looks at every row, so all of them are fetched for it.
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = rows
  useEffect(() => {
    if (searching && hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [searching, hasNextPage, isFetchingNextPage, fetchNextPage])
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = (rows.data ?? []).filter((row) => {
    const work = row.after ?? row.before
    const activity = work && called?.activities.get(work.activity_id)
    const project = work && called?.projects.get(work.project_id)
    const hay = [row.ticket_number, subjectOf(row), row.user, activity, project, row.message]
      .join(" ")
      .toLowerCase()
    return words.every((word) => hay.includes(word))
  })
  const { counts, minutes } = plan
  const toggle = (action: Action) => setShown(shown === action ? "all" : action)
  const total =
    shown === "all" ? SHOWN.reduce((sum, action) => sum + counts[action], 0) : counts[shown]
  const left = total - (rows.data?.length ?? 0)
  return (
    <>
      {plan.state === "failed" && (
        <p role="alert" className="m-5 rounded-control bg-failed-soft px-3 py-2 text-failed">
          {plan.error ?? "The plan could not be made."}
        </p>
      )}
      {plan.drifted_rows > 0 && (
        <div className="px-5 py-4">
          <Drifted drift={plan.drift} rows={plan.drifted_rows} />
        </div>
      )}
      <div className="grid grid-cols-2 border-line border-b md:grid-cols-4 md:divide-x md:divide-line">
        <Tile
          icon={<Plus aria-hidden />}
          label="Create timesheets"
          count={counts.create}
          detail={signed(minutes.create)}
          pressed={shown === "create"}
          onClick={() => toggle("create")}
        />
        <Tile
          icon={<Pencil aria-hidden />}
          label="Update timesheets"
          count={counts.update}
          detail={signed(minutes.update)}
          pressed={shown === "update"}
          onClick={() => toggle("update")}
        />
        <Tile
          icon={<Minus aria-hidden />}
          label="Delete timesheets"
          count={counts.delete}
          detail={signed(-Math.abs(minutes.delete))}
          pressed={shown === "delete"}
          onClick={() => toggle("delete")}
        />
        <Tile
          icon={<TriangleAlert aria-hidden className="text-conflict" />}
          label="Left for you"
          count={counts.conflict}
          detail={counts.conflict === 1 ? "needs a decision" : "need a decision"}
          pressed={shown === "conflict"}
          onClick={() => toggle("conflict")}
        />
      </div>
      <div className="flex flex-wrap items-center gap-2 px-5 py-3">
        <Input
          type="search"
          aria-label="Filter changes"
          placeholder="Filter changes…"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="max-w-60"
        />
        <Fact action="unchanged" counts={counts} words="already match" />
        <Fact action="adopt" counts={counts} words="found and linked" />
        {counts.skip > 0 && (
          <button
            type="button"
            aria-pressed={shown === "skip"}
            onClick={() => toggle("skip")}
            className="finger h-6 rounded-badge border border-line-strong px-2 text-meta aria-pressed:border-ink aria-pressed:bg-hover"
          >
            {`${formatNumber(counts.skip)} left alone`}
          </button>
        )}
      </div>
      {total === 0 ? (
        <EmptyState
          title={
            shown !== "all"
              ? "None of these."
              : plan.state === "failed"
                ? "Nothing was planned."
                : "Nothing to write: Kimai has every entry that can be carried."
          }
          action={
            shown !== "all" && (
              <Button size="small" onClick={() => setShown("all")}>
                Show all changes
              </Button>
            )
          }
        >
          {shown === "all" && counts.conflict > 0 && "What is left needs a decision in Reconcile."}
        </EmptyState>
      ) : (
        <QueryState
          query={rows}
          what="the planned changes"
          zone={timezone}
          skeleton={<Skeleton className="m-5 h-60" />}
          isEmpty={() => found.length === 0 && !rows.hasNextPage}
          empty={
            <EmptyState
              title={`No change matches “${text}”.`}
              action={
                <Button size="small" onClick={() => setText("")}>
                  Clear filter
                </Button>
              }
            />
          }
        >
          {() => (
            <>
              <PlanRows rows={found} names={called} />
              {left > 0 && (
                <div className="border-line border-t px-5 py-2.5">
                  <Button
                    size="small"
                    busy={rows.isFetchingNextPage}
                    onClick={() => void rows.fetchNextPage()}
                  >
                    {`${count(left, "more change")}`}
                  </Button>
                </div>
              )}
            </>
          )}
        </QueryState>
      )}
    </>
  )
}

function signed(minutes: number): string {
  return minutes > 0 ? `+${formatDuration(minutes)}` : formatDuration(minutes)
}

function Tile({
  icon,
  label,
  count,
  detail,
  pressed,
  onClick,
}: {
  icon: ReactNode
  label: string
  count: number
  detail: string
  pressed: boolean
  onClick: () => void
}) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onClick}
      title="Show these only"
      className={cn(
        "grid content-start gap-0.5 px-5 py-4 text-left -outline-offset-2 hover:bg-hover",
        pressed && "bg-hover shadow-[inset_0_-2px_0_var(--ink)]",
      )}
    >
      <span className="flex items-center gap-2 text-ink2 text-table [&_svg]:size-4 [&_svg]:shrink-0">
        {icon}
        {label}
      </span>
      <span className="font-semibold text-section">{formatNumber(count)}</span>
      <span className="text-ink2 text-meta">{detail}</span>
    </button>
  )
}

function Fact({
  action,
  counts,
  words,
}: {
  action: Action
  counts: Plan["counts"]
  words: string
}) {
  if (counts[action] === 0) return null
  return (
    <span className="rounded-badge border border-line px-2 py-0.5 text-meta">
      {`${formatNumber(counts[action])} ${words}`}
    </span>
  )
}
