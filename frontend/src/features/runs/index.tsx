import { ChevronLeft } from "lucide-react"
import { useDialog, useUrlParams } from "@/app/url-state"
import { Button } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { RunDetail } from "./detail"
import { FILTERS, RunList } from "./list"

/** `?dialog=runs` is all runs; `&run=12` is one of them. */
export default function Runs() {
  const { dialog, close } = useDialog()
  const { params, set } = useUrlParams()
  const id = Number(params.get("run"))
  const one = Number.isInteger(id) && id > 0
  const open = dialog === "runs"
  return (
    <Drawer
      open={open}
      onOpenChange={(next) => !next && close(["run", "run.action", ...FILTERS])}
      title={one ? `Run #${id}` : "Sync runs"}
      className="max-w-200"
      actions={
        one && (
          <Button
            look="ghost"
            size="small"
            icon={<ChevronLeft aria-hidden />}
            onClick={() => set({ run: null, "run.action": null })}
          >
            All runs
          </Button>
        )
      }
    >
      {one ? <RunDetail key={id} id={id} open={open} /> : <RunList open={open} />}
    </Drawer>
  )
}
