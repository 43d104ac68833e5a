/** The proposal as a button, and everything else that can be chosen in a menu beside it. */
import { ChevronDown } from "lucide-react"
import { Link } from "react-router"
import { Button, buttonStyle } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu"
import { type Line, nameOfLine } from "./model"
import type { Act } from "./proposals"
import { ACTS } from "./words"

export type Doing = {
  /** Why no command can be given now: role, past, offline. */
  reason: string | undefined
  busy: ReadonlySet<string>
  act: (line: Line, act: Act) => void
  open: (line: Line) => void
}

export function labelOf(line: Line): string | null {
  const { proposal } = line
  if (proposal === null) return null
  return "goTo" in proposal ? proposal.label : (proposal.label ?? ACTS[proposal.act].label)
}

export function ProposalControl({
  line,
  doing,
  touch = false,
}: {
  line: Line
  doing: Doing
  touch?: boolean
}) {
  const { proposal } = line
  if (proposal === null) return null
  const label = labelOf(line)
  const about = nameOfLine(line)
  const size = touch ? "large" : "small"
  const alone = line.alternatives.length < 2
  const busy = doing.busy.has(line.key)
  return (
    <div className="inline-flex max-w-full" title={proposal.because}>
      {"goTo" in proposal ? (
        <Link
          to={{ search: window.location.search, hash: proposal.goTo }}
          className={cn(buttonStyle({ size }), "min-w-0 rounded-r-none border-r-0")}
        >
          <span className="truncate">{label}</span>
          <span className="sr-only">{` for ${about}`}</span>
        </Link>
      ) : (
        <Button
          size={size}
          busy={busy}
          disabledReason={doing.reason}
          onClick={() => doing.act(line, proposal.act)}
          className={cn("min-w-0", !alone && "rounded-r-none border-r-0")}
        >
          <span className="truncate">
            {label}
            {proposal.act === "delete" && "…"}
          </span>
          <span className="sr-only">{` for ${about}`}</span>
        </Button>
      )}
      {!alone && (
        <Menu
          trigger={
            <Button
              size={size}
              aria-label={`Other choices for ${about}`}
              className={cn("rounded-l-none px-1.5", touch && "px-3")}
            >
              <ChevronDown aria-hidden />
            </Button>
          }
        >
          {line.alternatives.map((one) => {
            const why = doing.reason ?? one.blocked
            return (
              <MenuItem
                key={one.act}
                disabled={why !== undefined}
                onSelect={() => doing.act(line, one.act)}
                className="max-w-80 items-start"
              >
                <span className="min-w-0">
                  {ACTS[one.act].label}
                  {one.act === "delete" && "…"}
                  <span className="block text-ink3 text-meta">{why ?? ACTS[one.act].does}</span>
                </span>
              </MenuItem>
            )
          })}
          <MenuSeparator />
          <MenuItem onSelect={() => doing.open(line)}>Open with history</MenuItem>
          <MenuLabel>{proposal.because}</MenuLabel>
        </Menu>
      )}
    </div>
  )
}
