import { Check, Copy } from "lucide-react"
import { useEffect, useState } from "react"
import { useAnnounce } from "@/app/announcer"
import { IconButton } from "@/ui/button"

/** Puts a text into the clipboard and says so. */
export function CopyButton({ text, what }: { text: string; what: string }) {
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
      announce("Copied.")
    } catch {
      setState("failed") // without https a browser may refuse
      announce("The browser did not let us copy. Select the text and copy it by hand.")
    }
  }
  const label =
    state === "done"
      ? "Copied"
      : state === "failed"
        ? "Not copied: select the text"
        : `Copy ${what}`
  return (
    <IconButton size="small" label={label} onClick={() => void copy()}>
      {state === "done" ? <Check aria-hidden /> : <Copy aria-hidden />}
    </IconButton>
  )
}
