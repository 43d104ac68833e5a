/** A new webhook secret: made here, stored, then entered in Zammad while both are valid. */
import { useState } from "react"
import { patch } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector } from "@/api/shapes"
import { useWritable } from "@/app/session"
import { Button } from "@/ui/button"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { CommandError } from "@/ui/panel"
import { CopyField } from "./copy"
import { rememberSecret } from "./fresh-secret"

/** 32 random bytes, in letters that survive copying. */
export function randomSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")
}

/** Stores a secret; nobody can read it again, so it is remembered while its guide is open. */
export function useStoreSecret(connector: Connector, onStored: () => void) {
  return useCommand({
    send: (input: { secret: string; hours?: unknown }, { idempotencyKey }) =>
      patch("/api/v1/connectors/{connector_id}", {
        path: { connector_id: connector.id },
        body: {
          settings: {
            webhook_secret: input.secret,
            ...(input.hours === undefined ? {} : { webhook_secret_overlap_hours: input.hours }),
          },
        },
        idempotencyKey,
      }),
    stale: [...stale.connector, ["auditLogs"]],
    onDone: (_, input) => {
      rememberSecret(connector.id, input.secret)
      onStored()
    },
  })
}

export function RotateSecret({
  connector,
  open,
  close,
  onSaved,
}: {
  connector: Connector
  open: boolean
  close: () => void
  onSaved: () => void
}) {
  const { reason } = useWritable("admin")
  const stored = connector.settings.webhook_secret_overlap_hours
  const [secret, setSecret] = useState(randomSecret)
  const [hours, setHours] = useState(String(stored ?? 24))
  const save = useStoreSecret(connector, () => {
    setSecret(randomSecret())
    onSaved()
  })
  const wrong =
    save.error?.field("webhook_secret_overlap_hours") ??
    (/^\d{1,3}$/.test(hours) && Number(hours) <= 168 ? undefined : "Whole hours, 0 to 168.")
  const unchanged = String(stored ?? 24) === hours
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close()
      }}
      title="Rotate the webhook secret"
      description="Both secrets are valid for a while, so that no delivery is lost in between."
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look="primary"
            busy={save.isPending}
            disabledReason={reason}
            onClick={() =>
              wrong === undefined &&
              save.mutate({ secret, ...(unchanged ? {} : { hours: Number(hours) }) })
            }
          >
            Save new secret
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <ol className="grid list-decimal gap-1 pl-5 text-ink2 text-table">
          <li>Save the new secret here. From then on both are accepted.</li>
          <li>Enter it in Zammad's webhook as HMAC SHA1 signature token.</li>
          <li>Watch for the first delivery that is signed with it.</li>
        </ol>
        <div className="grid gap-1.5">
          <p className="font-medium text-table">New secret</p>
          <CopyField value={secret} label="New secret" />
          <p className="text-ink3 text-meta">
            Shown now and in the next step only; it is stored encrypted and never shown again.
          </p>
        </div>
        <Field
          label="The former secret stays valid for"
          hint="Hours. 0 ends it at once: deliveries are refused until Zammad has the new one."
          error={wrong}
        >
          <Input
            inputMode="numeric"
            className="max-w-24"
            value={hours}
            onChange={(event) => setHours(event.target.value.trim())}
          />
        </Field>
        <CommandError error={save.error} />
      </div>
    </Dialog>
  )
}
