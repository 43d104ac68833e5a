/**
 * The live stream of the service as one object: connects, resumes behind the last position it
 * saw, gathers what became stale and tells it at most once in 250 ms. No React in here.
 */
import type { QueryKey } from "@tanstack/react-query"
import { streamUrl } from "./client"

export type LiveState =
  | { is: "connecting" }
  | { is: "live"; lastEventAt: number | null }
  | { is: "reconnecting"; since: number }
  | { is: "offline"; since: number }
  | { is: "paused" }

export type Frame = { event: string; position: number | null; data: Record<string, unknown> }

export const FRAMES = [
  "kpi",
  "run.progress",
  "entry.changed",
  "conflict.opened",
  "conflict.closed",
  "delivery.received",
  "head",
] as const

const GATHER = 250 // ms between two invalidations: design, section 12
const OFFLINE_AFTER = 10_000 // ms of "Reconnecting…" before "Offline since"
const FIRST_WAIT = 1_000 // ms; doubles up to LONGEST_WAIT
const LONGEST_WAIT = 15_000

export type Source = Pick<EventSource, "close" | "addEventListener" | "readyState">

type Wired = {
  /** Cache keys, by prefix, that became stale. */
  onStale: (keys: QueryKey[]) => void
  /** More than the service repeats was missed: everything is stale. */
  onResync: () => void
  /** The stream was refused; the caller finds out whether the session ended. */
  onRefused: () => void
  open?: (url: string) => Source
  now?: () => number
}

/** Which keys a frame makes stale beside those that `head` names. */
export function staleBy(frame: Frame): QueryKey[] {
  switch (frame.event) {
    case "head": {
      const touched = frame.data.touched
      return Array.isArray(touched) ? touched.map((key) => [String(key)]) : []
    }
    case "entry.changed":
      return [["entries"], ["entry", frame.data.entry_id]]
    case "conflict.opened":
    case "conflict.closed":
      return [["conflicts"]]
    case "delivery.received":
      return [["deliveries"]]
    case "run.progress":
      return [["syncRuns"]]
    default:
      return []
  }
}

export class LiveStream {
  #source: Source | null = null
  #position: number | null = null
  #state: LiveState = { is: "connecting" }
  #gathered = new Map<string, QueryKey>()
  #gathering: ReturnType<typeof setTimeout> | null = null
  #retry: ReturnType<typeof setTimeout> | null = null
  #offline: ReturnType<typeof setTimeout> | null = null
  #wait = FIRST_WAIT
  #lastEventAt: number | null = null
  #watching = new Set<() => void>()
  #hearing = new Set<(frame: Frame) => void>()
  readonly #wired: Required<Wired>

  constructor(wired: Wired) {
    this.#wired = {
      open: (url) => new EventSource(url, { withCredentials: true }),
      now: Date.now,
      ...wired,
    }
  }

  readonly state = (): LiveState => this.#state

  readonly watch = (told: () => void): (() => void) => {
    this.#watching.add(told)
    return () => this.#watching.delete(told)
  }

  /** Every frame as it comes, for who shows progress; lists listen to invalidations instead. */
  readonly hear = (told: (frame: Frame) => void): (() => void) => {
    this.#hearing.add(told)
    return () => this.#hearing.delete(told)
  }

  readonly start = (): void => {
    if (this.#source !== null) return
    if (this.#state.is === "paused") this.#set({ is: "connecting" })
    this.#connect()
  }

  /** While the time machine is open; `start` catches up from the last position. */
  readonly pause = (): void => {
    this.#end()
    this.#set({ is: "paused" })
  }

  readonly stop = (): void => {
    this.#end()
    this.#position = null
    this.#set({ is: "connecting" })
  }

  /** The line is cut (the browser says so): an open connection would hang and never tell. */
  readonly cut = (): void => {
    if (this.#source !== null) this.#lost(this.#source)
  }

  /** The line is back: do not wait for the next try. */
  readonly again = (): void => {
    if (this.#source !== null || this.#retry === null) return
    clearTimeout(this.#retry)
    this.#connect()
  }

  #connect(): void {
    this.#retry = null
    const source = this.#wired.open(streamUrl(this.#position))
    this.#source = source
    source.addEventListener("open", () => {
      if (source !== this.#source) return
      this.#wait = FIRST_WAIT
      this.#onLine()
      this.#set({ is: "live", lastEventAt: this.#lastEventAt })
    })
    for (const name of FRAMES) {
      source.addEventListener(name, (event) => {
        if (source === this.#source) this.#take(name, event as MessageEvent<string>)
      })
    }
    source.addEventListener("error", () => {
      if (source === this.#source) this.#lost(source)
    })
  }

  #take(name: string, message: MessageEvent<string>): void {
    const position = message.lastEventId === "" ? null : Number(message.lastEventId)
    if (position !== null && Number.isInteger(position)) {
      this.#position = Math.max(position, this.#position ?? 0)
    }
    let data: Record<string, unknown>
    try {
      data = JSON.parse(message.data)
    } catch {
      return // half a frame: its position comes again with the next connection
    }
    if (name === "head" && data.resync === true) {
      this.#wired.onResync()
      return
    }
    this.#lastEventAt = this.#wired.now()
    if (this.#state.is === "live") this.#set({ is: "live", lastEventAt: this.#lastEventAt })
    const frame = { event: name, position, data }
    for (const told of this.#hearing) told(frame)
    for (const key of staleBy(frame)) this.#gathered.set(JSON.stringify(key), key)
    if (this.#gathered.size > 0 && this.#gathering === null) {
      this.#gathering = setTimeout(() => {
        this.#gathering = null
        const keys = [...this.#gathered.values()]
        this.#gathered.clear()
        this.#wired.onStale(keys)
      }, GATHER)
    }
  }

  #lost(source: Source): void {
    const refused = source.readyState === 2 // EventSource.CLOSED: an answer that is no stream
    source.close()
    this.#source = null
    const since = "since" in this.#state ? this.#state.since : this.#wired.now()
    if (this.#state.is !== "offline") {
      this.#set({ is: "reconnecting", since })
      this.#offline ??= setTimeout(() => this.#set({ is: "offline", since }), OFFLINE_AFTER)
    }
    if (refused) this.#wired.onRefused()
    if (this.#state.is === "paused") return
    this.#retry = setTimeout(() => this.#connect(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
  }

  #end(): void {
    this.#source?.close()
    this.#source = null
    this.#onLine()
    if (this.#retry !== null) clearTimeout(this.#retry)
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    this.#retry = this.#gathering = null
    this.#gathered.clear()
    this.#wait = FIRST_WAIT
  }

  #onLine(): void {
    if (this.#offline !== null) clearTimeout(this.#offline)
    this.#offline = null
  }

  #set(state: LiveState): void {
    this.#state = state
    for (const told of this.#watching) told()
  }
}
