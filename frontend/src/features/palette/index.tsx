import { useDialog } from "@/app/url-state"
import { Dialog } from "@/ui/dialog"
import { Palette } from "./palette"

/** Everything by name: sections, commands with their keys, entries, runs, mappings, events. */
export default function PaletteDialog() {
  const { dialog, close } = useDialog()
  const open = dialog === "palette"
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && close()}
      title="Search or jump to"
      bare
      className="max-w-150 self-start max-md:h-auto md:mt-[8vh] md:max-h-130"
    >
      <Palette onClose={() => close()} />
    </Dialog>
  )
}
