/** Connect a system or change one: tested before it is saved, every setting in plain words. */
import { useState } from "react"
import { type BodyOf, patch, post } from "@/api/client"
import type { ApiError } from "@/api/errors"
import { useCommand } from "@/api/hooks"
import { stale } from "@/api/keys"
import type { Connector } from "@/api/shapes"
import { useAnnounce } from "@/app/announcer"
import { notify } from "@/app/notify"
import { useWritable } from "@/app/session"
import { Button } from "@/ui/button"
import { DialogClose, Drawer } from "@/ui/dialog"
import { Field, Input } from "@/ui/field"
import { CommandError } from "@/ui/panel"
import { focusFirstError, SecretInput } from "./secret-input"
import { SettingsForm } from "./settings-form"
import { TestResult } from "./test-result"
import { TOKEN_HELP } from "./token-help"
import { type Kind, SYSTEM } from "./words"

type Draft = { name: string; base_url: string; token: string; settings: Record<string, unknown> }
type Wrong = Partial<Record<"name" | "base_url" | "api_token", string>>

const ADDRESS: Record<Kind, string> = {
  zammad: "https://help.example.com",
  kimai: "https://time.example.com",
}
const STEP: Record<Kind, string> = {
  zammad: "Bookings are read from here. Nothing is changed in Zammad.",
  kimai: "Timesheets are written here, once you let a sync run.",
}

function normal(address: string): string {
  return `${address.trim().replace(/\/+$/, "")}/`
}

function wrongIn(draft: Draft, tokenNeeded: boolean): Wrong {
  const wrong: Wrong = {}
  if (draft.name.trim() === "") wrong.name = "Give it a name, for example the name of the desk."
  if (!/^https?:\/\/[^\s/]+/i.test(draft.base_url.trim())) {
    wrong.base_url = "Enter the whole address, beginning with https://."
  }
  if (tokenNeeded && draft.token.trim() === "") wrong.api_token = "Enter the token."
  return wrong
}

export function Editor({
  kind,
  connector,
  open,
  close,
  otherIsActive,
}: {
  kind: Kind
  connector?: Connector
  open: boolean
  close: () => void
  /** Another of its kind is in use: this one is added or stays disabled. */
  otherIsActive: boolean
}) {
  const { reason } = useWritable("admin")
  const announce = useAnnounce()
  const system = SYSTEM[kind]
  const stored: Draft = {
    name: connector?.name ?? "",
    base_url: connector?.base_url ?? "",
    token: "",
    settings: {},
  }
  const [draft, setDraft] = useState<Draft>(stored)
  const [wasOpen, setWasOpen] = useState(false)
  const [version, setVersion] = useState(connector?.version)
  const [wrong, setWrong] = useState<Wrong>({})
  const [testedWith, setTestedWith] = useState<string | null>(null)

  const moved = connector !== undefined && normal(draft.base_url) !== connector.base_url
  const newToken = draft.token.trim() !== ""
  const tokenNeeded = connector === undefined || moved
  const tried = JSON.stringify([normal(draft.base_url), draft.token.trim()])

  const test = useCommand({
    send: (body: BodyOf<"/api/v1/connectors/test", "post">, { idempotencyKey }) =>
      post("/api/v1/connectors/test", { body, idempotencyKey }),
    onDone: (answer) => announce(answer.message),
  })
  const save = useCommand<Draft, Connector>({
    send: (input, { idempotencyKey }) => {
      const settings = Object.keys(input.settings).length > 0 ? { settings: input.settings } : {}
      const name = input.name.trim()
      if (connector === undefined) {
        return post("/api/v1/connectors", {
          body: {
            type: kind,
            name,
            base_url: input.base_url.trim(),
            api_token: input.token.trim(),
            is_active: !otherIsActive,
            ...settings,
          },
          idempotencyKey,
        })
      }
      return patch("/api/v1/connectors/{connector_id}", {
        path: { connector_id: connector.id },
        body: {
          ...(name === connector.name ? {} : { name }),
          ...(moved ? { base_url: input.base_url.trim() } : {}),
          ...(newToken ? { api_token: input.token.trim() } : {}),
          ...settings,
        },
        idempotencyKey,
        ...(version === undefined ? {} : { ifMatch: version }),
      })
    },
    stale: stale.connector,
    onDone: (answer) => {
      // Kept for the card: what the token may do is recorded with a test of what is stored.
      if (tokenNeeded || newToken) check.mutate(answer.id)
      notify(connector === undefined ? `${answer.name} is connected.` : `${answer.name} is saved.`)
      close()
    },
    onFailed: () => focusFirstError(),
  })
  const check = useCommand({
    send: (id: number, { idempotencyKey }) =>
      post("/api/v1/connectors/validate", { query: { connector_id: id }, idempotencyKey }),
    stale: stale.connector,
  })

  if (open && !wasOpen) {
    setWasOpen(true)
    setDraft(stored)
    setVersion(connector?.version)
    setWrong({})
    setTestedWith(null)
    test.reset()
    save.reset()
  }
  if (!open && wasOpen) setWasOpen(false)

  const connectionChanged = connector === undefined || moved || newToken
  const tested = testedWith === tried ? test.data : undefined
  const needsTest = connectionChanged && !tested?.valid
  const changed =
    connectionChanged ||
    draft.name.trim() !== connector?.name ||
    Object.keys(draft.settings).length > 0

  const change = (more: Partial<Draft>) => {
    setDraft({ ...draft, ...more })
    setWrong({})
    if (save.error) save.reset()
  }
  const checked = (go: () => void) => {
    const found = wrongIn(draft, tokenNeeded)
    setWrong(found)
    if (Object.keys(found).length > 0) focusFirstError()
    else go()
  }
  const runTest = () =>
    checked(() => {
      const token = draft.token.trim()
      setTestedWith(tried)
      if (connector === undefined) {
        test.mutate({ type: kind, base_url: draft.base_url.trim(), api_token: token })
      } else {
        test.mutate({
          id: connector.id,
          ...(moved ? { base_url: draft.base_url.trim() } : {}),
          ...(newToken ? { api_token: token } : {}),
        })
      }
    })
  const runSave = () => checked(() => save.mutate(draft))
  const failed = testedWith === tried && (tested?.valid === false || test.isError)
  const fieldError = (name: keyof Wrong): string | undefined =>
    wrong[name] ?? test.error?.field(name) ?? save.error?.field(name)
  const atFields = (error: ApiError | null) => error !== null && !saidAtField(error)
  const primary = needsTest && !failed
  return (
    <Drawer
      open={open}
      onOpenChange={(next) => !next && close()}
      title={connector === undefined ? `Connect ${system}` : connector.name}
      description={connector === undefined ? STEP[kind] : `Connection and settings of ${system}.`}
      footer={
        <>
          <DialogClose asChild>
            <Button look="ghost" className="mr-auto">
              Cancel
            </Button>
          </DialogClose>
          {failed && connectionChanged && (
            <Button busy={save.isPending} disabledReason={reason} onClick={runSave}>
              {connector === undefined
                ? "Add without a working test"
                : "Save without a working test"}
            </Button>
          )}
          <Button
            look={primary || failed ? "primary" : "outline"}
            busy={test.isPending}
            disabledReason={reason}
            onClick={runTest}
          >
            Test connection
          </Button>
          {!needsTest && (
            <Button
              look="primary"
              busy={save.isPending}
              disabledReason={reason ?? (changed ? undefined : "Nothing was changed yet.")}
              onClick={runSave}
            >
              {connector === undefined ? `Add ${system}` : "Save"}
            </Button>
          )}
        </>
      }
    >
      <form
        className="grid gap-6"
        onSubmit={(event) => {
          event.preventDefault()
          if (reason !== undefined || test.isPending || save.isPending) return
          if (needsTest) runTest()
          else if (changed) runSave()
        }}
      >
        <fieldset className="grid gap-4">
          <legend className="sr-only">Connection</legend>
          <Field label="Name" error={fieldError("name")} hint="As people know it.">
            <Input
              value={draft.name}
              maxLength={200}
              autoComplete="off"
              placeholder={connector === undefined ? `Our ${system}` : undefined}
              onChange={(event) => change({ name: event.target.value })}
            />
          </Field>
          <Field
            label="Address"
            error={fieldError("base_url")}
            hint={
              moved
                ? "Another address needs its token again: a stored token is never sent elsewhere."
                : `As in the browser, for example ${ADDRESS[kind]}.`
            }
          >
            <Input
              value={draft.base_url}
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => change({ base_url: event.target.value })}
            />
          </Field>
          <Field
            label={connector === undefined ? "Access token" : "New access token"}
            optional={!tokenNeeded}
            error={fieldError("api_token")}
            hint={
              tokenNeeded ? TOKEN_HELP[kind] : "Empty: the stored token stays. It is never shown."
            }
          >
            <SecretInput value={draft.token} onChange={(token) => change({ token })} />
          </Field>
          {otherIsActive && connector === undefined && (
            <p className="text-ink2 text-table">
              {`Another ${system} is connected. This one is added disabled; disable the other to use it.`}
            </p>
          )}
          <TestResult kind={kind} tested={tested} busy={test.isPending} />
          {atFields(test.error) && <CommandError error={test.error} />}
        </fieldset>
        <SettingsForm
          kind={kind}
          connector={connector}
          draft={draft.settings}
          onChange={(settings) => change({ settings })}
          errorOf={(key) => save.error?.field(key)}
        />
        {atFields(save.error) && (
          <CommandError error={save.error}>
            {save.error?.code === "stale_version" &&
              "Somebody changed it meanwhile: close this and open it again to see what."}
          </CommandError>
        )}
        <button type="submit" className="sr-only" tabIndex={-1} aria-hidden>
          Save
        </button>
      </form>
    </Drawer>
  )
}

const SHOWN_AT_FIELDS = ["name", "base_url", "api_token"]
function saidAtField(error: ApiError): boolean {
  const all = error.problem.errors
  return (
    Array.isArray(all) &&
    all.length > 0 &&
    all.every(
      (one) => SHOWN_AT_FIELDS.includes(String(one.loc.at(-1))) || one.loc.includes("settings"),
    )
  )
}
