import { useRead } from "@/api/hooks"
import type { Connector } from "@/api/shapes"
import { connectors } from "@/app/reads"
import { useMoment } from "@/app/time-machine"
import type { Kind, Noun, SourceKind } from "./model"
import { type Choice, peerList } from "./reads"

export type PeerState = {
  /** As a sentence needs it: Zammad, Kimai. */
  system: string
  choices: readonly Choice[] | undefined
  loading: boolean
  /** Why there is no list; undefined while there is one. */
  why: string | undefined
}

/** The two connected systems that are on. */
export function usePair(): { zammad?: Connector; kimai?: Connector; loading: boolean } {
  const { data, isPending } = useRead(connectors())
  const on = (type: Connector["type"]) => data?.find((one) => one.type === type && one.is_active)
  return { zammad: on("zammad"), kimai: on("kimai"), loading: isPending }
}

/** A list as a connected system has it now; of the past no system can be asked. */
export function usePeer(
  system: "Zammad" | "Kimai",
  connector: Connector | undefined,
  noun: Noun | null,
  wanted: boolean,
): PeerState {
  const { asOf } = useMoment()
  const enabled = wanted && asOf === null && connector !== undefined && noun !== null
  const query = useRead(peerList(connector?.id ?? 0, noun ?? "activities"), { enabled, at: "now" })
  if (noun === null) return { system, choices: undefined, loading: false, why: "" }
  if (connector === undefined) {
    const why = `No ${system} is connected.`
    return { system, choices: undefined, loading: false, why }
  }
  return {
    system,
    choices: enabled && !query.isError && !query.isPlaceholderData ? query.data : undefined,
    loading: enabled && query.isPending,
    why: query.isError ? query.error.sentence : undefined,
  }
}

/** Where the sources of a kind are listed in Zammad; customers are nowhere. */
export function sourceNoun(kind: Kind, of: SourceKind = "organization"): Noun | null {
  if (kind !== "projects") return kind
  return of === "organization" ? "customers" : of === "group" ? "projects" : null
}
