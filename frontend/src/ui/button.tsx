import { cva, type VariantProps } from "class-variance-authority"
import { LoaderCircle } from "lucide-react"
import { Slot } from "radix-ui"
import type { ComponentProps, ReactNode } from "react"
import { cn } from "./cn"
import { Tooltip } from "./tooltip"

export const buttonStyle = cva(
  "inline-flex shrink-0 select-none items-center justify-center gap-2 whitespace-nowrap rounded-control font-medium transition-colors duration-100 touch:min-h-11 aria-disabled:cursor-not-allowed disabled:cursor-not-allowed [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      look: {
        primary:
          "bg-primary text-primary-ink hover:bg-primary/90 aria-disabled:bg-ink3 aria-disabled:text-surface disabled:bg-ink3 disabled:text-surface",
        outline:
          "border border-line-strong bg-surface text-ink hover:bg-hover aria-disabled:text-ink3 disabled:text-ink3",
        ghost: "text-ink2 hover:bg-hover hover:text-ink aria-disabled:text-ink3 disabled:text-ink3",
        danger: "bg-failed text-surface hover:bg-failed/90 aria-disabled:bg-ink3 disabled:bg-ink3",
      },
      size: {
        normal: "h-8 px-3 text-table",
        small: "h-7 px-2.5 text-table",
        large: "h-11 px-4 text-body",
      },
    },
    defaultVariants: { look: "outline", size: "normal" },
  },
)

export type ButtonProps = ComponentProps<"button"> &
  VariantProps<typeof buttonStyle> & {
    /** The label stays, a spinner joins it, further presses do nothing. */
    busy?: boolean
    /** Why it cannot be used now: it stays in the tab order and says so. */
    disabledReason?: string
    asChild?: boolean
    icon?: ReactNode
  }

export function Button({
  look,
  size,
  busy = false,
  disabledReason,
  asChild = false,
  icon,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  const style = cn(buttonStyle({ look, size }), className)
  if (asChild) {
    return (
      <Slot.Root className={style} {...rest}>
        {children}
      </Slot.Root>
    )
  }
  const off = busy || disabledReason !== undefined
  const button = (
    <button
      type={type}
      className={style}
      aria-busy={busy || undefined}
      aria-disabled={off || undefined}
      {...rest}
      onClick={(event) => {
        if (off) event.preventDefault()
        else onClick?.(event)
      }}
    >
      {busy ? <LoaderCircle aria-hidden className="animate-spin" /> : icon}
      {children}
    </button>
  )
  return disabledReason === undefined ? button : <Tooltip text={disabledReason}>{button}</Tooltip>
}

type IconButtonProps = Omit<ButtonProps, "icon" | "children" | "asChild"> & {
  /** Its accessible name, also shown as a tooltip. */
  label: string
  children: ReactNode
}

export function IconButton({
  label,
  children,
  className,
  look = "ghost",
  disabledReason,
  ...rest
}: IconButtonProps) {
  const square = rest.size === "small" ? "size-7" : rest.size === "large" ? "size-11" : "size-8"
  return (
    <Tooltip text={disabledReason ?? label}>
      <Button
        {...rest}
        look={look}
        aria-label={label}
        aria-disabled={disabledReason !== undefined || rest.busy || undefined}
        onClick={disabledReason === undefined ? rest.onClick : undefined}
        className={cn(square, "finger px-0", className)}
      >
        {children}
      </Button>
    </Tooltip>
  )
}
