import { useDialog } from "@/app/url-state"
import { Dialog } from "@/ui/dialog"

export default function RunRange() {
  const { dialog, close } = useDialog()
  return (
    <Dialog
      open={dialog === "run-range"}
      onOpenChange={(open) => !open && close()}
      title="Run for other days"
    >
      <p className="text-ink2">Nothing here yet.</p>
    </Dialog>
  )
}
