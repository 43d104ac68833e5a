/** What a test found: who the token is, what it can and cannot do, before anything is saved. */
import type { AnswerOf } from "@/api/client"
import { Skeleton } from "@/ui/panel"
import { StateIcon } from "@/ui/state-badge"
import { PermissionList } from "./card"
import { type Kind, roleWords, SYSTEM, unitWords } from "./words"

export type Tested = AnswerOf<"/api/v1/connectors/test", "post">

export function TestResult({
  kind,
  tested,
  busy,
}: {
  kind: Kind
  tested: Tested | undefined
  busy: boolean
}) {
  if (busy) {
    return (
      <div className="grid gap-3 rounded-panel border border-line p-4" aria-busy="true">
        <p role="status" className="text-ink2 text-table">
          Asking {SYSTEM[kind]}…
        </p>
        <Skeleton className="h-12" />
      </div>
    )
  }
  if (tested === undefined) return null
  const details = tested.details
  const checks = details?.checks ?? []
  const lacking = checks.filter((one) => one.needed && one.ok === false)
  return (
    <section
      aria-label="Result of the test"
      className="grid gap-3 rounded-panel border border-line p-4 text-table"
    >
      <p role="status" className="flex gap-2 font-medium">
        <StateIcon
          state={!tested.valid ? "failed" : lacking.length > 0 ? "conflict" : "synced"}
          className="mt-0.5"
        />
        <span>
          {tested.message}
          {!tested.valid && (
            <span className="block font-normal text-ink2">
              Nothing was saved. Check the address and the token, then test again.
            </span>
          )}
          {lacking.length > 0 && (
            <span className="block font-normal text-ink2">
              {lacking.length === 1
                ? "One thing it needs is missing."
                : `${lacking.length} things it needs are missing.`}{" "}
              It can be saved; the entries concerned wait.
            </span>
          )}
        </span>
      </p>
      {details && (
        <>
          <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-ink2">
            {details.peer_version && (
              <>
                <dt>Version</dt>
                <dd className="text-ink">{`${SYSTEM[kind]} ${details.peer_version}`}</dd>
              </>
            )}
            {kind === "zammad" && (
              <>
                <dt>Time unit</dt>
                <dd className="text-ink">
                  {details.time_unit_declared
                    ? unitWords(null, details.time_unit_declared)
                    : "Zammad declares none: set it below."}
                </dd>
              </>
            )}
            {details.capabilities && (
              <>
                <dt>Roles</dt>
                <dd className="text-ink">
                  {details.capabilities.roles.map(roleWords).join(", ")}
                  {`, tracking mode ${details.capabilities.tracking_mode}`}
                </dd>
              </>
            )}
          </dl>
          {checks.length > 0 && <PermissionList checks={checks} name="this test" />}
        </>
      )}
    </section>
  )
}
