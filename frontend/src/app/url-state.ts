/** Filters, tab, sort, open entry, dialog and moment live in the URL: back and reload restore them. */
import { useCallback } from "react"
import { useLocation, useNavigate } from "react-router"

type Changes = Record<string, string | null>

/**
 * All parameters at once. `set({ tab: "failed", page: null })` changes some and keeps the others;
 * `push: true` makes a step for the back button (what opens), else the entry is replaced (what filters).
 */
export function useUrlParams() {
  const { search } = useLocation()
  const navigate = useNavigate()
  const set = useCallback(
    (changes: Changes, { push = false } = {}) => {
      // From the address itself, so that two changes in one tick do not lose each other.
      const params = new URLSearchParams(window.location.search)
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") params.delete(name)
        else params.set(name, value)
      }
      const text = params.toString()
      void navigate(
        { search: text === "" ? "" : `?${text}`, hash: window.location.hash },
        { replace: !push, preventScrollReset: true },
      )
    },
    [navigate],
  )
  return { params: new URLSearchParams(search), set }
}

/** One parameter; `null` when it is absent. `useUrlState("tab", ["conflicts", "failed"])` narrows it. */
export function useUrlState(name: string): [string | null, (value: string | null) => void]
export function useUrlState<T extends string>(
  name: string,
  allowed: readonly [T, ...T[]],
): [T, (value: T | null) => void]
export function useUrlState(name: string, allowed?: readonly string[]) {
  const { params, set } = useUrlParams()
  const raw = params.get(name)
  const value = allowed === undefined ? raw : raw && allowed.includes(raw) ? raw : allowed[0]
  const change = useCallback(
    (next: string | null) => set({ [name]: allowed && next === allowed[0] ? null : next }),
    [set, name, allowed],
  )
  return [value, change]
}

/** Parameters, also with a dot behind, of what is open over the page. */
const OVER_THE_PAGE = ["dialog", "plan", "run", "runs", "entry"]

/**
 * Addresses of the page, for links: they keep its moment and filters but for the `changes`, and
 * close what is open over it. `place("reconcile", { entry: "8" })`.
 */
export function usePlaces(): (hash: string, changes?: Changes) => string {
  const { search } = useLocation()
  return (hash, changes = {}) => {
    const params = new URLSearchParams(search)
    for (const name of [...params.keys()]) {
      if (OVER_THE_PAGE.includes(name.replace(/\..*/, ""))) params.delete(name)
    }
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) params.delete(name)
      else params.set(name, value)
    }
    const text = params.toString()
    return `/${text && `?${text}`}${hash && `#${hash.replace(/^#/, "")}`}`
  }
}

/** Dialogs and drawers of the page; one at a time, so `?dialog=` names it. */
export type DialogName =
  | "schedule"
  | "dry-run"
  | "run-range"
  | "runs"
  | "time-machine"
  | "palette"
  | "shortcuts"
  | "password"
  | "notifications"
  | "accounts"

export function useDialog(): {
  dialog: string | null
  open: (name: DialogName, more?: Changes) => void
  close: (clear?: string[]) => void
} {
  const { params, set } = useUrlParams()
  return {
    dialog: params.get("dialog"),
    open: useCallback((name, more) => set({ dialog: name, ...more }, { push: true }), [set]),
    close: useCallback(
      (clear = []) =>
        set({ dialog: null, ...Object.fromEntries(clear.map((name) => [name, null])) }),
      [set],
    ),
  }
}
