import { useQuery, useQueryClient } from "@tanstack/react-query"
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo } from "react"
import { Navigate, useLocation, useNavigate } from "react-router"
import { get, post, whenSignedOut } from "@/api/client"
import type { ApiError } from "@/api/errors"
import { useRead } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { Role, User } from "@/api/shapes"
import { Button } from "@/ui/button"
import { formatNumber } from "@/ui/format"
import { useLive } from "./live"
import { chain } from "./reads"
import { useMoment } from "./time-machine"

type Session = { user: User; signOut: () => Promise<void>; timezone: string }
const SessionContext = createContext<Session | null>(null)

/** Where a person goes on after signing in: an address of this page, never another site. */
export function safeReturn(text: string | null): string {
  if (
    text === null ||
    !text.startsWith("/") ||
    /^\/[/\\]/.test(text) ||
    text.startsWith("/login")
  ) {
    return "/"
  }
  return text
}

/** Lets only a signed-in person through; everybody else goes to the login and comes back here. */
export function SessionGate({ children }: { children: ReactNode }) {
  const location = useLocation()
  const navigate = useNavigate()
  const client = useQueryClient()
  const query = useQuery<User, ApiError>({
    queryKey: keys.session(),
    queryFn: () => get("/users/me"),
    staleTime: 5 * 60_000,
  })
  const system = useQuery({
    queryKey: keys.system(),
    queryFn: () => get("/api/v1/system"),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const signedIn = query.data !== undefined && query.error?.status !== 401
  useEffect(() => {
    whenSignedOut((error) => {
      if (window.location.pathname === "/login") return // of several reads the first one led there
      const here = window.location.pathname + window.location.search + window.location.hash
      const why = signedIn || error.code !== "not_authenticated" ? "&expired=1" : ""
      client.clear()
      void navigate(`/login?next=${encodeURIComponent(here)}${why}`, { replace: true })
    })
    return () => whenSignedOut(() => {})
  }, [client, navigate, signedIn])
  const signOut = useCallback(async () => {
    await post("/logout")
    whenSignedOut(() => {})
    client.clear()
    await navigate("/login")
  }, [client, navigate])
  const user = query.data
  const timezone = system.data?.display_timezone ?? "UTC"
  const session = useMemo(
    () => (user ? { user, signOut, timezone } : null),
    [user, signOut, timezone],
  )
  if (query.error?.status === 401) {
    const here = location.pathname + location.search + location.hash
    return <Navigate to={`/login?next=${encodeURIComponent(here)}`} replace />
  }
  if (query.isError && session === null) {
    return (
      <main className="mx-auto grid min-h-dvh max-w-md content-center gap-3 p-6">
        <h1 className="text-section font-semibold">Timeledger cannot be reached</h1>
        <p className="text-ink2">{query.error.sentence}</p>
        <div>
          <Button onClick={() => void query.refetch()} busy={query.isFetching}>
            Try again
          </Button>
        </div>
      </main>
    )
  }
  if (session === null || system.isPending) {
    return (
      <p className="sr-only" role="status">
        Loading
      </p>
    )
  }
  return <SessionContext value={session}>{children}</SessionContext>
}

export function useSession(): Session {
  const session = use(SessionContext)
  if (session === null) throw new Error("useSession needs a SessionGate.")
  return session
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }

/**
 * Whether a command may be given now, and if not, the sentence that says why. A broken chain pauses
 * what writes; `whenBroken` is for what stops something or looks for what is wrong.
 */
export function useWritable(
  needs: Role = "operator",
  { whenBroken = false } = {},
): { writable: boolean; reason?: string } {
  const { user } = useSession()
  const { asOf } = useMoment()
  const live = useLive()
  const checked = useRead(chain(), { at: "now", enabled: false }).data // the sidebar asks for it
  if (asOf !== null) {
    return {
      writable: false,
      reason: "This is the past: read only. Go back to live to change something.",
    }
  }
  if (RANK[user.role] < RANK[needs]) {
    const who = needs === "admin" ? "An administrator" : "An operator"
    return { writable: false, reason: `${who} may do this; you are signed in as ${user.role}.` }
  }
  if (live.state.is === "offline") {
    return {
      writable: false,
      reason: "The service cannot be reached. It is tried again by itself.",
    }
  }
  if (checked?.ok === false && !whenBroken) {
    const at = formatNumber(checked.first_bad_position ?? 0)
    return {
      writable: false,
      reason: `The chain of events is broken at event ${at}: writing pauses. Compare with a backup.`,
    }
  }
  return { writable: true }
}
