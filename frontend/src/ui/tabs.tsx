import { Tabs as Radix } from "radix-ui"
import type { ReactNode } from "react"
import { Count } from "./bits"
import { cn } from "./cn"

export type Tab<T extends string> = {
  value: T
  label: string
  icon?: ReactNode
  count?: number
  /** A count that asks for something is solid. */
  due?: boolean
}

/** Saved filters with counts. The list holds tabs only; each controls the panel below it. */
export function Tabs<T extends string>({
  value,
  onChange,
  tabs,
  label,
  children,
  beside,
  className,
}: {
  value: T
  onChange: (value: T) => void
  tabs: readonly Tab<T>[]
  label: string
  children: ReactNode
  /** Search or filter on the same line. */
  beside?: ReactNode
  className?: string
}) {
  return (
    <Radix.Root value={value} onValueChange={(next) => onChange(next as T)} className={className}>
      <div className="flex flex-wrap items-end gap-x-4 gap-y-2 border-line border-b">
        <div className="min-w-0 flex-1 overflow-x-auto">
          <Radix.List aria-label={label} className="flex w-max gap-5">
            {tabs.map((tab) => (
              <Radix.Trigger
                key={tab.value}
                value={tab.value}
                className={cn(
                  "inline-flex h-10 items-center gap-2 whitespace-nowrap border-transparent border-b-2 font-medium text-ink2 text-table -outline-offset-2 hover:text-ink touch:h-11",
                  "data-[state=active]:border-ink data-[state=active]:text-ink [&_svg]:size-4",
                )}
              >
                {tab.icon}
                {tab.label}
                {tab.count !== undefined && (
                  <Count value={tab.count} look={tab.due ? "solid" : "quiet"} />
                )}
              </Radix.Trigger>
            ))}
          </Radix.List>
        </div>
        {beside && <div className="pb-2">{beside}</div>}
      </div>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} value={tab.value} className="pt-4">
          {tab.value === value && children}
        </Radix.Content>
      ))}
    </Radix.Root>
  )
}

/** 7, 30, 90 days: one of few, at once. */
export function Segments<T extends string>({
  value,
  onChange,
  options,
  label,
}: {
  value: T
  onChange: (value: T) => void
  options: readonly { value: T; label: string }[]
  label: string
}) {
  return (
    <fieldset className="inline-flex rounded-control border border-line-strong bg-surface p-px">
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
          className="h-7 rounded-[5px] px-2.5 text-ink2 text-table hover:text-ink aria-pressed:bg-hover aria-pressed:font-medium aria-pressed:text-ink touch:h-11"
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  )
}
