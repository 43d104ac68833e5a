import { Eye, EyeOff } from "lucide-react"
import { useState } from "react"
import { IconButton } from "@/ui/button"
import { Input } from "@/ui/field"

/** To the first field of the open dialog that says what is wrong, once it says so. */
export function focusFirstError(frames = 10) {
  requestAnimationFrame(() => {
    const dialog = document.querySelector("[role=dialog]")
    const wrong = dialog?.querySelector<HTMLElement>("[aria-invalid=true]")
    if (wrong) wrong.focus()
    else if (frames > 1) focusFirstError(frames - 1) // the answer is not painted yet
  })
}

/** A token or secret: hidden until asked for, kept from password managers. */
export function SecretInput({
  value,
  onChange,
  placeholder,
  disabled,
}: {
  value: string
  onChange: (value: string) => void
  placeholder?: string
  disabled?: boolean
}) {
  const [seen, setSeen] = useState(false)
  return (
    <span className="relative block">
      <Input
        type={seen ? "text" : "password"}
        value={value}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        data-1p-ignore
        data-lpignore="true"
        disabled={disabled}
        className="pr-9 font-mono"
        onChange={(event) => onChange(event.target.value)}
      />
      <IconButton
        label={seen ? "Hide" : "Show"}
        size="small"
        aria-pressed={seen}
        className="absolute top-1/2 right-0.5 -translate-y-1/2"
        onClick={() => setSeen(!seen)}
      >
        {seen ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
      </IconButton>
    </span>
  )
}
