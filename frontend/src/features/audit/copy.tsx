import { Check, Copy } from "lucide-react"
import { useCopied } from "@/app/use-copied"
import { IconButton } from "@/ui/button"

/** Puts a text into the clipboard and says so. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const { state, copy } = useCopied(
    text,
    "Copied.",
    "The browser did not let us copy. Select the text and copy it by hand.",
  )
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
