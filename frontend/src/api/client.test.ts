import { expect, test } from "vitest"
import { answering, example, refusing } from "@/testing/server"
import { get, noteWritten, post, reads } from "./client"
import { ApiError, toApiError } from "./errors"

test("a refusal becomes its sentence and code", async () => {
  refusing("POST /api/v1/sync/run", 409, "run_active", "Run 118 is under way.")
  const error = await post("/api/v1/sync/run", { body: {} }).catch(toApiError)
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({
    code: "run_active",
    sentence: "Run 118 is under way.",
    status: 409,
  })
})

test("an answer that is no problem is said as such", async () => {
  answering("GET /api/v1/system", "<html>", 502)
  await expect(get("/api/v1/system")).rejects.toMatchObject({
    code: "unreadable",
    willRecover: true,
  })
})

test("a command carries its key and the version that was seen", async () => {
  const asked = answering("PATCH /api/v1/mappings/{mapping_id}", {}, 200)
  const { patch } = await import("./client")
  await patch("/api/v1/mappings/{mapping_id}", {
    path: { mapping_id: 7 },
    body: { billable: true },
    idempotencyKey: "intent-1",
    ifMatch: 3,
  })
  expect(asked[0]?.headers.get("idempotency-key")).toBe("intent-1")
  expect(asked[0]?.headers.get("if-match")).toBe('"3"')
  expect(asked[0]?.body).toEqual({ billable: true })
})

test("reads wait for what this page wrote; reads of the past ask for their moment instead", async () => {
  const asked = answering("GET /api/v1/sync/kpi", example("GET /api/v1/sync/kpi"))
  answering("POST /api/v1/sync/run", {}, 200, { "X-Event-Position": "4711" })
  await post("/api/v1/sync/run", { body: {} })
  await get("/api/v1/sync/kpi", { query: { range: "30d" } })
  await reads({ asOf: "position:12" })("/api/v1/sync/kpi")
  expect(asked[0]?.headers.get("x-min-position")).toBe("4711")
  expect(asked[0]?.url.search).toBe("?range=30d")
  expect(asked[1]?.url.searchParams.get("as_of")).toBe("position:12")
  expect(asked[1]?.headers.get("x-min-position")).toBeNull()
  noteWritten(0)
})
