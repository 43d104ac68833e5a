import { type AnswerOf, post } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import { useAnnounce } from "./announcer"
import { useFirstSync } from "./first-sync"
import { notify } from "./notify"
import { useWritable } from "./session"

type RunAnswer = AnswerOf<"/api/v1/sync/run", "post">

/** Start a run over the usual days. `reason` says why it cannot be started now. */
export function useRun(): { run: () => void; busy: boolean; reason: string | undefined } {
  const writable = useWritable("operator")
  const { toCome, plan } = useFirstSync()
  const unseen =
    toCome && plan === null ? "Do a dry run first: it shows what the first sync writes." : undefined
  const reason = writable.reason ?? unseen
  const announce = useAnnounce()
  const command = useCommand<void, RunAnswer>({
    send: (_, { idempotencyKey }) =>
      post("/api/v1/sync/run", { body: {}, respondAsync: true, idempotencyKey }),
    stale: stale.run,
    onDone: (answer) => {
      const text =
        answer.run_id == null ? "The run has started." : `Run ${answer.run_id} has started.`
      notify(text)
      announce(text)
    },
    onFailed: (error) => notify("The run did not start.", { detail: error.sentence }),
  })
  return {
    run: () => {
      if (reason === undefined && !command.isPending) command.mutate()
    },
    busy: command.isPending,
    reason,
  }
}
