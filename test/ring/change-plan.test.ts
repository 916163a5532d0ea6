import { describe, expect, test } from 'vitest'
import { afterChange, partitionMoves, shortPartitions } from '../../src/ring/change-plan.ts'
import { place } from '../../src/ring/placement.ts'
import { Ring } from '../../src/ring/ring.ts'
import { configurationOf, memberOf, moved } from './kit.ts'

const five = ['a', 'b', 'c', 'd', 'e'].map((id) => memberOf(id))
const configuration = configurationOf(five, { epoch: 9 })
const nothing = { add: [], remove: [], alter: [], replace: [] }
const everyone = (): boolean => true

function ringAfter(change: Partial<Parameters<typeof afterChange>[1]>): Ring {
  return new Ring(afterChange(configuration, { ...nothing, ...change }))
}

describe('a planned change', () => {
  test('puts what comes, goes and is altered into one configuration', () => {
    const heavy = memberOf('b', { weight: 2, zone: 'z' })
    const after = ringAfter({ add: [memberOf('f')], remove: [five[0]!], alter: [heavy] })
    expect(after.memberIds).toEqual(['b', 'c', 'd', 'e', 'f'])
    expect(after.member('b')).toEqual(heavy)
    expect(configuration.members).toEqual(five)
  })

  test('moves exactly the copies whose owners differ, each to one that did not have it', () => {
    const before = new Ring(configuration)
    const changes = [
      { add: [memberOf('f')] },
      { remove: [five[2]!] },
      { alter: [memberOf('e', { weight: 4 })] },
    ]
    for (const change of changes) {
      const after = ringAfter(change)
      const moves = partitionMoves(before, after)
      const target = afterChange(configuration, { ...nothing, ...change })
      expect(moves).toHaveLength(moved(place(configuration), place(target)))
      for (const { partition, from, to } of moves) {
        expect(before.ownsPartition(from!, partition)).toBe(true)
        expect(after.ownsPartition(from!, partition)).toBe(false)
        expect(before.ownsPartition(to, partition)).toBe(false)
        expect(after.ownsPartition(to, partition)).toBe(true)
      }
    }
  })

  test('of a cluster below N takes copies from nobody', () => {
    const two = new Ring(configurationOf(five.slice(0, 2)))
    const three = new Ring(configurationOf(five.slice(0, 3)))
    const moves = partitionMoves(two, three)
    expect(moves).toHaveLength(1024)
    expect(new Set(moves.map(({ from, to }) => `${from} ${to}`))).toEqual(new Set(['undefined c']))
  })
})

describe('partitions short of copies', () => {
  const ring = new Ring(configuration)

  test('are none while all owners answer', () => {
    expect(shortPartitions(ring, { copies: 3, answers: everyone })).toEqual([])
  })

  test('are those of a member that does not answer, with the owners that do', () => {
    const short = shortPartitions(ring, { copies: 3, answers: (id) => id !== 'd' })
    expect(short).toHaveLength(ring.ownedCount('d'))
    for (const { partition, copies } of short)
      expect(copies).toEqual(ring.owners(partition).filter((id) => id !== 'd'))
  })

  test('are all of them in a cluster of fewer than N members', () => {
    const two = new Ring(configurationOf(five.slice(0, 2)))
    expect(shortPartitions(two, { copies: 3, answers: everyone })).toHaveLength(1024)
  })
})
