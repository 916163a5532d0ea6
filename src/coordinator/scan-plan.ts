/**
 * Who is asked for which partitions in one round of a scan: R owners for each, and as few nodes as can be, so that
 * many empty partitions cost few calls. Pure.
 */
import type { Ring } from '../ring/ring.ts'

/** What one owner is asked for. */
export interface ScanAsk {
  readonly owner: string
  /** Ascending. */
  readonly partitions: number[]
  /** Of which of them records are wanted whole: of each partition from one owner. */
  readonly whole: boolean[]
}

/** One round. */
export interface ScanPlan {
  readonly asks: readonly ScanAsk[]
  /** How many partitions it covers, from the first on. */
  readonly partitions: number
}

/** What a round is made for. */
export interface ScanAim {
  readonly firstPartition: number
  /** Most partitions of the round. */
  readonly partitionsMax: number
  /** R, at most as many as there are owners. */
  readonly needed: number
  /** Whether records are wanted whole. */
  readonly isWhole: boolean
}

/** How an owner is looked upon: −1 is not asked, the least is asked first. */
export type OwnerRank = (owner: string) => number

/** The round, or how many owners of its first partition can be asked when those are too few. */
export function planScan(ring: Ring, aim: ScanAim, rank: OwnerRank): ScanPlan | number {
  const asks = new Map<string, ScanAsk>()
  const { firstPartition, partitionsMax, needed } = aim
  const end = Math.min(ring.partitions, firstPartition + partitionsMax)
  for (let partition = firstPartition; partition < end; partition++) {
    const able = ring.owners(partition).filter((owner) => rank(owner) >= 0)
    if (able.length < needed) {
      if (partition === firstPartition) return able.length
      return { asks: [...asks.values()], partitions: partition - firstPartition }
    }
    const isNew = (owner: string): number => (asks.has(owner) ? 0 : 1)
    able.sort((a, b) => rank(a) - rank(b) || isNew(a) - isNew(b))
    able.slice(0, needed).forEach((owner, i) => {
      const ask = asks.get(owner) ?? { owner, partitions: [], whole: [] }
      ask.partitions.push(partition)
      ask.whole.push(aim.isWhole && i === 0)
      asks.set(owner, ask)
    })
  }
  return { asks: [...asks.values()], partitions: end - firstPartition }
}
