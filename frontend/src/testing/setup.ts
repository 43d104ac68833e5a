import "@testing-library/jest-dom/vitest"
import { cleanup, configure } from "@testing-library/react"
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest"
import { FakeEventSource } from "./event-source"
import { server } from "./server"

configure({ asyncUtilTimeout: 5_000 }) // lazily loaded sections on a busy machine

// What jsdom does not have and the page uses.
class NothingResizes implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
Object.assign(globalThis, { ResizeObserver: NothingResizes, EventSource: FakeEventSource })
Object.assign(Element.prototype, {
  scrollIntoView() {},
  hasPointerCapture: () => false,
  setPointerCapture() {},
  releasePointerCapture() {},
})
window.matchMedia = (query) =>
  Object.assign(new EventTarget(), {
    matches: false,
    media: query,
    onchange: null,
    addListener() {},
    removeListener() {},
  }) as MediaQueryList

beforeAll(() => server.listen({ onUnhandledRequest: "error" }))
beforeEach(() => {
  FakeEventSource.all = []
  window.history.replaceState(null, "", "/")
  localStorage.clear()
})
afterEach(() => {
  cleanup()
  server.resetHandlers()
})
afterAll(() => server.close())
