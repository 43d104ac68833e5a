import { useMemo } from "react"
import { useRead } from "@/api/hooks"
import { connectors as connectorsRead } from "@/app/reads"
import { type Names, NO_NAMES } from "./model"
import { names as namesRead } from "./reads"
import { roundingOf } from "./rounding"

/** How both sides say the same; undefined while it is read, little when it cannot be. */
export function useNames(options: { enabled?: boolean } = {}): Names | undefined {
  const names = useRead(namesRead(), options)
  const connectors = useRead(connectorsRead(), options)
  const known = names.data ?? (names.isError ? NO_NAMES : undefined)
  // Not knowing how Kimai rounds is no reason to call anything exact.
  const unknown = connectors.isError ? Number.POSITIVE_INFINITY : undefined
  const rounding = connectors.data ? roundingOf(connectors.data) : unknown
  return useMemo(
    () => (known && rounding !== undefined ? { ...known, rounding } : undefined),
    [known, rounding],
  )
}
