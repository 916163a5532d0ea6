/**
 * Faults of the network that overlap: each is taken back on its own, although the simulator heals
 * only all at once.
 */

import { bridge, halves, majoritiesRing } from '../../src/sim/index.ts'
import type { Groups, NetworkQuality, SimCluster } from '../../src/sim/index.ts'
import type { FaultName } from './menu.ts'
import type { FaultPlan } from './plan.ts'

/** Puts one fault in force. */
export type Apply = (cluster: SimCluster) => void

/** Those in force. */
export class NetworkFaults {
  readonly #cluster: SimCluster
  readonly #active = new Set<Apply>()

  constructor(cluster: SimCluster) {
    this.#cluster = cluster
  }

  /** Puts a fault in force; returns what takes it back. */
  begin(apply: Apply): () => void {
    this.#active.add(apply)
    apply(this.#cluster)
    return () => {
      this.#active.delete(apply)
      this.#cluster.heal()
      for (const other of this.#active) other(this.#cluster)
    }
  }
}

/** The fault of the network that is planned. */
export function networkFault({ fault, nodes, level }: FaultPlan): Apply {
  const [from = '', to = ''] = nodes
  if (fault === 'one-way') return (cluster) => cluster.block(from, to)
  if (fault === 'clog') return (cluster) => cluster.clog(from, to)
  const quality = qualityOf(fault, level)
  if (quality === undefined) {
    const groups = groupsOf(fault, nodes).map((group) => [...group])
    return (cluster) => cluster.partition(...groups)
  }
  const pairs =
    level < 0.5 ? allPairs(nodes).filter((pair) => pair.includes(from)) : allPairs(nodes)
  return (cluster) => pairs.forEach(([source, target]) => cluster.link(source, target, quality))
}

/** A node is cut off from all others. */
export function isolate(name: string): Apply {
  return (cluster) => cluster.partition([name])
}

/** Most of what a node sends is lost. */
export function mute(name: string, loss: number): Apply {
  return (cluster) => {
    const others = cluster.names.filter((other) => other !== name)
    others.forEach((other) => cluster.link(name, other, { loss }))
  }
}

function qualityOf(fault: FaultName, level: number): NetworkQuality | undefined {
  if (fault === 'loss') return { loss: 0.02 + 0.3 * level * level }
  if (fault === 'duplicate') return { duplicate: 0.05 + 0.5 * level }
  if (fault === 'reorder') return { reorder: true, jitterMs: 5 + 200 * level }
  if (fault === 'delay') return { delay: 0.01 + 0.2 * level, delayMs: 500 * 20 ** level }
  if (fault === 'slowness') return { latencyMs: 10 * 50 ** level, jitterMs: 10 * 50 ** level }
  if (fault === 'corruption') return { corrupt: 0.002 * 50 ** level }
  return undefined
}

function groupsOf(fault: FaultName, nodes: readonly string[]): Groups {
  if (fault === 'isolate') return [nodes.slice(0, 1)]
  if (fault === 'bridge') return bridge(nodes)
  if (fault === 'majorities-ring') return majoritiesRing(nodes)
  if (fault === 'halves') return halves(nodes)
  return [0, 1, 2].map((part) => nodes.filter((_, i) => i % 3 === part))
}

function allPairs(nodes: readonly string[]): (readonly [string, string])[] {
  return nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => [from, to] as const))
}
