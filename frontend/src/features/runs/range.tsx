import { useId, useState } from "react"
import { type AnswerOf, post } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { useSession, useWritable } from "@/app/session"
import { useDialog } from "@/app/url-state"
import { Button } from "@/ui/button"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { CommandError } from "@/ui/panel"
import { daysBetween, LONGEST, presets, wrongDay } from "./days"

/** A run over other days than the usual last thirty. */
export default function RunRange() {
  const { dialog, close } = useDialog()
  const { timezone } = useSession()
  const { reason } = useWritable("operator")
  const announce = useAnnounce()
  const form = useId()
  const ready = presets(new Date(), timezone)
  const [start, setStart] = useState(ready[0]?.start ?? "")
  const [end, setEnd] = useState(ready[0]?.end ?? "")
  const [asked, setAsked] = useState(false)
  const command = useCommand<
    { start_date: string; end_date: string },
    AnswerOf<"/api/v1/sync/run", "post">
  >({
    send: (body, { idempotencyKey }) =>
      post("/api/v1/sync/run", { body, respondAsync: true, idempotencyKey }),
    stale: stale.run,
    onDone: (answer) => {
      const text =
        answer.run_id == null ? "The run has started." : `Run ${answer.run_id} has started.`
      notify(text)
      announce(text)
      close()
    },
  })
  const wrong = { start: wrongDay(start), end: wrongDay(end) ?? order(start, end) }
  const days = daysBetween(start, end)
  return (
    <Dialog
      open={dialog === "run-range"}
      onOpenChange={(open) => !open && close()}
      title="Run for other days"
      description="Reads the bookings of these work days from Zammad and carries what differs to Kimai. Look first with a dry run if you are not sure."
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look="primary"
            type="submit"
            form={form}
            busy={command.isPending}
            disabledReason={reason}
          >
            {wrong.start || wrong.end || days === null
              ? "Run"
              : `Run for ${days} ${days === 1 ? "day" : "days"}`}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="grid gap-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          setAsked(true)
          if (wrong.start || wrong.end) {
            const first = wrong.start ? "start" : "end"
            event.currentTarget.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus()
          } else if (!command.isPending && reason === undefined) {
            command.mutate({ start_date: start, end_date: end })
          }
        }}
      >
        <div className="flex flex-wrap gap-2">
          {ready.map((preset) => (
            <Button
              key={preset.label}
              size="small"
              aria-pressed={preset.start === start && preset.end === end}
              className="aria-pressed:border-primary aria-pressed:bg-hover"
              onClick={() => {
                setStart(preset.start)
                setEnd(preset.end)
              }}
            >
              {preset.label}
            </Button>
          ))}
        </div>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            label="First work day"
            error={
              (asked ? wrong.start : undefined) ?? command.error?.field("start_date") ?? undefined
            }
          >
            <Input
              name="start"
              value={start}
              inputMode="numeric"
              autoComplete="off"
              onChange={(event) => setStart(event.target.value.trim())}
            />
          </Field>
          <Field
            label="Last work day"
            error={(asked ? wrong.end : undefined) ?? command.error?.field("end_date") ?? undefined}
            hint={`At most ${LONGEST} days in one run.`}
          >
            <Input
              name="end"
              value={end}
              inputMode="numeric"
              autoComplete="off"
              onChange={(event) => setEnd(event.target.value.trim())}
            />
          </Field>
        </div>
        <CommandError error={command.error} />
      </form>
    </Dialog>
  )
}

function order(start: string, end: string): string | undefined {
  const days = daysBetween(start, end)
  if (days === null) return undefined
  if (days < 1) return "This is before the first day."
  return days > LONGEST ? `These are ${days} days; at most ${LONGEST} go in one run.` : undefined
}
