import { Eye, X } from "lucide-react"
import { Kbd } from "@/ui/bits"
import { Button, IconButton } from "@/ui/button"
import { formatNumber } from "@/ui/format"
import type { Line } from "./model"
import { type Act, type Gain, netOf } from "./proposals"
import { Change } from "./row"

/** What Kimai gains when every proposal is taken; null when that of one of them is not known. */
export function netChange(lines: readonly Line[]): Gain | null {
  const proposed = lines.filter((line) => line.proposal && !("goTo" in line.proposal))
  return netOf(proposed.map((line) => line.change))
}

export function SelectionBar({
  lines,
  changed,
  reason,
  onBulk,
  onClear,
}: {
  lines: readonly Line[]
  changed: ReadonlySet<string>
  reason: string | undefined
  onBulk: (act: Act | "proposals") => void
  onClear: () => void
}) {
  const net = netChange(lines)
  const again = lines.filter((line) => changed.has(line.key)).length
  return (
    <section
      aria-label="Selection"
      className="fixed inset-x-3 bottom-20 z-30 mx-auto flex w-fit max-w-[calc(100vw-1.5rem)] animate-dialog flex-wrap items-center gap-2 rounded-panel border border-line bg-surface px-4 py-2 shadow-pop lg:bottom-5 lg:left-58"
    >
      <p className="pr-2 text-table">
        <strong className="font-semibold">{`${formatNumber(lines.length)} selected`}</strong>
        <span className="pl-2 text-ink2">
          {net === null ? (
            "net change unknown"
          ) : (
            <>
              net <Change gain={net} /> in Kimai
            </>
          )}
        </span>
        {again > 0 && (
          <span className="block text-conflict text-meta">{`${again} changed since`}</span>
        )}
      </p>
      <Button
        look="primary"
        icon={<Eye aria-hidden />}
        disabledReason={reason}
        onClick={() => onBulk("proposals")}
      >
        Preview proposals
      </Button>
      <Button disabledReason={reason} onClick={() => onBulk("update")}>
        Use Zammad… <Kbd keys="z" className="touch:hidden" />
      </Button>
      <Button disabledReason={reason} onClick={() => onBulk("keep-target")}>
        Keep Kimai… <Kbd keys="u" className="touch:hidden" />
      </Button>
      <Button disabledReason={reason} onClick={() => onBulk("ignore")}>
        Ignore… <Kbd keys="i" className="touch:hidden" />
      </Button>
      <IconButton label="Clear the selection" onClick={onClear}>
        <X aria-hidden />
      </IconButton>
    </section>
  )
}
