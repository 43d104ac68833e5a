import { Kbd } from "@/ui/bits"
import { Switch } from "@/ui/choices"
import { Dialog } from "@/ui/dialog"
import { type Shortcut, useKeyboard } from "./keyboard"
import { useDialog } from "./url-state"

const GROUPS: Shortcut["group"][] = ["Page", "Go to", "Rows", "Time machine"]

/** Everything the keyboard does, from the same list that does it. */
export default function Shortcuts() {
  const { dialog, close } = useDialog()
  const { shortcuts, singleKeys, setSingleKeys } = useKeyboard()
  return (
    <Dialog
      open={dialog === "shortcuts"}
      onOpenChange={(open) => !open && close()}
      title="Keyboard shortcuts"
      description="Single keys work outside fields only."
    >
      <label htmlFor="single-keys" className="flex items-center justify-between gap-4 pb-4">
        <span>
          Single-key shortcuts
          <span className="block text-ink2 text-meta">
            Off: only combinations with Ctrl or Cmd, Enter and Esc.
          </span>
        </span>
        <Switch id="single-keys" checked={singleKeys} onCheckedChange={setSingleKeys} />
      </label>
      {GROUPS.map((group) => {
        const list = shortcuts.filter((one) => one.group === group)
        if (list.length === 0) return null
        return (
          <section key={group} aria-label={group} className="border-line border-t py-3">
            <h3 className="pb-1 font-semibold text-table">{group}</h3>
            <dl className="grid grid-cols-[1fr_auto] gap-y-1.5 text-table">
              {list.map((one) => (
                <div key={one.keys} className="contents">
                  <dt className="text-ink2">{one.label}</dt>
                  <dd>
                    <Kbd keys={one.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        )
      })}
    </Dialog>
  )
}
