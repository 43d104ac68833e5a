import { afterEach, expect, test, vi } from "vitest"
import { patiently } from "./lazily"

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const lost = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"))

test("what could not be fetched offline is fetched once the line is back", async () => {
  const onLine = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false)
  const load = vi.fn().mockImplementationOnce(lost).mockResolvedValue("there")
  const got = patiently(load)
  await Promise.resolve()
  await Promise.resolve()
  expect(load).toHaveBeenCalledTimes(1)
  onLine.mockReturnValue(true)
  window.dispatchEvent(new Event("online"))
  expect(await got).toBe("there")
})

test("on a line that holds it is tried a second time, then the failure is told", async () => {
  vi.useFakeTimers()
  const load = vi.fn().mockImplementation(lost)
  const got = patiently(load).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await got).toBeInstanceOf(TypeError)
  expect(load).toHaveBeenCalledTimes(2)
})
