/**
 * A long list, read page by page as it comes into sight. Every row has its place from the
 * beginning; what is not read yet is a gap. Only pages in sight are asked for again when the
 * stream says that something changed, the others when they are looked at.
 */
import {
  type QueryClient,
  type UseQueryResult,
  useQueries,
  useQueryClient,
} from "@tanstack/react-query"
import { useCallback, useMemo, useRef, useState } from "react"
import { reads } from "@/api/client"
import type { ApiError } from "@/api/errors"
import { useMoment } from "@/app/time-machine"
import type { Line, Names } from "./model"
import { PAGE, type Page, type Segment } from "./reads"

export type Slot = { gap: true; key: string } | Line
export function isLine(slot: Slot | undefined): slot is Line {
  return slot !== undefined && !("gap" in slot)
}

/** Where an entry stands in the list; -1 where it does not, or is not read yet. */
export function placeOf(slots: readonly Slot[], entryId: number): number {
  return slots.findIndex((one) => isLine(one) && one.entryId === entryId)
}

export type Loaded = { slots: readonly Slot[] }
export type List = Loaded & {
  /** The list as one query, for `QueryState`. */
  query: UseQueryResult<Loaded, ApiError>
  /** Rows in sight, by their index. */
  onRange: (first: number, last: number) => void
  /** A row that is open, in sight or not: its neighbours are read, too. */
  onNear: (index: number | null) => void
}

type Query = {
  queryKey: readonly unknown[]
  queryFn: (context: { signal?: AbortSignal }) => Promise<Page>
  staleTime?: number
}

function query(client: QueryClient, segment: Segment, page: number, asOf: string | null): Query {
  const key = segment.key(page)
  return {
    queryKey: asOf ? [...key, { as_of: asOf }] : key,
    queryFn: async ({ signal }) => {
      let cursor: string | null = null
      if (segment.chained && page > 0) {
        const before = await client.ensureQueryData<Page>(query(client, segment, page - 1, asOf))
        cursor = before.next
        if (cursor === null) return { items: [], total: before.total, next: null }
      }
      return await segment.fetch(reads({ signal, asOf }), page, cursor)
    },
    ...(asOf ? { staleTime: Number.POSITIVE_INFINITY } : {}),
  }
}

export function usePages(segments: readonly Segment[], names: Names | undefined): List {
  const client = useQueryClient()
  const { asOf } = useMoment()
  const [seen, setSeen] = useState({ from: 0, to: 0 }) // in hundreds of rows
  const onRange = useCallback((first: number, last: number) => {
    const [from, to] = [Math.floor(first / PAGE), Math.floor(last / PAGE)]
    setSeen((was) => (was.from === from && was.to === to ? was : { from, to }))
  }, [])
  const [near, onNear] = useState<number | null>(null)

  const firsts = useQueries({
    queries: segments.map((segment) => query(client, segment, 0, asOf)),
  })
  const lengths = firsts.map((one) => one.data?.total ?? 0)
  const wanted: { segment: number; page: number }[] = []
  let start = 0
  for (const [index, length] of lengths.entries()) {
    for (let page = 1; page * PAGE < length; page += 1) {
      const [top, bottom] = [start + page * PAGE, start + (page + 1) * PAGE]
      const inSight = bottom > seen.from * PAGE && top < (seen.to + 1) * PAGE
      const beside = near !== null && bottom > near - 1 && top <= near + 1
      if (inSight || beside) wanted.push({ segment: index, page })
    }
    start += length
  }
  const others = useQueries({
    queries: wanted.flatMap(({ segment, page }) => {
      const found = segments[segment]
      return found ? [query(client, found, page, asOf)] : []
    }),
  })

  const every = [...firsts, ...others]
  const ready = names !== undefined && firsts.every((one) => one.data !== undefined)
  const changed = every.map((one) => one.dataUpdatedAt).join()
  const kept = useRef<Loaded | null>(null)
  const made = useMemo(() => ({ names, lines: new WeakMap<object, Line>() }), [names])
  // biome-ignore lint/correctness/useExhaustiveDependencies: `changed` says when the cache did
  const now = useMemo(() => {
    if (!ready || made.names === undefined) return null
    const slots: Slot[] = []
    const there = new Set<string>()
    for (const [index, segment] of segments.entries()) {
      const begin = slots.length
      const length = firsts[index]?.data?.total ?? 0
      for (let page = 0; page * PAGE < length; page += 1) {
        const data = client.getQueryData<Page>(query(client, segment, page, asOf).queryKey)
        const until = Math.min(length, (page + 1) * PAGE)
        for (const item of data?.items ?? []) {
          if (slots.length - begin >= until) break
          let line = made.lines.get(item)
          if (line === undefined) {
            line = segment.line(item as never, made.names)
            made.lines.set(item, line)
          }
          // A row that moved while pages were read one after the other stands once.
          if (there.has(line.key)) slots.push({ gap: true, key: `gap-${slots.length}` })
          else slots.push(line)
          there.add(line.key)
        }
        while (slots.length - begin < until) slots.push({ gap: true, key: `gap-${slots.length}` })
      }
    }
    return { slots }
  }, [ready, made, segments, asOf, changed, client])
  if (now !== null) kept.current = now
  const failed = every.find((one) => one.isError)
  const shown = now ?? kept.current
  return {
    slots: shown?.slots ?? NONE,
    // What `QueryState` looks at; the pages stay queries of their own.
    query: {
      data: shown ?? undefined,
      isPending: shown === null && failed === undefined,
      isPlaceholderData: now === null && shown !== null,
      isError: failed !== undefined,
      error: failed?.error ?? null,
      errorUpdatedAt: failed?.errorUpdatedAt ?? 0,
      dataUpdatedAt: Math.max(0, ...every.map((one) => one.dataUpdatedAt)),
      isFetching: every.some((one) => one.isFetching),
      refetch: () => Promise.all(every.filter((one) => one.isError).map((one) => one.refetch())),
    } as unknown as UseQueryResult<Loaded, ApiError>,
    onRange,
    onNear,
  }
}

const NONE: readonly Slot[] = []
