/** Copying a text with one press: what became of it, for two seconds, and said aloud. */
import { useEffect, useState } from "react"
import { useAnnounce } from "@/app/announcer"

/** `said` and `refused` are announced; without https a browser may refuse. */
export function useCopied(text: string, said: string, refused: string) {
  const announce = useAnnounce()
  const [state, setState] = useState<"idle" | "done" | "failed">("idle")
  useEffect(() => {
    if (state === "idle") return
    const timer = setTimeout(() => setState("idle"), 2_000)
    return () => clearTimeout(timer)
  }, [state])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState("done")
      announce(said)
    } catch {
      setState("failed")
      announce(refused)
    }
  }
  return { state, copy }
}
