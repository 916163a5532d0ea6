import { describe, expect, test } from 'vitest'
import { Ring } from '../../src/ring/ring.ts'
import { tokenCount, tokensOf } from '../../src/ring/tokens.ts'
import { configurationOf, memberOf } from './kit.ts'

const all = (): boolean => true

/** Weight of a member with one token, which lies in the first of the 128 arcs: collisions are easy to find. */
const oneToken = 1 / 128

/** Groups of ids whose only tokens lie at the same position. */
function collidingIds(): string[][] {
  const members = Array.from({ length: 16_000 }, (_, i) => memberOf(`c${i}`, { weight: oneToken }))
  members.sort((a, b) => (a.id < b.id ? -1 : 1))
  const tokens = tokensOf(members, all)
  const groups = new Map<number, string[]>()
  tokens.positions.forEach((position, token) => {
    const id = members[tokens.members[token]!]!.id
    groups.set(position, [...(groups.get(position) ?? []), id])
  })
  return [...groups.values()].filter((ids) => ids.length > 1)
}

describe('tokens', () => {
  test.each([
    [1, 128],
    [2, 256],
    [1.5, 192],
    [1 / 128, 1],
    [1 / 1000, 1],
    [0.0117, 1],
    [0.0118, 2],
  ])('of weight %d are %i', (weight, count) => {
    expect(tokenCount(weight)).toBe(count)
    expect(tokensOf([memberOf('a', { weight })], all).count).toBe(count)
  })

  test('are sorted by position', () => {
    const { positions } = tokensOf([memberOf('a'), memberOf('b'), memberOf('c')], all)
    expect([...positions]).toEqual([...positions].sort((a, b) => a - b))
  })

  test('lie one in each of 128 equal arcs for a member of weight 1', () => {
    const { positions } = tokensOf([memberOf('a')], all)
    expect([...positions].map((position) => Math.floor(position / 2 ** 25))).toEqual(
      Array.from({ length: 128 }, (_, arc) => arc),
    )
  })

  test('stay where they are when a weight grows', () => {
    const light = tokensOf([memberOf('a', { weight: 0.5 })], all)
    const heavy = tokensOf([memberOf('a', { weight: 3 })], all)
    const positions = new Set(heavy.positions)
    expect([...light.positions].every((position) => positions.has(position))).toBe(true)
  })

  test('a member that is not on the ring has none', () => {
    const { count, members } = tokensOf([memberOf('a'), memberOf('b')], ({ id }) => id === 'b')
    expect(count).toBe(128)
    expect(new Set(members)).toEqual(new Set([1]))
  })
})

describe('tokens of two members at the same position', () => {
  const groups = collidingIds()

  test('exist in this test at all', () => {
    expect(groups.length).toBeGreaterThan(0)
  })

  test('are walked in the order of the ids, whatever order the members were given in', () => {
    for (const ids of groups) {
      const sorted = ids.toSorted()
      const members = sorted.map((id) => memberOf(id, { weight: oneToken }))
      const given = configurationOf(members, { n: members.length, partitions: 16 })
      for (const order of [members, members.toReversed()]) {
        const ring = new Ring({ ...given, members: order })
        for (let partition = 0; partition < 16; partition++) {
          expect(ring.preferenceList(partition)).toEqual(sorted)
        }
      }
    }
  })

  test('do not make one of them own everything', () => {
    for (const ids of groups) {
      const members = ids.map((id) => memberOf(id, { weight: oneToken }))
      const ring = new Ring(configurationOf(members, { n: 1 }))
      expect(ring.balance()).toBeGreaterThan(0.95)
    }
  })
})
