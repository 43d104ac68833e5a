import type { UseQueryResult } from "@tanstack/react-query"
import { CircleAlert, RotateCw } from "lucide-react"
import { type ReactNode, useEffect, useId, useState } from "react"
import type { ApiError } from "@/api/errors"
import { Button } from "./button"
import { cn } from "./cn"
import { formatInstant } from "./format"

const BEFORE_SKELETON = 200 // ms: what is quicker shows no skeleton
const SKELETON_STAYS = 400 // ms: what was shown does not flash

/** False, then true 200 ms after loading began, then at least 400 ms true. */
export function useSkeleton(loading: boolean): boolean {
  const [shown, setShown] = useState(false)
  const [since, setSince] = useState(0)
  useEffect(() => {
    if (loading && !shown) {
      const timer = setTimeout(() => {
        setShown(true)
        setSince(Date.now())
      }, BEFORE_SKELETON)
      return () => clearTimeout(timer)
    }
    if (!loading && shown) {
      const timer = setTimeout(
        () => setShown(false),
        Math.max(0, SKELETON_STAYS - (Date.now() - since)),
      )
      return () => clearTimeout(timer)
    }
  }, [loading, shown, since])
  return shown
}

export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={cn("block rounded-badge bg-hover", className)} />
}

type PanelProps = {
  title?: ReactNode
  /** Beside the title, quieter. */
  note?: ReactNode
  actions?: ReactNode
  footer?: ReactNode
  children: ReactNode
  className?: string
  bodyClassName?: string
  /** Without title: its accessible name. */
  label?: string
}

/** The frame of a panel; it stays whatever its content does. */
export function Panel({
  title,
  note,
  actions,
  footer,
  children,
  className,
  bodyClassName,
  label,
}: PanelProps) {
  const id = useId()
  return (
    <section
      aria-labelledby={title ? id : undefined}
      aria-label={title ? undefined : label}
      className={cn(
        "flex min-w-0 flex-col overflow-clip rounded-panel border border-line bg-surface",
        className,
      )}
    >
      {title && (
        <header className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
          <h3 id={id} className="font-semibold text-body">
            {title}
          </h3>
          {note && <span className="text-ink2 text-table">{note}</span>}
          {actions && (
            <div className="ml-auto flex flex-wrap items-center justify-end gap-2">{actions}</div>
          )}
        </header>
      )}
      <div className={cn("min-w-0 flex-1", bodyClassName)}>{children}</div>
      {footer && (
        <footer className="border-line border-t px-4 py-2.5 text-ink2 text-table">{footer}</footer>
      )}
    </section>
  )
}

/**
 * What a query shows: skeleton, failure, emptiness or data. A failure with earlier data keeps the
 * data and says from when it is. One failed panel never blanks another.
 */
export function QueryState<T>({
  query,
  what,
  skeleton,
  zone,
  isEmpty,
  empty,
  children,
}: {
  query: UseQueryResult<T, ApiError>
  /** As a sentence needs it: "the sync runs". */
  what: string
  /** In the exact geometry of the content. */
  skeleton: ReactNode
  zone: string
  isEmpty?: (data: T) => boolean
  empty?: ReactNode
  children: (data: T) => ReactNode
}) {
  const waiting = useSkeleton(query.isPending)
  if (query.isPending || (waiting && query.data === undefined)) {
    return (
      <Loading what={what} hidden={!waiting}>
        {skeleton}
      </Loading>
    )
  }
  if (query.data === undefined) return <Failed query={query} what={what} zone={zone} />
  return (
    <>
      {query.isError && <Failed query={query} what={what} zone={zone} />}
      {/* Earlier data dims while another moment or filter loads; nothing moves. */}
      <div
        className={cn("transition-opacity", query.isPlaceholderData && "opacity-60")}
        aria-busy={query.isPlaceholderData || undefined}
      >
        {empty !== undefined && isEmpty?.(query.data) ? empty : children(query.data)}
      </div>
    </>
  )
}

/** The skeleton in `children`, and its sentence for who does not see it. */
export function Loading({
  what,
  hidden = false,
  children,
}: {
  what: string
  hidden?: boolean
  children: ReactNode
}) {
  return (
    <div aria-busy="true" className={hidden ? "invisible" : undefined}>
      <span className="sr-only" role="status">{`Loading ${what}`}</span>
      {children}
    </div>
  )
}

function Failed<T>({
  query,
  what,
  zone,
}: {
  query: UseQueryResult<T, ApiError>
  what: string
  zone: string
}) {
  const at = (instant: number) => formatInstant(instant, "time", zone)
  return (
    <div
      role="alert"
      className="flex flex-wrap items-start gap-x-3 gap-y-2 border-line border-b bg-sunken px-4 py-3 text-table"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-failed" />
      <p className="min-w-48 flex-1">
        <span className="font-medium">{`Could not load ${what}, ${at(query.errorUpdatedAt)}.`}</span>{" "}
        {query.error?.sentence}
        {query.data !== undefined && (
          <span className="text-ink2">{` Shown as of ${at(query.dataUpdatedAt)}.`}</span>
        )}
      </p>
      <Button
        size="small"
        icon={<RotateCw aria-hidden />}
        busy={query.isFetching}
        onClick={() => void query.refetch()}
      >
        Retry
      </Button>
    </div>
  )
}

/** At the foot of a form: what a failed command said. The input stays. */
export function CommandError({
  error,
  children,
}: {
  error: ApiError | null
  children?: ReactNode
}) {
  if (error === null) return null
  return (
    <p
      role="alert"
      className="flex gap-2 rounded-control bg-failed-soft px-3 py-2 text-failed text-table"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span>
        {error.sentence}
        {error.code === "internal" && error.requestId && ` Request ${error.requestId}.`}
        {children && <> {children}</>}
      </span>
    </p>
  )
}
