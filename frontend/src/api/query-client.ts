import { QueryClient } from "@tanstack/react-query"
import { ApiError } from "./errors"

const TRIES = 3
const LONGEST_WAIT = 10_000 // ms

/** Reads that may recover are tried again, with the wait the service asks for; commands never. */
export function createQueryClient({ patient = true } = {}): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The service may be on this machine or in the house: without the internet it is asked all
        // the same, and what cannot be reached says so instead of loading for ever.
        networkMode: "always",
        staleTime: 30_000, // the stream says sooner when something changed
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: true,
        retry: (count, error) =>
          patient && count < TRIES && (!(error instanceof ApiError) || error.willRecover),
        retryDelay: (count, error) => {
          const asked = error instanceof ApiError ? error.retryAfter : null
          return Math.min(asked === null ? 500 * 2 ** count : asked * 1000, LONGEST_WAIT)
        },
      },
      mutations: { networkMode: "always", retry: false },
    },
  })
}
