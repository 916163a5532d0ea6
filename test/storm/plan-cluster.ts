/** The cluster of a plan: its nodes and their options. */

import type { Draw } from './draw.ts'
import type { Mood } from './plan.ts'

/** The cluster and its options. */
export interface ClusterPlan {
  readonly nodes: number
  readonly zones: readonly string[]
  readonly partitions: number
  readonly storage: 'memory' | 'durable'
  readonly n: number
  readonly r: number
  readonly w: number
  readonly sloppy: boolean
  readonly readRepair: 'blocking' | 'async' | 'off'
  readonly timeoutMs: number
  readonly latencyMs: number
  readonly jitterMs: number
  /** Bytes hinted for one member before its partitions are marked instead. */
  readonly hintBytesMax: number
  readonly handoffIntervalMs: number
  /** How fast hand-off is, in bytes per second. */
  readonly handoffRate: number
  /** Whether members come and go. */
  readonly hasTopology: boolean
}

/** How many owners a key has at least, members that come and go considered. */
export function ownersOf({ n, nodes, hasTopology }: ClusterPlan): number {
  return Math.min(n, hasTopology && nodes >= 4 ? nodes - 2 : nodes)
}

/** How many copies an acknowledged write has at least. */
export function copiesOf(cluster: ClusterPlan): number {
  return Math.min(cluster.w, ownersOf(cluster))
}

/** The names that the cluster's first nodes have. */
export function nodeNames({ nodes }: ClusterPlan): string[] {
  return Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
}

/** How many replicas are asked. */
export type Quorums = 'majorities' | 'one of all' | 'all of one' | 'any'

/** R and W for N owners. */
export function drawQuorums(
  draw: Draw,
  n: number,
  weights: Readonly<Partial<Record<Quorums, number>>>,
): { r: number; w: number } {
  const majority = Math.floor(n / 2) + 1
  switch (draw.weighted(weights as Readonly<Record<Quorums, number>>)) {
    case 'majorities':
      return { r: majority, w: majority }
    case 'one of all':
      return { r: 1, w: n }
    case 'all of one':
      return { r: n, w: 1 }
    case 'any':
      return { r: draw.whole(1, n), w: draw.whole(1, n) }
  }
}

/** Any cluster. */
export function drawCluster(draw: Draw, mood: Mood): ClusterPlan {
  const nodes = Number(draw.weighted({ 1: 2, 2: 3, 3: 18, 4: 15, 5: 30, 6: 10, 7: 10, 8: 6, 9: 6 }))
  const n = Number(draw.weighted({ 1: 3, 2: 6, 3: 55, 4: 10, 5: 22, 7: 4 }))
  const weights = { majorities: 66, 'one of all': 14, 'all of one': 5, any: 15 }
  const zoneCount = draw.chance(0.3) ? draw.whole(2, 3) : 0
  const latencyMs = draw.magnitude([1, 30])
  return {
    nodes,
    zones: ['east', 'west', 'north'].slice(0, zoneCount),
    partitions: draw.pick([8, 16, 32, 64]),
    storage: draw.chance(0.75) ? 'durable' : 'memory',
    n,
    ...drawQuorums(draw.fork('quorums'), n, weights),
    sloppy: draw.chance(mood === 'gentle' ? 0.2 : 0.4),
    readRepair: draw.weighted({ blocking: 17, async: 2, off: 1 }),
    timeoutMs: draw.magnitude([300, 5000]),
    latencyMs,
    jitterMs: draw.magnitude([1, 3 * latencyMs]),
    hintBytesMax: draw.chance(0.2) ? 2000 : 1_000_000,
    handoffIntervalMs: draw.pick([1000, 5000]),
    handoffRate: 32_000_000,
    hasTopology: draw.chance(mood === 'gentle' ? 0.1 : 0.35),
  }
}
