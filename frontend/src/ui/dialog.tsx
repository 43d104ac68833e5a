import { X } from "lucide-react"
import { Dialog as Radix } from "radix-ui"
import { type ReactNode, useId, useRef } from "react"
import { IconButton } from "./button"
import { cn } from "./cn"
import { Layer } from "./layer"

type Props = {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: ReactNode
  /** One sentence under the title; its absence is fine. */
  description?: ReactNode
  children: ReactNode
  /** Buttons, last the one that acts; stays in sight. */
  footer?: ReactNode
  /** Beside the title: a switch, "1 of 23", previous and next. */
  actions?: ReactNode
  className?: string
  /** The content brings its own padding: panes side by side, tables from edge to edge. */
  flush?: boolean
  /** Neither head nor foot, the title for screen readers only: the palette. */
  bare?: boolean
  /** Where focus goes when the control that had it is gone by then. */
  returnTo?: () => HTMLElement | null
}

/** What has the focus; of an item of a menu, which is gone soon, the button of that menu. */
function focused(): Element | null {
  const active = document.activeElement
  if (active === null || active === document.body) return null
  const button = active.closest("[role=menu]")?.getAttribute("aria-labelledby")
  return button ? document.getElementById(button) : active
}

/** What had it last: a menu may be gone before what was chosen in it is there. */
let last: Element | null = null
document.addEventListener("focusin", () => {
  last = focused() ?? last
})

/**
 * Remember what had the focus when it opened, also when a URL or a key opened it. A render in which
 * it closes may be given up for one in which it is open still: what has the focus is in it by then.
 */
function useReturn(open: boolean, returnTo: Props["returnTo"]) {
  const content = useRef<HTMLDivElement>(null)
  const opener = useRef<Element | null>(null)
  const was = useRef(false)
  if (open && !was.current && !content.current?.contains(document.activeElement)) {
    opener.current = focused() ?? last
  }
  was.current = open
  const back = (event: Event) => {
    event.preventDefault()
    const target = opener.current
    const to =
      target instanceof HTMLElement && target.isConnected
        ? target
        : (returnTo?.() ?? document.getElementById("content"))
    to?.focus({ preventScroll: true })
  }
  return { content, back }
}

const SCRIM = "fixed inset-0 z-40 bg-scrim animate-scrim"

function onContainer(event: Event) {
  // Focus on the container: a screen reader begins with the title, no field opens a keyboard.
  event.preventDefault()
  ;(event.currentTarget as HTMLElement | null)?.focus()
}

/** Who presses "Undo" in a toast is not done with the dialog under it. */
function unlessInToast(event: Event) {
  const { target } = event
  if (target instanceof Element && target.closest("[data-sonner-toaster]")) event.preventDefault()
}

function onFirstField(event: Event) {
  event.preventDefault()
  ;(event.currentTarget as HTMLElement | null)?.querySelector("input")?.focus()
}

function Frame({
  title,
  description,
  actions,
  children,
  footer,
  flush = false,
  bare = false,
}: Omit<Props, "open" | "onOpenChange">) {
  if (bare) {
    return (
      <>
        <Radix.Title className="sr-only">{title}</Radix.Title>
        {children}
      </>
    )
  }
  return (
    <>
      <header className="flex items-start gap-3 border-line border-b px-5 py-4">
        <div className="min-w-0 flex-1">
          <Radix.Title className="font-semibold text-dialog">{title}</Radix.Title>
          {description && (
            <Radix.Description className="text-ink2 text-table">{description}</Radix.Description>
          )}
        </div>
        {actions}
        <Radix.Close asChild>
          <IconButton label="Close" className="-mr-1.5 -mt-0.5">
            <X aria-hidden />
          </IconButton>
        </Radix.Close>
      </header>
      <section
        aria-label="Content"
        tabIndex={0}
        className={cn(
          "min-h-0 flex-1 overflow-y-auto overscroll-contain -outline-offset-2",
          !flush && "px-5 py-4",
        )}
      >
        {children}
      </section>
      {footer && (
        <footer className="flex flex-wrap items-center justify-end gap-2 border-line border-t bg-sunken px-5 py-3">
          {footer}
        </footer>
      )}
    </>
  )
}

export function Dialog({ open, onOpenChange, className, returnTo, ...frame }: Props) {
  const { content, back } = useReturn(open, returnTo)
  const layer = useId()
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={SCRIM} />
        <div className="pointer-events-none fixed inset-0 z-50 grid place-items-center p-4 max-md:p-0">
          <Radix.Content
            ref={content}
            data-focus-container
            data-layer={layer}
            onOpenAutoFocus={frame.bare ? onFirstField : onContainer}
            onCloseAutoFocus={back}
            onInteractOutside={unlessInToast}
            {...(frame.description ? {} : { "aria-describedby": undefined })}
            className={cn(
              "pointer-events-auto flex max-h-[min(46rem,100%)] w-full max-w-lg animate-dialog flex-col overflow-hidden rounded-dialog border border-line bg-surface shadow-pop max-md:h-full max-md:max-h-full max-md:max-w-none max-md:rounded-none max-md:border-0",
              className,
            )}
          >
            <Layer value={layer}>
              <Frame {...frame} />
            </Layer>
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** From the right, up to 680 wide; the page behind stays where it was. */
export function Drawer({ open, onOpenChange, className, returnTo, ...frame }: Props) {
  const { content, back } = useReturn(open, returnTo)
  const layer = useId()
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={SCRIM} />
        <Radix.Content
          ref={content}
          data-focus-container
          data-layer={layer}
          onOpenAutoFocus={onContainer}
          onCloseAutoFocus={back}
          onInteractOutside={unlessInToast}
          {...(frame.description ? {} : { "aria-describedby": undefined })}
          className={cn(
            "fixed inset-y-0 right-0 z-50 flex w-full max-w-170 animate-drawer flex-col border-line border-l bg-surface shadow-pop",
            className,
          )}
        >
          <Layer value={layer}>
            <Frame {...frame} />
          </Layer>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

export const DialogClose = Radix.Close
