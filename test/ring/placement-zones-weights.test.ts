import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RingConfiguration, RingMember } from '../../src/ring/configuration.ts'
import { place } from '../../src/ring/placement.ts'
import { configurationOf, idShapes, loadsOf, memberOf, ownerIds } from './kit.ts'

const partitions = 1024

/** How many owners each zone has in each partition. */
function zoneCounts(configuration: RingConfiguration): Map<string, number>[] {
  const zoneOf = new Map(configuration.members.map(({ id, zone }) => [id, zone]))
  return ownerIds(place(configuration)).map((owners) => {
    const counts = new Map([...zoneOf.values()].map((zone) => [zone, 0]))
    for (const id of owners) counts.set(zoneOf.get(id)!, counts.get(zoneOf.get(id)!)! + 1)
    return counts
  })
}

/** The counts that even out `n` owners over zones of these sizes, ascending: one owner after the other to the
 *  least filled zone with a member left. The naive twin of the quotas. */
function evenCounts(sizes: readonly number[], n: number): number[] {
  const counts = sizes.map(() => 0)
  for (let owner = 0; owner < n; owner++) {
    const open = counts.flatMap((count, zone) => (count < sizes[zone]! ? [count] : []))
    counts[
      counts.findIndex((count, zone) => count < sizes[zone]! && count === Math.min(...open))
    ]!++
  }
  return counts.toSorted((a, b) => a - b)
}

function sizesOf(members: readonly RingMember[]): number[] {
  const sizes = new Map<string, number>()
  for (const { zone } of members) sizes.set(zone, (sizes.get(zone) ?? 0) + 1)
  return [...sizes.values()]
}

const anyMembers = fc
  .array(
    fc.record({
      zone: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      weight: fc.constantFrom(0.5, 1, 2, 8),
    }),
    { minLength: 1, maxLength: 16 },
  )
  .map((list) => list.map((given, i) => memberOf(`m${i}`, given)))

describe('zones', () => {
  test('hold the owners of each partition as evenly as their sizes allow, whatever the weights', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 5 }), (members, wanted) => {
        const n = Math.min(wanted, members.length)
        const expected = evenCounts(sizesOf(members), n)
        const configuration = configurationOf(members, { n: wanted, partitions: 256 })
        const spreads = zoneCounts(configuration).map((counts) =>
          [...counts.values()].toSorted((a, b) => a - b).join(' '),
        )
        expect([...new Set(spreads)]).toEqual([expected.join(' ')])
      }),
      { numRuns: 150 },
    )
  })

  test.each([
    ['3 zones, N = 3', 'abc', 9, 1],
    ['5 zones, N = 3', 'abcde', 15, 1],
    ['2 zones, N = 3', 'ab', 8, 2],
  ])('%s: never more owners in a zone than must be', (_, zones, size, most) => {
    const members = Array.from({ length: size }, (_, i) =>
      memberOf(`n${i}`, { zone: zones[i % zones.length]! }),
    )
    const configuration = configurationOf(members)
    for (const counts of zoneCounts(configuration)) {
      expect(Math.max(...counts.values())).toBe(most)
    }
    for (const load of loadsOf(configuration).values()) {
      expect(load / ((partitions * 3) / size)).toBeGreaterThan(0.85)
      expect(load / ((partitions * 3) / size)).toBeLessThanOrEqual(1.05)
    }
  })

  test('a zone of one member makes it own every partition when there are only N zones', () => {
    const zones = ['a', 'b', 'c', 'c', 'c', 'c']
    const loads = loadsOf(configurationOf(zones.map((zone, i) => memberOf(`n${i}`, { zone }))))
    expect([loads.get('n0'), loads.get('n1')]).toEqual([partitions, partitions])
    for (const id of ['n2', 'n3', 'n4', 'n5']) {
      expect(Math.abs(loads.get(id)! / (partitions / 4) - 1)).toBeLessThanOrEqual(0.08)
    }
  })

  test('members without a zone are in one zone together', () => {
    const members = ['', '', '', 'a', 'b'].map((zone, i) => memberOf(`n${i}`, { zone }))
    for (const counts of zoneCounts(configurationOf(members))) expect(counts.get('')).toBe(1)
  })
})

describe('weights', () => {
  const cases: [number[], number][] = [
    [[1, 1, 1, 2], 2],
    [[1, 1, 2, 2, 2], 2],
    [[1, 1, 1, 1, 2], 3],
    [[1, 2, 2, 2, 2, 3], 3],
    [[0.5, 0.5, 0.5, 0.5, 1], 2],
    [[10, 10, 20, 10, 10], 3],
  ]

  test.each(cases)('%j with N = %i are honoured within 5 %%', (weights, n) => {
    const sum = weights.reduce((a, b) => a + b)
    for (const idOf of Object.values(idShapes)) {
      const members = weights.map((weight, i) => memberOf(idOf(i), { weight }))
      const loads = loadsOf(configurationOf(members, { n, partitions: 4096 }))
      for (const { id, weight } of members) {
        const share = (4096 * n * weight) / sum
        expect(Math.abs(loads.get(id)! / share - 1)).toBeLessThanOrEqual(0.05)
      }
    }
  })

  test('are honoured within 5 % in each of three zones of equal weight', () => {
    const weights = [1, 2, 3, 3, 1, 2, 2, 3, 1]
    const members = weights.map((weight, i) =>
      memberOf(`n${i}`, { weight, zone: `z${Math.floor(i / 3)}` }),
    )
    const loads = loadsOf(configurationOf(members, { partitions: 4096 }))
    for (const { id, weight } of members) {
      expect(Math.abs(loads.get(id)! / ((4096 * weight) / 6) - 1)).toBeLessThanOrEqual(0.05)
    }
  })

  test('heavier than a member can carry are cut at every partition, and the rest is spread', () => {
    const members = [100, 1, 1, 1, 1].map((weight, i) => memberOf(`n${i}`, { weight }))
    const loads = loadsOf(configurationOf(members))
    expect(loads.get('n0')!).toBeGreaterThanOrEqual(partitions * 0.95)
    for (const id of ['n1', 'n2', 'n3', 'n4']) {
      expect(Math.abs(loads.get(id)! / (partitions / 2) - 1)).toBeLessThanOrEqual(0.05)
    }
  })

  test('a change of one weight leaves most of the data where it is', () => {
    const before = ['a', 'b', 'c', 'd', 'e'].map((id) => memberOf(id))
    const after = before.map((member) => (member.id === 'c' ? { ...member, weight: 1.5 } : member))
    const previous = ownerIds(place(configurationOf(before)))
    const next = ownerIds(place(configurationOf(after)))
    const moves = next.flatMap((ids, p) => ids.filter((id) => !previous[p]!.includes(id))).length
    // c goes from 1/5 to 3/11 of 3072: 223 partitions at the least.
    expect(moves).toBeLessThan(223 * 1.5)
  })
})
