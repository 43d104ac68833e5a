import { formatEntries, formatNumber } from "@/ui/format"

export type Waiting = {
  decisions: number
  /** Entries that gave up. */
  failed: number
  /** Dead letters, of entries and of deliveries. */
  dead: number
  pending: number
  /** Whether Zammad and Kimai were ever compared. */
  compared: boolean
}

/** What waits here. That both sides agree is said only when nothing is left and they were compared. */
export function sentence({ decisions, failed, dead, pending, compared }: Waiting): string {
  const gaveUp = failed > 0 ? formatEntries(failed) : dead > 0 ? letters(dead) : null
  const tried = gaveUp && `${gaveUp} gave up and can be tried again.`
  if (decisions > 0) {
    const disagree = "Entries where Zammad and Kimai disagree, with a proposal for each."
    return tried ? `${disagree} ${tried}` : disagree
  }
  if (tried) return `Nothing needs a decision. ${tried}`
  if (pending > 0) {
    return `Nothing needs a decision. ${formatEntries(pending)} ${pending === 1 ? "is" : "are"} on the way to Kimai.`
  }
  if (!compared) return "Zammad and Kimai were not compared yet."
  return "Zammad and Kimai agree. Nothing waits for you."
}

function letters(count: number): string {
  return `${formatNumber(count)} ${count === 1 ? "delivery" : "deliveries"}`
}
