/** Who needs what a node keeps for another (HAZARDS C3). */
import { describe, expect, test } from 'vitest'
import { deliveriesTo, recipientsOf } from '../../src/upkeep/recipients.ts'
import { ringOf } from '../coordinator/kit.ts'

const ring = ringOf(['a', 'b', 'c', 'd'])
const [self, other, third] = ring.owners(0) as [string, string, string]

test('an owner needs what is kept for it, and a hint for the node itself is nothing to be delivered', () => {
  expect(recipientsOf(ring, { target: other, partition: 0 }, self)).toEqual([other])
  expect(recipientsOf(ring, { target: self, partition: 0 }, self)).toEqual([])
})

test('what was kept for somebody who owns it no more is for the other owners', () => {
  expect(recipientsOf(ring, { target: 'gone', partition: 0 }, self)).toEqual([other, third])
})

describe('what a node that leaves keeps for a member that is away', () => {
  const reaching = (...ids: readonly string[]) => ({
    selfId: self,
    isLeaving: true,
    isReachable: (id: string): boolean => ids.includes(id),
  })

  test('goes to a member that has no copy yet', () => {
    const [fallback = ''] = ring.preferenceList(0).slice(3)
    expect(deliveriesTo(ring, [other], 0, reaching(third, fallback))).toEqual([
      { to: fallback, hintFor: [other] },
    ])
  })

  test('goes to an owner when all others are owners, and to nobody when nobody answers', () => {
    expect(deliveriesTo(ring, [other], 0, reaching(third))).toEqual([
      { to: third, hintFor: [other] },
    ])
    expect(deliveriesTo(ring, [other], 0, reaching())).toBeUndefined()
  })
})
