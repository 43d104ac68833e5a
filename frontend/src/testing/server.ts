/**
 * The network of component tests: one handler for each route, answering what the real service
 * answered when its examples were recorded (`src/api/examples.json`). A test that needs another
 * answer says so with `answering(...)`.
 */
import { HttpResponse, http } from "msw"
import { setupServer } from "msw/node"
import recorded from "../../../src/api/examples.json"
import type { AnswerOf, PathOf } from "../api/client"

type Example = { status: number; answer?: unknown }
const examples = recorded as unknown as Record<string, Example>
const METHODS = {
  GET: http.get,
  POST: http.post,
  PUT: http.put,
  PATCH: http.patch,
  DELETE: http.delete,
}
type Method = keyof typeof METHODS

function pattern(path: string): string {
  return `*${path.replace(/\{(\w+)\}/g, ":$1")}`
}

function answer({ status, answer: body }: Example) {
  if (body === undefined) return new HttpResponse(null, { status })
  if (typeof body === "string") return new HttpResponse(body, { status })
  return HttpResponse.json(body as Record<string, unknown>, { status })
}

function fixed(key: string): number {
  return key.split(" ")[1]?.match(/\{/g)?.length ?? 0
}

// Routes without parameters first: `/sync/runs/export` before `/sync/runs/{run_id}`.
const handlers = Object.entries(examples)
  .sort(([one], [other]) => fixed(one) - fixed(other))
  .map(([key, example]) => {
    const [method, path] = key.split(" ") as [Method, string]
    return METHODS[method](pattern(path), () => answer(example))
  })

export const server = setupServer(...handlers)

/** The recorded answer of a route, to change a part of: `{ ...example("GET /api/v1/sync/kpi") }`. */
export function example<P extends PathOf<"get">>(key: `GET ${P}`): AnswerOf<P> {
  const found = examples[key]
  if (found === undefined) throw new Error(`There is no example of ${key}.`)
  return structuredClone(found.answer) as AnswerOf<P>
}

/** What was asked of a route since: method, query, headers and body of each request. */
export type Asked = { url: URL; headers: Headers; body: unknown }

/** For this test, a route answers this; returns the requests it gets, as they come. */
export function answering<P extends PathOf<"get">>(key: `GET ${P}`, body: AnswerOf<P>): Asked[]
export function answering(
  key: `${Method} /${string}`,
  body: unknown,
  status?: number,
  headers?: Record<string, string>,
): Asked[]
export function answering(
  key: string,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Asked[] {
  const [method, path] = key.split(" ") as [Method, string]
  const asked: Asked[] = []
  server.use(
    METHODS[method](pattern(path), async ({ request }) => {
      const text = await request.clone().text()
      let sent: unknown = text
      try {
        sent = JSON.parse(text)
      } catch {
        // a form or nothing
      }
      asked.push({ url: new URL(request.url), headers: request.headers, body: sent })
      if (body === undefined || status === 204) return new HttpResponse(null, { status, headers })
      return HttpResponse.json(body as Record<string, unknown>, { status, headers })
    }),
  )
  return asked
}

/** For this test, a route refuses as the service refuses: code and sentence. */
export function refusing(
  key: `${Method} /${string}`,
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Asked[] {
  return answering(key, { detail, code, errors: [], request_id: "test-request" }, status, headers)
}
