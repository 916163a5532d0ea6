/** What a new owner still lacks, and when it has it. Pure. */
import type { Lack } from '../replica/lack.ts'
import type { Ring, RingChange } from '../ring/ring.ts'

/** What a node lacks of one partition. */
export interface Gain {
  readonly lack: Lack
  /** Owners that have what this node lacks. */
  readonly sources: readonly string[]
  /** How many owned the partition. */
  readonly ownersBefore: number
}

/** By partition. */
export type Gains = Map<number, Gain>

/**
 * What a node gained from one ring to another. One that missed more than one change of owners cannot tell: partitions
 * may have gone and come back meanwhile, and it may lack something of each.
 */
export function gainsOf(selfId: string, { before, after, ranges }: RingChange): Gains {
  if (after.moves - before.moves > 1) return wholeGains(selfId, after, 'gaining')
  const gains: Gains = new Map()
  for (const { partition, gained, previous, ownersBefore } of ranges) {
    if (!gained.includes(selfId)) continue
    const sources = previous.filter((id) => id !== selfId)
    gains.set(partition, { lack: 'gaining', sources, ownersBefore })
  }
  return gains
}

/** Everything that a node is to have. */
export function wholeGains(selfId: string, ring: Ring, lack: Lack): Gains {
  const gains: Gains = new Map()
  for (let partition = 0; partition < ring.partitions; partition++) {
    if (!ring.ownsPartition(selfId, partition)) continue
    const owners = ring.owners(partition)
    const sources = owners.filter((id) => id !== selfId)
    gains.set(partition, { lack, sources, ownersBefore: owners.length })
  }
  return gains
}

/** All who have something of what is lacking. */
export function sourcesOf(gains: ReadonlyMap<number, Gain>): readonly string[] {
  const sources = new Set<string>()
  for (const gain of gains.values()) for (const id of gain.sources) sources.add(id)
  return [...sources]
}

/** What is known of the sources. */
export interface SourceView {
  readonly isMember: (id: string) => boolean
  readonly isReachable: (id: string) => boolean
  readonly hasHandedOver: (id: string) => boolean
  /** It says itself that its storage was lost: it has nothing to hand over, and that it says so means nothing. */
  readonly hasLostAll: (id: string) => boolean
}

/**
 * Whether nothing acknowledged is lacking any more: all sources that are still members, with what they had, have handed
 * it over; or all of them that can be reached, and those are enough to have met every quorum of writes.
 */
export function isFilled({ sources, ownersBefore }: Gain, view: SourceView): boolean {
  const left = sources.filter((id) => view.isMember(id) && !view.hasLostAll(id))
  const waiting = left.filter((id) => !view.hasHandedOver(id))
  if (waiting.length === 0) return true
  const quorum = Math.floor(ownersBefore / 2) + 1
  const isEnough = left.length - waiting.length > ownersBefore - quorum
  return isEnough && !waiting.some((id) => view.isReachable(id))
}

/** As they are kept: those that are alike together. [lack, owners before, sources, partitions] each. */
export function gainsToTuple(gains: ReadonlyMap<number, Gain>): readonly unknown[] {
  const groups = new Map<string, { gain: Gain; partitions: number[] }>()
  for (const [partition, gain] of gains) {
    const name = JSON.stringify([gain.lack, gain.ownersBefore, gain.sources])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { gain, partitions: [partition] })
    else group.partitions.push(partition)
  }
  return [...groups.values()].map(({ gain, partitions }) => [
    gain.lack,
    gain.ownersBefore,
    gain.sources,
    partitions,
  ])
}

/** What was kept. */
export function gainsFromTuple(tuple: readonly unknown[], partitionCount: number): Gains {
  const gains: Gains = new Map()
  for (const group of tuple) {
    const fields: readonly unknown[] = Array.isArray(group) ? group : []
    const [lack, ownersBefore, sources, partitions] = fields
    if (lack !== 'gaining' && lack !== 'recovering') continue
    if (typeof ownersBefore !== 'number' || !Array.isArray(sources) || !Array.isArray(partitions))
      continue
    const gain = { lack, ownersBefore, sources: sources.map(String) } as const
    for (const partition of partitions as unknown[])
      if (typeof partition === 'number' && partition < partitionCount) gains.set(partition, gain)
  }
  return gains
}
