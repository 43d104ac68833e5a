import { useRead } from "@/api/hooks"
import { type Names, NO_NAMES } from "./model"
import { names as namesRead } from "./reads"

/** How both sides say the same; undefined while it is read, nothing when it cannot be. */
export function useNames(options: { enabled?: boolean } = {}): Names | undefined {
  const names = useRead(namesRead(), options)
  return names.data ?? (names.isError ? NO_NAMES : undefined)
}
