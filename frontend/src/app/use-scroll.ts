import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react"
import { useLocation } from "react-router"
import { SECTIONS, type SectionId } from "./slots"

const SETTLES = 2_500 // ms in which sections that fill up may move the target of a deep link

function known(hash: string): SectionId | null {
  return SECTIONS.find((one) => `#${one.id}` === hash)?.id ?? null
}

/**
 * The section in sight, and scrolling to one. A deep link holds its place while the sections above
 * it fill up, until its own has been there for a while or the person scrolls.
 */
export function useSectionScroll() {
  const { hash, key } = useLocation()
  const [active, setActive] = useState<SectionId>(known(hash) ?? "dashboard")
  const [mounted, setMounted] = useState<ReadonlySet<SectionId>>(new Set())
  const letGo = useRef<(() => void) | null>(null) // while a section is held
  const target = known(hash)
  const onMounted = useCallback((id: SectionId) => {
    setMounted((before) => (before.has(id) ? before : new Set(before).add(id)))
  }, [])
  const ready = target !== null && mounted.has(target)

  // Before anything is painted: what was in sight must not jump.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` is a new click on the same link
  useLayoutEffect(() => {
    if (target === null) return
    const section = document.getElementById(target)
    if (section === null) return
    setActive(target)
    const scroll = () => section.scrollIntoView({ block: "start" })
    scroll()
    const observer = new ResizeObserver(scroll)
    // Each of them: while one grows another may shrink, and the page stays as long as it was.
    for (const { id } of SECTIONS) {
      const each = document.getElementById(id)
      if (each) observer.observe(each)
    }
    const moves = ["wheel", "touchmove", "keydown", "pointerdown"] as const
    const release = () => {
      letGo.current = null
      observer.disconnect()
      for (const move of moves) window.removeEventListener(move, release)
    }
    for (const move of moves) window.addEventListener(move, release, { passive: true })
    letGo.current = release
    return release
  }, [target, key])

  // biome-ignore lint/correctness/useExhaustiveDependencies: each click holds anew
  useEffect(() => {
    if (!ready) return
    const timer = setTimeout(() => letGo.current?.(), SETTLES)
    return () => clearTimeout(timer)
  }, [ready, target, key])

  useEffect(() => {
    const look = () => {
      if (letGo.current !== null) return
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
  return { active, target, onMounted }
}
