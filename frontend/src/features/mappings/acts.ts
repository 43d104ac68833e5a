/** What a person does with a row, and how it is taken back: each is a command of the service. */
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { formatDuration } from "@/ui/format"
import { type Amount, countWord } from "./lines"
import { BOOKS, type Complete, draftOf, type Kind, type Row, sourceName, targetName } from "./model"

export type Act =
  | { do: "add"; draft: Complete }
  | { do: "change"; row: Row; draft: Complete }
  | { do: "remove"; row: Row }

function send(kind: Kind, act: Act, intent: { idempotencyKey: string }): Promise<Row | null> {
  const book = BOOKS[kind]
  if (act.do === "add") return book.add(act.draft, intent)
  if (act.do === "change") return book.change(act.row, act.draft, intent)
  return book.remove(act.row, intent).then(() => null)
}

function opposite(act: Act, now: Row | null): Act | null {
  if (act.do === "remove") return { do: "add", draft: draftOf(act.row) }
  if (now === null) return null
  return act.do === "add"
    ? { do: "remove", row: now }
    : { do: "change", row: now, draft: draftOf(act.row) }
}

/** "9 entries, 4 h 25 m continue." */
export function continuing(amount: Amount): string {
  if (amount.entries === 0) return ""
  const verb = amount.entries === 1 ? "continues" : "continue"
  return `${countWord(amount.entries, "entry", "entries")}, ${formatDuration(amount.minutes)} ${verb}.`
}

function said(kind: Kind, act: Act, now: Row | null): string {
  if (act.do === "remove") return `The mapping of ${sourceName(kind, act.row.source)} is removed.`
  const name = sourceName(kind, act.draft.source)
  if (act.do === "change" && act.row.isActive !== act.draft.isActive) {
    return `The mapping of ${name} is switched ${act.draft.isActive ? "on" : "off"}.`
  }
  const to = (now?.targets ?? act.draft.targets)
    .map((one) => targetName({ ...one, name: one.name || nameIn(act.draft, one) }))
    .join(", ")
  return `${name} goes to ${to} now.`
}

function nameIn(draft: Complete, target: { list: string; id: number }): string {
  return draft.targets.find((one) => one.list === target.list && one.id === target.id)?.name ?? ""
}

/**
 * Says what was done and how many entries go on because of it, and offers to take it back.
 * `waited` tells before the act how much waits for it.
 */
export function useAct(
  kind: Kind,
  {
    waited,
    onDone,
  }: { waited?: (act: Act) => Amount; onDone?: (row: Row | null, act: Act) => void },
) {
  const announce = useAnnounce()
  const undo = useCommand<Act, Row | null>({
    send: (act, intent) => send(kind, act, intent),
    stale: stale.mapping,
    onDone: () => notify("Taken back. The mapping is as it was before."),
    onFailed: (error) => notify("This could not be taken back.", { detail: error.sentence }),
  })
  return useCommand<Act, Row | null>({
    send: (act, intent) => send(kind, act, intent),
    stale: stale.mapping,
    onDone: (row, act) => {
      const text = said(kind, act, row)
      const detail = waited ? continuing(waited(act)) : ""
      const back = opposite(act, row)
      notify(text, { detail, ...(back ? { undo: () => undo.mutate(back) } : {}) })
      announce(`${text} ${detail}`)
      onDone?.(row, act)
    },
  })
}
