import { CircleCheck, Clock } from "lucide-react"
import { useId, useMemo } from "react"
import type { Connector } from "@/api/shapes"
import { RadioGroup, Select } from "@/ui/choices"
import { cn } from "@/ui/cn"
import { Combobox } from "@/ui/combobox"
import { Field, Input } from "@/ui/field"
import {
  type Choice,
  countInWords,
  type Preset,
  readCron,
  WEEKDAYS,
  WINDOWED,
  WITH_DAYS,
} from "./cron"
import type { ScheduleForm, Values } from "./use-schedule-form"
import { allZones } from "./zones"

const PRESETS: readonly { value: Preset; label: string }[] = [
  { value: "quarter", label: "Every 15 min" },
  { value: "hourly", label: "Hourly" },
  { value: "six", label: "Every 6 hours" },
  { value: "daily", label: "Daily" },
  { value: "weekly", label: "Weekly" },
  { value: "monthly", label: "Monthly" },
  { value: "custom", label: "Custom cron expression" },
]

type Props = { form: ScheduleForm; values: Values; zammad: Connector | undefined; locked: boolean }

export function ScheduleFields({ form, values, zammad, locked }: Props) {
  const { change, errors } = form
  const repeat = useId()
  const zones = useMemo(() => allZones(values.timezone, Date.now()), [values.timezone])
  const windowed = WINDOWED.includes(values.preset)
  const timed = !windowed && values.preset !== "custom"
  return (
    <div className="grid gap-5">
      <div className="grid gap-1.5">
        <p id={repeat} className="font-medium text-table">
          Repeat
        </p>
        <RadioGroup
          aria-labelledby={repeat}
          value={values.preset}
          onChange={(preset) => change(choose(values, preset))}
          options={PRESETS}
          disabled={locked}
          className="grid-cols-2 sm:grid-cols-3 [&>:last-child]:col-span-full"
        />
      </div>
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-[1fr_1fr_1.5fr]">
        {windowed && (
          <>
            <Field label="From" error={errors.from}>
              <TimeInput value={values.from} onChange={(from) => change({ from })} off={locked} />
            </Field>
            <Field label="Until" error={errors.until}>
              <TimeInput
                value={values.until}
                onChange={(until) => change({ until })}
                off={locked}
              />
            </Field>
          </>
        )}
        {timed && (
          <Field
            label="At"
            error={errors.at}
            hint={values.preset === "monthly" ? "On the first of each month." : undefined}
            className="col-span-2"
          >
            <TimeInput value={values.at} onChange={(at) => change({ at })} off={locked} />
          </Field>
        )}
        <Field
          label="Time zone"
          error={form.errors.timezone}
          className={values.preset === "custom" ? "col-span-full" : "max-sm:col-span-full"}
        >
          <Combobox
            value={values.timezone}
            onChange={(timezone) => change({ timezone })}
            options={zones}
            placeholder="Choose a time zone"
            search="City or region"
            empty="No time zone has this name."
            disabled={locked}
          />
        </Field>
      </div>
      {WITH_DAYS.includes(values.preset) && (
        <Days
          chosen={values.weekdays}
          onChange={(weekdays) => change({ weekdays })}
          error={errors.weekdays}
          off={locked}
        />
      )}
      <CronField form={form} values={values} locked={locked} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="If a run is still going"
          hint={
            values.concurrency === "skip"
              ? "Missed changes are picked up next time."
              : "At most five wait; they run one after the other."
          }
        >
          <Select
            value={values.concurrency}
            onChange={(concurrency) => change({ concurrency })}
            options={[
              { value: "skip", label: "Skip the new run" },
              { value: "queue", label: "Queue the new run" },
            ]}
            disabled={locked}
          />
        </Field>
        <LookBack form={form} values={values} zammad={zammad} locked={locked} />
      </div>
    </div>
  )
}

/** A preset brings times that suit it where the present ones do not. */
function choose(values: Choice, preset: Preset): Partial<Values> {
  if (preset === "weekly" && values.weekdays.length === 7) {
    return { preset, weekdays: [1, 2, 3, 4, 5] }
  }
  if (preset === "six") return { preset, from: "00:00", until: "24:00" }
  return { preset }
}

function TimeInput({
  value,
  onChange,
  off,
}: {
  value: string
  onChange: (value: string) => void
  off: boolean
}) {
  return (
    <div className="relative">
      <Input
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onBlur={() => onChange(tidied(value))}
        inputMode="numeric"
        autoComplete="off"
        placeholder="HH:MM"
        disabled={off}
        className="pr-8"
      />
      <Clock
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 right-2.5 size-4 text-ink3"
      />
    </div>
  )
}

/** "6", "6:00", "0600" and "6.00" become "06:00" when the field is left. */
function tidied(text: string): string {
  const match = /^(\d{1,2})(?:[:.]?(\d{2}))?$/.exec(text.trim())
  return match ? `${(match[1] ?? "").padStart(2, "0")}:${match[2] ?? "00"}` : text
}

function Days({
  chosen,
  onChange,
  error,
  off,
}: {
  chosen: number[]
  onChange: (days: number[]) => void
  error: string | undefined
  off: boolean
}) {
  const id = useId()
  return (
    <fieldset
      className="grid gap-1.5"
      aria-describedby={error ? id : undefined}
      data-invalid={error ? true : undefined}
    >
      <legend className="pb-1.5 font-medium text-table">Days</legend>
      <div className="flex gap-1.5 max-sm:grid max-sm:grid-cols-7 max-sm:gap-1">
        {WEEKDAYS.map((name, index) => {
          const day = index + 1
          const on = chosen.includes(day)
          return (
            <button
              key={name}
              type="button"
              aria-pressed={on}
              aria-label={name}
              disabled={off}
              onClick={() =>
                onChange(
                  on ? chosen.filter((one) => one !== day) : [...chosen, day].sort((a, b) => a - b),
                )
              }
              className={cn(
                "h-8 rounded-control border border-line-strong bg-surface sm:min-w-11.5 sm:px-2 text-ink2 text-table hover:bg-hover touch:h-11 disabled:cursor-not-allowed",
                "aria-pressed:border-ink aria-pressed:bg-hover aria-pressed:font-medium aria-pressed:text-ink",
              )}
            >
              {name.slice(0, 3)}
            </button>
          )
        })}
      </div>
      {error && (
        <p id={id} className="text-failed text-meta">
          {error}
        </p>
      )}
    </fieldset>
  )
}

function CronField({ form, values, locked }: Omit<Props, "zammad">) {
  const { cron } = readCron(values.cron)
  const refused = form.command.error?.code === "cron_invalid" && form.command.error.sentence
  const error = form.errors.cron ?? (refused || undefined)
  return (
    <Field label="Cron expression" error={error}>
      <Input
        value={values.cron}
        onChange={(event) => form.change({ cron: event.target.value })}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        disabled={locked}
        className="font-mono"
      />
      {cron && !error && (
        <p className="flex gap-1.5 text-meta text-synced">
          <CircleCheck aria-hidden className="mt-px size-4 shrink-0" />
          {`Valid. ${countInWords(cron)}.`}
        </p>
      )}
    </Field>
  )
}

const LOOKBACKS = [
  [15, "15 minutes"],
  [60, "1 hour"],
  [360, "6 hours"],
  [1440, "1 day"],
  [4320, "3 days"],
  [10080, "7 days"],
] as const

function LookBack({ form, values, zammad, locked }: Props) {
  const { lookback } = values
  const known = LOOKBACKS.some(([minutes]) => minutes === lookback)
  const options = [
    ...(lookback === null || known
      ? []
      : [{ value: String(lookback), label: `${lookback} minutes` }]),
    ...LOOKBACKS.map(([minutes, label]) => ({ value: String(minutes), label })),
  ]
  return (
    <Field
      label="Look back"
      hint={
        zammad
          ? "How far each run re-reads Zammad behind what it knows."
          : "A setting of the Zammad connector: connect Zammad first."
      }
    >
      <Select
        value={lookback === null ? undefined : String(lookback)}
        onChange={(value) => form.change({ lookback: Number(value) })}
        options={options}
        placeholder="Not connected"
        disabled={locked || zammad === undefined}
      />
    </Field>
  )
}
