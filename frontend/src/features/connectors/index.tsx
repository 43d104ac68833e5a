import { Link2, Plus, RefreshCw } from "lucide-react"
import { Suspense, useState } from "react"
import { toApiError } from "@/api/errors"
import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { useAnnounce } from "@/app/announcer"
import { lazily } from "@/app/lazily"
import { notify } from "@/app/notify"
import { connectors } from "@/app/reads"
import { SectionHead } from "@/app/section-frame"
import { useSession, useWritable } from "@/app/session"
import { Button } from "@/ui/button"
import { Menu, MenuItem } from "@/ui/menu"
import { QueryState, Skeleton } from "@/ui/panel"
import { SystemCard, useTest } from "./card"
import { type OpenDialog, useConnectorDialog } from "./open"
import { WebhookPanel } from "./webhook"
import { KINDS, type Kind, ROLE, SYSTEM } from "./words"

const Dialogs = lazily(() => import("./dialogs"))

export default function Connectors() {
  const { timezone } = useSession()
  const query = useRead(connectors())
  const { shown, open, close } = useConnectorDialog()
  const [used, setUsed] = useState(false)
  if (shown !== null && !used) setUsed(true) // loaded with the first dialog, then kept for its motion
  const all = query.data ?? []
  const zammad = all.find((one) => one.type === "zammad" && one.is_active)
  return (
    <>
      <SectionHead
        id="connectors"
        title="Connectors"
        sentence="Zammad is the source of truth. Kimai receives."
        actions={<Actions all={all} open={open} />}
      />
      <QueryState
        query={query}
        what="the connectors"
        zone={timezone}
        skeleton={
          <div className="grid gap-4 xl:grid-cols-2">
            <Skeleton className="h-110 rounded-panel" />
            <Skeleton className="h-110 rounded-panel" />
          </div>
        }
      >
        {(rows) => (
          <div className="grid gap-4">
            <ul aria-label="Connected systems" className="grid items-stretch gap-4 xl:grid-cols-2">
              {KINDS.flatMap((kind) => {
                const mine = rows.filter((one) => one.type === kind)
                const cards = mine
                  .toSorted((one, other) => Number(other.is_active) - Number(one.is_active))
                  .map((one) => (
                    <li key={one.id} className="grid">
                      <SystemCard connector={one} open={open} />
                    </li>
                  ))
                return mine.length > 0
                  ? cards
                  : [
                      <li key={kind} className="grid">
                        <Missing kind={kind} open={open} />
                      </li>,
                    ]
              })}
            </ul>
            {zammad && <WebhookPanel connector={zammad} open={open} />}
          </div>
        )}
      </QueryState>
      {used && (
        <Suspense fallback={null}>
          <Dialogs shown={shown} all={all} close={close} open={open} />
        </Suspense>
      )}
    </>
  )
}

function Actions({ all, open }: { all: readonly Connector[]; open: OpenDialog }) {
  const admin = useWritable("admin")
  const operator = useWritable("operator")
  const test = useTest()
  const announce = useAnnounce()
  const [testing, setTesting] = useState(false)
  const active = all.filter((one) => one.is_active)
  const testAll = async () => {
    setTesting(true)
    const answers = await Promise.allSettled(active.map((one) => test.mutateAsync(one)))
    const failed = answers.flatMap((one) =>
      one.status === "rejected"
        ? [toApiError(one.reason).sentence]
        : one.value.valid
          ? []
          : [one.value.message],
    )
    const text = `${active.length - failed.length} of ${active.length} connections work.`
    announce(text)
    notify(text, failed.length > 0 ? { detail: failed.join(" ") } : {})
    setTesting(false)
  }
  const none = active.length === 0 ? "Connect a system first: there is nothing to test." : undefined
  return (
    <>
      <Button
        icon={<RefreshCw aria-hidden />}
        busy={testing}
        disabledReason={operator.reason ?? none}
        onClick={() => void testAll()}
      >
        Test all
      </Button>
      {admin.reason ? (
        <Button icon={<Plus aria-hidden />} disabledReason={admin.reason}>
          Add connector
        </Button>
      ) : (
        <Menu trigger={<Button icon={<Plus aria-hidden />}>Add connector</Button>}>
          {KINDS.map((kind) => (
            <MenuItem key={kind} hint={ROLE[kind]} onSelect={() => open(`new:${kind}`)}>
              {SYSTEM[kind]}…
            </MenuItem>
          ))}
        </Menu>
      )}
    </>
  )
}

const WHAT: Record<Kind, string> = {
  zammad: "Bookings are read from here. You need its address and an access token of an agent.",
  kimai: "Timesheets are written here. You need its address and an API token of a team lead.",
}

function Missing({ kind, open }: { kind: Kind; open: OpenDialog }) {
  const { reason } = useWritable("admin")
  return (
    <section
      aria-label={`${SYSTEM[kind]} is not connected`}
      className="grid content-center justify-items-center gap-2 rounded-panel border border-line-strong border-dashed px-6 py-12 text-center"
    >
      <Link2 aria-hidden className="size-5 text-ink3" />
      <h3 className="font-semibold">{SYSTEM[kind]} is not connected</h3>
      <p className="max-w-prose text-ink2 text-table">{WHAT[kind]}</p>
      <Button
        look="primary"
        className="mt-2"
        disabledReason={reason}
        onClick={() => open(`new:${kind}`)}
      >
        Connect {SYSTEM[kind]}
      </Button>
    </section>
  )
}
