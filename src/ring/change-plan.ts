/**
 * What a change of the ring would do, worked out without doing it: who would own what, which partitions would move from
 * whom to whom, and which of them have fewer copies than they should while they move.
 */
import { assert } from '../base/assert.ts'
import { atRest, type RingConfiguration, type RingMember } from './configuration.ts'
import { withMember, withoutMember, withReplacement, type Change } from './configuration-change.ts'
import { rangesGained, type Ring } from './ring.ts'

/** Changes of the ring that are looked at together. Invariant: no member is in two of them. */
export interface RingChange {
  /** Members to come. */
  readonly add: readonly RingMember[]
  /** Members to go. */
  readonly remove: readonly RingMember[]
  /** Members that stay, with another weight or zone than now. */
  readonly alter: readonly RingMember[]
  /** Members to come in the place of others. */
  readonly replace: readonly {
    readonly member: RingMember
    readonly replaced: RingMember
  }[]
}

/** One copy of one partition that would move. */
export interface PartitionMove {
  readonly partition: number
  /** The owner that gives it up; undefined when the partition gets one copy more than it had. */
  readonly from: string | undefined
  /** The owner to be. */
  readonly to: string
}

/** A partition with fewer copies than N. */
export interface ShortPartition {
  readonly partition: number
  /** Owners that have its data and answer. */
  readonly copies: readonly string[]
}

/** The configuration as it would be after all of the changes, each wholly done. */
export function afterChange(
  configuration: RingConfiguration,
  change: RingChange,
): RingConfiguration {
  const { add, remove, alter, replace } = change
  const replacing = replace.reduce(
    (base, each) => done(withReplacement(base, each)),
    atRest(configuration),
  )
  const smaller = remove.reduce((base, member) => atRest(withoutMember(base, member)), replacing)
  return [...alter, ...add].reduce((base, member) => done(withMember(base, member)), smaller)
}

function done(change: Change): RingConfiguration {
  assert(change !== 'busy', 'nothing changes in a configuration at rest')
  return atRest(change)
}

/** Every copy that would move, by partition ascending. */
export function partitionMoves(before: Ring, after: Ring): PartitionMove[] {
  return rangesGained(before, after).flatMap(({ partition, gained }) => {
    const giving = before.owners(partition).filter((id) => !after.ownsPartition(id, partition))
    return gained.map((to, i) => ({ partition, from: giving[i], to }))
  })
}

/**
 * The partitions that have fewer than N copies until everything has moved: owners to be have nothing yet, and what
 * members have that do not answer counts for nothing.
 * @param copies N of the configuration.
 */
export function shortPartitions(
  before: Ring,
  { copies, answers }: { readonly copies: number; readonly answers: (id: string) => boolean },
): ShortPartition[] {
  const short: ShortPartition[] = []
  for (let partition = 0; partition < before.partitions; partition++) {
    const holders = before.owners(partition).filter(answers)
    if (holders.length < copies) short.push({ partition, copies: holders })
  }
  return short
}
