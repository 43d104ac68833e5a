import { act, screen, waitFor, within } from "@testing-library/react"
import { useState } from "react"
import { expect, test } from "vitest"
import { post } from "@/api/client"
import { useCommand, useRead } from "@/api/hooks"
import { keys } from "@/api/keys"
import { FakeEventSource } from "@/testing/event-source"
import { renderApp, renderWithApp } from "@/testing/render"
import { answering, example, refusing } from "@/testing/server"
import { Button } from "@/ui/button"
import { Dialog } from "@/ui/dialog"
import { LayerKeys, useShortcuts } from "./keyboard"
import { kpi } from "./reads"
import { safeReturn, useWritable } from "./session"
import { useMoment } from "./time-machine"

test("the page shows its five sections, who is signed in and the chain", async () => {
  renderApp()
  const nav = (await screen.findAllByRole("navigation", { name: "Sections" }))[0]
  if (!nav) throw new Error("no navigation")
  for (const name of ["Dashboard", "Connectors", "Mappings", "Reconcile", "Audit"]) {
    expect(within(nav).getByRole("link", { name: new RegExp(name) })).toBeInTheDocument()
    expect(await screen.findByRole("heading", { name })).toBeInTheDocument()
  }
  // in the sidebar and, once it is mounted, in Audit
  expect((await screen.findAllByText("Chain verified")).length).toBeGreaterThan(0)
  expect(screen.getAllByText("alice").length).toBeGreaterThan(0)
})

test("who is not signed in comes to the login and back to the same address", async () => {
  refusing("GET /users/me", 401, "not_authenticated", "Log in first.")
  refusing("GET /api/v1/system", 401, "not_authenticated", "Log in first.")
  const { user } = renderApp({ at: "/?tab=failed&entry=7#reconcile" })
  await user.type(await screen.findByLabelText("Username"), "alice")
  await user.type(screen.getByLabelText("Password"), "at-least-twelve-characters")
  answering("GET /users/me", example("GET /users/me"))
  answering("GET /api/v1/system", example("GET /api/v1/system"))
  await user.click(screen.getByRole("button", { name: "Sign in" }))
  await screen.findByRole("heading", { name: "Reconcile" })
  expect(window.location.search + window.location.hash).toBe("?tab=failed&entry=7#reconcile")
})

test("the login says what is wrong and keeps the user name", async () => {
  refusing("POST /token", 401, "bad_credentials", "User name or password is wrong.")
  const { user } = renderApp({ at: "/login" })
  await user.click(await screen.findByRole("button", { name: "Sign in" }))
  expect(screen.getByText("Type your username.")).toBeInTheDocument()
  await user.type(screen.getByLabelText("Username"), "alice")
  await user.type(screen.getByLabelText("Password"), "wrong{Enter}")
  expect(await screen.findByText("Username or password is wrong.")).toBeInTheDocument()
  expect(screen.getByLabelText("Username")).toHaveValue("alice")
  refusing("POST /token", 429, "login_throttled", "Too many.", { "Retry-After": "90" })
  await user.type(screen.getByLabelText("Password"), "wrong{Enter}")
  const [aloud, shown] = await screen.findAllByText(/Try again in 1.m.30.s/)
  expect(shown).toHaveAttribute("aria-hidden", "true")
  await waitFor(() => expect(shown).toHaveTextContent(/in 1.m.29.s/), { timeout: 3_000 })
  expect(aloud).toHaveTextContent(/in 1.m.30.s/)
})

test.each([
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["/login?next=/", "/"],
  ["/?entry=3#reconcile", "/?entry=3#reconcile"],
  [null, "/"],
])("after the login %s leads to %s", (given, to) => {
  expect(safeReturn(given)).toBe(to)
})

function Writable() {
  const { reason } = useWritable("admin")
  const stopping = useWritable("admin", { whenBroken: true })
  return (
    <>
      <Button disabledReason={reason}>Save</Button>
      <Button disabledReason={stopping.reason}>Stop</Button>
    </>
  )
}

test("a broken chain turns off what writes, with the reason, and leaves what stops", async () => {
  const { user, client } = renderWithApp(<Writable />)
  expect(await screen.findByRole("button", { name: "Save" })).not.toHaveAttribute("aria-disabled")
  const verified = { ok: false, checked_from: 1, checked_to: 40, head_digest: "", at: "" }
  act(() => client.setQueryData(keys.chain(), { ...verified, first_bad_position: 12 }))
  const save = () => screen.getByRole("button", { name: "Save" })
  await waitFor(() => expect(save()).toHaveAttribute("aria-disabled", "true"))
  expect(screen.getByRole("button", { name: "Stop" })).not.toHaveAttribute("aria-disabled")
  await user.hover(save())
  expect((await screen.findAllByText(/broken at event 12: writing pauses/)).length).toBeGreaterThan(
    0,
  )
})

test("commands are off in the past and for a lesser role, and say why", async () => {
  const first = renderWithApp(<Writable />, { at: "/?as_of=2026-11-02T08:00:00Z" })
  const save = await screen.findByRole("button", { name: "Save" })
  expect(save).toHaveAttribute("aria-disabled", "true")
  await first.user.hover(save)
  expect((await screen.findAllByText(/This is the past/)).length).toBeGreaterThan(0)
  first.unmount()
  renderWithApp(<Writable />, { role: "operator" })
  expect(await screen.findByRole("button", { name: "Save" })).toHaveAttribute(
    "aria-disabled",
    "true",
  )
})

test("the past is asked for in the past, and the stream rests", async () => {
  const asked = answering("GET /api/v1/sync/kpi", example("GET /api/v1/sync/kpi"))
  renderApp({ at: "/?as_of=position:12" })
  await screen.findByText(/Read only/)
  await waitFor(() => expect(asked[0]?.url.searchParams.get("as_of")).toBe("position:12"))
  expect(document.documentElement.dataset.paper).toBe("archive")
  expect(FakeEventSource.all.every((one) => one.readyState === 2)).toBe(true)
})

test("what the stream names is read anew", async () => {
  const asked = answering("GET /api/v1/sync/kpi", example("GET /api/v1/sync/kpi"))
  renderApp()
  await screen.findByText("Chain verified")
  const before = asked.length
  act(() => {
    FakeEventSource.last.opens()
    FakeEventSource.last.send("head", 200, { touched: ["kpi"] })
  })
  await waitFor(() => expect(asked.length).toBe(before + 1))
})

function Traveller() {
  const { asOf, travel, backToLive } = useMoment()
  useRead(kpi())
  return (
    <>
      <button type="button" onClick={() => travel("position:12")}>
        Past
      </button>
      {asOf !== null && (
        <button type="button" onClick={backToLive}>
          Live
        </button>
      )}
    </>
  )
}

test("back from the past the stream goes on where it was, and the present is asked for anew", async () => {
  const asked = answering("GET /api/v1/sync/kpi", example("GET /api/v1/sync/kpi"))
  const { user } = renderWithApp(<Traveller />)
  const past = await screen.findByRole("button", { name: "Past" })
  await waitFor(() => expect(asked).toHaveLength(1))
  const before = FakeEventSource.last
  act(() => {
    before.opens()
    before.send("head", 41, { touched: [] })
  })
  await user.click(past)
  expect(before.readyState).toBe(2)
  await waitFor(() => expect(asked).toHaveLength(2))
  await user.click(await screen.findByRole("button", { name: "Live" }))
  await waitFor(() => expect(FakeEventSource.last.url).toContain("after=41"))
  await waitFor(() => expect(asked).toHaveLength(3))
  expect(asked[2]?.url.searchParams.has("as_of")).toBe(false)
})

function Runner() {
  const command = useCommand({
    send: (body: { dry_run: boolean }, { idempotencyKey }) =>
      post("/api/v1/sync/run", { body, idempotencyKey }),
  })
  return (
    <>
      <Button busy={command.isPending} onClick={() => command.mutate({ dry_run: true })}>
        Go
      </Button>
      <p>{command.error?.sentence}</p>
    </>
  )
}

test("a command that failed is repeated with the same key, a new one gets its own", async () => {
  const refused = refusing("POST /api/v1/sync/run", 503, "not_ready", "Not ready.")
  const { user } = renderWithApp(<Runner />)
  await user.click(await screen.findByRole("button", { name: "Go" }))
  await screen.findByText("Not ready.")
  await user.click(screen.getByRole("button", { name: "Go" }))
  await waitFor(() => expect(refused).toHaveLength(2))
  const key = (index: number, list = refused) => list[index]?.headers.get("idempotency-key")
  expect(key(0)).toBe(key(1))
  const done = answering("POST /api/v1/sync/run", {})
  await user.click(screen.getByRole("button", { name: "Go" }))
  await waitFor(() => expect(done).toHaveLength(1))
  await user.click(screen.getByRole("button", { name: "Go" }))
  await waitFor(() => expect(done).toHaveLength(2))
  expect(key(0, done)).toBe(key(0))
  expect(key(1, done)).not.toBe(key(0))
})

function ByState() {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button
        type="button"
        onFocus={() => {}}
        onKeyDown={(event) => event.key === "o" && setOpen(true)}
      >
        Row
      </button>
      <Dialog open={open} onOpenChange={setOpen} title="Entry">
        Content
      </Dialog>
    </>
  )
}

test("a dialog opened by state gives the focus back", async () => {
  const { user } = renderWithApp(<ByState />)
  const row = await screen.findByRole("button", { name: "Row" })
  row.focus()
  await user.keyboard("o")
  expect(await screen.findByRole("dialog", { name: "Entry" })).toHaveFocus()
  await user.keyboard("{Escape}")
  await waitFor(() => expect(row).toHaveFocus())
})

test("single keys work outside fields only, and can be turned off", async () => {
  const { user } = renderApp()
  await screen.findByText("Chain verified")
  await user.keyboard("gm")
  await waitFor(() => expect(window.location.hash).toBe("#mappings"))
  await user.keyboard("?")
  await screen.findByRole("dialog", { name: "Keyboard shortcuts" })
  await user.click(screen.getByRole("switch", { name: /Single-key/ }))
  await user.keyboard("{Escape}")
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument())
  await user.keyboard("ga")
  expect(window.location.hash).toBe("#mappings")
})

test("over the page its single keys rest, those with Ctrl work", async () => {
  const begun = answering("POST /api/v1/sync/run", {})
  const { user } = renderApp()
  await screen.findByText("Chain verified")
  await user.keyboard("?")
  await screen.findByRole("dialog", { name: "Keyboard shortcuts" })
  await user.keyboard("r")
  await user.keyboard("gm")
  expect(begun).toHaveLength(0)
  expect(window.location.hash).not.toBe("#mappings")
  await user.keyboard("{Control>}k{/Control}")
  expect(await screen.findByPlaceholderText(/Type a command/)).toBeInTheDocument()
})

function TwoLayers({ told }: { told: (key: string) => void }) {
  const [open, setOpen] = useState(false)
  const key = (keys: string, label: string) => ({
    keys,
    label,
    group: "Rows" as const,
    run: () => told(label),
  })
  useShortcuts([key("z", "page"), key("u", "page"), key("Mod+Enter", "page")])
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Row
      </button>
      <Dialog open={open} onOpenChange={setOpen} title="Entry">
        <LayerKeys shortcuts={[key("z", "dialog")]} />
      </Dialog>
    </>
  )
}

test("an open dialog has its own keys, and the page has its again once it is closed", async () => {
  const told: string[] = []
  const { user } = renderWithApp(<TwoLayers told={(key) => told.push(key)} />)
  await user.click(await screen.findByRole("button", { name: "Row" }))
  await screen.findByRole("dialog", { name: "Entry" })
  await user.keyboard("zu{Control>}{Enter}{/Control}")
  expect(told).toEqual(["dialog"])
  await user.keyboard("{Escape}")
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument())
  await user.keyboard("zu")
  expect(told).toEqual(["dialog", "page", "page"])
})
