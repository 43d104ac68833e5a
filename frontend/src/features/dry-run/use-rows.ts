import { useInfiniteQuery } from "@tanstack/react-query"
import { get } from "@/api/client"
import type { ApiError } from "@/api/errors"
import { keys } from "@/api/keys"
import type { Plan } from "@/api/shapes"
import { type Action, PAGE, type Row } from "./reads"

type Place = { action: Action; cursor: string | null }

/** The rows of a plan, one kind of change after the other, page by page. */
export function useRows(plan: Plan | undefined, actions: readonly Action[], all: boolean) {
  const present = plan ? actions.filter((action) => plan.counts[action] > 0) : []
  const first = present[0]
  return useInfiniteQuery<
    { items: Row[]; next: Place | null },
    ApiError,
    Row[],
    readonly unknown[],
    Place
  >({
    queryKey: keys.own("planRows", plan?.plan_id, present.join()),
    enabled: plan !== undefined && plan.state !== "building" && first !== undefined,
    initialPageParam: { action: first ?? "create", cursor: null },
    queryFn: async ({ pageParam: { action, cursor } }) => {
      const page = await get("/api/v1/sync/plans/{plan_id}/rows", {
        path: { plan_id: plan?.plan_id ?? 0 },
        query: { action, limit: all ? 200 : PAGE, ...(cursor ? { cursor } : {}) },
      })
      const after = present[present.indexOf(action) + 1]
      const next = page.next_cursor
        ? { action, cursor: page.next_cursor }
        : after
          ? { action: after, cursor: null }
          : null
      return { items: page.items, next }
    },
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap((page) => page.items),
    staleTime: Number.POSITIVE_INFINITY, // a plan's rows do not change
  })
}
