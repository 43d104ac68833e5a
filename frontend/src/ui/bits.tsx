import { ArrowRight } from "lucide-react"
import { Fragment, type ReactNode } from "react"
import { cn } from "./cn"
import { durationParts, formatDuration, formatInstant, formatMinutes, formatNumber } from "./format"

/** Key figure or running text: number in ink, unit quieter, joined by a no-break space. */
export function Duration({ minutes, className }: { minutes: number; className?: string }) {
  return (
    <span className={cn("whitespace-nowrap", className)}>
      {durationParts(minutes).map((part, index) => (
        <Fragment key={part.unit}>
          {index > 0 && "\u00a0"}
          {part.number}
          <span className="font-normal text-[0.62em] text-ink3 tracking-normal">{`\u00a0${part.unit}`}</span>
        </Fragment>
      ))}
    </span>
  )
}

/** In a column: "75 m", the long form as its title. */
export function Minutes({
  value,
  signed,
  className,
}: {
  value: number
  signed?: boolean
  className?: string
}) {
  return (
    <span className={cn("whitespace-nowrap", className)} title={formatDuration(value)}>
      {formatMinutes(value, { signed })}
    </span>
  )
}

export function Instant({
  at,
  look,
  zone,
  className,
}: {
  at: string
  look: Parameters<typeof formatInstant>[1]
  zone: string
  className?: string
}) {
  return (
    <time
      dateTime={at}
      title={formatInstant(at, "full", zone)}
      className={cn("whitespace-nowrap", className)}
    >
      {formatInstant(at, look, zone)}
    </time>
  )
}

const COUNT = {
  quiet: "bg-hover text-ink2",
  solid: "bg-primary text-primary-ink",
  amber: "bg-conflict-soft text-conflict",
}

export function Count({
  value,
  look = "quiet",
  className,
}: {
  value: number
  look?: keyof typeof COUNT
  className?: string
}) {
  return (
    <span
      className={cn(
        "inline-grid h-5 min-w-5 place-items-center rounded-badge px-1.5 font-medium text-meta",
        COUNT[look],
        className,
      )}
    >
      {formatNumber(value)}
    </span>
  )
}

/** Keys to press: `<Kbd keys="Shift+R" />`, `<Kbd keys="g m" />`, `<Kbd keys="Mod+k" />`. */
export function Kbd({ keys, className }: { keys: string; className?: string }) {
  const mac = typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform)
  const names: Record<string, string> = { Mod: mac ? "⌘" : "Ctrl", Escape: "Esc" }
  return (
    <span className={cn("inline-flex gap-1", className)}>
      {keys.split(/[ +]/).map((key) => (
        <kbd
          key={key}
          className="inline-grid h-5 min-w-5 place-items-center rounded-badge border border-line-strong bg-surface px-1 font-sans text-axis text-ink2"
        >
          {names[key] ?? (key.length === 1 ? key.toUpperCase() : key)}
        </kbd>
      ))}
    </span>
  )
}

export function EmptyState({
  title,
  children,
  action,
  icon,
}: {
  title: ReactNode
  children?: ReactNode
  action?: ReactNode
  icon?: ReactNode
}) {
  return (
    <div className="grid justify-items-center gap-1.5 px-4 py-10 text-center">
      {icon && <span className="text-ink3 [&_svg]:size-5">{icon}</span>}
      <p className="font-medium">{title}</p>
      {children && <div className="max-w-prose text-ink2 text-table">{children}</div>}
      {action && <div className="pt-2">{action}</div>}
    </div>
  )
}

/** "60 m → 75 m": the old value struck through, and said in words. */
export function Change({
  before,
  after,
  className,
}: {
  before: ReactNode
  after: ReactNode
  className?: string
}) {
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1.5 rounded-badge bg-hover px-1.5 text-table",
        className,
      )}
    >
      <span className="sr-only">from </span>
      <s className="text-ink3">{before}</s>
      <ArrowRight aria-hidden className="size-3 text-ink3" />
      <span className="sr-only">to </span>
      <span className="font-medium">{after}</span>
    </span>
  )
}

/**
 * One field on both sides: equal is grey; what differs is marked on both, and read as
 * "Duration: Zammad 75 minutes, Kimai 90 minutes, differs".
 */
export function DiffValue({
  side,
  differs,
  spoken,
  children,
  className,
}: {
  side: "zammad" | "kimai"
  differs: boolean
  /** For a screen reader, when differing: the whole sentence, once per pair. */
  spoken?: string
  children: ReactNode
  className?: string
}) {
  if (!differs) return <span className={cn("text-ink2", className)}>{children}</span>
  return (
    <span
      className={cn(
        "rounded-badge px-1 font-semibold text-ink",
        side === "zammad" ? "bg-synced-soft" : "bg-conflict-soft",
        className,
      )}
    >
      <span aria-hidden={spoken !== undefined || undefined}>{children}</span>
      {spoken && <span className="sr-only">{spoken}</span>}
    </span>
  )
}

export function ProgressBar({
  value,
  label,
  className,
  tone = "bg-synced-fill",
}: {
  /** 0 to 1; undefined while nobody knows. */
  value: number | undefined
  label: string
  className?: string
  tone?: string
}) {
  const percent =
    value === undefined ? undefined : Math.round(Math.min(1, Math.max(0, value)) * 100)
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      data-bar
      className={cn("h-1.5 overflow-hidden rounded-full bg-line", className)}
    >
      <div
        className={cn("h-full origin-left rounded-full", percent === undefined ? "striped" : tone)}
        style={{ transform: `scaleX(${percent === undefined ? 1 : percent / 100})` }}
      />
    </div>
  )
}

export type Bar = {
  key: string
  height: number
  tone?: "synced" | "conflict" | "failed" | "quiet"
  title?: string
}
const BAR = {
  synced: "bg-synced-fill/60",
  conflict: "bg-conflict-fill",
  failed: "bg-failed-fill",
  quiet: "bg-line-strong",
}

/** Small bars in a row (48 half hours, deliveries): an image with one sentence as its name. */
export function SparkBars({
  bars,
  label,
  className,
}: {
  bars: readonly Bar[]
  label: string
  className?: string
}) {
  return (
    <div role="img" aria-label={label} className={cn("flex h-5 items-end gap-px", className)}>
      {bars.map((bar) => (
        <span
          key={bar.key}
          title={bar.title}
          data-bar
          className={cn("min-w-0.5 flex-1 rounded-[1px]", BAR[bar.tone ?? "quiet"])}
          style={{ height: `${Math.max(6, Math.min(1, bar.height) * 100)}%` }}
        />
      ))}
    </div>
  )
}
