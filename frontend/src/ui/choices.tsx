import { Check, ChevronDown, Minus } from "lucide-react"
import {
  Checkbox as RadixCheckbox,
  RadioGroup as RadixRadio,
  Select as RadixSelect,
  Switch as RadixSwitch,
} from "radix-ui"
import { type ComponentProps, useId } from "react"
import { cn } from "./cn"
import { controlStyle, useField } from "./field"

export type Option<T extends string = string> = {
  value: T
  label: string
  hint?: string
  disabled?: boolean
}

export function Select<T extends string>({
  value,
  onChange,
  options,
  placeholder = "Choose…",
  disabled,
  className,
  ...rest
}: {
  value: T | undefined
  onChange: (value: T) => void
  options: readonly Option<T>[]
  placeholder?: string
  disabled?: boolean
  className?: string
  "aria-label"?: string
}) {
  return (
    <RadixSelect.Root
      value={value ?? ""}
      onValueChange={(next) => onChange(next as T)}
      disabled={disabled}
    >
      <RadixSelect.Trigger
        className={cn(
          controlStyle(),
          "flex h-8 items-center justify-between gap-2 text-left data-placeholder:text-ink3",
          className,
        )}
        {...useField()}
        {...rest}
      >
        <span className="truncate">
          <RadixSelect.Value placeholder={placeholder} />
        </span>
        <RadixSelect.Icon>
          <ChevronDown aria-hidden className="size-4 text-ink3" />
        </RadixSelect.Icon>
      </RadixSelect.Trigger>
      <RadixSelect.Portal>
        <RadixSelect.Content
          position="popper"
          sideOffset={4}
          className="z-50 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) overflow-hidden rounded-panel border border-line bg-surface shadow-pop"
        >
          <RadixSelect.Viewport className="p-1">
            {options.map((option) => (
              <RadixSelect.Item
                key={option.value}
                value={option.value}
                disabled={option.disabled}
                className="flex min-h-8 items-center gap-2 rounded-control px-2 py-1 text-table outline-none data-highlighted:bg-hover data-disabled:text-ink3 touch:min-h-11"
              >
                <RadixSelect.ItemText>{option.label}</RadixSelect.ItemText>
                {option.hint && <span className="text-ink3">{option.hint}</span>}
                <RadixSelect.ItemIndicator className="ml-auto">
                  <Check aria-hidden className="size-4" />
                </RadixSelect.ItemIndicator>
              </RadixSelect.Item>
            ))}
          </RadixSelect.Viewport>
        </RadixSelect.Content>
      </RadixSelect.Portal>
    </RadixSelect.Root>
  )
}

export function Checkbox({ className, ...rest }: ComponentProps<typeof RadixCheckbox.Root>) {
  return (
    <RadixCheckbox.Root
      className={cn(
        "finger grid size-4.5 shrink-0 place-items-center rounded-badge border border-control bg-surface data-[state=checked]:border-primary data-[state=indeterminate]:border-primary data-[state=checked]:bg-primary data-[state=indeterminate]:bg-primary disabled:cursor-not-allowed disabled:border-line-strong disabled:bg-sunken",
        className,
      )}
      {...useField()}
      {...rest}
    >
      <RadixCheckbox.Indicator className="text-primary-ink">
        {rest.checked === "indeterminate" ? (
          <Minus aria-hidden className="size-3.5" strokeWidth={3} />
        ) : (
          <Check aria-hidden className="size-3.5" strokeWidth={3} />
        )}
      </RadixCheckbox.Indicator>
    </RadixCheckbox.Root>
  )
}

export function Switch({ className, ...rest }: ComponentProps<typeof RadixSwitch.Root>) {
  return (
    <RadixSwitch.Root
      className={cn(
        "finger h-5 w-9 shrink-0 rounded-full border border-control bg-sunken transition-colors data-[state=checked]:border-synced data-[state=checked]:bg-synced disabled:cursor-not-allowed disabled:opacity-60",
        className,
      )}
      {...useField()}
      {...rest}
    >
      <RadixSwitch.Thumb className="block size-4 translate-x-px rounded-full bg-control transition-transform data-[state=checked]:translate-x-4.25 data-[state=checked]:bg-surface" />
    </RadixSwitch.Root>
  )
}

export function RadioGroup<T extends string>({
  value,
  onChange,
  options,
  className,
  disabled,
  ...rest
}: {
  value: T | undefined
  onChange: (value: T) => void
  options: readonly Option<T>[]
  className?: string
  disabled?: boolean
  "aria-label"?: string
  "aria-labelledby"?: string
}) {
  const id = useId()
  return (
    <RadixRadio.Root
      value={value ?? ""}
      onValueChange={(next) => onChange(next as T)}
      disabled={disabled}
      className={cn("grid gap-2", className)}
      {...rest}
    >
      {options.map((option) => (
        <label
          key={option.value}
          htmlFor={`${id}-${option.value}`}
          className="flex min-h-9 items-center gap-2.5 rounded-control border border-line-strong bg-surface px-3 py-1.5 text-table has-data-[state=checked]:border-ink has-data-[state=checked]:bg-hover touch:min-h-11"
        >
          <RadixRadio.Item
            id={`${id}-${option.value}`}
            value={option.value}
            disabled={option.disabled}
            className="grid size-4.5 shrink-0 place-items-center rounded-full border border-control bg-surface data-[state=checked]:border-primary"
          >
            <RadixRadio.Indicator className="size-2.5 rounded-full bg-primary" />
          </RadixRadio.Item>
          <span>
            {option.label}
            {option.hint && <span className="block text-ink3 text-meta">{option.hint}</span>}
          </span>
        </label>
      ))}
    </RadixRadio.Root>
  )
}
