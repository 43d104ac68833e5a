import { CalendarClock, CalendarRange, ChevronDown, Eye, History, Play, Search } from "lucide-react"
import { useEffect, useState } from "react"
import { useRead } from "@/api/hooks"
import { Kbd } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatAgo, formatWhen } from "@/ui/format"
import { Menu, MenuItem } from "@/ui/menu"
import { useLive } from "./live"
import { Brand, UserMenu } from "./navigation"
import { schedule } from "./reads"
import { useRun } from "./run-sync"
import { useSession } from "./session"
import { useMoment } from "./time-machine"
import { useDialog } from "./url-state"

export function TopBar() {
  const { open } = useDialog()
  const { asOf } = useMoment()
  return (
    <header className="border-line border-b bg-canvas">
      <div className="mx-auto flex h-14 max-w-376 items-center gap-2 px-4 max-[22rem]:gap-0.5 max-[22rem]:px-2 sm:px-6 lg:px-8">
        <Brand className="mr-auto lg:hidden [&>span:last-child]:max-sm:sr-only" />
        <button
          type="button"
          onClick={() => open("palette")}
          className="mr-auto flex h-8 w-full max-w-75 items-center gap-2.5 rounded-control border border-line-strong bg-surface px-2.5 text-left text-ink3 text-table hover:bg-hover max-lg:hidden"
        >
          <Search aria-hidden className="size-4" />
          <span className="flex-1">Search or jump to…</span>
          <Kbd keys="Mod+k" />
        </button>
        <LiveIndicator />
        <IconButton label="Search" className="lg:hidden" onClick={() => open("palette")}>
          <Search aria-hidden />
        </IconButton>
        <IconButton
          label="Time machine"
          aria-pressed={asOf !== null}
          onClick={() => open("time-machine")}
        >
          <History aria-hidden />
        </IconButton>
        <ScheduleButton />
        <RunButton />
        <span className="lg:hidden">
          <UserMenu small />
        </span>
      </div>
    </header>
  )
}

const TICK = 5_000 // ms between two readings of "last event 5 s ago"

function LiveIndicator() {
  const { state } = useLive()
  const { timezone } = useSession()
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK)
    return () => clearInterval(timer)
  }, [])
  if (state.is === "paused") return null
  const words = {
    connecting: "Connecting…",
    live: "Live",
    reconnecting: "Reconnecting…",
    offline: "Offline",
  }[state.is]
  const more =
    state.is === "live" && state.lastEventAt !== null
      ? `, last event ${formatAgo(Math.min(state.lastEventAt, now), now)}`
      : state.is === "offline"
        ? ` since ${formatWhen(state.since, timezone)}, showing last known`
        : ""
  return (
    <p
      className="flex items-center gap-2 whitespace-nowrap px-1 text-ink2 text-table"
      data-live={state.is}
    >
      <span
        aria-hidden
        className={cn(
          "size-2 rounded-full",
          state.is === "live"
            ? "bg-synced"
            : state.is === "offline"
              ? "border-2 border-failed"
              : "border-2 border-conflict",
        )}
      />
      <span>
        <span
          className={cn(
            "font-medium",
            state.is === "offline" && "text-failed",
            "max-[22rem]:sr-only",
          )}
        >
          {words}
        </span>
        <span className="max-xl:sr-only">{more}</span>
      </span>
    </p>
  )
}

function ScheduleButton() {
  const { open } = useDialog()
  const { asOf } = useMoment()
  const { timezone } = useSession()
  const { data } = useRead(schedule())
  const next = data?.enabled ? data.next_runs[0] : undefined
  return (
    <Button
      icon={<CalendarClock aria-hidden />}
      onClick={() => open("schedule")}
      className="max-md:hidden"
      disabledReason={
        asOf === null ? undefined : "This is the past: read only. Go back to live to change it."
      }
    >
      Schedule
      <span className="min-w-10 text-left font-normal text-ink2">
        {data === undefined ? "" : next ? `next ${formatWhen(next, timezone)}` : "off"}
      </span>
    </Button>
  )
}

function RunButton() {
  const { open } = useDialog()
  const { asOf } = useMoment()
  const { run, busy, reason } = useRun()
  return (
    <div className="flex">
      <Button
        look="primary"
        busy={busy}
        disabledReason={reason}
        onClick={run}
        icon={<Play aria-hidden />}
        className="rounded-r-none max-sm:px-2.5"
      >
        <span className="max-[22rem]:sr-only">
          Run sync<span className="max-sm:sr-only"> now</span>
        </span>
      </Button>
      <Menu
        trigger={
          <Button
            look="primary"
            aria-label="More ways to run"
            className="rounded-l-none border-primary-ink/25 border-l px-2"
          >
            <ChevronDown aria-hidden />
          </Button>
        }
      >
        <MenuItem
          icon={<Eye aria-hidden />}
          hint={<Kbd keys="Shift+R" />}
          disabled={asOf !== null}
          onSelect={() => open("dry-run")}
        >
          Dry run…
        </MenuItem>
        <MenuItem
          icon={<CalendarRange aria-hidden />}
          disabled={reason !== undefined}
          onSelect={() => open("run-range")}
        >
          Run for other days…
        </MenuItem>
        <MenuItem
          icon={<CalendarClock aria-hidden />}
          disabled={asOf !== null}
          onSelect={() => open("schedule")}
          className="md:hidden"
        >
          Schedule…
        </MenuItem>
        <MenuItem icon={<History aria-hidden />} onSelect={() => open("runs")}>
          All runs
        </MenuItem>
      </Menu>
    </div>
  )
}
