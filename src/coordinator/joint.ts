/**
 * How an operation is counted while owners change: R or W replicas are needed of the owners before and of those to be
 * (joint quorums, Raft §6). So whoever works under the ring before, or under the one after, meets it.
 */
import type { TallyOptions } from '../quorum/tally.ts'
import type { Ring } from '../ring/ring.ts'

interface Wanted {
  readonly partition: number
  readonly needed: number
  readonly sloppy: boolean
}

/** How a tally counts an operation; sets of owners smaller than N count with their size. */
export function tallyOptions(ring: Ring, { partition, needed, sloppy }: Wanted): TallyOptions {
  const before = Math.min(needed, ring.owners(partition).length)
  if (!ring.changesOwners(partition)) return { needed: before, sloppy }
  const after = Math.min(needed, ring.ownersToBe(partition).length)
  return { needed: before, neededAfter: after, sloppy }
}

/**
 * The numbers of replicas that are owners before or owners to be, but not both: one of them counts for one of the two
 * quorums alone. 0 while owners stay.
 */
export function oneSidedMask(ring: Ring, partition: number): number {
  if (!ring.changesOwners(partition)) return 0
  return ring.ownersMask(partition) ^ ring.ownersToBeMask(partition)
}
