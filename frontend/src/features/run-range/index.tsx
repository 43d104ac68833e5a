import { Eye, Play } from "lucide-react"
import { type FormEvent, useEffect, useRef, useState } from "react"
import { post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { keys, stale } from "@/api/keys"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { connectors } from "@/app/reads"
import { useSession, useWritable } from "@/app/session"
import { useDialog, useUrlParams } from "@/app/url-state"
import { Button } from "@/ui/button"
import { Checkbox, Select } from "@/ui/choices"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { CommandError } from "@/ui/panel"
import { daysBetween, type Range, rangesOf, wrongWith } from "./days"

const FORM = "run-range-form"
const ACTIVE_PAIR = "pair"

type Wish = { start_date: string; end_date: string; connector_id?: number; dry: boolean }

/** A run, or its dry run, over other days than the usual thirty. */
export default function RunRange() {
  const { dialog, open: openDialog, close } = useDialog()
  const { set } = useUrlParams()
  const open = dialog === "run-range"
  const { timezone } = useSession()
  const { reason } = useWritable("operator")
  const announce = useAnnounce()
  const [ranges] = useState(() => rangesOf(Date.now(), timezone))
  const [range, setRange] = useState<Range>(() => ranges[1].range)
  const [connector, setConnector] = useState(ACTIVE_PAIR)
  const [dry, setDry] = useState(true)
  const [asked, setAsked] = useState(0)
  const { data: known = [] } = useRead(connectors(), { enabled: open })
  const active = known.filter((one) => one.is_active)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (asked > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()
  }, [asked])

  const command = useCommand<Wish, { plan?: number | null; run?: number | null }>({
    send: async ({ dry, ...wish }, { idempotencyKey }) => {
      const options = { body: wish, respondAsync: true, idempotencyKey }
      if (dry) return { plan: (await post("/api/v1/sync/plans", options)).plan_id ?? null }
      return { run: (await post("/api/v1/sync/run", options)).run_id ?? null }
    },
    stale: [...stale.run, keys.own("plans")],
    onDone: ({ plan, run }) => {
      setAsked(0)
      if (plan != null) {
        set({ dialog: "dry-run", plan: String(plan) })
        return
      }
      const text = run == null ? "The run has started." : `Run ${run} has started.`
      close()
      notify(text)
      announce(text)
    },
  })
  const wrong = wrongWith(range)
  const shown = asked > 0 ? wrong : {}
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(asked + 1)
    if (Object.keys(wrong).length > 0 || reason !== undefined || command.isPending) return
    command.mutate({
      start_date: range.start,
      end_date: range.end,
      ...(connector === ACTIVE_PAIR ? {} : { connector_id: Number(connector) }),
      dry,
    })
  }
  const change = (some: Partial<Range>) => {
    setRange({ ...range, ...some })
    command.reset()
  }
  const days = Object.keys(wrong).length === 0 ? daysBetween(range) : null
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (next) return
        setAsked(0)
        command.reset()
        close()
      }}
      title="Run for other days"
      description="By the day of the work. Without other days a run looks at the last 30."
      footer={
        <>
          {days !== null && (
            <p className="mr-auto text-ink2 text-table">
              {days === 1 ? "One day" : `${days} days`}
            </p>
          )}
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look="primary"
            type="submit"
            form={FORM}
            busy={command.isPending}
            disabledReason={reason}
            icon={dry ? <Eye aria-hidden /> : <Play aria-hidden />}
          >
            {dry ? "Make dry run" : "Run sync"}
          </Button>
        </>
      }
    >
      <form id={FORM} ref={form} noValidate onSubmit={submit} className="grid gap-5">
        {reason && (
          <p className="rounded-control bg-sunken px-3 py-2 text-ink2 text-table">{reason}</p>
        )}
        <fieldset className="flex flex-wrap gap-1.5">
          <legend className="pb-1.5 font-medium text-table">Days</legend>
          {ranges.map((one) => (
            <Button
              key={one.label}
              size="small"
              aria-pressed={one.range.start === range.start && one.range.end === range.end}
              onClick={() => change(one.range)}
              className="aria-pressed:border-ink aria-pressed:bg-hover"
            >
              {one.label}
            </Button>
          ))}
        </fieldset>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="First day" error={shown.start}>
            <DayInput value={range.start} onChange={(start) => change({ start })} />
          </Field>
          <Field label="Last day" error={shown.end}>
            <DayInput value={range.end} onChange={(end) => change({ end })} />
          </Field>
        </div>
        <Field
          label="Connector"
          hint={
            active.length < 2
              ? "Zammad and Kimai must both be connected and on."
              : "A run carries from Zammad to Kimai; naming one refuses the run when it is off."
          }
        >
          <Select
            value={connector}
            onChange={setConnector}
            options={[
              { value: ACTIVE_PAIR, label: "The active pair" },
              ...active.map((one) => ({
                value: String(one.id),
                label: one.name,
                hint: one.type === "zammad" ? "Zammad" : "Kimai",
              })),
            ]}
          />
        </Field>
        <label htmlFor="run-range-dry" className="flex items-start gap-2.5 text-table">
          <Checkbox
            id="run-range-dry"
            checked={dry}
            onCheckedChange={(on) => setDry(on === true)}
            className="mt-px"
          />
          <span>
            <span className="font-medium">Dry run first</span>
            <span className="block text-ink2">
              Shows every change, before anything is written. Then write it, or not.
            </span>
          </span>
        </label>
        <CommandError error={command.error}>
          {command.error?.code === "run_active" && (
            <button
              type="button"
              className="link"
              onClick={() =>
                openDialog("runs", { run: String(command.error?.problem.run_id ?? "") })
              }
            >
              Show the run
            </button>
          )}
        </CommandError>
      </form>
    </Dialog>
  )
}

function DayInput({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <Input
      value={value}
      onChange={(event) => onChange(event.target.value.trim())}
      inputMode="numeric"
      placeholder="YYYY-MM-DD"
      autoComplete="off"
    />
  )
}
