/** Ring configurations and identities for the tests of the register. */
import type { ConfigurationCodec } from '../../../src/ring/register/message-codec.ts'
import type { RingConfiguration, RingMember } from '../../../src/ring/configuration.ts'

const CLUSTER: string = 'c'.repeat(32)

export function storeOf(id: string): string {
  return `store of ${id}`
}

export function member(id: string, store: string = storeOf(id), weight = 1): RingMember {
  return { id, store, zone: '', weight, stage: 'normal' }
}

export function configuration(epoch: number, members: readonly RingMember[]): RingConfiguration {
  return { cluster: CLUSTER, epoch, partitions: 16, n: 3, members, departed: [], moves: 0 }
}

/** Members named a, b, c … at this epoch. */
export function named(epoch: number, names: string): RingConfiguration {
  return configuration(
    epoch,
    names.split('').map((name) => member(name)),
  )
}

/** Enough of a codec: the object itself, if it has an epoch. */
export const plainCodec: ConfigurationCodec = {
  toTuple: (value) => value,
  fromTuple: (value) =>
    typeof value === 'object' && value !== null && 'epoch' in value
      ? (value as RingConfiguration)
      : 'not a configuration',
}
