import { Toaster as Sonner } from "sonner"
import { useTheme } from "./theme"

export default function Toasts() {
  const { shown } = useTheme()
  return (
    <Sonner
      theme={shown}
      position="bottom-right"
      style={{ fontFamily: "inherit" }} // its own style sheet names another
      offset={{ bottom: 24, right: 24 }}
      mobileOffset={{ bottom: 88 }}
      toastOptions={{
        unstyled: true,
        classNames: {
          // A dialog takes the pointer from the page, but not from what can be taken back.
          toast:
            "pointer-events-auto flex w-full items-center gap-3 rounded-panel border border-line bg-surface px-4 py-3 text-table text-ink shadow-pop sm:w-90",
          description: "text-ink2",
          actionButton:
            "ml-auto shrink-0 rounded-control px-2 py-1 font-medium text-accent hover:bg-hover",
        },
      }}
    />
  )
}
