import { Check, ChevronsUpDown } from "lucide-react"
import { Popover as Radix } from "radix-ui"
import { type KeyboardEvent, useId, useMemo, useRef, useState } from "react"
import type { Option } from "./choices"
import { cn } from "./cn"
import { controlStyle, useField } from "./field"

const MOST_SHOWN = 200 // rows; a longer list asks for more letters

/** A list to type into: zones, activities, people, projects. Words may come in any order. */
export function Combobox<T extends string>({
  value,
  onChange,
  options,
  placeholder = "Choose…",
  search = "Type to search",
  empty = "Nothing matches.",
  disabled,
  className,
  ...rest
}: {
  value: T | undefined
  onChange: (value: T) => void
  options: readonly Option<T>[]
  placeholder?: string
  search?: string
  empty?: string
  disabled?: boolean
  className?: string
  "aria-label"?: string
}) {
  const [open, setOpen] = useState(false)
  const [text, setText] = useState("")
  const [at, setAt] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const found = useMemo(() => {
    const words = text
      .toLowerCase()
      .split(/[\s/_]+/)
      .filter(Boolean)
    return options.filter((one) => {
      const hay = `${one.label} ${one.hint ?? ""}`.toLowerCase()
      return words.every((word) => hay.includes(word))
    })
  }, [options, text])
  const shown = found.slice(0, MOST_SHOWN)
  const chosen = options.find((one) => one.value === value)
  const choose = (option: Option<T> | undefined) => {
    if (option === undefined || option.disabled) return
    onChange(option.value)
    setOpen(false)
  }
  const move = (to: number) => {
    const next = Math.max(0, Math.min(shown.length - 1, to))
    setAt(next)
    list.current?.children[next]?.scrollIntoView({ block: "nearest" })
  }
  const pressed = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: shown.length - 1,
    }
    const to = steps[event.key]
    if (to !== undefined) {
      event.preventDefault()
      move(to)
    } else if (event.key === "Enter") {
      event.preventDefault()
      choose(shown[at])
    }
  }
  return (
    <Radix.Root
      open={open}
      onOpenChange={(next) => {
        setOpen(next)
        setText("")
        setAt(
          Math.max(
            0,
            options.findIndex((one) => one.value === value),
          ),
        )
      }}
    >
      <Radix.Trigger
        disabled={disabled}
        className={cn(
          controlStyle(),
          "flex h-8 items-center justify-between gap-2 text-left",
          className,
        )}
        {...useField()}
        {...rest}
      >
        <span className={cn("truncate", !chosen && "text-ink3")}>
          {chosen?.label ?? placeholder}
        </span>
        <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-ink3" />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-label={rest["aria-label"] ?? placeholder}
          className="z-50 w-(--radix-popover-trigger-width) min-w-60 overflow-hidden rounded-panel border border-line bg-surface shadow-pop"
        >
          <input
            role="combobox"
            aria-expanded
            aria-controls={`${id}-list`}
            aria-activedescendant={shown[at] ? `${id}-${at}` : undefined}
            aria-label={search}
            placeholder={search}
            value={text}
            onChange={(event) => {
              setText(event.target.value)
              setAt(0)
            }}
            onKeyDown={pressed}
            className="h-9 w-full border-line border-b bg-surface px-3 text-table outline-none touch:h-11"
          />
          <div
            ref={list}
            id={`${id}-list`}
            role="listbox"
            aria-label={placeholder}
            className="max-h-64 overflow-y-auto p-1"
          >
            {shown.map((option, index) => (
              <div
                key={option.value}
                id={`${id}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={option.value === value}
                aria-disabled={option.disabled || undefined}
                onPointerMove={() => setAt(index)}
                onClick={() => choose(option)}
                onKeyDown={pressed}
                className={cn(
                  "flex min-h-8 cursor-pointer items-center gap-2 rounded-control px-2 py-1 text-table touch:min-h-11",
                  index === at && "bg-hover",
                  option.disabled && "cursor-not-allowed text-ink3",
                )}
              >
                {option.label}
                {option.hint && <span className="text-ink3">{option.hint}</span>}
                {option.value === value && <Check aria-hidden className="ml-auto size-4" />}
              </div>
            ))}
          </div>
          <p
            role="status"
            className={cn(
              "px-3 text-ink3 text-meta",
              (shown.length === 0 || found.length > MOST_SHOWN) && "py-2",
            )}
          >
            {shown.length === 0 && empty}
            {found.length > MOST_SHOWN && `${found.length - MOST_SHOWN} more; type to narrow.`}
          </p>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
