/**
 * Watches that no copy of an acknowledged write goes without another one in its place, while owners change, and former
 * ones give back what they have (HAZARDS F4). A read does not see that one is missing before others are missing too.
 *
 * Looks at archives alone, whose keys are written once, and at plans in which nobody loses what it stored. Where a
 * member is away there may be nobody left to take the copy of one that leaves; so it judges what is so after a calm.
 */

import type { SimCluster } from '../../src/sim/index.ts'
import { menu } from './menu.ts'
import type { FaultName } from './menu.ts'
import { ownersOf } from './plan-cluster.ts'
import type { StormPlan } from './plan.ts'

/** Between two looks, milliseconds. */
const lookMs = 500
/** So long all members have answered each other before it is judged: what was kept for one is with it then. */
const calmMs = 30_000
/** Keys that are looked at each time, in turn: it costs time. */
const keysAtOnce = 4

/** Beside those of the network and of clocks: faults that take nothing from any disk. A damaged copy is one still. */
const harmless: readonly FaultName[] = [
  'pause',
  'restart',
  'crash',
  'bit-flip',
  'join',
  'leave',
  'reweight',
]

/** One for a simulation. */
export class CopyWatch {
  readonly #cluster: SimCluster
  readonly #found: (problem: string) => void
  /** Most copies that are asked for; 0 where nothing is watched. */
  readonly #most: number
  /** How many owners had a copy at least once, by keys of the archive whose write was acknowledged. */
  readonly #copies = new Map<string, number>()
  /** When a member was away last, as any other sees it. */
  #awayAtMs = 0

  constructor(cluster: SimCluster, plan: StormPlan, found: (problem: string) => void) {
    this.#cluster = cluster
    this.#found = found
    this.#most = isWatched(plan) ? ownersOf(plan.cluster) : 0
  }

  /** The only write of a key of the archive was acknowledged. */
  acknowledged(key: string): void {
    if (this.#most > 0) this.#copies.set(key, 0)
  }

  /** Looks every now and then until it is over. */
  async run(isOver: () => boolean): Promise<void> {
    while (this.#most > 0 && !isOver()) {
      await this.#cluster.sleep(lookMs)
      if (this.#isAnyAway()) this.#awayAtMs = this.#cluster.now()
      if (this.#cluster.now() - this.#awayAtMs < calmMs) continue
      for (const [key, copies] of [...this.#copies].slice(0, keysAtOnce)) this.#look(key, copies)
    }
  }

  #isAnyAway(): boolean {
    return this.#cluster.names.some((name) => {
      if (!this.#cluster.isUp(name)) return false
      return this.#cluster
        .node(name)
        .members()
        .some(({ status }) => status !== 'alive')
    })
  }

  /** While owners change, those to be have copies of their own, for which others go. The key comes last then. */
  #look(key: string, before: number): void {
    const views = this.#cluster.records('archive', key)
    this.#copies.delete(key)
    if (views.size < before) {
      this.#found(`"${key}" had ${before} copies, and is at ${[...views.keys()].join(', ')} alone`)
      return
    }
    const owned = [...views.values()].filter(({ role }) => role === 'primary').length
    this.#copies.set(key, Math.min(Math.max(before, owned), this.#most))
  }
}

function isWatched({ cluster, groups, acts }: StormPlan): boolean {
  const hasArchive = groups.some(({ name }) => name === 'archive')
  const isHarmless = acts.every(({ faults }) => {
    return faults.every(({ fault }) => {
      const { area } = menu[fault]
      return area === 'network' || area === 'clock' || harmless.includes(fault)
    })
  })
  return hasArchive && cluster.hasTopology && !cluster.sloppy && isHarmless
}
