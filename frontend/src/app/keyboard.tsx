/**
 * The keyboard of the page: sections register what a key does and the `?` sheet and the palette
 * read the same list. Single keys work outside fields only and can be turned off (WCAG 2.1.4).
 */
import {
  createContext,
  type ReactNode,
  use,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react"
import { Layer, topmostLayer } from "@/ui/layer"

export type Shortcut = {
  /** `r`, `Shift+R`, `g m` (one after the other), `Mod+k` (Ctrl or Cmd), `Escape`, `Enter`. */
  keys: string
  /** As the sheet and the palette name it. */
  label: string
  group: "Go to" | "Page" | "Rows" | "Time machine"
  run: (event: KeyboardEvent) => void
  /** Left out of sheet and reach while false. */
  enabled?: boolean
  /** Works in fields too, and one of the page over dialogs; only for combinations with Mod. */
  everywhere?: boolean
}
/** A shortcut, and the dialog or drawer that it is of; null for the page. */
type Placed = Shortcut & { layer: string | null }

const SEQUENCE = 1_000 // ms between the two keys of `g m`
const STORED = "timeledger.single-keys"

export class Registry {
  #list: Placed[] = []
  #told = new Set<() => void>()
  readonly list = () => this.#list
  readonly watch = (told: () => void) => {
    this.#told.add(told)
    return () => this.#told.delete(told)
  }
  readonly add = (shortcuts: Placed[]) => {
    this.#set([...this.#list, ...shortcuts])
    return () => this.#set(this.#list.filter((one) => !shortcuts.includes(one)))
  }
  #set(list: Placed[]) {
    this.#list = list
    for (const told of this.#told) told()
  }
}

type Keyboard = { registry: Registry; singleKeys: boolean; setSingleKeys: (on: boolean) => void }
const KeyboardContext = createContext<Keyboard | null>(null)

/** AltGr, on a Mac Option, was needed for the character: on many keyboards [ is typed with it. */
function withAltGr(event: KeyboardEvent): boolean {
  const option = event.altKey && !event.ctrlKey && !event.metaKey && /mac/i.test(navigator.platform)
  return event.getModifierState("AltGraph") || option
}

export function spelled(event: KeyboardEvent): string {
  // Windows tells AltGr as Ctrl and Alt together.
  const mod = (event.ctrlKey || event.metaKey) && !withAltGr(event) ? "Mod+" : ""
  const named = event.key.length > 1
  const shift = event.shiftKey && (named || /[a-z]/i.test(event.key)) ? "Shift+" : ""
  const key = named ? event.key : shift ? event.key.toUpperCase() : event.key.toLowerCase()
  return mod + shift + key
}

/** Whether the key belongs to a field; one may leave keys that mean nothing in it to the page. */
function inField(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.dataset.leaves?.split(" ").includes(key)) return false
  return (
    target.closest(
      "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], [role=combobox], [role=menu], [role=listbox]",
    ) !== null
  )
}

/** What is open over the page keeps the keys from it, but for those that work everywhere. */
function reaches({ layer, everywhere }: Placed, top: string | null): boolean {
  return layer === top || (layer === null && everywhere === true)
}

export function KeyboardProvider({ children }: { children: ReactNode }) {
  const [registry] = useState(() => new Registry())
  const [singleKeys, setOn] = useState(() => {
    try {
      return localStorage.getItem(STORED) !== "off"
    } catch {
      return true
    }
  })
  const setSingleKeys = useCallback((on: boolean) => {
    setOn(on)
    try {
      localStorage.setItem(STORED, on ? "on" : "off")
    } catch {
      // storage may be forbidden; then the choice lasts as long as the page
    }
  }, [])
  const before = useRef<{ key: string; at: number } | null>(null)
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (
        event.defaultPrevented ||
        event.isComposing ||
        (event.altKey && !withAltGr(event)) ||
        (event.repeat && event.key === "Enter")
      )
        return
      const key = spelled(event)
      const withMod = key.startsWith("Mod+")
      const top = topmostLayer()
      const list = registry.list().filter((one) => one.enabled !== false && reaches(one, top))
      // The newest registration wins: a drawer's keys go before those of the list under it.
      const find = (keys: string) =>
        list.findLast((one) => one.keys === keys && (one.everywhere || !inField(event.target, key)))
      if (!withMod && !["Escape", "Enter"].includes(key) && !singleKeys) return
      if (!withMod && inField(event.target, key)) return
      if (
        key === "Enter" &&
        event.target instanceof HTMLElement &&
        event.target.closest("a, button, summary")
      )
        return
      const first = before.current
      before.current = { key, at: event.timeStamp }
      const both =
        first && event.timeStamp - first.at < SEQUENCE ? find(`${first.key} ${key}`) : undefined
      const found = both ?? find(key)
      if (found === undefined) return
      event.preventDefault()
      if (both) before.current = null
      found.run(event)
    }
    window.addEventListener("keydown", pressed)
    return () => window.removeEventListener("keydown", pressed)
  }, [registry, singleKeys])
  const keyboard = useMemo(
    () => ({ registry, singleKeys, setSingleKeys }),
    [registry, singleKeys, setSingleKeys],
  )
  return <KeyboardContext value={keyboard}>{children}</KeyboardContext>
}

export function useKeyboard(): Keyboard & { shortcuts: Shortcut[] } {
  const keyboard = use(KeyboardContext)
  if (keyboard === null) throw new Error("useKeyboard needs a KeyboardProvider.")
  const shortcuts = useSyncExternalStore(keyboard.registry.watch, keyboard.registry.list)
  return { ...keyboard, shortcuts }
}

/**
 * Register shortcuts as long as the component is there; `run` may change from render to render.
 * They are those of the layer that the component stands in: see `LayerKeys`.
 */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const keyboard = use(KeyboardContext)
  const layer = use(Layer)
  if (keyboard === null) throw new Error("useShortcuts needs a KeyboardProvider.")
  const latest = useRef(shortcuts)
  useEffect(() => {
    latest.current = shortcuts
  })
  const shape = shortcuts
    .map((one) => [one.keys, one.label, one.enabled !== false].join("\t"))
    .join("\n")
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` is what the sheet shows of them
  useEffect(
    () =>
      keyboard.registry.add(
        latest.current.map((one, index) => ({
          ...one,
          layer,
          run: (event) => latest.current[index]?.run(event),
        })),
      ),
    [keyboard.registry, layer, shape],
  )
}

/** The shortcuts of a dialog or drawer, rendered in it: who shows it stands on the page below. */
export function LayerKeys({ shortcuts }: { shortcuts: Shortcut[] }) {
  useShortcuts(shortcuts)
  return null
}
