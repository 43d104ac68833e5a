/** How a section reads and how it acts: `useRead`, `useReadOn` and `useCommand`, nothing else. */
import {
  type InfiniteData,
  keepPreviousData,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query"
import { useRef } from "react"
import { useMoment } from "@/app/time-machine"
import { type Get, reads } from "./client"
import { type ApiError, toApiError } from "./errors"

export type Read<T> = {
  key: QueryKey
  fetch: (get: Get) => Promise<T>
  /** Ask again after so many ms even without a word from the stream. */
  every?: number
  staleTime?: number
}
type ReadOptions = {
  enabled?: boolean
  /** `now` reads the present also while the time machine is open ("Compare with now"). */
  at?: "shown" | "now"
}

/** A query of the moment the page shows; earlier data stays while another page or moment loads. */
export function useRead<T>(read: Read<T>, options: ReadOptions = {}): UseQueryResult<T, ApiError> {
  const { asOf } = useMoment()
  const moment = options.at === "now" ? null : asOf
  return useQuery<T, ApiError>({
    queryKey: moment ? [...read.key, { as_of: moment }] : read.key,
    queryFn: ({ signal }) => read.fetch(reads({ signal, asOf: moment })),
    enabled: options.enabled ?? true,
    placeholderData: keepPreviousData as never,
    refetchInterval: moment ? false : (read.every ?? false),
    ...(moment ? { staleTime: Number.POSITIVE_INFINITY } : {}),
    ...(!moment && read.staleTime !== undefined ? { staleTime: read.staleTime } : {}),
  })
}

export type ReadOn<T> = {
  key: QueryKey
  /** The part that begins at `place`. */
  fetch: (get: Get, place: number) => Promise<T>
  first: number
  /** Where the next part begins, null after the last one. */
  next: (part: T) => number | null
  staleTime: number
}

/** A query of many parts, each read when it is asked for (`fetchNextPage`). */
export function useReadOn<T>(read: ReadOn<T>): UseInfiniteQueryResult<InfiniteData<T>, ApiError> {
  const { asOf } = useMoment()
  return useInfiniteQuery<T, ApiError, InfiniteData<T>, QueryKey, number>({
    queryKey: asOf ? [...read.key, { as_of: asOf }] : read.key,
    queryFn: ({ signal, pageParam }) => read.fetch(reads({ signal, asOf }), pageParam),
    initialPageParam: read.first,
    getNextPageParam: read.next,
    placeholderData: keepPreviousData as never,
    staleTime: read.staleTime,
  })
}

type Command<V, T> = {
  /** Send it with this key; a repetition after a failure carries the same one. */
  send: (input: V, intent: { idempotencyKey: string }) => Promise<T>
  /** `stale.*` of ./keys; marked stale when it succeeded, and after a 409 too. */
  stale?: QueryKey[]
  onDone?: (answer: T, input: V) => void
  onFailed?: (error: ApiError, input: V) => void
}

/**
 * A command. Never repeated by itself: a write whose answer was lost is repeated by the person,
 * with the same idempotency key as long as the input is the same.
 */
export function useCommand<V = void, T = unknown>(command: Command<V, T>) {
  const client = useQueryClient()
  const intent = useRef<{ of: string; key: string } | null>(null)
  return useMutation<T, ApiError, V>({
    retry: false,
    mutationFn: async (input) => {
      const of = JSON.stringify(input) ?? ""
      if (intent.current?.of !== of) intent.current = { of, key: crypto.randomUUID() }
      try {
        return await command.send(input, { idempotencyKey: intent.current.key })
      } catch (error) {
        throw toApiError(error)
      }
    },
    onSuccess: (answer, input) => {
      intent.current = null
      for (const queryKey of command.stale ?? []) void client.invalidateQueries({ queryKey })
      command.onDone?.(answer, input)
    },
    onError: (error, input) => {
      if (error.status === 409) {
        intent.current = null // it was decided otherwise, or nobody knows: the next one is another
        for (const queryKey of command.stale ?? []) void client.invalidateQueries({ queryKey })
      }
      command.onFailed?.(error, input)
    },
  })
}
