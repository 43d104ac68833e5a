/** The list on a phone: a card for each row, drawn as they come into sight while the page scrolls. */
import { useWindowVirtualizer } from "@tanstack/react-virtual"
import { useEffect, useLayoutEffect, useRef, useState } from "react"
import { Checkbox } from "@/ui/choices"
import { cn } from "@/ui/cn"
import { formatInstant } from "@/ui/format"
import { Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { type Line, nameOfLine } from "./model"
import { isLine, type Slot } from "./pages"
import { ProposalControl } from "./proposal"
import { Change, ChangedAgain, type Shown } from "./row"
import { SideCell } from "./sides"
import { plainSentence } from "./words"

export function Cards({
  slots,
  caption,
  context,
  active,
  onRange,
}: {
  slots: readonly Slot[]
  caption: string
  context: Shown
  active: string | null
  onRange: (first: number, last: number) => void
}) {
  const list = useRef<HTMLUListElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const measure = () => {
      const found = list.current?.getBoundingClientRect().top ?? 0
      setTop(Math.round(found + window.scrollY))
    }
    measure()
    const observer = new ResizeObserver(measure) // what stands above may grow
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [])
  const virtual = useWindowVirtualizer({
    count: slots.length,
    estimateSize: () => 300,
    overscan: 4,
    scrollMargin: top,
    getItemKey: (index) => slots[index]?.key ?? index,
  })
  const items = virtual.getVirtualItems()
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0]
  useEffect(() => onRange(first, last), [first, last, onRange])
  return (
    <ul
      ref={list}
      aria-label={caption}
      className="relative"
      style={{ height: virtual.getTotalSize() }}
    >
      {items.map((item) => {
        const slot = slots[item.index]
        return (
          <li
            key={item.key}
            ref={virtual.measureElement}
            data-index={item.index}
            aria-setsize={slots.length}
            aria-posinset={item.index + 1}
            className="absolute inset-x-0 top-0 pb-3"
            style={{ transform: `translateY(${item.start - top}px)` }}
          >
            {isLine(slot) ? (
              <Card line={slot} index={item.index} context={context} active={slot.key === active} />
            ) : (
              <Skeleton className="h-70 rounded-panel" />
            )}
          </li>
        )
      })}
    </ul>
  )
}

function Card({
  line,
  index,
  context,
  active,
}: {
  line: Line
  index: number
  context: Shown
  active: boolean
}) {
  const selected = context.selected.has(line.key)
  return (
    <article
      aria-label={nameOfLine(line)}
      className={cn(
        "overflow-clip rounded-panel border border-line bg-surface",
        selected && "border-ink bg-accent-soft",
        active && "shadow-[inset_3px_0_0_var(--ring)]",
      )}
    >
      <header className="flex items-start gap-3 p-4">
        {context.selectable && (
          <Checkbox
            className="mt-0.5 size-5"
            checked={selected}
            onCheckedChange={() => context.toggle(line, index, false)}
            aria-label={`Select ${nameOfLine(line)}`}
          />
        )}
        <div className="min-w-0 flex-1">
          {line.entryId === null ? (
            <p className="font-medium">{line.title}</p>
          ) : (
            <button
              type="button"
              data-row={line.key}
              onClick={() => context.open(line)}
              className="finger text-left font-medium text-body"
            >
              {line.title}
            </button>
          )}
          <p className="text-ink2 text-table [overflow-wrap:anywhere]">
            {[line.ticket && `#${line.ticket}`, line.customer].filter(Boolean).join(", ")}
          </p>
          {context.changed.has(line.key) && <ChangedAgain />}
        </div>
        {line.change !== null && (
          <span className="text-table">
            <span className="sr-only">Change in Kimai </span>
            <Change gain={line.change} />
          </span>
        )}
      </header>
      {(line.zammad || line.kimai) && (
        <div className="grid grid-cols-2 border-line border-t bg-sunken">
          {(["zammad", "kimai"] as const).map((side) => (
            <div
              key={side}
              role="group"
              aria-label={side === "zammad" ? "Zammad" : "Kimai now"}
              className="min-w-0 p-3 [&+&]:border-line [&+&]:border-l"
            >
              <p className="pb-1 text-ink2 text-meta">
                {side === "zammad" ? "Zammad" : "Kimai now"}
              </p>
              <SideCell line={line} side={side} stacked />
            </div>
          ))}
        </div>
      )}
      <footer className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2 border-line border-t p-3">
        <div className="flex min-w-36 flex-1 items-start gap-2 text-table">
          <StateIcon state={line.state} className="mt-0.5" />
          <div className="min-w-0">
            <p className="font-medium">{line.why}</p>
            {(line.proposal === null || line.state === "dead") && (
              <p className="text-ink2 text-meta [overflow-wrap:anywhere]">
                {plainSentence(line.detail, context.zone)}
                {line.at && `, ${formatInstant(line.at, "day-time", context.zone)}`}
              </p>
            )}
          </div>
        </div>
        <ProposalControl line={line} doing={context} touch />
      </footer>
    </article>
  )
}
