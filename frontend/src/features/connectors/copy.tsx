import { Check, Copy } from "lucide-react"
import { useEffect, useState } from "react"
import { useAnnounce } from "@/app/announcer"
import { IconButton } from "@/ui/button"

/** A text to take elsewhere: readable, selectable, copied with one press. */
export function CopyField({ value, label }: { value: string; label: string }) {
  const announce = useAnnounce()
  const [copied, setCopied] = useState<"yes" | "no" | null>(null)
  useEffect(() => {
    if (copied === null) return
    const timer = setTimeout(() => setCopied(null), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      setCopied("yes")
      announce(`${label} copied.`)
    } catch {
      setCopied("no") // not allowed here (plain http): the text can be selected
      announce("It could not be copied; select the text instead.")
    }
  }
  return (
    <div>
      <div className="flex min-h-9 items-center gap-2 rounded-control border border-line-strong bg-sunken pr-1 pl-3">
        <code className="min-w-0 flex-1 select-all py-1.5 font-mono text-meta wrap-anywhere">
          {value}
        </code>
        <IconButton label={`Copy: ${label}`} size="small" onClick={() => void copy()}>
          {copied === "yes" ? <Check aria-hidden /> : <Copy aria-hidden />}
        </IconButton>
      </div>
      {copied === "no" && (
        <p className="pt-1 text-ink2 text-meta">It could not be copied; select the text instead.</p>
      )}
    </div>
  )
}
