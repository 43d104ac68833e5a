import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { FakeEventSource } from "@/testing/event-source"
import { LiveStream } from "./stream"

const told = { stale: [] as unknown[], resync: 0, refused: 0 }
let stream: LiveStream
beforeEach(() => {
  vi.useFakeTimers()
  Object.assign(told, { stale: [], resync: 0, refused: 0 })
  stream = new LiveStream({
    onStale: (keys) => told.stale.push(keys),
    onResync: () => {
      told.resync += 1
    },
    onRefused: () => {
      told.refused += 1
    },
  })
  stream.start()
  FakeEventSource.last.opens()
})
afterEach(() => {
  stream.stop()
  vi.useRealTimers()
})

test("a burst is one invalidation in 250 ms, each key once", () => {
  for (let position = 1; position <= 50; position += 1) {
    FakeEventSource.last.send("head", position, { touched: ["kpi", "syncRuns"] })
  }
  expect(told.stale).toEqual([])
  vi.advanceTimersByTime(250)
  expect(told.stale).toEqual([[["kpi"], ["syncRuns"]]])
})

test("a lost connection resumes behind the last position and says since when it is offline", () => {
  FakeEventSource.last.send("head", 41, { touched: [] })
  FakeEventSource.last.breaks()
  expect(stream.state().is).toBe("reconnecting")
  vi.advanceTimersByTime(1_000)
  expect(FakeEventSource.last.url).toContain("after=41")
  FakeEventSource.last.breaks()
  vi.advanceTimersByTime(9_000)
  expect(stream.state().is).toBe("offline")
  vi.advanceTimersByTime(15_000)
  FakeEventSource.last.opens()
  expect(stream.state().is).toBe("live")
})

test("too far behind: everything is stale", () => {
  FakeEventSource.last.send("head", 20_000, { resync: true })
  expect(told.resync).toBe(1)
})

test("a refused stream is told, so that the session is looked at", () => {
  FakeEventSource.last.breaks({ refused: true })
  expect(told.refused).toBe(1)
})

test("paused for the time machine: closed, and catches up from where it was", () => {
  FakeEventSource.last.send("head", 7, { touched: ["kpi"] })
  stream.pause()
  vi.advanceTimersByTime(60_000)
  expect(told.stale).toEqual([])
  expect(FakeEventSource.all).toHaveLength(1)
  stream.start()
  expect(FakeEventSource.last.url).toContain("after=7")
})

test("half a frame changes nothing", () => {
  FakeEventSource.last.dispatchEvent(new MessageEvent("head", { data: '{"touch' }))
  vi.advanceTimersByTime(300)
  expect(told.stale).toEqual([])
})

test("a cut line is known at once, and so is that it is back; a stream that rests stays closed", () => {
  stream.cut()
  expect(stream.state().is).toBe("reconnecting")
  stream.again()
  expect(FakeEventSource.all).toHaveLength(2)
  FakeEventSource.last.opens()
  expect(stream.state().is).toBe("live")
  stream.again() // it is open: nothing to do
  stream.pause()
  stream.cut()
  stream.again()
  vi.advanceTimersByTime(60_000)
  expect(FakeEventSource.all).toHaveLength(2)
  expect(stream.state().is).toBe("paused")
})
