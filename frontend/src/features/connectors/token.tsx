/** A new token for what is connected: tried first, the old one stays when it does not work. */
import { useState } from "react"
import { post } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector } from "@/api/shapes"
import { notify } from "@/app/notify"
import { useWritable } from "@/app/session"
import { Button } from "@/ui/button"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field } from "@/ui/field"
import { CommandError } from "@/ui/panel"
import { focusFirstError, SecretInput } from "./secret-input"
import { TestResult } from "./test-result"
import { TOKEN_HELP } from "./token-help"
import { host, SYSTEM } from "./words"

export function NewToken({
  connector,
  open,
  close,
}: {
  connector: Connector
  open: boolean
  close: () => void
}) {
  const { reason } = useWritable("admin")
  const [token, setToken] = useState("")
  const [missing, setMissing] = useState(false)
  const test = useCommand({
    send: (api_token: string, { idempotencyKey }) =>
      post("/api/v1/connectors/test", { body: { id: connector.id, api_token }, idempotencyKey }),
  })
  const save = useCommand({
    send: (api_token: string, { idempotencyKey }) =>
      post("/api/v1/connectors/{connector_id}/reauth", {
        path: { connector_id: connector.id },
        body: { api_token },
        idempotencyKey,
      }),
    stale: stale.connector,
    onDone: () => {
      leave()
      notify(`${connector.name} uses the new token.`, {
        detail: `Take the old one away in ${SYSTEM[connector.type]}.`,
      })
    },
  })
  const leave = () => {
    setToken("")
    setMissing(false)
    test.reset()
    save.reset()
    close()
  }
  const withToken = (go: (text: string) => void) => () => {
    setMissing(token.trim() === "")
    if (token.trim() !== "") go(token.trim())
    else focusFirstError()
  }
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && leave()}
      title={`New token for ${connector.name}`}
      description={`${SYSTEM[connector.type]} at ${host(connector)}. It is tried first; the old one stays until the new one works.`}
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost" className="mr-auto">
              Cancel
            </Button>
          </DialogClose>
          <Button
            busy={test.isPending}
            disabledReason={reason}
            onClick={withToken((text) => test.mutate(text))}
          >
            Test token
          </Button>
          <Button
            look="primary"
            busy={save.isPending}
            disabledReason={reason}
            onClick={withToken((text) => save.mutate(text))}
          >
            Use new token
          </Button>
        </>
      }
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!save.isPending && reason === undefined) withToken((text) => save.mutate(text))()
        }}
      >
        <Field
          label="New token"
          hint={TOKEN_HELP[connector.type]}
          error={missing ? "Enter the new token." : undefined}
        >
          <SecretInput
            value={token}
            onChange={(text) => {
              setToken(text)
              test.reset()
              save.reset()
            }}
          />
        </Field>
        <TestResult kind={connector.type} tested={test.data} busy={test.isPending} />
        <CommandError error={test.error ?? save.error} />
      </form>
    </Dialog>
  )
}
