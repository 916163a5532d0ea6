/** The shape of messages on the wire: what goes out comes in, and nothing else does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Claim, Status } from '../../src/membership/claim.ts'
import {
  claimFromTuple,
  claimsMax,
  claimToTuple,
  fromTuple,
  incarnationMax,
  stringLengthMax,
  toTuple,
  type MembershipMessage,
} from '../../src/membership/messages.ts'
import { claim } from './kit/claims.ts'

const name = fc.string({ minLength: 1, maxLength: 40 })
const anyClaim: fc.Arbitrary<Claim> = fc
  .record({
    id: name,
    store: name,
    address: fc.string({ maxLength: 40 }),
    boot: name,
    incarnation: fc.nat(incarnationMax),
    status: fc.constantFrom<Status>('alive', 'suspect', 'dead', 'left'),
    accuser: name,
  })
  .map(({ accuser, ...rest }) => (rest.status === 'suspect' ? { ...rest, by: accuser } : rest))
const claims = fc.array(anyClaim, { maxLength: 5 })
const sequence = fc.maxSafeNat()
const anyMessage: fc.Arbitrary<MembershipMessage> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('ping' as const, 'ack' as const, 'nack' as const),
    sequence,
    claims,
  }),
  fc.record({
    kind: fc.constant('ping-request' as const),
    sequence,
    target: name,
    address: fc.string({ maxLength: 40 }),
    claims,
  }),
  fc.record({ kind: fc.constant('gossip' as const), claims }),
  fc.record({ kind: fc.constant('exchange' as const), reply: fc.boolean(), claims }),
)

test('every message comes back as it went, also through JSON', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      expect(fromTuple(JSON.parse(JSON.stringify(toTuple(message))))).toEqual(message)
    }),
  )
})

test('nothing that comes in throws, and what is taken is a message', () => {
  fc.assert(
    fc.property(fc.anything({ maxDepth: 4 }), (tuple) => {
      const message = fromTuple(tuple)
      if (message !== undefined) expect(fromTuple(toTuple(message))).toEqual(message)
    }),
  )
})

test('a message with one part exchanged for anything is a message or nothing', () => {
  const damaged = fc.tuple(anyMessage, fc.nat(5), fc.nat(7), fc.anything())
  fc.assert(
    fc.property(damaged, ([message, index, inner, junk]) => {
      const tuple = structuredClone(toTuple(message)) as unknown[]
      const list = tuple[1] as unknown[][]
      if (index === 1 && list[0] !== undefined) list[0][inner] = junk
      else tuple[index] = junk
      const taken = fromTuple(tuple)
      if (taken !== undefined) expect(fromTuple(toTuple(taken))).toEqual(taken)
    }),
    { numRuns: 1000 },
  )
})

describe('refuses', () => {
  const good = claimToTuple(claim('b suspect@1 by c'))
  const long = 'x'.repeat(stringLengthMax + 1)
  const withPart = (index: number, part: unknown): unknown[] => {
    const tuple = [...good]
    tuple[index] = part
    return tuple
  }
  test.each([
    { what: 'an object', tuple: { kind: 'ping' } },
    { what: 'an unknown kind', tuple: [9, [], 1] },
    { what: 'a kind that is no number', tuple: ['0', [], 1] },
    { what: 'a ping without a number', tuple: [0, []] },
    { what: 'a ping with too much', tuple: [0, [], 1, 1] },
    { what: 'a negative number', tuple: [0, [], -1] },
    { what: 'gossip with more than claims', tuple: [4, [], 1] },
    { what: 'an exchange with a third kind of reply', tuple: [5, [], 2] },
    { what: 'a ping-request without a target', tuple: [1, [], 1, '', ''] },
    { what: 'too many claims', tuple: [4, Array.from({ length: claimsMax + 1 }, () => good)] },
    { what: 'holes for claims', tuple: [4, Array.from({ length: 2 })] },
    { what: 'an empty id', tuple: [4, [withPart(0, '')]] },
    { what: 'a long store', tuple: [4, [withPart(1, long)]] },
    { what: 'a long address', tuple: [4, [withPart(2, long)]] },
    { what: 'a boot that is a number', tuple: [4, [withPart(3, 1)]] },
    { what: 'a fraction of an incarnation', tuple: [4, [withPart(4, 1.5)]] },
    { what: 'an incarnation nobody can beat', tuple: [4, [withPart(4, incarnationMax + 1)]] },
    { what: 'an unknown status', tuple: [4, [withPart(5, 4)]] },
    { what: 'a suspect without an accuser', tuple: [4, [good.slice(0, 6)]] },
    { what: 'an accuser of the living', tuple: [4, [withPart(5, 0)]] },
  ])('$what', ({ tuple }) => {
    expect(fromTuple(tuple)).toBeUndefined()
  })

  test('nothing of a claim at its limits', () => {
    const limit = { address: 'x'.repeat(stringLengthMax), incarnation: incarnationMax }
    const edge = claim('b dead@1', limit)
    expect(claimFromTuple(claimToTuple(edge))).toEqual(edge)
  })
})
