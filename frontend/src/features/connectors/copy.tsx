import { Check, Copy } from "lucide-react"
import { useCopied } from "@/app/use-copied"
import { IconButton } from "@/ui/button"

const REFUSED = "It could not be copied; select the text instead."

/** A text to take elsewhere: readable, selectable, copied with one press. */
export function CopyField({ value, label }: { value: string; label: string }) {
  const { state, copy } = useCopied(value, `${label} copied.`, REFUSED)
  return (
    <div>
      <div className="flex min-h-9 items-center gap-2 rounded-control border border-line-strong bg-sunken pr-1 pl-3">
        <code className="min-w-0 flex-1 select-all py-1.5 font-mono text-meta wrap-anywhere">
          {value}
        </code>
        <IconButton label={`Copy: ${label}`} size="small" onClick={() => void copy()}>
          {state === "done" ? <Check aria-hidden /> : <Copy aria-hidden />}
        </IconButton>
      </div>
      {state === "failed" && <p className="pt-1 text-ink2 text-meta">{REFUSED}</p>}
    </div>
  )
}
