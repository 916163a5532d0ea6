/** Who needs what a node keeps for another (HAZARDS C3). */
import { expect, test } from 'vitest'
import { recipientsOf } from '../../src/upkeep/recipients.ts'
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
