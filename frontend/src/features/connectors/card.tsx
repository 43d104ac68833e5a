/** One connected system: what it is, how it fares, what its token may do, what acts on it. */
import { EllipsisVertical, KeyRound, Minus, Power, Check as Tick, Trash2, X } from "lucide-react"
import type { ReactNode } from "react"
import { patch, post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector } from "@/api/shapes"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { Instant, SparkBars } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatPercent } from "@/ui/format"
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu"
import { CommandError, Panel, Skeleton } from "@/ui/panel"
import { StateBadge, StateIcon } from "@/ui/state-badge"
import { Tooltip } from "@/ui/tooltip"
import type { OpenDialog } from "./open"
import { type Check, type Health, type HealthHistory, health, history } from "./reads"
import {
  anchorWords,
  HEALTH,
  host,
  projectWords,
  ROLE,
  readingWords,
  roleWords,
  roundingWords,
  SYSTEM,
  unitWords,
} from "./words"

/** Test what is stored; the answer names what is wrong, the card shows what it changed. */
export function useTest() {
  const announce = useAnnounce()
  return useCommand({
    send: (connector: Connector, { idempotencyKey }) =>
      post("/api/v1/connectors/validate", {
        query: { connector_id: connector.id },
        idempotencyKey,
      }),
    stale: stale.connector,
    onDone: (answer, connector) => announce(`${connector.name}: ${answer.message}`),
  })
}

export function SystemCard({ connector, open }: { connector: Connector; open: OpenDialog }) {
  const { asOf } = useMoment()
  const { timezone } = useSession()
  const read = useRead(health(connector.id), { enabled: asOf === null })
  const past = useRead(history(connector.id))
  const found = asOf === null ? read.data : undefined
  const test = useTest()
  const state = found?.state ?? connector.health.state
  const version = found?.found?.peer_version ?? found?.peer_version
  return (
    <Panel
      label={connector.name}
      className={cn(!connector.is_active && "bg-sunken")}
      bodyClassName="flex flex-col"
    >
      <div className="grid gap-3 p-4">
        <div className="flex items-start gap-3">
          <span
            aria-hidden
            className="grid size-10 shrink-0 place-items-center rounded-control border border-line bg-sunken font-semibold text-dialog text-ink2"
          >
            {SYSTEM[connector.type][0]}
          </span>
          <div className="min-w-0 flex-1">
            <h3 className="flex flex-wrap items-center gap-x-2 gap-y-1 font-semibold">
              <span className="wrap-anywhere">{connector.name}</span>
              <span className="rounded-badge border border-line-strong px-1.5 py-px font-medium text-meta">
                {ROLE[connector.type]}
              </span>
            </h3>
            <p className="wrap-anywhere text-ink2 text-table">
              {SYSTEM[connector.type]}
              {version && ` ${version}`}, {host(connector)}
            </p>
          </div>
          {connector.is_active ? (
            <StateBadge state={HEALTH[state].state}>{HEALTH[state].word}</StateBadge>
          ) : (
            <StateBadge state="ignored">Disabled</StateBadge>
          )}
        </div>
        <Availability history={past.data} failed={past.isError} zone={timezone} />
      </div>
      <Trouble connector={connector} health={found} open={open} />
      <dl className="grid gap-x-4 gap-y-2 border-line border-t p-4 text-table sm:grid-cols-[6rem_1fr]">
        <Facts connector={connector} health={found} zone={timezone} present={asOf === null} />
      </dl>
      <Permissions health={found} present={asOf === null} name={connector.name} />
      <CommandError error={test.error} />
      {test.data && !test.data.valid && !found?.needs && (
        <p role="alert" className="flex gap-2 border-line border-t px-4 py-2.5 text-table">
          <StateIcon state="failed" className="mt-0.5" />
          <span>{`The test failed: ${test.data.message}`}</span>
        </p>
      )}
      <Foot connector={connector} health={found} test={test} open={open} zone={timezone} />
    </Panel>
  )
}

// ── Availability ────────────────────────────────────────────────────────────

const BAR: Record<
  HealthHistory["parts"][number]["state"],
  { height: number; tone: "synced" | "conflict" | "failed" | "quiet"; word: string }
> = {
  ok: { height: 1, tone: "synced", word: "healthy" },
  degraded: { height: 0.7, tone: "conflict", word: "limited" },
  down: { height: 0.45, tone: "conflict", word: "not reachable" },
  auth_failed: { height: 0.3, tone: "failed", word: "token refused" },
  unknown: { height: 0.12, tone: "quiet", word: "not known" },
}

function Availability({
  history,
  failed,
  zone,
}: {
  history: HealthHistory | undefined
  failed: boolean
  zone: string
}) {
  if (history === undefined) {
    return failed ? (
      <p className="h-11.5 text-ink2 text-table">Its past could not be loaded.</p>
    ) : (
      <Skeleton className="h-11.5" />
    )
  }
  const known = history.parts.filter((part) => part.state !== "unknown")
  const good = known.filter((part) => part.state === "ok").length
  const label =
    known.length === 0
      ? "Last 24 hours: nothing known yet"
      : `Last 24 hours: healthy in ${good} of ${known.length} known half hours, ${formatPercent(good / known.length, 0)}`
  const at = (instant: string) => formatInstant(instant, "time", zone)
  return (
    <div>
      <SparkBars
        className="h-6"
        label={label}
        bars={history.parts.map((part) => ({
          key: part.from,
          height: BAR[part.state].height,
          tone: BAR[part.state].tone,
          title: `${at(part.from)} to ${at(part.to)}: ${part.message ?? BAR[part.state].word}`,
        }))}
      />
      <p aria-hidden className="flex justify-between pt-1 text-ink3 text-meta">
        <span>24 h ago</span>
        <span>
          {known.length === 0
            ? "nothing known yet"
            : `${good} of ${known.length} half hours healthy`}
        </span>
        <span>now</span>
      </p>
    </div>
  )
}

// ── What is wrong, and who mends it ─────────────────────────────────────────

/** Needs you: red, with the exact fix. Will recover: amber, with the next try. */
function Trouble({
  connector,
  health: found,
  open,
}: {
  connector: Connector
  health: Health | undefined
  open: OpenDialog
}) {
  const { timezone } = useSession()
  const token = useWritable("admin")
  const again = useWritable("operator")
  const resume = useCommand({
    send: (_: undefined, { idempotencyKey }) =>
      post("/api/v1/connectors/{connector_id}/resume", {
        path: { connector_id: connector.id },
        idempotencyKey,
      }),
    stale: stale.connector,
    onDone: () => notify(`${connector.name} is used again.`),
  })
  if (!connector.is_active || !found?.needs) return null
  const person = found.needs === "person"
  const missing = found.found?.checks.filter((one) => one.needed && one.ok === false) ?? []
  const refused = found.state === "auth_failed"
  const system = SYSTEM[connector.type]
  return (
    <div
      className={cn(
        "grid gap-2 border-line border-t px-4 py-3 text-table",
        person ? "bg-failed-soft text-failed" : "bg-conflict-soft text-conflict",
      )}
    >
      <p className="flex gap-2">
        <StateIcon state={person ? "failed" : "conflict"} className="mt-0.5" />
        <span>
          <strong className="font-semibold">{person ? "Needs you. " : "Will recover. "}</strong>
          {found.message ?? (refused ? `${system} refuses the token.` : "")}{" "}
          {person
            ? refused
              ? `Nothing is read or written until a new token is set: make one in ${system} and enter it here.`
              : missing.map((one) => one.message).join(" ")
            : found.next_try_at
              ? `Tried again by itself at ${formatInstant(found.next_try_at, "seconds", timezone)}.`
              : "Tried again with the next run."}
        </span>
      </p>
      <div className="flex flex-wrap gap-2">
        {person && (
          <Button
            size="small"
            icon={<KeyRound aria-hidden />}
            disabledReason={token.reason}
            onClick={() => open(`token:${connector.id}`)}
          >
            Enter a new token…
          </Button>
        )}
        {(refused || !person) && (
          <Button
            size="small"
            busy={resume.isPending}
            disabledReason={again.reason}
            onClick={() => resume.mutate(undefined)}
          >
            {refused ? "Use it again as it is" : "Try again now"}
          </Button>
        )}
      </div>
      <CommandError error={resume.error} />
    </div>
  )
}

// ── Facts and permissions ───────────────────────────────────────────────────

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink2">{name}</dt>
      <dd className="min-w-0 wrap-anywhere max-sm:mb-1.5">{children}</dd>
    </>
  )
}

const LATER = <span className="text-ink3">Not known before the first test</span>
const FAILED = <span className="text-ink3">Not known: the last test failed</span>
const THEN = <span className="text-ink3">Not kept for the past</span>

function Facts({
  connector,
  health: found,
  zone,
  present,
}: {
  connector: Connector
  health: Health | undefined
  zone: string
  present: boolean
}) {
  const { settings } = connector
  const connection = found?.checks.find((one) => one.name === "connection" && one.ok)
  const signedIn = connection?.message.match(/ as (.+?)\.$/)?.[1]
  const roles = found?.found?.roles ?? []
  return (
    <>
      <Fact name="Signed in as">
        {!present ? (
          THEN
        ) : signedIn ? (
          <>
            {signedIn}
            {roles.length > 0 && (
              <span className="text-ink2">{` (${roles.map(roleWords).join(", ")})`}</span>
            )}
          </>
        ) : (found?.checks.length ?? 0) > 0 ? (
          FAILED
        ) : (
          LATER
        )}
      </Fact>
      <Fact name="Token">
        {!present ? (
          THEN
        ) : found === undefined ? (
          <Skeleton className="my-1 h-3 w-48" />
        ) : (
          <>
            {found.token.last_four ? (
              <>
                ends <span className="font-mono">{found.token.last_four}</span>, set{" "}
              </>
            ) : (
              "set "
            )}
            <Instant at={found.token.since} look="day" zone={zone} />
            <Tooltip
              text={`${SYSTEM[connector.type]} does not tell when a token ends. When it does, this card says so and asks for a new one.`}
            >
              <button type="button" className="ml-1 text-ink3 underline decoration-dotted">
                end not told by {SYSTEM[connector.type]}
              </button>
            </Tooltip>
          </>
        )}
      </Fact>
      {connector.type === "zammad" ? (
        <>
          <Fact name="Reads">{readingWords(settings)}</Fact>
          <Fact name="Time unit">
            {unitWords(settings.time_unit_minutes, found?.found?.time_unit_declared)}
          </Fact>
          <Fact name="Work">{`${anchorWords(settings)}, ${String(settings.timezone)}`}</Fact>
        </>
      ) : (
        <>
          <Fact name="Projects">{projectWords(settings)}</Fact>
          <Fact name="Rounding">{roundingWords(settings)}</Fact>
          <Fact name="Tag">
            <span className="font-mono text-meta">{String(settings.entry_tag)}</span>
          </Fact>
        </>
      )}
    </>
  )
}

export function PermissionList({ checks, name }: { checks: readonly Check[]; name: string }) {
  return (
    <ul
      aria-label={`What the token of ${name} may do`}
      className="grid gap-x-4 gap-y-2 sm:grid-cols-2"
    >
      {checks.map((one) => (
        <li key={one.name} className="flex gap-2 text-table">
          {one.ok === true ? (
            <Tick aria-hidden className="mt-0.5 size-4 shrink-0 text-synced" />
          ) : one.ok === null ? (
            <Minus aria-hidden className="mt-0.5 size-4 shrink-0 text-ink3" />
          ) : (
            <X
              aria-hidden
              className={cn("mt-0.5 size-4 shrink-0", one.needed ? "text-failed" : "text-conflict")}
            />
          )}
          <span className={one.ok === true ? "text-ink2" : undefined}>
            <span className="sr-only">
              {one.ok === true
                ? "Yes: "
                : one.ok === null
                  ? "Not known: "
                  : one.needed
                    ? "Missing: "
                    : "No: "}
            </span>
            {one.message}
          </span>
        </li>
      ))}
    </ul>
  )
}

function Permissions({
  health: found,
  present,
  name,
}: {
  health: Health | undefined
  present: boolean
  name: string
}) {
  if (!present) return null
  return (
    <div className="flex-1 border-line border-t p-4">
      {found === undefined ? (
        <Skeleton className="h-12" />
      ) : found.found && found.found.checks.length > 0 ? (
        <PermissionList checks={found.found.checks} name={name} />
      ) : (
        <p className="text-ink2 text-table">What the token may do is shown after a test.</p>
      )}
    </div>
  )
}

// ── Foot ────────────────────────────────────────────────────────────────────

function Foot({
  connector,
  health: found,
  test,
  open,
  zone,
}: {
  connector: Connector
  health: Health | undefined
  test: ReturnType<typeof useTest>
  open: OpenDialog
  zone: string
}) {
  const admin = useWritable("admin")
  const operator = useWritable("operator")
  const turn = useWritable("admin", { whenBroken: connector.is_active })
  const toggle = useCommand({
    send: (is_active: boolean, { idempotencyKey }) =>
      patch("/api/v1/connectors/{connector_id}", {
        path: { connector_id: connector.id },
        body: { is_active },
        idempotencyKey,
        ifMatch: connector.version,
      }),
    stale: stale.connector,
    onDone: (_, is_active) =>
      notify(`${connector.name} is ${is_active ? "enabled" : "disabled"}.`, {
        undo: () => toggle.mutate(!is_active),
      }),
  })
  const { asOf } = useMoment()
  const tested = asOf === null ? found?.found?.at : connector.health.checked_at
  return (
    <div className="grid gap-2 border-line border-t px-4 py-3">
      <CommandError error={toggle.error} />
      <div className="flex flex-wrap items-center gap-2">
        <Button
          busy={test.isPending}
          disabledReason={operator.reason}
          onClick={() => test.mutate(connector)}
        >
          Test connection
        </Button>
        <Button look="ghost" onClick={() => open(`edit:${connector.id}`)}>
          {admin.reason ? "Settings" : "Edit"}
        </Button>
        <span className="ml-auto text-ink2 text-table">
          {tested ? (
            <>
              {asOf !== null ? "Checked " : found?.state === "ok" ? "Tested " : "Last good test "}
              <Instant at={tested} look="time" zone={zone} />
              {found?.state === "ok" && found.latency_ms != null && `, ${found.latency_ms}\u00a0ms`}
            </>
          ) : (
            "No good test yet"
          )}
        </span>
        <Menu
          trigger={
            <IconButton label={`More for ${connector.name}`}>
              <EllipsisVertical aria-hidden />
            </IconButton>
          }
        >
          <MenuItem
            icon={<KeyRound aria-hidden />}
            disabled={admin.reason !== undefined}
            onSelect={() => open(`token:${connector.id}`)}
          >
            New token…
          </MenuItem>
          <MenuItem
            icon={<Power aria-hidden />}
            disabled={turn.reason !== undefined}
            onSelect={() =>
              connector.is_active ? open(`disable:${connector.id}`) : toggle.mutate(true)
            }
          >
            {connector.is_active ? "Disable…" : "Enable"}
          </MenuItem>
          <MenuSeparator />
          <MenuItem
            icon={<Trash2 aria-hidden />}
            disabled={admin.reason !== undefined}
            onSelect={() => open(`remove:${connector.id}`)}
          >
            Remove…
          </MenuItem>
          {admin.reason && (
            <p className="max-w-60 px-2.5 py-1.5 text-ink2 text-meta">{admin.reason}</p>
          )}
        </Menu>
      </div>
    </div>
  )
}
