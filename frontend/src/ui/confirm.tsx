import { type ReactNode, useId, useState } from "react"
import type { ApiError } from "@/api/errors"
import { Button } from "./button"
import { Dialog, DialogClose } from "./dialog"
import { Field, Input } from "./field"
import { CommandError } from "./panel"

/** Asks before what cannot be taken back: names object and consequence, wants the name typed. */
export function ConfirmByTyping({
  open,
  onOpenChange,
  title,
  consequence,
  name,
  verb,
  busy,
  error,
  onConfirm,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  /** What stops and what stays. */
  consequence: ReactNode
  /** To be typed. */
  name: string
  /** On the button: "Remove connector". */
  verb: string
  busy: boolean
  error: ApiError | null
  onConfirm: () => void
}) {
  const [typed, setTyped] = useState("")
  const [asked, setAsked] = useState(false)
  const form = useId()
  const right = typed.trim() === name
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setTyped("")
        setAsked(false)
        onOpenChange(next)
      }}
      title={title}
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button look="danger" type="submit" form={form} busy={busy}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (right && !busy) onConfirm()
          else setAsked(true)
        }}
      >
        <div className="text-ink2">{consequence}</div>
        <Field
          label={
            <>
              Type <strong>{name}</strong> to confirm
            </>
          }
          error={asked && !right ? `This is not “${name}”.` : undefined}
        >
          <Input
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            spellCheck={false}
          />
        </Field>
        <CommandError error={error} />
      </form>
    </Dialog>
  )
}
