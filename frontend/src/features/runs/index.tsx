import { useDialog } from "@/app/url-state"
import { Dialog } from "@/ui/dialog"

export default function Runs() {
  const { dialog, close } = useDialog()
  return (
    <Dialog open={dialog === "runs"} onOpenChange={(open) => !open && close()} title="Sync runs">
      <p className="text-ink2">Nothing here yet.</p>
    </Dialog>
  )
}
