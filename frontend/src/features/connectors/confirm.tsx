import type { ReactNode } from "react"
import type { ApiError } from "@/api/errors"
import { Button } from "@/ui/button"
import { Dialog, DialogClose } from "@/ui/dialog"
import { CommandError } from "@/ui/panel"

/** Asks before what stops something but can be taken back; says what stops. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  verb,
  busy,
  error,
  onConfirm,
  children,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  verb: string
  busy: boolean
  error: ApiError | null
  onConfirm: () => void
  children: ReactNode
}) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button look="primary" busy={busy} onClick={onConfirm}>
            {verb}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="text-ink2">{children}</div>
        <CommandError error={error} />
      </div>
    </Dialog>
  )
}
