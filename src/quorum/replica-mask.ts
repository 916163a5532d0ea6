/**
 * Sets of replicas as bits of one integer, so that a tally allocates nothing while an operation
 * runs. Replica i of the operation's preference list is bit i.
 */

/** The highest replica number: the bits of a non-negative small integer. */
export const REPLICA_MAX = 30

/** The set of this one replica; the empty set for a number out of range (a plain shift would wrap
 *  round and name another replica). */
export function replicaBit(replica: number): number {
  return replica >= 0 && replica <= REPLICA_MAX ? 1 << replica : 0
}

/** The members of the set; replica i is `replicas[i]`. */
export function selected<T>(replicas: readonly T[], mask: number): readonly T[] {
  return replicas.filter((_, i) => (mask & replicaBit(i)) !== 0)
}

/** How many replicas the set has: bits added up in pairs, then fours, eights and all together. */
export function replicaCount(mask: number): number {
  let sums = mask - ((mask >>> 1) & 0x55555555)
  sums = (sums & 0x33333333) + ((sums >>> 2) & 0x33333333)
  sums = (sums + (sums >>> 4)) & 0x0f0f0f0f
  return Math.imul(sums, 0x01010101) >>> 24
}
