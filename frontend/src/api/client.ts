/**
 * The only place that speaks HTTP. Paths, parameters, bodies and answers are typed by the
 * service's own OpenAPI document; what every request carries is added here and nowhere else.
 */
import axios, { type AxiosRequestConfig, type AxiosResponse } from "axios"
import { ApiError, toApiError } from "./errors"
import type { paths } from "./schema.gen"

type Method = "get" | "post" | "put" | "patch" | "delete"
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never
}[keyof paths]
type Operation<P extends keyof paths, M extends Method> =
  paths[P] extends Record<M, infer O> ? O : never
type Parameters<O> = O extends { parameters: infer R } ? R : never
type PathOptions<O> =
  Parameters<O> extends { path: infer R }
    ? { path: { [K in keyof R]: string | number } }
    : { path?: never }
export type QueryOf<P extends keyof paths, M extends Method = "get"> =
  Parameters<Operation<P, M>> extends { query?: infer R } ? NonNullable<R> : Record<string, never>
export type BodyOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: infer R }
    ? NonNullable<R> extends { content: infer C }
      ? C[keyof C]
      : undefined
    : undefined
type Content<R> = R extends { content: { "application/json": infer J } } ? J : never
export type AnswerOf<P extends keyof paths, M extends Method = "get"> =
  Operation<P, M> extends { responses: infer R } ? Content<R[keyof R & (200 | 201 | 202)]> : never

type GetOptions<P extends PathOf<"get">> = PathOptions<Operation<P, "get">> & {
  query?: QueryOf<P>
}
type SendOptions<P extends keyof paths, M extends Method> = PathOptions<Operation<P, M>> & {
  query?: QueryOf<P, M>
  body?: BodyOf<P, M> | FormData
  /** Of the intent, not of the attempt: the same for every repetition (`useCommand` makes it). */
  idempotencyKey?: string
  /** The `version` the person saw; 409 `stale_version` when it has moved on. */
  ifMatch?: number
  /** Runs, plans and plan applies answer 202 at once. */
  respondAsync?: boolean
}

const http = axios.create({
  baseURL: import.meta.env.VITE_API_URL ?? "",
  withCredentials: true,
  timeout: 30_000, // the service itself answers within 25 s
  paramsSerializer: { indexes: null }, // state=a&state=b
})

/** What `X-Total-Count` said of a bare array; ask while fetching, the cache may keep another array. */
const totals = new WeakMap<readonly unknown[], number>()
export function totalOf(list: readonly unknown[]): number {
  return totals.get(list) ?? list.length
}

/** Told when a session has ended; the session turns it into the way to the login page. */
let onSignedOut: (error: ApiError) => void = () => {}
export function whenSignedOut(told: (error: ApiError) => void): void {
  onSignedOut = told
}

/** Position of the newest event this page caused; reads wait until the views hold it. */
let written = 0
let writtenAt = 0
const OWN_WRITES_FRESH = 30_000 // ms; a view that lags longer is not waited for
export function noteWritten(position: number, now = Date.now()): void {
  if (position > written) {
    written = position
    writtenAt = now
  }
}

http.interceptors.response.use(
  (response) => {
    const method = response.config.method ?? "get"
    const position = Number(response.headers["x-event-position"])
    if (method !== "get" && Number.isInteger(position)) noteWritten(position)
    const total = Number(response.headers["x-total-count"] ?? Number.NaN)
    if (Array.isArray(response.data) && Number.isInteger(total)) totals.set(response.data, total)
    return response
  },
  (error: unknown) => {
    if (axios.isCancel(error)) throw error
    const problem = toApiError(error)
    const url = axios.isAxiosError(error) ? (error.config?.url ?? "") : ""
    if (problem.status === 401 && url !== "/token") onSignedOut(problem)
    throw problem
  },
)

/** Bound to the instant a page shows: `get` of the time machine asks for that instant. */
export type Get = <P extends PathOf<"get">>(
  path: P,
  ...options: Parameters<Operation<P, "get">> extends { path: unknown }
    ? [GetOptions<P>]
    : [GetOptions<P>?]
) => Promise<AnswerOf<P>>

export type Asked = { signal?: AbortSignal; asOf?: string | null }

/** Reads of one moment: `reads({ asOf })` adds `as_of` to every GET made with it. */
export function reads({ signal, asOf }: Asked = {}): Get {
  return async (path, ...rest) => {
    const options = rest[0] as
      | { path?: Record<string, string | number>; query?: object }
      | undefined
    const config: AxiosRequestConfig = {
      signal,
      params: { ...options?.query, ...(asOf ? { as_of: asOf } : {}) },
      headers:
        !asOf && written > 0 && Date.now() - writtenAt < OWN_WRITES_FRESH
          ? { "X-Min-Position": String(written) }
          : {},
    }
    return (await http.get(filled(path, options?.path), config)).data
  }
}

export const get: Get = reads()

type Send<M extends Method> = <P extends PathOf<M>>(
  path: P,
  ...options: Parameters<Operation<P, M>> extends { path: unknown }
    ? [SendOptions<P, M>]
    : [SendOptions<P, M>?]
) => Promise<AnswerOf<P, M>>

function sender<M extends Exclude<Method, "get">>(method: M): Send<M> {
  return async (path, ...rest) => {
    const options = rest[0] as
      | {
          path?: Record<string, string | number>
          query?: object
          body?: unknown
          idempotencyKey?: string
          ifMatch?: number
          respondAsync?: boolean
        }
      | undefined
    const headers: Record<string, string> = {}
    if (options?.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey
    if (options?.ifMatch !== undefined) headers["If-Match"] = `"${options.ifMatch}"`
    if (options?.respondAsync) headers.Prefer = "respond-async"
    const answer: AxiosResponse = await http.request({
      method,
      url: filled(path, options?.path),
      params: options?.query,
      data: options?.body,
      headers,
    })
    return answer.data
  }
}

export const post = sender("post")
export const put = sender("put")
export const patch = sender("patch")
export const del = sender("delete")

/** Log in; the cookie is set by the answer and no token is kept in the page. */
export async function signIn(username: string, password: string): Promise<void> {
  await http.post("/token", new URLSearchParams({ username, password }))
}

/** The address of a file to download (exports), for an `<a href download>`. */
export function fileUrl<P extends PathOf<"get">>(
  path: P,
  query: Record<string, unknown> = {},
): string {
  return http.getUri({ url: path, params: query })
}

/** Where the event stream is; the stream itself is in ./stream.ts. */
export function streamUrl(after: number | null): string {
  return http.getUri({ url: "/api/v1/stream", params: after === null ? {} : { after } })
}

function filled(path: string, values: Record<string, string | number> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new ApiError("unreadable", `${path} needs ${name}.`, 0)
    return encodeURIComponent(String(value))
  })
}
