import { type AnswerOf, post } from "@/api/client"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import { useAnnounce } from "./announcer"
import { notify } from "./notify"
import { useWritable } from "./session"

type RunAnswer = AnswerOf<"/api/v1/sync/run", "post">

/** Start a run over the usual days. `reason` says why it cannot be started now. */
export function useRun(): { run: () => void; busy: boolean; reason: string | undefined } {
  const { reason } = useWritable("operator")
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
