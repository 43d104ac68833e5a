import { useQueryClient } from "@tanstack/react-query"
import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react"
import { keys } from "@/api/keys"
import { type Frame, type LiveState, LiveStream } from "@/api/stream"
import { useAnnounce } from "./announcer"
import { useMoment } from "./time-machine"

const LiveContext = createContext<LiveStream | null>(null)

/** The stream of the signed-in page: keeps the cache fresh, rests while the past is shown. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient()
  const { asOf } = useMoment()
  const announce = useAnnounce()
  const [stream] = useState(
    () =>
      new LiveStream({
        onStale: (stale) => {
          for (const queryKey of stale) void client.invalidateQueries({ queryKey })
        },
        onResync: () => void client.invalidateQueries(),
        // A refused stream is an ended session or a service that is away: this read finds out.
        onRefused: () => void client.invalidateQueries({ queryKey: keys.session() }),
      }),
  )
  const past = useRef(asOf !== null)
  useEffect(() => {
    if (asOf !== null) {
      past.current = true
      return stream.pause()
    }
    // Back from the past: what is shown is as old as the journey was long.
    if (past.current) void client.invalidateQueries()
    past.current = false
    stream.start()
  }, [stream, client, asOf])
  // Not with each moment: a stream that is stopped forgets where it was.
  useEffect(() => () => stream.stop(), [stream])
  useEffect(() => {
    window.addEventListener("offline", stream.cut)
    window.addEventListener("online", stream.again)
    return () => {
      window.removeEventListener("offline", stream.cut)
      window.removeEventListener("online", stream.again)
    }
  }, [stream])
  const was = useRef<LiveState["is"]>("connecting")
  useEffect(
    () =>
      stream.watch(() => {
        const { is } = stream.state()
        if (is === "offline" && was.current !== "offline")
          announce("Connection lost. Showing what was last known.")
        if (is === "live" && (was.current === "offline" || was.current === "reconnecting")) {
          if (was.current === "offline") announce("Connected again.")
          void client.invalidateQueries() // catch up on what the stream did not carry
        }
        was.current = is
      }),
    [stream, announce, client],
  )
  return <LiveContext value={stream}>{children}</LiveContext>
}

function useStream(): LiveStream {
  const stream = use(LiveContext)
  if (stream === null) throw new Error("useLive needs a LiveProvider.")
  return stream
}

export function useLive(): { state: LiveState } {
  const stream = useStream()
  const state = useSyncExternalStore(stream.watch, stream.state)
  return useMemo(() => ({ state }), [state])
}

/** Every frame as it comes (progress of a run, a delivery); lists need no more than `useRead`. */
export function useFrames(hear: (frame: Frame) => void): void {
  const stream = useStream()
  const latest = useRef(hear)
  useEffect(() => {
    latest.current = hear
  })
  useEffect(() => stream.hear((frame) => latest.current(frame)), [stream])
}
