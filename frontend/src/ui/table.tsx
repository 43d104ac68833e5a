import type { ComponentProps, ReactNode } from "react"
import { cn } from "./cn"

/** A real table in its own scrollable, named region. The caption is its name; shown only if asked. */
export function Table({
  caption,
  children,
  className,
  captionShown = false,
  ...rest
}: ComponentProps<"table"> & { caption: string; captionShown?: boolean; children: ReactNode }) {
  return (
    <section
      aria-label={caption}
      tabIndex={0}
      // `relative`: what is only for screen readers in a far column scrolls here, not the page.
      className="relative min-w-0 overflow-x-auto -outline-offset-2"
    >
      <table className={cn("w-full border-collapse text-left text-table", className)} {...rest}>
        <caption className={captionShown ? "px-4 py-2 text-left text-ink2" : "sr-only"}>
          {caption}
        </caption>
        {children}
      </table>
    </section>
  )
}

export function Th({ numeric, className, ...rest }: ComponentProps<"th"> & { numeric?: boolean }) {
  return (
    <th
      scope="col"
      className={cn(
        "h-9 whitespace-nowrap border-line border-b bg-sunken px-3 font-medium text-ink2 first:pl-4 last:pr-4",
        numeric && "text-right",
        className,
      )}
      {...rest}
    />
  )
}

/** Row of 48 (one line) or 58 (`dense` two lines). */
export function Tr({
  twoLines,
  className,
  ...rest
}: ComponentProps<"tr"> & { twoLines?: boolean }) {
  return (
    <tr
      className={cn(
        "border-line border-b last:border-b-0 aria-selected:bg-accent-soft",
        twoLines ? "h-14.5" : "h-12",
        className,
      )}
      {...rest}
    />
  )
}

export function Td({ numeric, className, ...rest }: ComponentProps<"td"> & { numeric?: boolean }) {
  return (
    <td
      className={cn(
        "px-3 first:pl-4 last:pr-4",
        numeric && "whitespace-nowrap text-right",
        className,
      )}
      {...rest}
    />
  )
}

/** The cell that names its row. */
export function RowTh({ className, ...rest }: ComponentProps<"th">) {
  return (
    <th
      scope="row"
      className={cn("px-3 text-left font-medium first:pl-4 last:pr-4", className)}
      {...rest}
    />
  )
}

/** Two lines in a cell: what it is, and quieter what belongs to it. */
export function TwoLines({
  first,
  second,
  className,
}: {
  first: ReactNode
  second: ReactNode
  className?: string
}) {
  return (
    <div className={cn("min-w-0", className)}>
      <div className="truncate">{first}</div>
      <div className="truncate font-normal text-ink2 text-meta">{second}</div>
    </div>
  )
}
