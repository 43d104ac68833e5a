import { useState } from "react"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { Minutes } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Checkbox } from "@/ui/choices"
import { Dialog, DialogClose } from "@/ui/dialog"
import { formatNumber } from "@/ui/format"
import { CommandError } from "@/ui/panel"
import { RowTh, Table, Td, Th, Tr } from "@/ui/table"
import { continuing } from "./acts"
import { BASIS_WORDS, countWord, type Line, sumOf } from "./lines"
import { BODIES, BOOKS, type Kind, targetName } from "./model"

/** Confirms several proposals in one go: one import, so all of them or none. */
export default function AcceptAll({
  kind,
  lines,
  onClose,
}: {
  kind: Kind
  lines: readonly Line[]
  onClose: () => void
}) {
  const book = BOOKS[kind]
  const announce = useAnnounce()
  const [out, setOut] = useState<ReadonlySet<string>>(new Set())
  const chosen = lines.filter((line) => !out.has(line.key))
  const sum = sumOf(chosen)
  const accept = useCommand({
    send: (rows: object[], intent) =>
      book.import({ rows }, { dryRun: false, mode: "merge" }, intent),
    stale: stale.mapping,
    onDone: (_, rows) => {
      const text = `${countWord(rows.length, "suggestion is", "suggestions are")} accepted.`
      notify(text, { detail: continuing(sum) })
      announce(`${text} ${continuing(sum)}`)
      onClose()
    },
  })
  const send = () =>
    accept.mutate(
      chosen.flatMap((line) =>
        line.proposal
          ? [
              BODIES[kind]({
                source: line.source,
                targets: [line.proposal.target],
                isActive: true,
                billable: null,
                timezone: null,
              }),
            ]
          : [],
      ),
    )
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Accept suggestions"
      description="All of those marked, or none of them if one cannot be saved."
      className="max-w-2xl"
      footer={
        <>
          <p role="status" className="mr-auto text-ink2 text-table">
            {chosen.length === 0 ? "None marked." : continuing(sum)}
          </p>
          <DialogClose asChild>
            <Button look="ghost">Cancel</Button>
          </DialogClose>
          <Button
            look="primary"
            busy={accept.isPending}
            disabledReason={chosen.length === 0 ? "Mark at least one." : undefined}
            onClick={send}
          >
            {`Accept ${formatNumber(chosen.length)}`}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        <Table caption={`Suggestions for ${book.many}`}>
          <thead>
            <tr>
              <Th>
                <span className="sr-only">Accept</span>
              </Th>
              <Th>{book.sourceHead}</Th>
              <Th>{book.targetHead}</Th>
              <Th>Because</Th>
              <Th numeric>Waiting</Th>
              <Th numeric>Time</Th>
            </tr>
          </thead>
          <tbody>
            {lines.map(
              (line) =>
                line.proposal && (
                  <Tr key={line.key}>
                    <Td>
                      <Checkbox
                        aria-label={`Accept ${targetName(line.proposal.target)} for ${line.name}`}
                        checked={!out.has(line.key)}
                        onCheckedChange={(on) => {
                          const next = new Set(out)
                          if (on === true) next.delete(line.key)
                          else next.add(line.key)
                          setOut(next)
                        }}
                      />
                    </Td>
                    <RowTh>{line.name}</RowTh>
                    <Td>{targetName(line.proposal.target)}</Td>
                    <Td className="text-ink2">
                      {line.proposal.basis && BASIS_WORDS[line.proposal.basis]}
                    </Td>
                    <Td numeric>{formatNumber(line.waiting.entries)}</Td>
                    <Td numeric>
                      <Minutes value={line.waiting.minutes} />
                    </Td>
                  </Tr>
                ),
            )}
          </tbody>
        </Table>
        <CommandError error={accept.error} />
      </div>
    </Dialog>
  )
}
