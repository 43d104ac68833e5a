import { useEffect, useRef } from "react"
import { useRead } from "@/api/hooks"
import { connectors } from "@/app/reads"
import { useSession, useWritable } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { useDialog } from "@/app/url-state"
import { Button } from "@/ui/button"
import { Switch } from "@/ui/choices"
import { Dialog, DialogClose } from "@/ui/dialog"
import { formatInstant } from "@/ui/format"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { ScheduleFields } from "./fields"
import { Preview } from "./preview"
import { lastChange, schedule } from "./reads"
import { Telling } from "./telling"
import { useScheduleForm } from "./use-schedule-form"

/** When runs begin by themselves, and who is told when one fails. */
export default function ScheduleDialog() {
  const { dialog, close } = useDialog()
  const open = dialog === "schedule"
  const { timezone } = useSession()
  const { reason } = useWritable("admin", { whenBroken: true }) // to switch it off
  const { asOf } = useMoment()
  const query = useRead(schedule(), { enabled: open })
  const all = useRead(connectors(), { enabled: open })
  const zammad = all.data?.find((one) => one.type === "zammad" && one.is_active)
  const form = useScheduleForm(query.data, zammad, () => close())
  const { values, errors, asked } = form
  const body = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (asked === 0) return
    const first = "[aria-invalid=true], [data-invalid] button"
    body.current?.querySelector<HTMLElement>(first)?.focus()
  }, [asked])
  const leave = () => {
    form.reset()
    close()
  }
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && leave()}
      title="Schedule"
      description="Webhooks bring changes within seconds. The schedule catches whatever they miss."
      className="max-w-208"
      flush
      actions={
        values && (
          <label
            className="flex h-8 items-center gap-3 font-medium text-table"
            htmlFor="schedule-on"
          >
            {values.enabled ? "On" : "Off"}
            <Switch
              id="schedule-on"
              aria-label="Schedule on"
              checked={values.enabled}
              disabled={reason !== undefined}
              onCheckedChange={(enabled) => form.change({ enabled })}
            />
          </label>
        )
      }
      footer={
        <>
          <LastChange open={open} />
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look="primary"
            busy={form.command.isPending}
            disabledReason={reason}
            onClick={form.save}
          >
            Save schedule
          </Button>
        </>
      }
    >
      <QueryState
        query={query}
        what="the schedule"
        zone={timezone}
        skeleton={<Skeleton className="m-5 h-120" />}
      >
        {() =>
          values && (
            <form
              ref={body}
              noValidate
              className="grid md:grid-cols-[1.9fr_1fr]"
              onSubmit={(event) => {
                event.preventDefault()
                if (reason === undefined) form.save()
              }}
            >
              <div className="grid content-start gap-5 px-5 py-4">
                {reason && (
                  <p className="rounded-control bg-sunken px-3 py-2 text-ink2 text-table">
                    {reason}
                  </p>
                )}
                <ScheduleFields
                  form={form}
                  values={values}
                  zammad={zammad}
                  locked={reason !== undefined}
                />
                <Telling
                  on={values.notifications}
                  onChange={(notifications) => form.change({ notifications })}
                  open={open}
                  locked={reason !== undefined}
                />
                {form.command.error?.code !== "cron_invalid" && (
                  <CommandError error={form.command.error}>
                    {form.command.error?.code === "stale_version" && (
                      <>
                        Somebody else saved the schedule meanwhile.{" "}
                        <button type="button" className="link" onClick={form.keepMine}>
                          Save mine over it
                        </button>{" "}
                        or{" "}
                        <button type="button" className="link" onClick={form.reset}>
                          show theirs
                        </button>
                        .
                      </>
                    )}
                  </CommandError>
                )}
              </div>
              <div className="border-line bg-sunken px-5 py-4 max-md:border-t md:border-l">
                <Preview
                  cron={errors.cron === undefined ? form.cron : null}
                  timezone={values.timezone}
                  enabled={values.enabled}
                  open={open}
                  then={asOf === null ? null : (query.data?.next_runs ?? [])}
                />
              </div>
              {/* Enter in a field saves; the button that people press stands in the foot. */}
              <button type="submit" hidden aria-hidden tabIndex={-1} />
            </form>
          )
        }
      </QueryState>
    </Dialog>
  )
}

function LastChange({ open }: { open: boolean }) {
  const { user, timezone } = useSession()
  const { data } = useRead(lastChange(), { enabled: open })
  if (data === undefined) return <span className="mr-auto" />
  const text =
    data === null
      ? "Never changed."
      : `Last changed ${formatInstant(data.created_at, "day-time", timezone)}${
          data.user ? ` by ${data.user === user.username ? "you" : data.user}` : ""
        }`
  return <p className="mr-auto text-ink2 text-table">{text}</p>
}
