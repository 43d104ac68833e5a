import { useDialog } from "@/app/url-state"
import { Dialog } from "@/ui/dialog"

export default function Palette() {
  const { dialog, close } = useDialog()
  return (
    <Dialog
      open={dialog === "palette"}
      onOpenChange={(open) => !open && close()}
      title="Search or jump to"
    >
      <p className="text-ink2">Nothing here yet.</p>
    </Dialog>
  )
}
