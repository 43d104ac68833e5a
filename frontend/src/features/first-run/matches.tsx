/** Activity types of Zammad beside activities of Kimai: mapped, same name, or to choose. */
import type { UseQueryResult } from "@tanstack/react-query"
import { ArrowRight, Check } from "lucide-react"
import type { ReactNode } from "react"
import { post } from "@/api/client"
import { type ApiError, toApiError } from "@/api/errors"
import { useCommand, useRead } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector } from "@/api/shapes"
import { useAnnounce } from "@/app/announcer"
import { useSession, useWritable } from "@/app/session"
import { EmptyState } from "@/ui/bits"
import { Button } from "@/ui/button"
import { Combobox } from "@/ui/combobox"
import { CommandError, Panel, QueryState, Skeleton } from "@/ui/panel"
import { type Activity, activities, mappings, types } from "./reads"

type Wish = { zammad_type_id: number; kimai_activity_id: number }

function useMap() {
  return useCommand({
    send: (body: Wish, { idempotencyKey }) => post("/api/v1/mappings", { body, idempotencyKey }),
    stale: stale.mapping,
  })
}

/** Equal but for case and spaces around: what a person would call the same name. */
const plain = (name: string) => name.trim().toLowerCase()

export type Match = { type: Activity; mapped: string | null; same: Activity | null }
export function matched(
  from: readonly Activity[],
  to: readonly Activity[],
  known: readonly { zammad_type_id?: number | null; kimai_activity_name: string }[],
): Match[] {
  return from
    .filter((type) => type.active)
    .map((type) => {
      const same = to.filter((one) => one.active && plain(one.name) === plain(type.name))
      return {
        type,
        mapped: known.find((one) => one.zammad_type_id === type.id)?.kimai_activity_name ?? null,
        same: same.length === 1 ? (same[0] ?? null) : null, // of two with one name a person chooses
      }
    })
}

export function useMatches(zammad: Connector | undefined, kimai: Connector | undefined) {
  const both = zammad !== undefined && kimai !== undefined
  const from = useRead(types(zammad?.id ?? 0), { enabled: both })
  const to = useRead(activities(kimai?.id ?? 0), { enabled: both })
  const known = useRead(mappings(), { enabled: both })
  const announce = useAnnounce()
  const all = useCommand<Wish[], number>({
    send: async (wishes) => {
      for (const body of wishes) await post("/api/v1/mappings", { body })
      return wishes.length
    },
    stale: stale.mapping,
    onDone: (count) => announce(`${count} activities are mapped.`),
  })
  const ready = both && from.data && to.data && known.data
  const rows = ready ? matched(from.data ?? [], to.data ?? [], known.data ?? []) : []
  const open = rows.filter((one) => one.mapped === null && one.same !== null)
  return {
    rows,
    from,
    to,
    known,
    types: ready ? rows.length : undefined,
    mapped: rows.filter((one) => one.mapped !== null).length,
    suggested: open.length,
    accepting: all.isPending,
    error: all.error === null ? null : toApiError(all.error),
    acceptAll: () =>
      all.mutate(
        open.flatMap((one) =>
          one.same ? [{ zammad_type_id: one.type.id, kimai_activity_id: one.same.id }] : [],
        ),
      ),
  }
}

export function Matches({ zammad, kimai }: { zammad: Connector; kimai: Connector }) {
  const { timezone } = useSession()
  const { reason } = useWritable("admin")
  const { rows, from, to, known } = useMatches(zammad, kimai)
  const map = useMap()
  const options = (to.data ?? [])
    .filter((one) => one.active)
    .map((one) => ({ value: String(one.id), label: one.name }))
  const choose = (type: Activity, activity: number) =>
    map.mutate({ zammad_type_id: type.id, kimai_activity_id: activity })
  return (
    <Panel label="Activities" bodyClassName="px-5 py-4">
      <h2 className="font-semibold">Activities of both sides</h2>
      <p className="pb-2 text-ink2 text-table">Types with the same name are proposed.</p>
      <Loaded queries={[from, to, known]} zone={timezone}>
        {() =>
          rows.length === 0 ? (
            <EmptyState title="Zammad has no activity types.">
              Map entries without type in Mappings.
            </EmptyState>
          ) : (
            <ul>
              {rows.map((one) => (
                <li
                  key={one.type.id}
                  className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-line border-b py-1 text-table last:border-b-0"
                >
                  <span className="min-w-28 flex-1 wrap-anywhere">{one.type.name}</span>
                  <ArrowRight aria-hidden className="size-4 text-ink3" />
                  <span className="flex min-w-40 flex-1 items-center justify-between gap-2">
                    {one.mapped !== null ? (
                      <>
                        <span className="wrap-anywhere">{one.mapped}</span>
                        <Check aria-hidden className="size-4 shrink-0 text-synced" />
                        <span className="sr-only">mapped</span>
                      </>
                    ) : one.same ? (
                      <>
                        <span className="rounded-badge border border-line-strong border-dashed px-1.5 text-ink2 wrap-anywhere">
                          {one.same.name}
                        </span>
                        <Button
                          size="small"
                          busy={map.isPending && map.variables.zammad_type_id === one.type.id}
                          disabledReason={reason}
                          onClick={() => one.same && choose(one.type, one.same.id)}
                        >
                          Accept<span className="sr-only">{` ${one.same.name}`}</span>
                        </Button>
                      </>
                    ) : reason ? (
                      <span className="text-ink3">no match yet</span>
                    ) : (
                      <Combobox
                        aria-label={`Kimai activity for ${one.type.name}`}
                        value={undefined}
                        options={options}
                        placeholder="No match yet: choose…"
                        search="Type an activity"
                        onChange={(value) => choose(one.type, Number(value))}
                      />
                    )}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <CommandError error={map.error} />
    </Panel>
  )
}

/** Three lists that are needed together: the first that failed says so. */
function Loaded({
  queries,
  zone,
  children,
}: {
  queries: readonly UseQueryResult<unknown, ApiError>[]
  zone: string
  children: () => ReactNode
}) {
  const telling =
    queries.find((one) => one.isError) ?? queries.find((one) => one.isPending) ?? queries[0]
  if (telling === undefined) return null
  return (
    <QueryState
      query={telling}
      what="the activities"
      zone={zone}
      skeleton={<Skeleton className="h-72" />}
    >
      {() => (queries.every((one) => one.data !== undefined) ? children() : null)}
    </QueryState>
  )
}
