/** Configurations for the tests of the ring: ids of several shapes, so that no test hangs on one lucky set. */
import type { Change } from '../../src/ring/configuration-change.ts'
import type { RingConfiguration, RingMember } from '../../src/ring/configuration.ts'
import { hashKey } from '../../src/ring/key-hash.ts'
import { place, type Placement } from '../../src/ring/placement.ts'

/** 32 hexadecimal digits that follow from the text. */
export function identityOf(text: string): string {
  return [0, 1, 2, 3]
    .map((part) =>
      hashKey(new TextEncoder().encode(`${part} ${text}`))
        .toString(16)
        .padStart(8, '0'),
    )
    .join('')
}

function uuidOf(text: string): string {
  return identityOf(text).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Ways to name the members of a cluster: the id of the i-th, from 1 on. */
export const idShapes: Readonly<Record<string, (i: number) => string>> = {
  'n1, n2, …': (i) => `n${i}`,
  'node-001, …': (i) => `node-${String(i).padStart(3, '0')}`,
  'host and port': (i) => `10.0.0.${i}:7000`,
  'one letter': (i) => String.fromCodePoint(0x4e00 + i),
  'long common prefix': (i) => `store.eu-west-1.production.internal.example/${i}`,
  'UUIDs, set 1': (i) => uuidOf(`1/${i}`),
  'UUIDs, set 2': (i) => uuidOf(`2/${i}`),
  'UUIDs, set 3': (i) => uuidOf(`3/${i}`),
  'UUIDs, set 4': (i) => uuidOf(`4/${i}`),
}

export function memberOf(id: string, given: Partial<RingMember> = {}): RingMember {
  return { id, store: identityOf(id), zone: '', weight: 1, stage: 'normal', ...given }
}

export function configurationOf(
  members: readonly RingMember[],
  given: Partial<RingConfiguration> = {},
): RingConfiguration {
  return {
    cluster: identityOf('cluster'),
    epoch: 1,
    partitions: 1024,
    n: 3,
    members: members.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    departed: [],
    moves: 0,
    ...given,
  }
}

/** The owners of each partition, as ids. */
export function ownerIds(placement: Placement): string[][] {
  const partitions = placement.owners.length / placement.n
  return Array.from({ length: partitions }, (_, partition) =>
    Array.from(
      placement.owners.subarray(partition * placement.n, (partition + 1) * placement.n),
      (member) => placement.members[member]!.id,
    ),
  )
}

/** How many partitions each member owns, by id. */
export function loadsOf(configuration: RingConfiguration): Map<string, number> {
  const placement = place(configuration)
  return new Map(placement.members.map(({ id }, index) => [id, placement.loads[index]!]))
}

/** How many (partition, owner) pairs are new in the second placement. */
export function moved(before: Placement, after: Placement): number {
  const previous = ownerIds(before)
  return ownerIds(after).flatMap((owners, partition) =>
    owners.filter((id) => !previous[partition]!.includes(id)),
  ).length
}

/** The next configuration of a change that is not held up. */
export function sure(change: Change): RingConfiguration {
  if (change === 'busy') throw new Error('owners change already')
  return change
}
