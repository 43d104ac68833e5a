import { useState } from "react"
import { useRead } from "@/api/hooks"
import { useFrames } from "@/app/live"
import { kpi } from "@/app/reads"
import { useMoment } from "@/app/time-machine"

/** Number of the newest event: of the moment shown or now, and live of what the stream tells. */
export function useHead({ at = "shown" }: { at?: "shown" | "now" } = {}) {
  const { asOf } = useMoment()
  const query = useRead(kpi(), { at })
  const [heard, setHeard] = useState(0)
  useFrames((frame) => {
    if (frame.event === "head" && frame.position !== null) {
      const { position } = frame
      setHeard((before) => Math.max(before, position))
    }
  })
  const read = query.data?.position
  const live = asOf === null || at === "now"
  const head = read === undefined ? undefined : live ? Math.max(read, heard) : read
  return { head, query }
}
