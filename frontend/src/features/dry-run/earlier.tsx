import { useRead } from "@/api/hooks"
import { useSession } from "@/app/session"
import { EmptyState, Instant } from "@/ui/bits"
import { Button } from "@/ui/button"
import { QueryState, Skeleton } from "@/ui/panel"
import { StateBadge, type StateName } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"
import { plans, type Summary } from "./reads"
import { changesOf, count, rangeInWords } from "./words"

const STATES: Record<Summary["state"], { state: StateName; word: string }> = {
  building: { state: "pending", word: "Being made" },
  ready: { state: "pending", word: "Ready" },
  applied: { state: "synced", word: "Written" },
  expired: { state: "ignored", word: "Expired" },
  failed: { state: "failed", word: "Failed" },
}

export function Earlier({ open, onChoose }: { open: boolean; onChoose: (plan: number) => void }) {
  const { timezone } = useSession()
  const query = useRead(plans(), { enabled: open })
  return (
    <QueryState
      query={query}
      what="the earlier dry runs"
      zone={timezone}
      skeleton={<Skeleton className="m-5 h-60" />}
      isEmpty={(data) => data.items.length === 0}
      empty={<EmptyState title="No dry run yet." />}
    >
      {(data) => (
        <Table caption="Earlier dry runs">
          <thead>
            <tr>
              <Th>Made</Th>
              <Th>State</Th>
              <Th numeric>Changes</Th>
              <Th>
                <span className="sr-only">Show</span>
              </Th>
            </tr>
          </thead>
          <tbody>
            {data.items.map((plan) => (
              <Tr key={plan.plan_id} twoLines>
                <RowTh>
                  <TwoLines
                    first={<Instant at={plan.created_at} look="day-time" zone={timezone} />}
                    second={rangeInWords(plan.start_date, plan.end_date)}
                  />
                </RowTh>
                <Td>
                  <StateBadge state={STATES[plan.state].state}>
                    {STATES[plan.state].word}
                    {plan.state === "applied" && plan.applied_by && `, run ${plan.applied_by}`}
                  </StateBadge>
                </Td>
                <Td numeric>
                  {count(changesOf(plan), "change")}
                  {plan.counts.conflict > 0 && (
                    <span className="block text-conflict text-meta">
                      {`${plan.counts.conflict} for you`}
                    </span>
                  )}
                </Td>
                <Td numeric>
                  <Button
                    size="small"
                    aria-label={`Show plan ${plan.plan_id}`}
                    onClick={() => onChoose(plan.plan_id)}
                  >
                    Show
                  </Button>
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
    </QueryState>
  )
}
