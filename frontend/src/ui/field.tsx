import { cva } from "class-variance-authority"
import { CircleAlert } from "lucide-react"
import { type ComponentProps, createContext, type ReactNode, use, useId } from "react"
import { cn } from "./cn"

type FieldIds = { id: string; describedBy: string | undefined; invalid: boolean }
const FieldContext = createContext<FieldIds | null>(null)

/** Label, control, hint and error that belong together; the control takes its ids from here. */
export function Field({
  label,
  hint,
  error,
  optional = false,
  children,
  className,
}: {
  label: ReactNode
  hint?: ReactNode
  /** In words, at the field: "Minute must be 0 to 59". */
  error?: string
  optional?: boolean
  children: ReactNode
  className?: string
}) {
  const id = useId()
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ")
  const ids = { id, describedBy: describedBy || undefined, invalid: error !== undefined }
  return (
    <div className={cn("grid content-start gap-1.5", className)}>
      <label htmlFor={id} id={`${id}-label`} className="font-medium text-table">
        {label}
        {optional && <span className="font-normal text-ink3"> optional</span>}
      </label>
      <FieldContext value={ids}>{children}</FieldContext>
      {error !== undefined && (
        <p id={`${id}-error`} className="flex gap-1.5 text-failed text-meta">
          <CircleAlert aria-hidden className="mt-px size-4 shrink-0" />
          {error}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-ink3 text-meta">
          {hint}
        </p>
      )}
    </div>
  )
}

/** What a control of this kit puts on its element; for controls of a section too. */
export function useField() {
  const ids = use(FieldContext)
  return ids === null
    ? {}
    : {
        id: ids.id,
        "aria-describedby": ids.describedBy,
        "aria-invalid": ids.invalid || undefined,
      }
}

export const controlStyle = cva(
  "w-full rounded-control border border-control bg-surface px-2.5 text-ink text-table touch:min-h-11 aria-invalid:border-failed disabled:cursor-not-allowed disabled:bg-sunken disabled:text-ink3",
)

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return (
    <input
      className={cn(controlStyle(), "h-8 read-only:bg-sunken", className)}
      {...useField()}
      {...rest}
    />
  )
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      rows={3}
      className={cn(controlStyle(), "py-1.5 read-only:bg-sunken", className)}
      {...useField()}
      {...rest}
    />
  )
}
