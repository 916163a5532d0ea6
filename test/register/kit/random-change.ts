/**
 * A random next configuration: a join, a replacement, a departure, another weight, a newcomer that gets
 * its vote; or a read.
 */
import type { RingConfiguration, RingMember } from '../../../src/ring/configuration.ts'
import { configuration, member } from './configurations.ts'
import type { SeededRandom } from './seeded-random.ts'

const MEMBERS_MAX = 5

export interface ChangeOptions {
  readonly base: RingConfiguration
  /** Every node, with the storage that it has now. */
  readonly candidates: readonly { readonly id: string; readonly store: string }[]
  readonly random: SeededRandom
  /** Makes each change different from all others. */
  readonly mark: number
}

export function randomChange(options: ChangeOptions): RingConfiguration | undefined {
  const { base, candidates, random, mark } = options
  const dice = random.below(10)
  if (dice < 2) return undefined
  const members = base.members.map(({ id, store, stage }) => ({
    ...member(id, store, mark),
    stage: random.below(2) === 0 ? stage : ('normal' as const),
  }))
  const next = (changed: readonly RingMember[]): RingConfiguration =>
    configuration(
      base.epoch + 1,
      changed.toSorted((left, right) => (left.id < right.id ? -1 : 1)),
    )
  const { id, store } = random.pick(candidates)
  const others = members.filter((each) => each.id !== id)
  const newcomer = {
    ...member(id, store, mark),
    stage: random.pick(['joining', 'normal'] as const),
  }
  if (dice < 6 && others.length < MEMBERS_MAX) return next([...others, newcomer])
  if (dice < 9 && others.length > 0) return next(others)
  return next(members)
}
