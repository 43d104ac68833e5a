import { ArrowLeftRight, History, ListTree, SkipBack, SkipForward, Undo2 } from "lucide-react"
import {
  type ComponentProps,
  Suspense,
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
} from "react"
import { useRead } from "@/api/hooks"
import { useAnnounce } from "@/app/announcer"
import { useShortcuts } from "@/app/keyboard"
import { lazily } from "@/app/lazily"
import { kpi } from "@/app/reads"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useDialog, useUrlParams } from "@/app/url-state"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { Tooltip } from "@/ui/tooltip"
import { EXAMPLE, fieldText, longMoment, parseMoment } from "./moment"
import { oneEvent } from "./reads"
import { Strip } from "./strip"

const Changes = lazily(() => import("./changes"))

/** The bar of the time machine: which moment is shown, ways to others, and the way back. */
export default function TimeMachineBar() {
  const { asOf, travel, comparing, compare } = useMoment()
  const { timezone: zone } = useSession()
  const [now] = useState(Date.now) // the strip does not move under the hand
  const then = useRead(kpi())
  const present = useRead(kpi(), { at: "now" })
  const head = present.data?.position
  const named = asOf?.startsWith("position:") ? Number(asOf.slice(9)) : null
  const position =
    asOf === null ? head : (named ?? (then.isPlaceholderData ? undefined : then.data?.position))
  const event = useRead(oneEvent(named ?? 1), { enabled: asOf !== null })
  const recorded =
    event.data && (named === null || event.data.position === named) ? event.data.recorded_at : null
  const first = useRead(oneEvent(1)).data?.recorded_at
  const shown =
    asOf === null
      ? null
      : named === null
        ? Date.parse(asOf)
        : recorded
          ? Date.parse(recorded)
          : null
  const [seeing, setSeeing] = useState<"never" | "open" | "closed">("never")
  const leave = useLeaving()
  const step = (by: number) => {
    if (position === undefined || head === undefined) return
    const to = Math.max(1, Math.min(head, position + by))
    if (to !== position || asOf === null) travel(`position:${to}`)
  }
  useShortcuts([
    { keys: "[", label: "Previous event", group: "Time machine", run: () => step(-1) },
    {
      keys: "]",
      label: "Next event",
      group: "Time machine",
      enabled: asOf !== null,
      run: () => step(1),
    },
    {
      keys: "Escape",
      label: asOf === null ? "Close the time machine" : "Back to live",
      group: "Time machine",
      run: leave,
    },
  ])
  useTelling(shown, zone)
  const bar = useRoomAbove()
  const failed = asOf !== null && then.isError ? then.error : null
  const beforeAll = asOf !== null && position === 0
  return (
    <div
      ref={bar}
      className="fade-in mx-auto max-w-376 animate-in px-4 py-2.5 duration-180 sm:px-6 lg:px-8"
    >
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 max-sm:gap-x-2">
        <div className="flex min-w-0 items-center gap-3 max-sm:min-w-3/5 max-sm:flex-1">
          <History aria-hidden className="size-4.5 shrink-0 max-sm:hidden" />
          <div className="min-w-0">
            <p className="font-semibold" data-moment>
              {shown === null ? (asOf === null ? "Pick a moment" : "…") : longMoment(shown, zone)}
            </p>
            <p className="text-meta opacity-85">
              {asOf === null
                ? "The page still shows the present."
                : "What the service believed then. Read only."}
            </p>
          </div>
        </div>
        <MomentField shown={shown} now={now} />
        <div className="flex gap-1.5 max-sm:order-3">
          <BarButton
            label="Previous event ( [ )"
            disabled={position === undefined || position <= 1}
            onClick={() => step(-1)}
          >
            <SkipBack aria-hidden />
          </BarButton>
          <BarButton
            label="Next event ( ] )"
            disabled={
              asOf === null || position === undefined || head === undefined || position >= head
            }
            onClick={() => step(1)}
          >
            <SkipForward aria-hidden />
          </BarButton>
        </div>
        <p
          className="min-w-36 text-table max-sm:order-last max-sm:text-meta max-sm:opacity-85"
          data-event-count
        >
          {position !== undefined && head !== undefined && (
            <>
              {"event "}
              <span className="font-semibold">{formatNumber(position)}</span>
              {` of ${formatNumber(head)}`}
            </>
          )}
        </p>
        <div className="ml-auto flex flex-wrap gap-2 max-sm:ml-0">
          {asOf !== null && comparing && (
            <BarButton onClick={() => setSeeing("open")}>
              <ListTree aria-hidden />
              <span className="max-sm:sr-only">What changed since</span>
            </BarButton>
          )}
          <BarButton
            aria-pressed={comparing}
            disabled={asOf === null}
            onClick={() => {
              compare(!comparing)
              if (!comparing) setSeeing("open")
            }}
          >
            <ArrowLeftRight aria-hidden />
            <span className="max-sm:sr-only">Compare with now</span>
          </BarButton>
          <BarButton solid onClick={leave}>
            <Undo2 aria-hidden />
            <span className="max-sm:sr-only">Back to live</span>
            <kbd className="rounded-badge border border-current px-1 font-sans text-axis opacity-80 touch:hidden">
              Esc
            </kbd>
          </BarButton>
        </div>
      </div>
      {failed && (
        <p role="alert" className="pt-2 font-medium text-table">
          {`This moment cannot be shown. ${failed.sentence}`}
        </p>
      )}
      {beforeAll && first && (
        <p role="status" className="pt-2 font-medium text-table">
          {`Nothing was recorded before ${formatInstant(first, "long-day", zone).replace(/^\w+ /, "")}, ${formatInstant(first, "time", zone)}.`}
        </p>
      )}
      <Strip
        shown={shown}
        now={now}
        zone={zone}
        travel={(at) => travel(new Date(at).toISOString())}
      />
      {seeing !== "never" && asOf !== null && (
        <Suspense fallback={null}>
          <Changes
            from={asOf}
            said={shown === null ? "then" : longMoment(shown, zone)}
            open={seeing === "open"}
            onOpenChange={(open) => setSeeing(open ? "open" : "closed")}
          />
        </Suspense>
      )}
    </div>
  )
}

/** Back to the present; the focus goes to the control that opened the bar. */
function useLeaving(): () => void {
  const { set } = useUrlParams()
  const opener = useRef<Element | null>(null)
  useEffect(() => {
    const active = document.activeElement
    opener.current =
      active === document.body || active?.closest("[data-time-machine]") ? null : active
  }, [])
  return useCallback(() => {
    const back = opener.current
    const to =
      back instanceof HTMLElement && back.isConnected
        ? back
        : document.querySelector<HTMLElement>("button[aria-label='Time machine']")
    set({ as_of: null, compare: null, dialog: null })
    to?.focus({ preventScroll: true })
  }, [set])
}

const TOP = 56 // px of the top bar
const AIR = 16

/** What is scrolled to lies below the bar, however many lines it has. */
function useRoomAbove() {
  const bar = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const page = document.documentElement
    const observer = new ResizeObserver(() => {
      page.style.scrollPaddingTop = `${TOP + AIR + (bar.current?.offsetHeight ?? 0)}px`
    })
    if (bar.current) observer.observe(bar.current)
    return () => {
      observer.disconnect()
      page.style.scrollPaddingTop = ""
    }
  }, [])
  return bar
}

function useTelling(shown: number | null, zone: string) {
  const announce = useAnnounce()
  useEffect(() => {
    if (shown !== null) announce(`Showing ${longMoment(shown, zone)}. Read only.`)
  }, [shown, zone, announce])
}

/** A text of 24 hours: what a native picker shows follows the browser and not the person. */
function MomentField({ shown, now }: { shown: number | null; now: number }) {
  const { travel } = useMoment()
  const { timezone: zone } = useSession()
  const { dialog } = useDialog()
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const text = shown === null ? "" : fieldText(shown, zone)
  const [typed, setTyped] = useState<string | null>(null)
  const [error, setError] = useState<string>()
  useEffect(() => {
    if (dialog === "time-machine") input.current?.focus()
  }, [dialog])
  return (
    <form
      className="relative max-sm:order-3"
      onSubmit={(event) => {
        event.preventDefault()
        const parsed = parseMoment(typed ?? text, { zone, now: Date.now(), shown: shown ?? now })
        if ("error" in parsed) {
          setError(parsed.error)
          input.current?.focus()
          return
        }
        setError(undefined)
        setTyped(null)
        travel(parsed.to)
      }}
    >
      <input
        ref={input}
        aria-label={`Moment, for example ${EXAMPLE}`}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={error && id}
        data-leaves="Escape [ ]"
        placeholder={EXAMPLE}
        value={typed ?? text}
        onChange={(event) => {
          setTyped(event.target.value)
          setError(undefined)
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || typed === null) return
          event.stopPropagation()
          setTyped(null)
          setError(undefined)
        }}
        className="h-8 w-48 max-sm:w-44 rounded-control border border-current/60 bg-transparent px-2.5 text-table placeholder:text-current placeholder:opacity-70 focus-visible:outline-current touch:h-11"
      />
      {error && (
        <p
          id={id}
          role="alert"
          className="absolute top-full left-0 z-10 mt-1 w-max max-w-72 rounded-control bg-surface px-2.5 py-1.5 text-failed text-meta shadow-pop"
        >
          {error}
        </p>
      )}
    </form>
  )
}

function BarButton({
  label,
  solid = false,
  className,
  children,
  disabled,
  onClick,
  ...rest
}: ComponentProps<"button"> & { label?: string; solid?: boolean }) {
  const button = (
    <button
      type="button"
      aria-label={label}
      aria-disabled={disabled || undefined}
      onClick={disabled ? undefined : onClick}
      className={cn(
        "inline-flex h-8 items-center gap-2 whitespace-nowrap rounded-control border border-current/60 px-2.5 font-medium text-table hover:bg-bar-ink/15 focus-visible:outline-current aria-disabled:cursor-not-allowed aria-pressed:bg-bar-ink/20 aria-disabled:opacity-60 touch:h-11 [&_svg]:size-4",
        solid &&
          "border-bar-ink bg-bar-ink text-bar hover:bg-bar-ink/90 focus-visible:outline-bar-ink",
        label && "w-8 justify-center px-0 touch:w-11",
        className,
      )}
      {...rest}
    >
      {children}
    </button>
  )
  return label ? <Tooltip text={label}>{button}</Tooltip> : button
}
