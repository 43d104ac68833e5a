/** A live list that holds still while somebody reads in it: new rows wait, known ones go on. */
import { type FocusEvent, type PointerEvent, useRef, useState } from "react"

type Options<T> = {
  /** The same for one item whatever becomes of it. */
  key: (item: T) => string
  paused: boolean
  /** Another list (filter, length): nothing is held back from it. */
  of: string
}

export function useHeld<T>(items: readonly T[], { key, paused, of }: Options<T>) {
  const [pointed, setPointed] = useState(false)
  const [focused, setFocused] = useState(false)
  const resting = paused || pointed || focused
  const held = useRef<{ of: string; items: readonly T[]; fresh: Set<string> }>({
    of: "",
    items: [],
    fresh: new Set(),
  })
  const [, again] = useState(0)
  const known = new Set(held.current.items.map(key))
  const waiting = held.current.of === of ? items.filter((item) => !known.has(key(item))) : []
  const take = () => {
    held.current = { of, items, fresh: new Set(waiting.map(key)) }
  }
  if (!resting || held.current.of !== of) {
    // Without news the tinted rows stay the same, so that none begins its motion again.
    if (waiting.length > 0 || held.current.of !== of) take()
    else held.current.items = items
  }
  const now = new Map(items.map((item) => [key(item), item]))
  return {
    resting,
    // Also those that newer ones have pushed out of the answer: nothing goes from under the hand.
    shown: held.current.items.map((item) => now.get(key(item)) ?? item),
    /** Rows that came since the list was there: they are tinted for a moment. */
    fresh: held.current.fresh as ReadonlySet<string>,
    waiting: resting ? waiting.length : 0,
    show: () => {
      take()
      again((count) => count + 1)
    },
    while: {
      onPointerEnter: (event: PointerEvent) => setPointed(event.pointerType === "mouse"),
      onPointerLeave: (event: PointerEvent) => {
        // The page may move under a pointer that rests, and who reads there still does.
        if (rests(event)) onceMoved(event.currentTarget, setPointed)
        else setPointed(false)
      },
      onFocus: () => setFocused(true),
      onBlur: (event: FocusEvent<HTMLElement>) =>
        setFocused(event.currentTarget.contains(event.relatedTarget)),
    },
  }
}

function rests({ movementX, movementY }: { movementX: number; movementY: number }): boolean {
  return movementX === 0 && movementY === 0
}

/** Say whether the pointer is inside, once it really moves: it may have come back by then. */
function onceMoved(box: Element, tell: (inside: boolean) => void) {
  const moved = (event: globalThis.PointerEvent) => {
    if (rests(event)) return
    window.removeEventListener("pointermove", moved)
    tell(event.target instanceof Node && box.contains(event.target))
  }
  window.addEventListener("pointermove", moved)
}
