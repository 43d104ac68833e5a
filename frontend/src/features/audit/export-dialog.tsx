import { Download } from "lucide-react"
import { useState } from "react"
import { fileUrl } from "@/api/client"
import { useRead } from "@/api/hooks"
import { useSession } from "@/app/session"
import { useMoment } from "@/app/time-machine"
import { Button, buttonStyle } from "@/ui/button"
import { RadioGroup } from "@/ui/choices"
import { Dialog } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { formatInstant, formatNumber } from "@/ui/format"
import { Segments } from "@/ui/tabs"
import { shortHash } from "./line"
import { auditRows, oneEvent } from "./reads"
import type { Filters } from "./use-filters"
import { useHead } from "./use-head"

const MOST = 100_000 // events in one proof
const FORMATS = [
  { value: "csv", label: "CSV" },
  { value: "json", label: "JSON" },
  { value: "ndjson", label: "NDJSON" },
] as const
const WHAT = [
  {
    value: "log",
    label: "Audit log",
    hint: "Who did what, newest first, with the hash of each row. Uses the filters of the list.",
  },
  {
    value: "proof",
    label: "Events with proof",
    hint: "Every event as stored, with a manifest of the first and last hash. Can be verified without the service.",
  },
] as const

export default function ExportDialog({
  open,
  onOpenChange,
  filters,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  filters: Filters
}) {
  const [what, setWhat] = useState<"log" | "proof">(filters.view === "log" ? "log" : "proof")
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Export"
      description="The file is made by the service while it downloads."
    >
      <div className="grid gap-5">
        <RadioGroup aria-label="What to export" value={what} onChange={setWhat} options={WHAT} />
        {what === "log" ? <LogExport filters={filters} /> : <ProofExport />}
      </div>
    </Dialog>
  )
}

function LogExport({ filters }: { filters: Filters }) {
  const { asOf } = useMoment()
  const [format, setFormat] = useState<"csv" | "json" | "ndjson">("csv")
  const { data } = useRead(auditRows(filters.audit, 0, null))
  const { given } = filters
  const range =
    given.from || given.to
      ? `from ${given.from || "the beginning"} to ${given.to || "today"}`
      : "of all days"
  return (
    <div className="grid gap-4">
      <div>
        <p className="pb-1.5 font-medium text-table">Format</p>
        <Segments label="Format" value={format} onChange={setFormat} options={FORMATS} />
      </div>
      <p className="text-ink2 text-table">
        {data === undefined
          ? "Counting the rows…"
          : `${formatNumber(data.total)} ${data.total === 1 ? "row" : "rows"} ${range}${
              Object.values(filters.audit).some((one) => one !== undefined)
                ? ", as filtered in the list"
                : ", no filter set"
            }${asOf ? ", as of the moment shown" : ""}.`}
      </p>
      <DownloadLink
        href={fileUrl("/api/v1/audit-logs/export", {
          format,
          ...filters.audit,
          ...(asOf ? { as_of: asOf } : {}),
        })}
      >
        {`Download ${format.toUpperCase()}`}
      </DownloadLink>
    </div>
  )
}

function ProofExport() {
  const { user, timezone } = useSession()
  const { head = 0 } = useHead()
  const [from, setFrom] = useState<string | null>(null)
  const [to, setTo] = useState<string | null>(null)
  const last = to ?? String(head)
  const first = from ?? String(Math.max(1, head - MOST + 1))
  const range = checked(first, last, head)
  const start = useRead(oneEvent(range.first), { enabled: range.error === undefined })
  const end = useRead(oneEvent(range.last), { enabled: range.error === undefined })
  const viewer = user.role === "viewer"
  const manifest = [
    ["First", range.first, start.data],
    ["Last", range.last, end.data],
  ] as const
  return (
    <div className="grid gap-4">
      <div className="grid grid-cols-2 gap-3">
        <Field label="From event" error={range.at === "from" ? range.error : undefined}>
          <Input
            inputMode="numeric"
            value={first}
            onChange={(event) => setFrom(event.target.value)}
          />
        </Field>
        <Field label="To event" error={range.at === "to" ? range.error : undefined}>
          <Input inputMode="numeric" value={last} onChange={(event) => setTo(event.target.value)} />
        </Field>
      </div>
      {range.error === undefined && (
        <dl className="grid grid-cols-[auto_auto_minmax(0,1fr)] gap-x-3 gap-y-1 text-table">
          {manifest.map(([name, position, event]) => (
            <div key={name} className="contents">
              <dt className="text-ink2">{name}</dt>
              <dd className="font-mono" title={event?.digest}>
                {event?.position === position ? shortHash(event.digest) : "…"}
              </dd>
              <dd className="text-ink2">
                {event?.position === position && formatInstant(event.recorded_at, "full", timezone)}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p className="text-ink2 text-table">
        {range.error === undefined &&
          `${formatNumber(range.last - range.first + 1)} events as NDJSON: the hash before the first, each event, and at the end the count and the last hash. Names of people stay sealed.`}
      </p>
      {viewer || range.error !== undefined ? (
        <div>
          <Button
            icon={<Download aria-hidden />}
            disabledReason={
              viewer
                ? "An operator may export events; you are signed in as viewer."
                : "Mend the range first."
            }
          >
            Download proof
          </Button>
        </div>
      ) : (
        <DownloadLink href={fileUrl("/api/v1/audit/proof", { from: range.first, to: range.last })}>
          Download proof
        </DownloadLink>
      )}
    </div>
  )
}

type Range = { first: number; last: number; error?: string; at?: "from" | "to" }

function checked(from: string, to: string, head: number): Range {
  const whole = (text: string) => (/^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN)
  const [first, last] = [whole(from), whole(to)]
  const wrong = (at: "from" | "to", error: string): Range => ({ first: 0, last: 0, at, error })
  if (!(first >= 1)) return wrong("from", "A whole number from 1 on.")
  if (!(last >= 1)) return wrong("to", "A whole number from 1 on.")
  if (last > head) return wrong("to", `The last event is ${formatNumber(head)}.`)
  if (first > last) return wrong("from", "Must not be after the last one.")
  if (last - first >= MOST) return wrong("from", `At most ${formatNumber(MOST)} events in a file.`)
  return { first, last }
}

function DownloadLink({ href, children }: { href: string; children: string }) {
  return (
    <div>
      <a href={href} download className={buttonStyle({ look: "primary" })}>
        <Download aria-hidden />
        {children}
      </a>
    </div>
  )
}
