import { Check } from "lucide-react"
import { DropdownMenu as Radix, Popover as RadixPopover, Slot } from "radix-ui"
import { type ComponentProps, type ReactNode, useId, useState } from "react"
import { cn } from "./cn"
import { Layer } from "./layer"

const PANEL =
  "z-50 min-w-48 rounded-panel border border-line bg-surface p-1 shadow-pop animate-dialog"
const ITEM =
  "flex min-h-8 items-center gap-2.5 rounded-control px-2.5 py-1 text-table outline-none data-highlighted:bg-hover data-disabled:text-ink3 touch:min-h-11 [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-ink3"

const OPENS = ["Enter", " ", "ArrowDown"]

/**
 * `trigger` is the control that opens it; children are `MenuItem`s. Nothing of the menu exists
 * before it is opened for the first time: a list has one for every row.
 */
export function Menu(props: MenuProps) {
  const [wanted, setWanted] = useState(false)
  if (wanted) return <OpenedMenu {...props} />
  return (
    <Slot.Root
      aria-haspopup="menu"
      aria-expanded={false}
      data-state="closed"
      onPointerDown={(event) => {
        if (event.button !== 0 || event.ctrlKey) return
        event.preventDefault() // the focus belongs to the menu
        setWanted(true)
      }}
      onKeyDown={(event) => {
        if (!OPENS.includes(event.key)) return
        event.preventDefault() // no click, and no scrolling
        setWanted(true)
      }}
      onClick={() => setWanted(true)} // by a voice or a switch there is nothing but a click
    >
      {props.trigger}
    </Slot.Root>
  )
}

type MenuProps = {
  trigger: ReactNode
  children: ReactNode
  align?: "start" | "end" | "center"
  side?: "top" | "bottom"
}

function OpenedMenu({ trigger, children, align = "end", side }: MenuProps) {
  return (
    <Radix.Root modal={false} defaultOpen>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className={PANEL}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

export function MenuItem({
  className,
  icon,
  hint,
  children,
  ...rest
}: ComponentProps<typeof Radix.Item> & { icon?: ReactNode; hint?: ReactNode }) {
  return (
    <Radix.Item className={cn(ITEM, className)} {...rest}>
      {icon}
      {/* With `asChild` the child is the item itself: a link to download, say. */}
      <Slot.Slottable>{children}</Slot.Slottable>
      {hint && <span className="ml-auto pl-4 text-ink3">{hint}</span>}
    </Radix.Item>
  )
}

export function MenuChoice<T extends string>({
  value,
  onChange,
  options,
}: {
  value: T
  onChange: (value: T) => void
  options: readonly { value: T; label: string; icon?: ReactNode }[]
}) {
  return (
    <Radix.RadioGroup value={value} onValueChange={(next) => onChange(next as T)}>
      {options.map((option) => (
        <Radix.RadioItem key={option.value} value={option.value} className={ITEM}>
          {option.icon}
          {option.label}
          <Radix.ItemIndicator className="ml-auto">
            <Check aria-hidden />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  )
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2.5 py-1.5 text-ink3 text-meta">{children}</Radix.Label>
}

export function MenuSeparator() {
  return <Radix.Separator className="-mx-1 my-1 h-px bg-line" />
}

export function Popover({
  trigger,
  label,
  children,
  className,
  align = "start",
  ...rest
}: {
  trigger: ReactNode
  /** Its accessible name. */
  label: string
  children: ReactNode
  className?: string
  align?: "start" | "end" | "center"
  open?: boolean
  onOpenChange?: (open: boolean) => void
}) {
  const layer = useId()
  return (
    <RadixPopover.Root {...rest}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content
          align={align}
          sideOffset={6}
          collisionPadding={8}
          aria-label={label}
          data-layer={layer}
          className={cn(PANEL, "max-w-96 p-4 text-table", className)}
        >
          <Layer value={layer}>{children}</Layer>
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  )
}
