/** The counters and gauges of a node. */
import type { AntiEntropyStats } from '../upkeep/anti-entropy.ts'
import type { ReapingStats } from '../upkeep/reaper.ts'
import type { NodeCore } from './node-core.ts'

export type { AntiEntropyStats } from '../upkeep/anti-entropy.ts'
export type { ReapingStats } from '../upkeep/reaper.ts'

/** One plain, JSON-safe snapshot. Counters count from the creation of the node. */
export interface NodeStats {
  readonly id: string
  readonly epoch: number
  readonly members: { readonly alive: number; readonly suspect: number; readonly dead: number }
  readonly operations: {
    readonly puts: number
    readonly gets: number
    /** Pages that scans asked for. */
    readonly scanPages: number
    /** Puts that an owner coordinated for this node. */
    readonly forwarded: number
    /** Reads and writes of other nodes, which this one answered as a replica or coordinated. */
    readonly answered: number
    readonly failed: number
    /** Refused before any work: too much was under way, or the event loop lagged. */
    readonly refused: number
    /** Under way now. */
    readonly inFlight: number
    /** Reads that asked one replica more because one was slow. */
    readonly hedged: number
  }
  /** How late the event loop was when it was looked at last, milliseconds; 0 on a clock that cannot lag. */
  readonly eventLoopLagMs: number
  /** The change of owners that is under way, and what is left of earlier ones. */
  readonly transition: {
    /** Partitions that change owners; 0 when no change is under way. */
    readonly moving: number
    /** Partitions of which this node may lack something yet. */
    readonly lacking: number
    /** Records given back since the start, of partitions that others own. */
    readonly givenBack: number
  }
  readonly repair: {
    /** Replicas that were sent a newer record because of a read. */
    readonly reads: number
    /** Reads that found values expired, and ended them for all. What they sent counts among `reads` too. */
    readonly expired: number
    /** Records found damaged in this node's storage. */
    readonly damaged: number
  }
  readonly handoff: {
    /** Hints kept now. */
    readonly hints: number
    /** Bytes of records hinted now. */
    readonly bytes: number
    /** Partitions marked for members that may lack data of them. */
    readonly dirtyPartitions: number
    /** Records delivered. */
    readonly delivered: number
    /** Bytes of records that were sent for that: what the receiver had already is not sent. */
    readonly sentBytes: number
  }
  /** Comparisons with the other owners in the background. */
  readonly antiEntropy: AntiEntropyStats
  /** Marks of deletions that go when nothing older is left. */
  readonly tombstones: ReapingStats
}

/** The snapshot of this moment. */
export function collectStats(core: NodeCore): NodeStats {
  const { coordination, hints, handoff, store, identity } = core
  const { puts, gets, scanPages, forwarded, failed, inFlight, hedged, refused, repaired, expired } =
    coordination.stats
  const members = { alive: 0, suspect: 0, dead: 0, left: 0 }
  for (const { status } of core.members()) members[status] += 1
  const { alive, suspect, dead } = members
  return {
    id: identity.id,
    epoch: core.keeper.ring?.epoch ?? 0,
    members: { alive, suspect, dead },
    operations: {
      puts,
      gets,
      scanPages,
      forwarded,
      answered: core.dispatch.answeredCount,
      failed,
      refused,
      inFlight,
      hedged,
    },
    eventLoopLagMs: core.burden.lagMs,
    transition: {
      moving: core.keeper.ring?.movingCount ?? 0,
      lacking: core.filling.partitions,
      givenBack: core.strays.givenBackCount,
    },
    repair: { reads: repaired, expired, damaged: store.damagedCount },
    handoff: {
      hints: hints.count(),
      bytes: hints.bytes,
      dirtyPartitions: hints.dirtyCount(),
      delivered: handoff.deliveredCount,
      sentBytes: handoff.sentBytes,
    },
    antiEntropy: core.antiEntropy.stats(),
    tombstones: core.reaper.stats(),
  }
}
