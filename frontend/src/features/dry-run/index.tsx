import { useDialog } from "@/app/url-state"
import { Dialog } from "@/ui/dialog"

export default function DryRun() {
  const { dialog, close } = useDialog()
  return (
    <Dialog open={dialog === "dry-run"} onOpenChange={(open) => !open && close()} title="Dry run">
      <p className="text-ink2">Nothing here yet.</p>
    </Dialog>
  )
}
