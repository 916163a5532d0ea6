/** Messages survive the way through tuples, and nothing else is taken for one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AcceptorState } from '../../src/ring/register/acceptor.ts'
import {
  acceptorFromTuple,
  acceptorToTuple,
  replyFromTuple,
  replyToTuple,
  requestFromTuple,
  requestToTuple,
} from '../../src/ring/register/message-codec.ts'
import type { RegisterReply, RegisterRequest } from '../../src/ring/register/messages.ts'
import { named, plainCodec } from './kit/configurations.ts'

const ballot = { counter: 3, proposer: 'a/1f' }
const base = named(4, 'abc')
const value = named(5, 'abd')
const vote = { ballot: { counter: 2, proposer: 'b/2' }, value }

const requests: RegisterRequest[] = [
  { kind: 'prepare', epoch: 5, ballot },
  { kind: 'accept', epoch: 5, ballot, value },
  { kind: 'learn', configuration: base },
]
const replies: RegisterReply[] = [
  { kind: 'promised', epoch: 5, ballot, accepted: undefined },
  { kind: 'promised', epoch: 5, ballot, accepted: vote },
  { kind: 'accepted', epoch: 5, ballot },
  { kind: 'rejected', epoch: 5, promised: ballot },
  { kind: 'superseded', configuration: base },
  { kind: 'behind', epoch: 0 },
  { kind: 'behind', epoch: 3 },
  { kind: 'stranger', epoch: 5 },
  { kind: 'learned', epoch: 4 },
]
const states: AcceptorState[] = [
  { chosen: undefined, promised: undefined, accepted: undefined },
  { chosen: base, promised: undefined, accepted: undefined },
  { chosen: base, promised: ballot, accepted: undefined },
  { chosen: base, promised: ballot, accepted: vote },
]

const decoders = { requestFromTuple, replyFromTuple, acceptorFromTuple }
const valid: [keyof typeof decoders, unknown[]][] = [
  ...requests.map(
    (each) => ['requestFromTuple' as const, requestToTuple(each, plainCodec)] as const,
  ),
  ...replies.map((each) => ['replyFromTuple' as const, replyToTuple(each, plainCodec)] as const),
  ...states.map(
    (each) => ['acceptorFromTuple' as const, acceptorToTuple(each, plainCodec)] as const,
  ),
].map(([name, tuple]) => [name, tuple])

describe('through tuples', () => {
  it.each(requests)('a $kind request stays the same', (request) => {
    expect(requestFromTuple(requestToTuple(request, plainCodec), plainCodec)).toEqual(request)
  })

  it.each(replies)('a $kind reply stays the same', (reply) => {
    expect(replyFromTuple(replyToTuple(reply, plainCodec), plainCodec)).toEqual(reply)
  })

  it.each(states)('the state of an acceptor stays the same', (state) => {
    expect(acceptorFromTuple(acceptorToTuple(state, plainCodec), plainCodec)).toEqual(state)
  })
})

describe('a decoder', () => {
  it('refuses every valid tuple made longer, shorter, or wrong in one place', () => {
    for (const [name, tuple] of valid) {
      const decode = decoders[name]
      expect(decode([...tuple, 1], plainCodec), `${name} longer`).toBeTypeOf('string')
      expect(decode(tuple.slice(0, -1), plainCodec), `${name} shorter`).toBeTypeOf('string')
      for (let place = 0; place < tuple.length; place++) {
        const wrong = tuple.with(place, -1.5)
        expect(decode(wrong, plainCodec), `${name} ${JSON.stringify(wrong)}`).toBeTypeOf('string')
      }
    }
  })

  it.each([
    [0, 'a'],
    [1.5, 'a'],
    [2 ** 48 + 1, 'a'],
    ['1', 'a'],
    [1, ''],
    [1, 'a'.repeat(513)],
    [1, 7],
    [1],
    [1, 'a', 2],
  ])('refuses the ballot [%s, %s]', (...tuple) => {
    expect(requestFromTuple(['prepare', 5, tuple], plainCodec)).toBeTypeOf('string')
  })

  it('refuses a vote on another epoch than the one asked for', () => {
    const reply: RegisterReply = { kind: 'promised', epoch: 6, ballot, accepted: vote }
    expect(replyFromTuple(replyToTuple(reply, plainCodec), plainCodec)).toBe(
      'a vote on epoch 6 is for epoch 5',
    )
  })

  it('refuses a state with a promise but no configuration, or a vote but no promise', () => {
    const ballots = [3, 'a']
    expect(acceptorFromTuple([null, ballots, null], plainCodec)).toBeTypeOf('string')
    expect(acceptorFromTuple([base, null, [ballots, value]], plainCodec)).toBeTypeOf('string')
  })

  it('passes on what is wrong with a configuration', () => {
    expect(requestFromTuple(['learn', 7], plainCodec)).toBe('not a configuration')
  })

  it('takes anything without throwing', () => {
    const kinds = fc.constantFrom('prepare', 'accept', 'learn', 'promised', 'superseded', 'behind')
    const anything = fc.oneof(
      fc.anything(),
      fc.array(fc.anything(), { maxLength: 5 }),
      fc.tuple(kinds, fc.anything(), fc.anything(), fc.anything()),
    )
    fc.assert(
      fc.property(anything, (tuple) => {
        for (const decode of Object.values(decoders)) decode(tuple, plainCodec)
      }),
      { numRuns: 2000 },
    )
  })
})
