import type { ReactNode } from "react"
import { cn } from "@/ui/cn"

/** Head of a section: its title, the sentence under it, what acts on all of it. */
export function SectionHead({
  title,
  sentence,
  actions,
  id,
  top = false,
}: {
  title: string
  /** A sentence, not a slogan; null: it is being read, and on a phone it takes two lines. */
  sentence?: ReactNode
  actions?: ReactNode
  /** Of the section: `dashboard`, `connectors` … */
  id: string
  /** The first section's title is the page's `h1`. */
  top?: boolean
}) {
  const Title = top ? "h1" : "h2"
  return (
    <header className="mb-4 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0 max-sm:basis-full">
        <Title id={`${id}-title`} className="font-semibold text-section">
          {title}
        </Title>
        {sentence !== undefined && (
          <p className={cn("min-h-5.5 text-ink2", sentence === null && "max-sm:min-h-11")}>
            {sentence}
          </p>
        )}
      </div>
      {actions && <div className={cn("flex flex-wrap items-center gap-2")}>{actions}</div>}
    </header>
  )
}
