import { useCallback, useEffect, useRef, useState } from "react"
import { useLocation } from "react-router"
import { SECTIONS, type SectionId } from "./slots"

const SETTLES = 2_500 // ms in which sections that fill up may move the target of a deep link

function known(hash: string): SectionId | null {
  return SECTIONS.find((one) => `#${one.id}` === hash)?.id ?? null
}

/**
 * The section in sight, and scrolling to one. A deep link scrolls after its section has mounted
 * and holds its place while those above fill up, until the person scrolls.
 */
export function useSectionScroll() {
  const { hash, key } = useLocation()
  const [active, setActive] = useState<SectionId>(known(hash) ?? "dashboard")
  const [mounted, setMounted] = useState<ReadonlySet<SectionId>>(new Set())
  const held = useRef<SectionId | null>(null)
  const target = known(hash)
  const onMounted = useCallback((id: SectionId) => {
    setMounted((before) => (before.has(id) ? before : new Set(before).add(id)))
  }, [])
  const ready = target !== null && mounted.has(target)

  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` is a new click on the same link
  useEffect(() => {
    if (target === null || !ready) return
    const section = document.getElementById(target)
    if (section === null) return
    held.current = target
    setActive(target)
    const scroll = () => section.scrollIntoView({ block: "start" })
    scroll()
    const release = () => {
      held.current = null
      observer.disconnect()
    }
    const observer = new ResizeObserver(scroll)
    const main = document.getElementById("content")
    if (main) observer.observe(main)
    const timer = setTimeout(release, SETTLES)
    const moves = ["wheel", "touchmove", "keydown", "pointerdown"] as const
    for (const move of moves) window.addEventListener(move, release, { once: true, passive: true })
    return () => {
      clearTimeout(timer)
      release()
      for (const move of moves) window.removeEventListener(move, release)
    }
  }, [target, ready, key])

  useEffect(() => {
    const look = () => {
      if (held.current !== null) return
      const line = window.innerHeight * 0.3
      const passed = SECTIONS.filter((one) => {
        const top = document.getElementById(one.id)?.getBoundingClientRect().top
        return top !== undefined && top <= line
      })
      const page = document.documentElement
      const atEnd =
        page.scrollHeight > page.clientHeight &&
        page.scrollTop + page.clientHeight >= page.scrollHeight - 2
      setActive((atEnd && page.scrollTop > 0 ? SECTIONS.at(-1) : passed.at(-1))?.id ?? "dashboard")
    }
    let frame = 0
    const soon = () => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(look)
    }
    window.addEventListener("scroll", soon, { passive: true })
    return () => {
      cancelAnimationFrame(frame)
      window.removeEventListener("scroll", soon)
    }
  }, [])
  return { active, onMounted }
}
