import { useVirtualizer } from "@tanstack/react-virtual"
import {
  type ComponentType,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react"
import { cn } from "./cn"

export type VirtualColumn = { id: string; header: ReactNode; width: string; numeric?: boolean }
export type VirtualTableHandle = {
  /** As little as needed; `center` for a row that was asked for by its number. */
  scrollTo: (index: number, align?: "auto" | "center") => void
}

type RowProps<R, C> = { row: R; index: number; context: C }

const HEAD = 36 // pixels
const FLIGHT = 4 // rows from one frame to the next: quicker than anybody reads
const OVERSCAN = 4 // rows above and below: each is drawn in every frame of a quick scroll

/**
 * A list of ten thousand rows of equal height. Give `Row` as a component of the module (its props
 * are compared, so it renders again only when its row or the context changed): cells go into
 * `<VirtualCell>`s, one for each column. Roles make it a table; rows carry their true index.
 */
export function VirtualTable<R, C>({
  caption,
  columns,
  rows,
  total,
  rowKey,
  rowHeight = 58,
  height = "min(70vh, 44rem)",
  Row,
  rowName,
  context,
  selected,
  active,
  onEndReached,
  onRange,
  ref,
  minWidth = "60rem",
}: {
  caption: string
  columns: readonly VirtualColumn[]
  rows: readonly R[]
  /** With paging: how many there are in all. */
  total?: number
  rowKey: (row: R) => string
  rowHeight?: number
  height?: string
  minWidth?: string
  Row: ComponentType<RowProps<R, C>>
  /** What a row is called, drawn alone while the list flies past; without it rows are always whole. */
  rowName?: (row: R) => string
  context: C
  selected?: ReadonlySet<string>
  /** Key of the row that the keyboard is on. */
  active?: string | null
  onEndReached?: () => void
  /** First and last row that are drawn: for a list whose pages are read as they come into sight. */
  onRange?: (first: number, last: number) => void
  ref?: React.Ref<VirtualTableHandle>
}) {
  const scroller = useRef<HTMLElement>(null)
  // The virtualizer measures all rows anew when this function is another one.
  const getItemKey = useCallback(
    (index: number) => {
      const row = rows[index]
      return row === undefined ? index : rowKey(row)
    },
    [rows, rowKey],
  )
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    getItemKey,
  })
  const template = columns.map((column) => column.width).join(" ")
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - OVERSCAN) onEndReached?.()
  }, [last, rows.length, onEndReached])
  const first = items[0]?.index ?? 0
  const flight = useRef({ at: 0, on: false })
  const step = Math.abs(first - flight.current.at)
  const flying = virtual.isScrolling && (step === 0 ? flight.current.on : step >= FLIGHT)
  useLayoutEffect(() => {
    flight.current = { at: first, on: flying }
  })
  useEffect(() => onRange?.(first, last), [first, last, onRange])
  useImperativeHandle(
    ref,
    () => ({ scrollTo: (index, align = "auto") => virtual.scrollToIndex(index, { align }) }),
    [virtual],
  )
  return (
    <section
      ref={scroller}
      aria-label={`${caption}, scrollable`}
      tabIndex={0}
      className="relative overflow-auto overscroll-contain -outline-offset-2"
      style={{
        maxHeight: height,
        contain: "strict",
        height: `min(${height}, ${rows.length * rowHeight + HEAD}px)`,
      }}
    >
      <div
        role="table"
        aria-label={caption}
        aria-rowcount={(total ?? rows.length) + 1}
        aria-colcount={columns.length}
        style={{ minWidth }}
        className="text-table"
      >
        <div role="rowgroup" className="sticky top-0 z-10">
          <div
            role="row"
            aria-rowindex={1}
            className="grid h-9 items-center border-line border-b bg-sunken font-medium text-ink2"
            style={{ gridTemplateColumns: template }}
          >
            {columns.map((column) => (
              <div
                key={column.id}
                role="columnheader"
                className={cn("truncate px-3 first:pl-4 last:pr-4", column.numeric && "text-right")}
              >
                {column.header}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]
            if (row === undefined) return null
            const key = rowKey(row)
            return (
              <div
                key={key}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={selected?.has(key)}
                data-active={key === active || undefined}
                className={cn(
                  "absolute inset-x-0 top-0 grid contain-strict items-center border-line aria-selected:bg-accent-soft data-active:shadow-[inset_3px_0_0_var(--ring)]",
                  item.index < rows.length - 1 && "border-b", // below the last one is a foot
                )}
                style={{
                  height: item.size,
                  transform: `translateY(${item.start}px)`,
                  gridTemplateColumns: template,
                }}
              >
                <Cells
                  Row={Row as ComponentType<RowProps<unknown, unknown>>}
                  name={flying ? rowName?.(row) : undefined}
                  row={row}
                  index={item.index}
                  context={context}
                />
              </div>
            )
          })}
        </div>
      </div>
    </section>
  )
}

/** `name`: the list flies past, and that is all there is to see. What was whole once stays whole. */
const Cells = memo(function Cells({
  Row,
  name,
  row,
  index,
  context,
}: { Row: ComponentType<RowProps<unknown, unknown>>; name?: string } & RowProps<unknown, unknown>) {
  const [whole, setWhole] = useState(name === undefined)
  if (!whole && name === undefined) setWhole(true)
  if (whole) return <Row row={row} index={index} context={context} />
  return (
    <div role="rowheader" className="truncate px-4 text-ink2">
      {name}
    </div>
  )
})

export function VirtualCell({
  numeric,
  className,
  children,
  header = false,
}: {
  numeric?: boolean
  className?: string
  children: ReactNode
  header?: boolean
}) {
  return (
    <div
      role={header ? "rowheader" : "cell"}
      className={cn("min-w-0 px-3 first:pl-4 last:pr-4", numeric && "text-right", className)}
    >
      {children}
    </div>
  )
}
