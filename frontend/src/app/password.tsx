import { type FormEvent, useId, useState } from "react"
import { post } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { Button } from "@/ui/button"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { CommandError } from "@/ui/panel"
import { useDialog } from "./url-state"

const SHORTEST = 12

/** A new password ends every session of the account; the page then asks to sign in again. */
export default function Password() {
  const { dialog, close } = useDialog()
  const form = useId()
  const [asked, setAsked] = useState(false)
  const [values, setValues] = useState({ current: "", next: "" })
  const command = useCommand({
    send: (body: { current_password: string; new_password: string }, { idempotencyKey }) =>
      post("/users/me/password", { body, idempotencyKey }),
    onDone: () => {
      close()
      window.location.assign("/login")
    },
  })
  const short = values.next.length < SHORTEST ? `At least ${SHORTEST} characters.` : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    if (!short && values.current) {
      command.mutate({ current_password: values.current, new_password: values.next })
    }
  }
  return (
    <Dialog
      open={dialog === "password"}
      onOpenChange={(open) => {
        if (open) return
        setValues({ current: "", next: "" })
        command.reset()
        close()
      }}
      title="Change password"
      description="You are signed out everywhere and sign in again with the new one."
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button look="primary" type="submit" form={form} busy={command.isPending}>
            Change password
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-4" noValidate>
        <Field
          label="Current password"
          error={asked && !values.current ? "Type your current password." : undefined}
        >
          <Input
            type="password"
            autoComplete="current-password"
            value={values.current}
            onChange={(event) => setValues({ ...values, current: event.target.value })}
          />
        </Field>
        <Field
          label="New password"
          hint={`At least ${SHORTEST} characters.`}
          error={asked ? (command.error?.field("new_password") ?? short) : undefined}
        >
          <Input
            type="password"
            autoComplete="new-password"
            value={values.next}
            onChange={(event) => setValues({ ...values, next: event.target.value })}
          />
        </Field>
        <CommandError error={command.error} />
      </form>
    </Dialog>
  )
}
