import { Bell, Plus, Send, Trash2 } from "lucide-react"
import { type ReactNode, useEffect, useId, useRef, useState } from "react"
import { del, patch, post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { Channel } from "@/api/shapes"
import { notify } from "@/app/notify"
import { useSession, useWritable } from "@/app/session"
import { useDialog } from "@/app/url-state"
import { EmptyState } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { Checkbox, Select, Switch } from "@/ui/choices"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { formatInstant } from "@/ui/format"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { type Given, KINDS, kindInWords, kindOf } from "./channel-kinds"
import { channels } from "./reads"

type Topic = Channel["events"][number]
const STALE = [keys.own("channels"), keys.auditLogs()]

/** What a channel may be told of; the second line says from when on. */
const TOPICS: readonly { topic: Topic; label: string; when: string }[] = [
  {
    topic: "run_failed",
    label: "A run fails",
    when: "Each one, while “Tell me when a run fails” is on in the schedule.",
  },
  {
    topic: "conflicts_opened",
    label: "A run opens many conflicts",
    when: "From 11 in one run, under the same switch.",
  },
  {
    topic: "connector_down",
    label: "Zammad or Kimai cannot be reached",
    when: "Once when it goes down, or when the token is refused.",
  },
  {
    topic: "dead_letter",
    label: "An entry is given up",
    when: "After its last attempt; it then waits under Failed.",
  },
  {
    topic: "webhook_rejected",
    label: "A webhook delivery is rejected",
    when: "A wrong signature or a body that cannot be read.",
  },
]
const inWords = (topic: Topic) => TOPICS.find((one) => one.topic === topic)?.label ?? topic

/** The page's own dialog, by the name in the address. */
export default function Notifications() {
  const { dialog, close } = useDialog()
  return (
    <NotificationsDialog
      open={dialog === "notifications"}
      onOpenChange={(open) => !open && close()}
    />
  )
}

type View = { is: "list" } | { is: "add" } | { is: "edit"; channel: Channel }

export function NotificationsDialog({
  open,
  onOpenChange,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const { timezone, user } = useSession()
  const { reason } = useWritable("admin")
  const [view, setView] = useState<View>({ is: "list" })
  const query = useRead(channels(), { enabled: open && user.role === "admin" })
  const list = view.is === "list"
  const back = () => setView({ is: "list" })
  const form = useId()
  const title =
    view.is === "add" ? "Add a channel" : view.is === "edit" ? view.channel.name : "Notifications"
  const [busy, setBusy] = useState(false)
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        back()
        onOpenChange(next)
      }}
      title={title}
      description={
        list
          ? "Who is told of trouble. One message at once, then at most one in 10 minutes."
          : undefined
      }
      className="max-w-xl"
      footer={
        list ? (
          <>
            <DialogClose asChild>
              <Button look="ghost">Close</Button>
            </DialogClose>
            <Button
              look="primary"
              icon={<Plus aria-hidden />}
              disabledReason={reason}
              onClick={() => setView({ is: "add" })}
            >
              Add a channel
            </Button>
          </>
        ) : (
          <>
            <Button look="ghost" onClick={back}>
              Back
            </Button>
            <Button look="primary" type="submit" form={form} busy={busy} disabledReason={reason}>
              {view.is === "add" ? "Add channel" : "Save channel"}
            </Button>
          </>
        )
      }
    >
      {user.role !== "admin" ? (
        <p className="text-ink2">{`Only an administrator sees the channels; you are signed in as ${user.role}.`}</p>
      ) : list ? (
        <QueryState
          query={query}
          what="the channels"
          zone={timezone}
          skeleton={<Skeleton className="h-40" />}
          isEmpty={(data) => data.length === 0}
          empty={
            <EmptyState icon={<Bell aria-hidden />} title="Nobody is told yet.">
              Add an e-mail address, a Slack or Teams channel, or a webhook.
            </EmptyState>
          }
        >
          {(data) => (
            <ul className="grid gap-3">
              {data.map((channel) => (
                <Line
                  key={channel.id}
                  channel={channel}
                  reason={reason}
                  onEdit={() => setView({ is: "edit", channel })}
                />
              ))}
            </ul>
          )}
        </QueryState>
      ) : (
        <ChannelForm
          key={view.is === "edit" ? view.channel.id : "new"}
          id={form}
          channel={view.is === "edit" ? view.channel : null}
          onBusy={setBusy}
          onDone={back}
        />
      )}
    </Dialog>
  )
}

function Line({
  channel,
  reason,
  onEdit,
}: {
  channel: Channel
  reason: string | undefined
  onEdit: () => void
}) {
  const { timezone } = useSession()
  const [asking, setAsking] = useState(false)
  const switching = useCommand({
    send: (is_active: boolean, { idempotencyKey }) =>
      patch("/api/v1/notifications/{channel_id}", {
        path: { channel_id: channel.id },
        body: { is_active },
        idempotencyKey,
        ifMatch: channel.version,
      }),
    stale: STALE,
  })
  const trying = useCommand({
    send: (_: undefined, { idempotencyKey }) =>
      post("/api/v1/notifications/{channel_id}/test", {
        path: { channel_id: channel.id },
        idempotencyKey,
      }),
    stale: STALE,
  })
  const removing = useCommand({
    send: (_: undefined, { idempotencyKey }) =>
      del("/api/v1/notifications/{channel_id}", {
        path: { channel_id: channel.id },
        idempotencyKey,
        ifMatch: channel.version,
      }),
    stale: STALE,
    onDone: () => notify(`${channel.name} is removed and its address destroyed.`),
  })
  const last = channel.last_result
  const told = channel.events.map(inWords).join(" · ")
  return (
    <li className="grid gap-2 rounded-panel border border-line p-3 text-table">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-40 flex-1">
          <p className="font-medium">{channel.name}</p>
          <p className="text-ink2 text-meta">
            {`${kindInWords(channel.kind)}, address hidden`}
            {!channel.is_active && " · off: not told"}
          </p>
        </div>
        <Switch
          aria-label={`${channel.name} is told`}
          checked={channel.is_active}
          disabled={reason !== undefined || switching.isPending}
          onCheckedChange={(on) => switching.mutate(on)}
        />
        <Button
          size="small"
          icon={<Send aria-hidden />}
          busy={trying.isPending}
          disabledReason={reason}
          onClick={() => trying.mutate(undefined)}
          aria-label={`Send a test to ${channel.name}`}
        >
          Test
        </Button>
        <Button size="small" onClick={onEdit} aria-label={`Edit ${channel.name}`}>
          Edit
        </Button>
        <IconButton
          label={`Remove ${channel.name}`}
          size="small"
          disabledReason={reason}
          onClick={() => setAsking(true)}
        >
          <Trash2 aria-hidden />
        </IconButton>
      </div>
      <p className="text-ink2 text-meta">{told || "Told of nothing yet."}</p>
      <div aria-live="polite" className="grid gap-2">
        {trying.data ? (
          <Result ok={trying.data.ok}>
            {trying.data.ok ? "The test was delivered." : `The test failed: ${trying.data.message}`}
          </Result>
        ) : (
          last && (
            <Result ok={last.ok}>
              {`${formatInstant(last.at, "day-time", timezone)}: ${last.ok ? "delivered" : last.message} (${last.event === "test" ? "test" : inWords(last.event as Topic).toLowerCase()})`}
            </Result>
          )
        )}
        <CommandError error={trying.error ?? switching.error ?? removing.error} />
      </div>
      {asking && (
        <div
          role="group"
          aria-label={`Remove ${channel.name}?`}
          className="flex flex-wrap items-center gap-2 rounded-control bg-sunken px-3 py-2"
        >
          <p className="min-w-40 flex-1">
            {`Remove ${channel.name}? Its address is destroyed; it is told of nothing more.`}
          </p>
          <Button size="small" look="ghost" onClick={() => setAsking(false)} autoFocus>
            Keep
          </Button>
          <Button
            size="small"
            look="danger"
            busy={removing.isPending}
            onClick={() => removing.mutate(undefined)}
          >
            Remove channel
          </Button>
        </div>
      )}
    </li>
  )
}

function Result({ ok, children }: { ok: boolean; children: ReactNode }) {
  return (
    <p className={ok ? "flex gap-1.5 text-meta text-synced" : "flex gap-1.5 text-failed text-meta"}>
      <StateIcon state={ok ? "synced" : "failed"} />
      {children}
    </p>
  )
}

function ChannelForm({
  id,
  channel,
  onBusy,
  onDone,
}: {
  id: string
  channel: Channel | null
  onBusy: (busy: boolean) => void
  onDone: () => void
}) {
  const [name, setName] = useState(channel?.name ?? "")
  const [kindId, setKindId] = useState(channel ? kindOf(channel.kind).id : "email")
  const [given, setGiven] = useState<Given>({})
  const [topics, setTopics] = useState<Topic[]>(
    channel?.events ?? ["run_failed", "conflicts_opened", "connector_down", "dead_letter"],
  )
  // A stored address is never shown: it stays, until another one is written.
  const [replacing, setReplacing] = useState(channel === null)
  const [asked, setAsked] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  const kind = KINDS.find((one) => one.id === kindId) ?? kindOf("")
  const made = replacing ? kind.make(given) : {}
  const command = useCommand({
    send: (body: { name: string; events: Topic[]; url?: string }, { idempotencyKey }) =>
      channel === null
        ? post("/api/v1/notifications", { body, idempotencyKey })
        : patch("/api/v1/notifications/{channel_id}", {
            path: { channel_id: channel.id },
            body,
            idempotencyKey,
            ifMatch: channel.version,
          }),
    stale: STALE,
    onDone: (answer) => {
      notify(
        channel === null ? `${answer.name} is added. Send it a test.` : `${answer.name} is saved.`,
      )
      onDone()
    },
  })
  useEffect(() => onBusy(command.isPending), [onBusy, command.isPending])
  useEffect(() => {
    if (asked > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()
  }, [asked])
  const { error } = command
  const refused =
    error?.field("url") ?? (error?.code === "insecure_url" ? error.sentence : undefined)
  const wrong: Record<string, string | undefined> = asked > 0 ? { ...made.wrong } : {}
  const nameError =
    asked > 0 && name.trim() === ""
      ? "Name it, so that others know whom it tells."
      : error?.code === "name_taken"
        ? error.sentence
        : undefined
  const lastPart = kind.parts.at(-1)?.name
  return (
    <form
      id={id}
      ref={form}
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        setAsked(asked + 1)
        if (command.isPending || made.wrong || name.trim() === "" || topics.length === 0) return
        const { address } = made
        command.mutate({ name: name.trim(), events: topics, ...(address ? { url: address } : {}) })
      }}
    >
      <Field label="Name" error={nameError}>
        <Input
          value={name}
          onChange={(event) => setName(event.target.value)}
          placeholder="Billing team"
          autoComplete="off"
        />
      </Field>
      {replacing ? (
        <>
          <Field label="How">
            <Select
              value={kindId}
              onChange={(next) => {
                setKindId(next)
                setGiven({})
              }}
              options={KINDS.map((one) => ({ value: one.id, label: one.label }))}
            />
          </Field>
          {kind.parts.map((part) => (
            <Field
              key={part.name}
              label={part.label}
              hint={part.hint}
              optional={part.optional}
              error={wrong[part.name] ?? (part.name === lastPart ? refused : undefined)}
            >
              <Input
                type={part.secret ? "password" : "text"}
                value={given[part.name] ?? ""}
                onChange={(event) => setGiven({ ...given, [part.name]: event.target.value })}
                placeholder={part.placeholder}
                autoComplete={part.secret ? "new-password" : "off"}
                spellCheck={false}
              />
            </Field>
          ))}
        </>
      ) : (
        <div className="flex flex-wrap items-center gap-3 text-table">
          <p className="flex-1">
            <span className="font-medium">{channel && kindInWords(channel.kind)}</span>
            <span className="block text-ink2 text-meta">
              The address is stored and never shown.
            </span>
          </p>
          <Button size="small" onClick={() => setReplacing(true)}>
            Replace address…
          </Button>
        </div>
      )}
      <fieldset className="grid gap-2">
        <legend className="pb-1.5 font-medium text-table">Tell it when</legend>
        {TOPICS.map(({ topic, label, when }) => (
          <label
            key={topic}
            htmlFor={`${id}-${topic}`}
            className="flex items-start gap-2.5 text-table touch:min-h-11"
          >
            <Checkbox
              id={`${id}-${topic}`}
              checked={topics.includes(topic)}
              onCheckedChange={(on) =>
                setTopics(on === true ? [...topics, topic] : topics.filter((one) => one !== topic))
              }
              className="mt-px"
            />
            <span>
              {label}
              <span className="block text-ink3 text-meta">{when}</span>
            </span>
          </label>
        ))}
        {asked > 0 && topics.length === 0 && (
          <p role="alert" className="text-failed text-meta">
            Choose at least one.
          </p>
        )}
      </fieldset>
      {error?.code !== "name_taken" && !refused && <CommandError error={error} />}
    </form>
  )
}
