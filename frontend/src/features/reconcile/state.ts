/** What the list remembers while it changes under the hand: selection, changed rows, reach. */
import { type RefObject, useCallback, useEffect, useRef, useState } from "react"
import { useMedia } from "@/ui/use-media"
import type { Line } from "./model"
import { isLine, type Slot } from "./pages"

/**
 * Selected rows by their key, each as it was when it was selected: a decision carries the version
 * that the person saw, also when the row has left the list or moved since.
 */
export function useSelection(slots: readonly Slot[]) {
  const [selected, setSelected] = useState<ReadonlyMap<string, Line>>(new Map())
  const anchor = useRef<string | null>(null)
  const latest = useRef(slots)
  useEffect(() => {
    latest.current = slots
  })
  const toggle = useCallback((line: Line, index: number, range: boolean) => {
    const from = anchor.current
    const begin = range && from ? latest.current.findIndex((one) => one.key === from) : -1
    anchor.current = line.key
    setSelected((was) => {
      const next = new Map(was)
      if (begin >= 0) {
        const [first, last] = begin < index ? [begin, index] : [index, begin]
        for (const slot of latest.current.slice(first, last + 1))
          if (isLine(slot)) next.set(slot.key, slot)
      } else if (!next.delete(line.key)) next.set(line.key, line)
      return next
    })
  }, [])
  const selectAll = useCallback((lines: readonly Line[]) => {
    setSelected(new Map(lines.map((line) => [line.key, line])))
  }, [])
  const drop = useCallback((key: string) => {
    setSelected((was) => {
      if (!was.has(key)) return was
      const next = new Map(was)
      next.delete(key)
      return next
    })
  }, [])
  const clear = useCallback(() => setSelected(new Map()), [])
  return { selected, toggle, selectAll, drop, clear }
}

/**
 * Rows that changed since they were first shown, or came back after they had been decided: they
 * stay marked until somebody opens or decides them.
 */
export function useChanged(lines: readonly Line[], moment: string | null) {
  const known = useRef(new Map<string, { moment: string | null; signature: string }>())
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => {
    const found: string[] = []
    for (const line of lines) {
      const of = line.entryId === null ? line.key : `entry ${line.entryId}`
      const before = known.current.get(of)
      if (before?.moment === moment && before.signature !== line.signature) found.push(line.key)
      known.current.set(of, { moment, signature: line.signature })
    }
    if (found.length > 0) setChanged((was) => new Set([...was, ...found]))
  }, [lines, moment])
  const forget = useCallback((key: string) => {
    setChanged((was) => {
      if (!was.has(key)) return was
      const next = new Set(was)
      next.delete(key)
      return next
    })
  }, [])
  return { changed, forget }
}

/** Whether the list is what the person looks at: its keys work then, and only then. */
export function useInReach(panel: RefObject<HTMLElement | null>): boolean {
  const [reached, setReached] = useState(typeof IntersectionObserver === "undefined")
  useEffect(() => {
    const element = panel.current
    if (element === null || typeof IntersectionObserver === "undefined") return
    const observer = new IntersectionObserver(
      ([entry]) => setReached(entry?.isIntersecting ?? false),
      { rootMargin: "-40% 0px -40% 0px" },
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [panel])
  return reached
}

export const usePhone = () => useMedia("(max-width: 767px)")
