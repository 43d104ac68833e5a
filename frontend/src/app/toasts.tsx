import { Toaster as Sonner, toast } from "sonner"
import { useTheme } from "./theme"

export function Toasts() {
  const { shown } = useTheme()
  return (
    <Sonner
      theme={shown}
      position="bottom-right"
      offset={{ bottom: 24, right: 24 }}
      mobileOffset={{ bottom: 88 }}
      toastOptions={{
        unstyled: true,
        classNames: {
          toast:
            "flex w-full items-center gap-3 rounded-panel border border-line bg-surface px-4 py-3 text-table text-ink shadow-pop sm:w-90",
          description: "text-ink2",
          actionButton:
            "ml-auto shrink-0 rounded-control px-2 py-1 font-medium text-accent hover:bg-hover",
        },
      }}
    />
  )
}

const UNDO = 10_000 // ms in which a decision can be taken back: design, section 5

/** What was done, in a sentence; with `undo` it offers it for 10 s. Errors stay at their control. */
export function notify(text: string, more: { detail?: string; undo?: () => void } = {}): void {
  toast(text, {
    description: more.detail,
    duration: more.undo ? UNDO : 5_000,
    ...(more.undo ? { action: { label: "Undo", onClick: more.undo } } : {}),
  })
}
