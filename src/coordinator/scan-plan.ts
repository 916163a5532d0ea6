/**
 * Who is asked for which partitions in one round of a scan: R owners for each (while owners change, R of each side),
 * and as few nodes as can be, so that many empty partitions cost few calls. Pure.
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
  /** R; of a partition with fewer owners all. */
  readonly needed: number
  /** Whether records are wanted whole. */
  readonly isWhole: boolean
}

/** How an owner is looked upon: −1 is not asked for this partition, the least is asked first. */
export type OwnerRank = (owner: string, partition: number) => number

/** The round, or how many owners of its first partition can be asked when those are too few. */
export function planScan(ring: Ring, aim: ScanAim, rank: OwnerRank): ScanPlan | number {
  const asks = new Map<string, ScanAsk>()
  const { firstPartition, partitionsMax, needed } = aim
  const end = Math.min(ring.partitions, firstPartition + partitionsMax)
  for (let partition = firstPartition; partition < end; partition++) {
    const isNew = (owner: string): number => (asks.has(owner) ? 0 : 1)
    const byRank = (a: string, b: string): number =>
      rank(a, partition) - rank(b, partition) || isNew(a) - isNew(b)
    const able = (owners: readonly string[]): string[] =>
      owners.filter((owner) => rank(owner, partition) >= 0).toSorted(byRank)
    const chosen = chooseOwners(ring, { partition, needed }, able)
    if (typeof chosen === 'number') {
      if (partition === firstPartition) return chosen
      return { asks: [...asks.values()], partitions: partition - firstPartition }
    }
    chosen.forEach((owner, i) => {
      const ask = asks.get(owner) ?? { owner, partitions: [], whole: [] }
      ask.partitions.push(partition)
      ask.whole.push(aim.isWhole && i === 0)
      asks.set(owner, ask)
    })
  }
  return { asks: [...asks.values()], partitions: end - firstPartition }
}

/** R of the owners, and while owners change R of those to be too; or how many there are when those are too few. */
function chooseOwners(
  ring: Ring,
  { partition, needed }: { readonly partition: number; readonly needed: number },
  able: (owners: readonly string[]) => readonly string[],
): readonly string[] | number {
  const owners = ring.owners(partition)
  const best = able(owners)
  if (best.length < Math.min(needed, owners.length)) return best.length
  const chosen = best.slice(0, needed)
  if (!ring.changesOwners(partition)) return chosen
  const ownersToBe = ring.ownersToBe(partition)
  const others = able(ownersToBe).filter((id) => !chosen.includes(id))
  const lacking = Math.min(needed, ownersToBe.length) - (able(ownersToBe).length - others.length)
  if (others.length < lacking) return able(ownersToBe).length
  return [...chosen, ...others.slice(0, Math.max(0, lacking))]
}
