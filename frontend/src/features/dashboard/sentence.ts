import { formatEntries } from "@/ui/format"
import type { KeyFigures } from "./reads"

/** The answer before the figures: what to decide, what gave up, and where everything else is. */
export function answer({ decisions, held_back, coverage }: KeyFigures): string {
  const { failed, pending } = held_back
  const said: string[] = []
  if (decisions.entries > 0) {
    said.push(
      `${formatEntries(decisions.entries)} ${decisions.entries === 1 ? "needs" : "need"} a decision.`,
    )
  }
  if (failed.entries > 0)
    said.push(`${formatEntries(failed.entries)} gave up and can be tried again.`)
  if (said.length > 0) {
    said.push(`Everything else is in Kimai${pending.entries > 0 ? " or on its way" : ""}.`)
  } else if (pending.entries > 0) {
    said.push(`Nothing needs a decision. ${formatEntries(pending.entries)} on the way to Kimai.`)
  } else if (coverage.minutes_booked > 0 && coverage.minutes_booked === coverage.minutes_in_kimai) {
    said.push("Nothing needs a decision. Every tracked minute is in Kimai.")
  } else {
    said.push("Nothing needs a decision, and nothing is held back from Kimai.")
  }
  return said.join(" ")
}
