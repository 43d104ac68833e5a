import { useDialog } from "@/app/url-state"
import { Dialog } from "@/ui/dialog"

export default function ScheduleDialog() {
  const { dialog, close } = useDialog()
  return (
    <Dialog open={dialog === "schedule"} onOpenChange={(open) => !open && close()} title="Schedule">
      <p className="text-ink2">Nothing here yet.</p>
    </Dialog>
  )
}
