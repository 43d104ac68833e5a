/** The demo's three systems, spoken to as other programs do: for what happens behind the page. */
import { createHmac, randomUUID } from "node:crypto"
import { inject } from "vitest"
import type { Demo } from "./house"

type Call = <T = unknown>(method: string, path: string, body?: unknown) => Promise<T>
export type Systems = { service: Call; zammad: Call; kimai: Call }

function calling(url: string, authorization: string): Call {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(url + path, {
      method,
      headers: { Authorization: authorization, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${url}${path}: ${answer.status} ${text}`)
    return (text === "" ? undefined : JSON.parse(text)) as T
  }
}

/** The demo of this worker. */
export function ourDemo(): Demo {
  const demo = inject("demos")[Number(process.env.VITEST_POOL_ID) - 1]
  if (demo === undefined) throw new Error("There are more workers than demos.")
  return demo
}

export async function speaking(demo: Demo = ourDemo()): Promise<Systems> {
  const login = await fetch(`${demo.url}/token`, {
    method: "POST",
    body: new URLSearchParams({ username: demo.username, password: demo.password }),
  })
  if (!login.ok) throw new Error(`The demo refuses its own login: ${login.status}`)
  const { access_token } = (await login.json()) as { access_token: string }
  return {
    service: calling(demo.url, `Bearer ${access_token}`),
    zammad: calling(demo.zammad_url, `Token token=${demo.zammad_token}`),
    kimai: calling(demo.kimai_url, `Bearer ${demo.kimai_token}`),
  }
}

/** Time booked in Zammad by whom the token belongs to; its id there. */
export async function book(
  { zammad }: Systems,
  ticket: number,
  minutes: number,
  type: number | null,
): Promise<number> {
  const path = `/api/v1/tickets/${ticket}/time_accountings`
  const body = { time_unit: String(minutes), type_id: type }
  return (await zammad<{ id: number }>("POST", path, body)).id
}

/** The number of an activity type by its name. */
export async function typeCalled({ zammad }: Systems, name: string): Promise<number> {
  const types = await zammad<{ id: number; name: string }[]>("GET", "/api/v1/time_accounting/types")
  const found = types.find((one) => one.name === name)
  if (found === undefined) throw new Error(`Zammad has no activity type ${name}.`)
  return found.id
}

/** Settings of the connector to Zammad, as an administrator changes them. */
export async function setZammadUp({ service }: Systems, settings: object): Promise<void> {
  const rows = await service<{ id: number; type: string }[]>("GET", "/api/v1/connectors")
  const desk = rows.find((one) => one.type === "zammad")
  await service("PATCH", `/api/v1/connectors/${desk?.id}`, { settings })
}

/** What Zammad's trigger sends of a ticket; the status that the service answers with. */
export async function delivered(
  { url, webhook_secret }: Demo,
  ticket: number,
  secret = webhook_secret,
): Promise<number> {
  const body = JSON.stringify({ ticket: { id: ticket }, article: { id: ticket } })
  const answer = await fetch(`${url}/api/v1/webhook/zammad`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-Hub-Signature": `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`,
      "X-Zammad-Delivery": randomUUID(),
      "X-Zammad-Trigger": "Timeledger",
    },
    body,
  })
  return answer.status
}
