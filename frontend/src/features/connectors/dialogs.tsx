/** Every dialog of the section, in a chunk that is loaded with the first of them. */
import { useRef } from "react"
import { del, patch } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector } from "@/api/shapes"
import { notify } from "@/app/notify"
import { useWritable } from "@/app/session"
import { ConfirmByTyping } from "@/ui/confirm"
import { formatNumber } from "@/ui/format"
import { ConfirmDialog } from "./confirm"
import { Editor } from "./editor"
import { Guide } from "./guide"
import type { DialogOf, OpenDialog } from "./open"
import { pending } from "./reads"
import { RotateSecret } from "./secret"
import { NewToken } from "./token"
import { type Kind, SYSTEM } from "./words"

type Shown = { name: DialogOf; of: string } | null

export default function Dialogs({
  shown,
  all,
  close,
  open,
}: {
  shown: Shown
  all: readonly Connector[]
  close: () => void
  open: OpenDialog
}) {
  // What was last open of each kind stays, so that it closes with its motion and its content.
  const last = useRef<Partial<Record<DialogOf, Connector>>>({})
  const kind = useRef<Kind>("zammad")
  const here = (name: DialogOf) => shown?.name === name
  if (shown?.name === "new" && (shown.of === "zammad" || shown.of === "kimai"))
    kind.current = shown.of
  const found = all.find((one) => String(one.id) === shown?.of)
  if (shown && found) last.current[shown.name] = found
  const of = (name: DialogOf) => last.current[name]
  const [edit, token, disable, remove, webhook, secret] = [
    of("edit"),
    of("token"),
    of("disable"),
    of("remove"),
    of("webhook"),
    of("secret"),
  ]
  const busyName = all.some((one) => one.type === kind.current && one.is_active)
  return (
    <>
      <Editor
        key={`new-${kind.current}`}
        kind={kind.current}
        open={here("new")}
        close={close}
        otherIsActive={busyName}
      />
      {edit && (
        <Editor
          key={`edit-${edit.id}`}
          kind={edit.type}
          connector={edit}
          open={here("edit") && found !== undefined}
          close={close}
          otherIsActive={all.some(
            (one) => one.type === edit.type && one.is_active && one.id !== edit.id,
          )}
        />
      )}
      {token && <NewToken connector={token} open={here("token")} close={close} />}
      {disable && <Disable connector={disable} open={here("disable")} close={close} />}
      {remove && <Remove connector={remove} open={here("remove")} close={close} />}
      {webhook && (
        <Guide
          connector={webhook}
          open={here("webhook")}
          close={close}
          rotate={() => open(`secret:${webhook.id}`)}
        />
      )}
      {secret && (
        <RotateSecret
          connector={secret}
          open={here("secret")}
          close={close}
          onSaved={() => open(`webhook:${secret.id}`)}
        />
      )}
    </>
  )
}

type Props = { connector: Connector; open: boolean; close: () => void }

/** What stops, in the words of the connector's role. */
function Stops({ connector }: { connector: Connector }) {
  const { data } = useRead(pending())
  return (
    <>
      <p>
        {connector.type === "zammad"
          ? "No booking is read any more, and Zammad's webhook deliveries are refused."
          : "Nothing is written to Kimai any more. Bookings of Zammad are not taken over."}{" "}
        Runs stop until both systems are connected again.
      </p>
      {data !== undefined && data > 0 && (
        <p>{`${formatNumber(data)} ${data === 1 ? "entry waits" : "entries wait"} until then.`}</p>
      )}
    </>
  )
}

function Disable({ connector, open, close }: Props) {
  const command = useCommand({
    send: (is_active: boolean, { idempotencyKey }) =>
      patch("/api/v1/connectors/{connector_id}", {
        path: { connector_id: connector.id },
        body: { is_active },
        idempotencyKey,
      }),
    stale: stale.connector,
    onDone: (_, is_active) => {
      if (is_active) return
      close()
      notify(`${connector.name} is disabled.`, { undo: () => command.mutate(true) })
    },
  })
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={(next) => !next && close()}
      title={`Disable ${connector.name}?`}
      verb="Disable"
      busy={command.isPending}
      error={command.error}
      onConfirm={() => command.mutate(false)}
    >
      <div className="grid gap-2">
        <Stops connector={connector} />
        <p>Address, token, settings and history stay. Enable it again at any time.</p>
      </div>
    </ConfirmDialog>
  )
}

function Remove({ connector, open, close }: Props) {
  const { reason } = useWritable("admin")
  const command = useCommand({
    send: (_: undefined, { idempotencyKey }) =>
      del("/api/v1/connectors/{connector_id}", {
        path: { connector_id: connector.id },
        idempotencyKey,
      }),
    stale: stale.connector,
    onDone: () => {
      close()
      notify(`${connector.name} is removed.`)
    },
  })
  return (
    <ConfirmByTyping
      open={open}
      onOpenChange={(next) => !next && close()}
      title={`Remove ${connector.name}?`}
      name={connector.name}
      verb="Remove connector"
      busy={command.isPending || reason !== undefined}
      error={command.error}
      onConfirm={() => command.mutate(undefined)}
      consequence={
        <div className="grid gap-2">
          <Stops connector={connector} />
          <p>
            {`Its token is destroyed${connector.type === "zammad" ? ", and so is the webhook's secret" : ""}; to connect ${SYSTEM[connector.type]} again you enter a new one. `}
            Entries, decisions and the whole history stay, and nothing is deleted in{" "}
            {SYSTEM[connector.type]}.
          </p>
        </div>
      }
    />
  )
}
