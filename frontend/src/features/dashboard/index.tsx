import { useRead } from "@/api/hooks"
import { kpi } from "@/app/reads"
import { SectionHead } from "@/app/section-frame"
import { useMoment } from "@/app/time-machine"
import { useUrlState } from "@/app/url-state"
import { Segments } from "@/ui/tabs"
import { Connections } from "./connections"
import { DeadLetters } from "./dead-letters-button"
import { Deliveries } from "./deliveries"
import { Figures } from "./figures"
import { Runs } from "./runs"
import { answer } from "./sentence"
import { TimePerDay } from "./time-per-day"

const RANGES = ["30d", "7d", "90d"] as const
export type Range = (typeof RANGES)[number]
const OPTIONS = [
  { value: "7d", label: "7 days" },
  { value: "30d", label: "30 days" },
  { value: "90d", label: "90 days" },
] as const

export default function Dashboard() {
  const [range, setRange] = useUrlState<Range>("range", RANGES)
  const { comparing } = useMoment()
  const query = useRead(kpi(range))
  const present = useRead(kpi(range), { at: "now", enabled: comparing })
  return (
    <>
      <SectionHead
        id="dashboard"
        title="Dashboard"
        top
        sentence={query.data ? answer(query.data.key_figures) : null}
        actions={
          <Segments label="Days shown" value={range} onChange={setRange} options={OPTIONS} />
        }
      />
      <div className="grid gap-4">
        <h2 className="sr-only">Key figures</h2>
        <Figures
          query={query}
          range={range}
          present={comparing ? present.data?.key_figures : undefined}
        />
        <h2 className="sr-only">Time, runs and connections</h2>
        <div className="grid gap-4 xl:grid-cols-[1.72fr_1fr]">
          <TimePerDay query={query} />
          <Runs />
        </div>
        <div className="grid gap-4 xl:grid-cols-[1fr_1.35fr]">
          <Connections />
          <Deliveries footer={<DeadLetters />} />
        </div>
      </div>
    </>
  )
}
