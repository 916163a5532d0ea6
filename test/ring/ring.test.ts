import { describe, expect, test } from 'vitest'
import { sides } from '../../src/base/sides.ts'
import {
  completed,
  withMember,
  withoutMember,
  withStage,
} from '../../src/ring/configuration-change.ts'
import { rangesGained, Ring } from '../../src/ring/ring.ts'
import { place } from '../../src/ring/placement.ts'
import { atRest } from '../../src/ring/configuration.ts'
import { configurationOf, memberOf, ownerIds, sure } from './kit.ts'

const ids = ['a', 'b', 'c', 'd', 'e', 'f']
const configuration = configurationOf(
  ids.map((id) => memberOf(id)),
  { epoch: 7 },
)

function everyPartition(ring: Ring): number[] {
  return Array.from({ length: ring.partitions }, (_, partition) => partition)
}

describe('a ring', () => {
  const ring = new Ring(configuration)

  test('tells what it was built from', () => {
    expect([ring.epoch, ring.partitions, ring.n]).toEqual([7, 1024, 3])
    expect(ring.memberIds).toEqual(ids)
    expect(ring.member('c')).toEqual(memberOf('c'))
    expect(ring.member('x')).toBeUndefined()
  })

  test('has members sorted by id, whatever order they were given in', () => {
    const members = configuration.members.toReversed()
    expect(new Ring({ ...configuration, members }).memberIds).toEqual(ids)
  })

  test('gives the same frozen arrays at every look-up', () => {
    for (const partition of [0, 1, 511, 1023]) {
      expect(ring.owners(partition)).toBe(ring.owners(partition))
      expect(ring.preferenceList(partition)).toBe(ring.preferenceList(partition))
    }
    expect(Object.isFrozen(ring.owners(0))).toBe(true)
    expect(Object.isFrozen(ring.preferenceList(0))).toBe(true)
    expect(Object.isFrozen(ring.memberIds)).toBe(true)
  })

  test.each([
    { members: 5, n: 3 },
    { members: 5, n: 5 },
    { members: 300, n: 2 },
  ])('of $members members with N = $n shares one list among equal owners', ({ members, n }) => {
    const many = configurationOf(
      Array.from({ length: members }, (_, i) => memberOf(`n${i}`)),
      { n, partitions: 4096 },
    )
    const built = new Ring(many)
    const owners = everyPartition(built).map((partition) => built.owners(partition))
    expect(owners).toEqual(ownerIds(place(many)))
    const names = owners.map((ids) => ids.join(' '))
    expect(new Set(owners).size).toBe(new Set(names).size)
  })

  test('does not freeze what it was given', () => {
    expect(Object.isFrozen(configuration.members)).toBe(false)
  })

  test('lists owners first and every other member after them in a preference list', () => {
    for (const partition of everyPartition(ring)) {
      const list = ring.preferenceList(partition)
      expect(list.slice(0, ring.n)).toEqual(ring.owners(partition))
      expect(list.toSorted()).toEqual(ids)
    }
  })

  test('has different fallbacks for different partitions, so that the load of a dead member spreads', () => {
    const first = everyPartition(ring)
      .filter((partition) => ring.ownsPartition('a', partition))
      .map((partition) => ring.preferenceList(partition)[ring.n])
    expect(new Set(first)).toEqual(new Set(['b', 'c', 'd', 'e', 'f']))
  })

  test('counts what its members own', () => {
    for (const id of ids) {
      const owned = everyPartition(ring).filter((partition) => ring.ownsPartition(id, partition))
      expect(ring.ownedCount(id)).toBe(owned.length)
    }
    expect(ring.ownedCount('x')).toBe(0)
    expect(ring.ownsPartition('x', 0)).toBe(false)
  })

  test('refuses a partition that it does not have', () => {
    expect(() => ring.owners(1024)).toThrow('partition 1024 of 1024')
    expect(() => ring.preferenceList(-1)).toThrow('partition -1 of 1024')
  })

  test('with more ids in its preference lists than it keeps still answers the same', () => {
    const members = Array.from({ length: 200 }, (_, i) => memberOf(`n${i}`, { weight: 1 / 16 }))
    const large = new Ring(configurationOf(members, { partitions: 8192 }))
    const first = large.preferenceList(0)
    for (const partition of everyPartition(large)) large.preferenceList(partition)
    expect(large.preferenceList(0)).toEqual(first)
  })
})

describe('the balance of a ring', () => {
  const balanceOf = (weights: number[], n: number): number =>
    new Ring(
      configurationOf(
        weights.map((weight, i) => memberOf(`n${i}`, { weight })),
        { n },
      ),
    ).balance()

  test('is 1 when every member owns everything', () => {
    expect(balanceOf([1, 1, 1], 3)).toBe(1)
  })

  test('is average ÷ hottest load', () => {
    const ring = new Ring(configuration)
    const hottest = Math.max(...ids.map((id) => ring.ownedCount(id)))
    expect(ring.balance()).toBeCloseTo(512 / hottest, 12)
  })

  test('is relative to weight', () => {
    expect(balanceOf([1, 1, 2, 2, 4], 2)).toBeGreaterThanOrEqual(0.95)
  })

  test('tells when a weight is too heavy for N to be honoured', () => {
    // The heavy one owns all 1024, the others share 2048 although their weights say 1024.
    expect(balanceOf([100, 1, 1, 1, 1], 3)).toBeLessThan(0.1)
  })

  test('leaves out members that are leaving', () => {
    const members = [...configuration.members, memberOf('g', { stage: 'leaving' })]
    expect(new Ring(configurationOf(members)).balance()).toBe(new Ring(configuration).balance())
  })

  test('is 0 without members', () => {
    expect(new Ring(configurationOf([])).balance()).toBe(0)
  })
})

describe('the ranges gained in a change', () => {
  const before = new Ring(configuration)

  test('are none when nothing changed', () => {
    expect(rangesGained(before, new Ring({ ...configuration, epoch: 8 }))).toEqual([])
  })

  test('by a join are exactly the new owners of each partition', () => {
    const after = new Ring(sure(withMember(configuration, memberOf('new', { stage: 'joining' }))))
    const ranges = rangesGained(before, after)
    const gained = new Map(ranges.map((range) => [range.partition, range]))
    for (const partition of everyPartition(after)) {
      const owners = after.ownersToBe(partition)
      const expected = owners.filter((id) => !before.ownsPartition(id, partition))
      expect(gained.get(partition)?.gained ?? []).toEqual(expected)
      if (expected.length > 0) {
        expect(gained.get(partition)!.previous).toEqual(before.owners(partition))
      }
    }
    const byNew = ranges.filter((range) => range.gained.includes('new'))
    expect(byNew).toHaveLength(after.ownedCount('new'))
  })

  test('by a leave do not contain the one that leaves, which still is a source', () => {
    const after = new Ring(sure(withStage(configuration, memberOf('c'), 'leaving')))
    const ranges = rangesGained(before, after)
    expect(ranges.some((range) => range.previous.includes('c'))).toBe(true)
    expect(ranges.every((range) => !range.gained.includes('c'))).toBe(true)
    expect(after.ownedCount('c')).toBe(0)
  })

  test('by a removal are the same as by the leave before it', () => {
    const left = new Ring(sure(withStage(configuration, memberOf('c'), 'leaving')))
    const removed = new Ring(withoutMember(configuration, memberOf('c')))
    expect(rangesGained(before, removed)).toEqual(rangesGained(before, left))
    expect(rangesGained(left, removed)).toEqual([])
  })

  test('are those of the whole change, however late a node hears of it', () => {
    const joining = sure(withMember(configuration, memberOf('new', { stage: 'joining' })))
    const during = rangesGained(before, new Ring(joining))
    const later = new Ring(completed(joining, ['new']))
    expect(rangesGained(before, later)).toEqual(during)
    expect(rangesGained(new Ring(joining), later)).toEqual([])
  })

  test('by a member whose storage was replaced are all that it owns, and it is no source of them', () => {
    const wiped = memberOf('c', { store: 'f'.repeat(32) })
    const after = new Ring(sure(withMember(configuration, wiped)))
    const ranges = rangesGained(before, after)
    expect(ranges).toHaveLength(before.ownedCount('c'))
    for (const { gained, previous } of ranges) {
      expect(gained).toEqual(['c'])
      expect(previous).toHaveLength(2)
      expect(previous).not.toContain('c')
    }
  })

  test('of rings with different partitions are refused', () => {
    const other = new Ring({ ...configuration, partitions: 512 })
    expect(() => rangesGained(before, other)).toThrow('same partitions')
  })
})

describe('while owners change', () => {
  const joining = sure(withMember(configuration, memberOf('new', { stage: 'joining' })))
  const before = new Ring(configuration)
  const during = new Ring(joining)
  const after = new Ring(completed(joining, ['new']))

  test('owners are those before, and owners to be those after', () => {
    expect([before.isMoving, during.isMoving, after.isMoving]).toEqual([false, true, false])
    for (const partition of everyPartition(during)) {
      expect(during.owners(partition).toSorted()).toEqual(before.owners(partition).toSorted())
      expect(during.ownersToBe(partition)).toEqual(after.owners(partition))
      const both = new Set([...before.owners(partition), ...after.owners(partition)])
      expect(new Set(during.replicas(partition))).toEqual(both)
      expect(during.replicas(partition)).toHaveLength(both.size)
    }
  })

  test('lists are the same array exactly where a partition stays', () => {
    let moving = 0
    for (const partition of everyPartition(during)) {
      const stays = before.owners(partition).every((id) => after.ownsPartition(id, partition))
      expect(during.owners(partition) === during.ownersToBe(partition)).toBe(stays)
      expect(during.owners(partition) === during.replicas(partition)).toBe(stays)
      if (!stays) moving += 1
    }
    expect(moving).toBeGreaterThan(0)
    expect(moving).toBeLessThan(during.partitions)
  })

  test('a member is told on which sides it is', () => {
    for (const partition of everyPartition(during)) {
      for (const id of [...during.memberIds, 'nobody']) {
        const expected =
          (before.ownsPartition(id, partition) ? sides.before : 0) |
          (after.ownsPartition(id, partition) ? sides.after : 0)
        expect(during.sidesOf(id, partition)).toBe(expected)
        expect(before.sidesOf(id, partition)).toBe(before.ownsPartition(id, partition) ? 3 : 0)
      }
    }
  })

  test('preference lists begin with all replicas and hold each member once', () => {
    for (const partition of everyPartition(during)) {
      const list = during.preferenceList(partition)
      const replicas = during.replicas(partition)
      expect(list.slice(0, replicas.length)).toEqual(replicas)
      expect(list.toSorted()).toEqual(during.memberIds)
    }
  })

  test('a member that is removed is known still as an owner before', () => {
    const removing = new Ring(withoutMember(configuration, memberOf('c')))
    expect(removing.member('c')).toBeUndefined()
    expect(removing.isKnown('c')).toBe(true)
    expect(removing.isKnown('nobody')).toBe(false)
    expect(new Ring(completed(withoutMember(configuration, memberOf('c')), [])).isKnown('c')).toBe(
      false,
    )
  })

  test('tells as masks which replicas are owners and which are owners to be', () => {
    const grown = sure(withMember(configurationOf([memberOf('a')]), memberOf('b')))
    for (const configured of [configuration, joining, grown]) {
      const ring = new Ring(configured)
      for (const partition of everyPartition(ring)) {
        const selected = (mask: number): readonly string[] =>
          ring.replicas(partition).filter((_, i) => (mask & (1 << i)) !== 0)
        // Asked twice: the second answer is the one that was kept.
        for (let time = 0; time < 2; time++) {
          expect(selected(ring.ownersMask(partition))).toEqual(ring.owners(partition))
          const toBe = selected(ring.ownersToBeMask(partition))
          expect(toBe.toSorted()).toEqual(ring.ownersToBe(partition).toSorted())
        }
      }
    }
  })

  test('a cluster that grows counts with N of the greater of both', () => {
    const one = configurationOf([memberOf('a')])
    const two = new Ring(sure(withMember(one, memberOf('b'))))
    expect(two.n).toBe(2)
    expect(two.owners(0)).toEqual(['a'])
    expect(two.ownersToBe(0).toSorted()).toEqual(['a', 'b'])
  })

  test('a ring made from an earlier one is the same as one made anew', () => {
    for (const configurations of [
      [configuration, joining],
      [joining, completed(joining, ['new'])],
    ] as const) {
      const [earlier, later] = configurations
      const [one, other] = [new Ring(later, new Ring(earlier)), new Ring(later)]
      for (const partition of everyPartition(one)) {
        expect(one.owners(partition)).toEqual(other.owners(partition))
        expect(one.replicas(partition)).toEqual(other.replicas(partition))
        expect(one.preferenceList(partition)).toEqual(other.preferenceList(partition))
      }
      expect(one.balance()).toBe(other.balance())
      expect(one.isMoving).toBe(other.isMoving)
    }
    expect(new Ring(atRest(joining)).isMoving).toBe(false)
  })
})
