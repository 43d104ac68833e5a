import { useQueryClient } from "@tanstack/react-query"
import { ArrowRightLeft, Eye, EyeOff } from "lucide-react"
import { type FormEvent, useEffect, useRef, useState } from "react"
import { useNavigate, useSearchParams } from "react-router"
import { signIn } from "@/api/client"
import { type ApiError, toApiError } from "@/api/errors"
import { Button } from "@/ui/button"
import { Field, Input } from "@/ui/field"
import { formatSeconds } from "@/ui/format"
import { safeReturn } from "./session"

/** One form. What went wrong is said under the fields, the user name stays. */
export function Login() {
  const [params] = useSearchParams()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [username, setUsername] = useState("")
  const [password, setPassword] = useState("")
  const [shown, setShown] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const [missing, setMissing] = useState(false)
  const first = error?.status === 429 ? (error.retryAfter ?? 60) : 0
  const wait = useCountdown(first, error)
  const userField = useRef<HTMLInputElement>(null)
  const passwordField = useRef<HTMLInputElement>(null)
  useEffect(() => {
    document.title = "Sign in · Timeledger"
    delete document.documentElement.dataset.paper
    userField.current?.focus()
    return () => {
      document.title = "Timeledger"
    }
  }, [])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setMissing(username === "" || password === "")
    if (username === "") return userField.current?.focus()
    if (password === "") return passwordField.current?.focus()
    if (busy || wait > 0) return
    setBusy(true)
    setError(null)
    try {
      await signIn(username, password)
      client.clear()
      await navigate(safeReturn(params.get("next")), { replace: true })
    } catch (failure) {
      const problem = toApiError(failure)
      setError(problem)
      if (problem.code === "bad_credentials") {
        setPassword("")
        passwordField.current?.focus()
      }
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="grid min-h-dvh lg:grid-cols-[9fr_11fr]">
      <main className="flex flex-col px-6 py-8 sm:px-12">
        <p className="flex items-center gap-3 font-semibold">
          <span
            aria-hidden
            className="grid size-8 place-items-center rounded-[8px] bg-primary text-primary-ink"
          >
            <ArrowRightLeft className="size-4.5" />
          </span>
          Timeledger
        </p>
        <form
          onSubmit={(event) => void submit(event)}
          noValidate
          className="m-auto grid w-full max-w-90 gap-4 py-10"
        >
          <h1 className="font-semibold text-figure">Sign in</h1>
          {params.has("expired") && error === null && (
            <p className="rounded-control bg-accent-soft px-3 py-2 text-table">
              Your session has ended. Sign in to go on where you were.
            </p>
          )}
          <Field
            label="Username"
            error={missing && username === "" ? "Type your username." : undefined}
          >
            <Input
              ref={userField}
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              value={username}
              onChange={(event) => setUsername(event.target.value)}
              className="h-10 text-body"
            />
          </Field>
          <div className="relative">
            <Field
              label="Password"
              error={missing && password === "" ? "Type your password." : undefined}
            >
              <Input
                ref={passwordField}
                name="password"
                type={shown ? "text" : "password"}
                autoComplete="current-password"
                value={password}
                onChange={(event) => setPassword(event.target.value)}
                className="h-10 pr-11 text-body"
              />
            </Field>
            <button
              type="button"
              aria-label="Show password"
              aria-pressed={shown}
              onClick={() => setShown(!shown)}
              className="absolute top-6.5 right-0 grid size-10 place-items-center rounded-control text-ink3 hover:text-ink"
            >
              {shown ? (
                <EyeOff aria-hidden className="size-4" />
              ) : (
                <Eye aria-hidden className="size-4" />
              )}
            </button>
          </div>
          <div role="alert" className="not-has-[p]:-mt-4">
            {error !== null &&
              (wait > 0 ? (
                <span className="sr-only">{said(error, first)}</span>
              ) : (
                <p className={REFUSED}>{said(error, 0)}</p>
              ))}
          </div>
          {/* The wait is said aloud once; its seconds are for the eyes. */}
          {error !== null && wait > 0 && (
            <p aria-hidden className={REFUSED}>
              {said(error, wait)}
            </p>
          )}
          <Button
            look="primary"
            size="large"
            type="submit"
            busy={busy}
            aria-disabled={busy || wait > 0 || undefined}
            className="h-10"
          >
            Sign in
          </Button>
          <p className="text-ink2 text-table">
            No account? Ask the person who runs Timeledger at your company.
          </p>
        </form>
        <p className="text-ink2 text-meta">Sign-ins are recorded in the audit trail.</p>
      </main>
      <aside
        aria-label="About Timeledger"
        className="grid content-center justify-items-center border-line border-l bg-sunken p-12 max-lg:hidden"
      >
        <div className="grid max-w-md gap-1">
          <p className="font-semibold text-section">
            Every minute in Zammad, accounted for in Kimai.
          </p>
          <p className="text-ink2">And a record of how it got there.</p>
        </div>
      </aside>
    </div>
  )
}

const REFUSED = "rounded-control bg-failed-soft px-3 py-2 text-failed text-table"

function said(error: ApiError, wait: number): string {
  if (error.code === "bad_credentials") return "Username or password is wrong."
  if (error.code === "account_inactive")
    return "This account is not active. Ask an administrator to activate it."
  if (error.status === 429) {
    return wait > 0
      ? `Too many failed attempts. Try again in ${formatSeconds(wait)}.`
      : "You can try again now."
  }
  return error.sentence
}

function useCountdown(seconds: number, of: unknown): number {
  const [left, setLeft] = useState<{ of: unknown; seconds: number } | null>(null)
  useEffect(() => {
    if (seconds === 0) return
    const until = Date.now() + seconds * 1000
    const show = () => setLeft({ of, seconds: Math.max(0, Math.ceil((until - Date.now()) / 1000)) })
    show()
    const timer = setInterval(show, 1000)
    return () => clearInterval(timer)
  }, [seconds, of])
  return left !== null && left.of === of ? left.seconds : seconds
}
