import { useState } from "react"
import { useRead } from "@/api/hooks"
import { useFrames } from "@/app/live"
import { kpi } from "@/app/reads"
import { useMoment } from "@/app/time-machine"

/** Number of the newest event: of the moment shown, and live of what the stream tells. */
export function useHead() {
  const { asOf } = useMoment()
  const query = useRead(kpi())
  const [heard, setHeard] = useState(0)
  useFrames((frame) => {
    if (frame.event === "head" && frame.position !== null) {
      const { position } = frame
      setHeard((before) => Math.max(before, position))
    }
  })
  const read = query.data?.position
  const head = read === undefined ? undefined : asOf === null ? Math.max(read, heard) : read
  return { head, query }
}
