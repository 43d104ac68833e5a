import { Bell } from "lucide-react"
import { useId, useState } from "react"
import { useRead } from "@/api/hooks"
import { useSession } from "@/app/session"
import { Button } from "@/ui/button"
import { Switch } from "@/ui/choices"
import { NotificationsDialog } from "./notifications"
import { channels } from "./reads"

/** Whether channels are told of runs, and which ones there are. */
export function Telling({
  on,
  onChange,
  open,
  locked,
}: {
  on: boolean
  onChange: (on: boolean) => void
  open: boolean
  locked: boolean
}) {
  const id = useId()
  const { user } = useSession()
  const [shown, setShown] = useState(false)
  const { data } = useRead(channels(), { enabled: open && user.role === "admin" })
  const told = data?.filter((one) => one.is_active && one.events.includes("run_failed"))
  const who =
    user.role !== "admin"
      ? "An administrator sees and changes the channels."
      : data === undefined
        ? " "
        : told && told.length > 0
          ? `Told: ${told.map((one) => one.name).join(", ")}.`
          : on
            ? "No channel is told yet: add one."
            : "No channel is told yet."
  return (
    <div className="flex flex-wrap items-start gap-3">
      <Switch
        id={id}
        checked={on}
        onCheckedChange={onChange}
        disabled={locked}
        className="mt-0.5"
        aria-describedby={`${id}-who`}
      />
      <div className="min-w-48 flex-1 text-table">
        <label htmlFor={id} className="font-medium">
          Tell me when a run fails, or opens more than 10 conflicts
        </label>
        <p id={`${id}-who`} className="text-ink2">
          {who}
        </p>
      </div>
      {user.role === "admin" && (
        <Button size="small" icon={<Bell aria-hidden />} onClick={() => setShown(true)}>
          Channels…
        </Button>
      )}
      <NotificationsDialog open={shown} onOpenChange={setShown} />
    </div>
  )
}
