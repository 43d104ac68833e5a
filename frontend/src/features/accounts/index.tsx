import { ArrowLeft, UserPlus } from "lucide-react"
import { useEffect, useId, useRef, useState } from "react"
import { patch, post } from "@/api/client"
import type { ApiError } from "@/api/errors"
import { type Read, useCommand, useRead } from "@/api/hooks"
import { keys } from "@/api/keys"
import type { components } from "@/api/schema.gen"
import type { Role, User } from "@/api/shapes"
import { notify } from "@/app/notify"
import { useSession, useWritable } from "@/app/session"
import { useDialog } from "@/app/url-state"
import { Button } from "@/ui/button"
import { RadioGroup, Switch } from "@/ui/choices"
import { Dialog, DialogClose } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { formatDay } from "@/ui/format"
import { CommandError, QueryState, Skeleton } from "@/ui/panel"
import { StateBadge } from "@/ui/state-badge"
import { RowTh, Table, Td, Th, Tr, TwoLines } from "@/ui/table"

const SHORTEST = 12
const MOST = 500
const STALE = [keys.own("users"), keys.session(), keys.auditLogs()]
const ROLES: readonly { value: Role; label: string; hint: string }[] = [
  { value: "viewer", label: "Viewer", hint: "Sees everything, changes nothing." },
  { value: "operator", label: "Operator", hint: "Also runs syncs and takes decisions." },
  {
    value: "admin",
    label: "Administrator",
    hint: "Also changes connectors, mappings, schedule and accounts.",
  },
]
const roleName = (role: Role) => ROLES.find((one) => one.value === role)?.label ?? role

const users = (): Read<User[]> => ({
  key: keys.own("users"),
  fetch: (get) => get("/api/v1/users", { query: { limit: MOST } }),
})

type View = { is: "list" } | { is: "add" } | { is: "edit"; user: User }

/** Who may sign in and as what; administrators only. */
export default function Accounts() {
  const { dialog, close } = useDialog()
  const open = dialog === "accounts"
  const { user, timezone } = useSession()
  const { reason } = useWritable("admin", { whenBroken: true })
  const [view, setView] = useState<View>({ is: "list" })
  const [busy, setBusy] = useState(false)
  const form = useId()
  const allowed = user.role === "admin"
  const query = useRead(users(), { enabled: open && allowed })
  const list = view.is === "list"
  const back = () => setView({ is: "list" })
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (next) return
        back()
        close()
      }}
      title={
        view.is === "add" ? "Add an account" : view.is === "edit" ? view.user.username : "Accounts"
      }
      description={list ? "Who may sign in, and what they may do." : undefined}
      className={list ? "max-w-2xl" : "max-w-lg"}
      flush={list && allowed}
      footer={
        list ? (
          <>
            <DialogClose asChild>
              <Button look="ghost">Close</Button>
            </DialogClose>
            <Button
              look="primary"
              icon={<UserPlus aria-hidden />}
              disabledReason={reason}
              onClick={() => setView({ is: "add" })}
            >
              Add an account
            </Button>
          </>
        ) : (
          <>
            <Button look="ghost" icon={<ArrowLeft aria-hidden />} onClick={back}>
              Back
            </Button>
            <Button look="primary" type="submit" form={form} busy={busy} disabledReason={reason}>
              {view.is === "add" ? "Add account" : "Save account"}
            </Button>
          </>
        )
      }
    >
      {!allowed ? (
        <p className="text-ink2">{`Only an administrator sees the accounts; you are signed in as ${user.role}.`}</p>
      ) : list ? (
        <QueryState
          query={query}
          what="the accounts"
          zone={timezone}
          skeleton={<Skeleton className="m-4 h-40" />}
        >
          {(data) => (
            <List users={data} me={user.id} onEdit={(one) => setView({ is: "edit", user: one })} />
          )}
        </QueryState>
      ) : (
        <AccountForm
          key={view.is === "edit" ? view.user.id : "new"}
          id={form}
          user={view.is === "edit" ? view.user : null}
          mine={view.is === "edit" && view.user.id === user.id}
          onBusy={setBusy}
          onDone={back}
        />
      )}
    </Dialog>
  )
}

function List({ users, me, onEdit }: { users: User[]; me: number; onEdit: (user: User) => void }) {
  return (
    <Table caption="Accounts">
      <thead>
        <tr>
          <Th>Name</Th>
          <Th>Role</Th>
          <Th className="max-sm:hidden">Since</Th>
          <Th>
            <span className="sr-only">Edit</span>
          </Th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <Tr key={user.id} twoLines>
            <RowTh>
              <TwoLines
                first={
                  <>
                    {user.full_name || user.username}
                    {user.id === me && <span className="font-normal text-ink2"> (you)</span>}
                  </>
                }
                second={[user.full_name && user.username, user.email].filter(Boolean).join(" · ")}
              />
            </RowTh>
            <Td>
              {user.is_active ? (
                roleName(user.role)
              ) : (
                <StateBadge state="ignored">Deactivated</StateBadge>
              )}
            </Td>
            <Td className="text-ink2 max-sm:hidden">{formatDay(user.created_at.slice(0, 10))}</Td>
            <Td numeric>
              <Button
                size="small"
                onClick={() => onEdit(user)}
                aria-label={`Edit ${user.full_name || user.username}`}
              >
                Edit
              </Button>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}

type Wish = components["schemas"]["UserPatch"] & { username?: string }

function AccountForm({
  id,
  user,
  mine,
  onBusy,
  onDone,
}: {
  id: string
  user: User | null
  mine: boolean
  onBusy: (busy: boolean) => void
  onDone: () => void
}) {
  const [values, setValues] = useState({
    username: user?.username ?? "",
    full_name: user?.full_name ?? "",
    email: user?.email ?? "",
    role: user?.role ?? ("viewer" as Role),
    is_active: user?.is_active ?? true,
    password: "",
  })
  const [asked, setAsked] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  const set = (some: Partial<typeof values>) => setValues({ ...values, ...some })
  const command = useCommand({
    send: (body: Wish, { idempotencyKey }) => {
      const { username = "", password = "", ...rest } = body
      return user === null
        ? post("/api/v1/users", { body: { ...rest, username, password }, idempotencyKey })
        : patch("/api/v1/users/{user_id}", {
            path: { user_id: user.id },
            body: { ...rest, ...(password ? { password } : {}) },
            idempotencyKey,
            ifMatch: user.version,
          })
    },
    stale: STALE,
    onDone: (answer, input) => {
      notify(
        user === null
          ? `${answer.username} may sign in.`
          : input.password || input.role || input.is_active !== undefined
            ? `${answer.username} is saved and signed out everywhere.`
            : `${answer.username} is saved.`,
      )
      onDone()
    },
  })
  useEffect(() => onBusy(command.isPending), [onBusy, command.isPending])
  useEffect(() => {
    if (asked > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()
  }, [asked])
  const wrong = {
    username: values.username.trim() === "" ? "Choose a name to sign in with." : undefined,
    password:
      (user === null || values.password !== "") && values.password.length < SHORTEST
        ? `At least ${SHORTEST} characters.`
        : undefined,
  }
  const { error } = command
  const at = (name: keyof typeof wrong) =>
    (asked > 0 ? wrong[name] : undefined) ?? error?.field(name)
  return (
    <form
      id={id}
      ref={form}
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        setAsked(asked + 1)
        if (command.isPending || wrong.username || wrong.password) return
        const body = user === null ? values : changes(values, user)
        if (Object.keys(body).length === 0) onDone()
        else command.mutate(body)
      }}
    >
      <Field
        label="Username"
        error={error?.code === "name_taken" ? error.sentence : at("username")}
        hint={user ? "It stays: history names it." : undefined}
      >
        <Input
          value={values.username}
          onChange={(event) => set({ username: event.target.value })}
          readOnly={user !== null}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Full name" optional>
          <Input
            value={values.full_name}
            onChange={(event) => set({ full_name: event.target.value })}
            autoComplete="off"
          />
        </Field>
        <Field label="E-mail" optional error={error?.field("email")}>
          <Input
            type="email"
            value={values.email}
            onChange={(event) => set({ email: event.target.value })}
            autoComplete="off"
          />
        </Field>
      </div>
      <div className="grid gap-1.5">
        <p id={`${id}-role`} className="font-medium text-table">
          Role
        </p>
        <RadioGroup
          aria-labelledby={`${id}-role`}
          value={values.role}
          onChange={(role) => set({ role })}
          options={ROLES}
        />
      </div>
      <Field
        label={user ? "New password" : "Password"}
        optional={user !== null}
        error={at("password")}
        hint={
          user
            ? "Only to reset it. A new one signs the person out everywhere; tell them in person."
            : `At least ${SHORTEST} characters. They change it after signing in.`
        }
      >
        <Input
          type="password"
          autoComplete="new-password"
          value={values.password}
          onChange={(event) => set({ password: event.target.value })}
        />
      </Field>
      {user && (
        <label htmlFor={`${id}-active`} className="flex items-start gap-3 text-table">
          <Switch
            id={`${id}-active`}
            checked={values.is_active}
            onCheckedChange={(is_active) => set({ is_active })}
            className="mt-0.5"
          />
          <span>
            <span className="font-medium">May sign in</span>
            <span className="block text-ink2">
              Off: signed out at once. What they did stays in the history under their name.
            </span>
          </span>
        </label>
      )}
      {mine && touchesSession(values, user) && (
        <p
          role="status"
          className="rounded-control bg-conflict-soft px-3 py-2 text-conflict text-table"
        >
          This is your own account: saving signs you out.
        </p>
      )}
      <Refused error={error} />
    </form>
  )
}

function Refused({ error }: { error: ApiError | null }) {
  if (error === null || error.code === "name_taken") return null
  if (error.field("username") || error.field("password") || error.field("email")) return null
  return (
    <CommandError error={error}>
      {error.code === "stale_version" && "Go back and open the account again to see what changed."}
    </CommandError>
  )
}

type Values = { full_name: string; email: string; role: Role; is_active: boolean; password: string }

function changes(values: Values, user: User): Wish {
  const wish: Wish = {}
  if (values.full_name !== user.full_name) wish.full_name = values.full_name
  if (values.email !== user.email) wish.email = values.email
  if (values.role !== user.role) wish.role = values.role
  if (values.is_active !== user.is_active) wish.is_active = values.is_active
  if (values.password !== "") wish.password = values.password
  return wish
}

function touchesSession(values: Values, user: User | null): boolean {
  if (user === null) return false
  const { role, is_active, password } = changes(values, user)
  return role !== undefined || is_active !== undefined || password !== undefined
}
