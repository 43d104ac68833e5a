import type { Connector } from "@/api/shapes"
import { Button } from "@/ui/button"
import { Dialog, DialogClose } from "@/ui/dialog"
import { CommandError } from "@/ui/panel"
import { type Act, continuing, useAct } from "./acts"
import type { Amount, Line } from "./lines"
import { draftOf, type Kind, type Row, type Source, targetName } from "./model"

export type Doing = "on" | "off" | "remove"

/** Asks before a row stops or starts to count: says what then becomes of entries. */
export default function Confirm({
  kind,
  line,
  row,
  doing,
  kimai,
  waitingFor,
  onClose,
}: {
  kind: Kind
  line: Line
  /** As it is now, also when somebody changed it while this was open. */
  row: Row
  doing: Doing
  kimai: Connector | undefined
  waitingFor: (source: Source) => Amount
  onClose: () => void
}) {
  const act: Act =
    doing === "remove"
      ? { do: "remove", row }
      : { do: "change", row, draft: { ...draftOf(row), isActive: doing === "on" } }
  const amount = doing === "on" ? waitingFor(row.source) : { entries: 0, minutes: 0 }
  const command = useAct(kind, { waited: () => amount, onDone: onClose })
  const name = line.name
  const to = line.targets.map(targetName).join(", ")
  const verb = { on: "Switch on", off: "Switch off", remove: "Remove mapping" }[doing]
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={
        doing === "remove"
          ? `Remove the mapping of ${name}?`
          : `Switch the mapping of ${name} ${doing}?`
      }
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look={doing === "remove" ? "danger" : "primary"}
            busy={command.isPending}
            onClick={() => command.mutate(act)}
          >
            {verb}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        {doing === "on" ? (
          <p>
            {`New entries of ${name} go to ${to} again. `}
            {amount.entries > 0 ? (
              <strong className="font-semibold">{continuing(amount)}</strong>
            ) : (
              "No entry waits for this."
            )}
          </p>
        ) : (
          <>
            <p>{without(kind, line, kimai)}</p>
            <p className="text-ink2">
              {`Entries already in Kimai stay as they are. ${
                doing === "remove"
                  ? "The row's history stays in the audit log, and the removal can be taken back for 10 seconds."
                  : "The row stays and can be switched on again."
              }`}
            </p>
          </>
        )}
        <CommandError error={command.error}>
          {command.error?.code === "stale_version" &&
            "Somebody changed it while this was open. It is read again: look at the row, then decide."}
        </CommandError>
      </div>
    </Dialog>
  )
}

/** What becomes of entries whose source has no row: the rules of the Kimai connector say it. */
function without(kind: Kind, line: Line, kimai: Connector | undefined): string {
  if (line.state === "off") return "It is off already: no entry uses it."
  const { name, source } = line
  const settings = kimai?.settings ?? {}
  if (kind === "users") {
    return source.id === null
      ? "People without a row of their own are then found by their e-mail address only; entries of the others wait until they are mapped."
      : `New entries of ${name} then need the same e-mail address in Kimai, or the row for everyone; else they wait until the person is mapped.`
  }
  if (kind === "projects") return `The rule of the Kimai connector then decides for ${name}.`
  const fallback = settings.default_activity_id
  if (typeof fallback === "number") {
    return `New entries of ${name} then go to the connector's default activity ${fallback}.`
  }
  if (settings.ignore_unmapped_activities === true) {
    return `New entries of ${name} are then ignored, as the Kimai connector says: they do not come to Kimai.`
  }
  return `New entries of ${name} then wait until the activity is mapped again.`
}
