/** Sets of replicas as bits. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { REPLICA_MAX, replicaBit, replicaCount } from '../../src/quorum/replica-mask.ts'

it('gives each replica its own bit', () => {
  const all = Array.from({ length: REPLICA_MAX + 1 }, (_, replica) => replicaBit(replica))
  expect(all.reduce((mask, bit) => mask | bit, 0)).toBe(0x7fff_ffff)
  expect(new Set(all).size).toBe(31)
})

it.each([-1, 31, 32, 33, Number.NaN])(
  'has no bit for replica %s, which would wrap round',
  (replica) => {
    expect(replicaBit(replica)).toBe(0)
  },
)

it('counts as many replicas as the written mask has ones', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0x7fff_ffff }), (mask) => {
      expect(replicaCount(mask)).toBe(mask.toString(2).replaceAll('0', '').length)
    }),
  )
})
