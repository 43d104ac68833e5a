import { type AxiosError, isAxiosError } from "axios"
import type { components } from "./schema.gen"

export type Problem = components["schemas"]["Problem"]

/** What a failed request is to the page: one sentence for a person, one code for the program. */
export class ApiError extends Error {
  override readonly name = "ApiError"
  constructor(
    /** Stable word of the contract, section 3; `offline` and `unreadable` are the client's own. */
    readonly code: string,
    /** The service's sentence; says what happened and, where it can, what to do. */
    readonly sentence: string,
    readonly status: number,
    readonly problem: Partial<Problem> & Record<string, unknown> = {},
    /** Seconds the service asks to wait (429, 503). */
    readonly retryAfter: number | null = null,
  ) {
    super(sentence)
  }

  /** Whether asking again later may help without anybody doing something. */
  get willRecover(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502
  }

  /** The sentence for one field of a form, by its last name in `loc`. */
  field(name: string): string | undefined {
    const errors = this.problem.errors
    if (!Array.isArray(errors)) return undefined
    return errors.find((one) => one.loc.at(-1) === name)?.msg
  }

  get requestId(): string | undefined {
    return typeof this.problem.request_id === "string" ? this.problem.request_id : undefined
  }
}

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (!isAxiosError(error)) {
    return new ApiError("unreadable", error instanceof Error ? error.message : String(error), 0)
  }
  const { response } = error as AxiosError<unknown>
  if (response === undefined) {
    return new ApiError("offline", "The service cannot be reached. Check the connection.", 0)
  }
  const waiting = Number(response.headers["retry-after"])
  const retryAfter = Number.isFinite(waiting) && waiting > 0 ? waiting : null
  const body = response.data
  if (isProblem(body)) {
    return new ApiError(body.code, body.detail, response.status, { ...body }, retryAfter)
  }
  const text = `The service answered ${response.status} without saying why.`
  return new ApiError("unreadable", text, response.status, {}, retryAfter)
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === "object" &&
    body !== null &&
    typeof (body as Problem).detail === "string" &&
    typeof (body as Problem).code === "string"
  )
}
