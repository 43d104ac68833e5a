/** What Zammad already shows: read only, at once after it is connected. */
import type { ReactNode } from "react"
import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { useSession } from "@/app/session"
import { Duration } from "@/ui/bits"
import { formatNumber } from "@/ui/format"
import { Panel, QueryState, Skeleton } from "@/ui/panel"
import { booked, seen, types } from "./reads"

export function AlreadySeen({ zammad }: { zammad: Connector }) {
  const { timezone } = useSession()
  const query = useRead(seen(zammad.id))
  const kinds = useRead(types(zammad.id)).data
  const sums = useRead(booked()).data
  const read = sums !== undefined && sums.entries > 0
  return (
    <Panel label="Already seen in Zammad" bodyClassName="px-5 py-4">
      <h2 className="font-semibold">Already seen in Zammad</h2>
      <p className="pb-3 text-ink2 text-table">
        Read only.{!read && " Tracked time is counted by the dry run."}
      </p>
      <QueryState
        query={query}
        what="what Zammad shows"
        zone={timezone}
        skeleton={<Skeleton className="h-28" />}
      >
        {({ people, customers }) => (
          <dl className="grid grid-cols-2 gap-4">
            {read && (
              <>
                <Figure name="Tracked time">
                  <Duration minutes={sums.minutes} />
                </Figure>
                <Figure name="Entries">{formatNumber(sums.entries)}</Figure>
              </>
            )}
            <Figure name="People">{formatNumber(people)}</Figure>
            <Figure name="Customers">{formatNumber(customers)}</Figure>
            {!read && kinds && <Figure name="Activity types">{formatNumber(kinds.length)}</Figure>}
          </dl>
        )}
      </QueryState>
    </Panel>
  )
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-0.5">
      <dt className="text-ink2 text-table">{name}</dt>
      <dd className="font-semibold text-section">{children}</dd>
    </div>
  )
}
