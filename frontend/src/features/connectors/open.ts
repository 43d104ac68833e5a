/** What of this section is open stands in the URL: `?connector=edit:2`, `new:zammad`, `webhook:1`. */
import { useCallback } from "react"
import { useUrlParams } from "@/app/url-state"

const NAMES = ["new", "edit", "token", "disable", "remove", "webhook", "secret"] as const
export type DialogOf = (typeof NAMES)[number]
export type OpenDialog = (what: `${DialogOf}:${string | number}`) => void

export function useConnectorDialog(): {
  shown: { name: DialogOf; of: string } | null
  open: OpenDialog
  close: () => void
} {
  const { params, set } = useUrlParams()
  const [name, of] = (params.get("connector") ?? "").split(":")
  const known = NAMES.find((one) => one === name)
  return {
    shown: known && of ? { name: known, of } : null,
    open: useCallback((what) => set({ connector: what }, { push: true }), [set]),
    close: useCallback(() => set({ connector: null }), [set]),
  }
}
