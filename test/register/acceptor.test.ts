/** When an acceptor votes, what it says when it does not, and what it has to keep. */
import { describe, expect, it } from 'vitest'
import {
  emptyAcceptor,
  onAccept,
  onLearn,
  onPrepare,
  type AcceptorState,
} from '../../src/ring/register/acceptor.ts'
import type { Ballot } from '../../src/ring/register/ballot.ts'
import type { RegisterReply } from '../../src/ring/register/messages.ts'
import { configuration, member, named, storeOf } from './kit/configurations.ts'

const self = { id: 'a', store: storeOf('a') }
const base = named(4, 'abc')
const withNewcomer = configuration(4, [
  ...base.members,
  { ...member('d'), stage: 'joining' as const },
])
const value = named(5, 'abcd')
const rival = named(5, 'ab')
const low: Ballot = { counter: 1, proposer: 'p' }
const middle: Ballot = { counter: 2, proposer: 'p' }
const high: Ballot = { counter: 3, proposer: 'p' }

const idle: AcceptorState = onLearn(emptyAcceptor, base).state

function prepare(state: AcceptorState, ballot: Ballot, epoch = 5) {
  return onPrepare(state, self, { kind: 'prepare', epoch, ballot })
}

function accept(state: AcceptorState, ballot: Ballot, proposed = value) {
  return onAccept(state, self, { kind: 'accept', epoch: proposed.epoch, ballot, value: proposed })
}

const promisedMiddle = prepare(idle, middle).state
const votedMiddle = accept(promisedMiddle, middle).state

describe('a request to prepare', () => {
  it.each<[string, AcceptorState, Ballot, RegisterReply]>([
    ['the first', idle, low, { kind: 'promised', epoch: 5, ballot: low, accepted: undefined }],
    [
      'a higher ballot than the promised one',
      promisedMiddle,
      high,
      { kind: 'promised', epoch: 5, ballot: high, accepted: undefined },
    ],
    [
      'the promised ballot again',
      promisedMiddle,
      middle,
      { kind: 'promised', epoch: 5, ballot: middle, accepted: undefined },
    ],
    ['a lower ballot', promisedMiddle, low, { kind: 'rejected', epoch: 5, promised: middle }],
    [
      'a higher ballot after a vote',
      votedMiddle,
      high,
      { kind: 'promised', epoch: 5, ballot: high, accepted: { ballot: middle, value } },
    ],
  ])('with %s', (_, state, ballot, reply) => {
    expect(prepare(state, ballot).reply).toEqual(reply)
  })

  it('leaves a promise to keep, and the vote that was given before', () => {
    const { state } = prepare(votedMiddle, high)
    expect(state).toEqual({ chosen: base, promised: high, accepted: { ballot: middle, value } })
  })
})

describe('a request to accept', () => {
  it('is followed, with or without a promise of its own', () => {
    for (const before of [idle, promisedMiddle]) {
      const { state, reply } = accept(before, middle)
      expect(reply).toEqual({ kind: 'accepted', epoch: 5, ballot: middle })
      expect(state.accepted).toEqual({ ballot: middle, value })
      expect(state.promised).toEqual(middle)
    }
  })

  it('is rejected below the promised ballot, and below the voted one', () => {
    const promisedHigh = prepare(idle, high).state
    const votedHigh = accept(idle, high).state
    for (const before of [promisedHigh, votedHigh]) {
      const { state, reply } = accept(before, low, rival)
      expect(reply).toEqual({ kind: 'rejected', epoch: 5, promised: high })
      expect(state).toBe(before)
    }
  })

  it('moves the vote to a higher ballot', () => {
    const { state } = accept(votedMiddle, high, rival)
    expect(state.accepted).toEqual({ ballot: high, value: rival })
  })
})

describe('either request', () => {
  const both = [
    (state: AcceptorState, who: typeof self, epoch: number) =>
      onPrepare(state, who, { kind: 'prepare', epoch, ballot: high }),
    (state: AcceptorState, who: typeof self, epoch: number) =>
      onAccept(state, who, { kind: 'accept', epoch, ballot: high, value: named(epoch, 'ab') }),
  ]

  it.each<[string, AcceptorState, typeof self, number, RegisterReply]>([
    ['a decided epoch', idle, self, 4, { kind: 'superseded', configuration: base }],
    ['one decided long ago', idle, self, 1, { kind: 'superseded', configuration: base }],
    ['an epoch too far ahead', idle, self, 6, { kind: 'behind', epoch: 4 }],
    ['any epoch, knowing none', emptyAcceptor, self, 5, { kind: 'behind', epoch: 0 }],
    [
      'a node that is no member',
      idle,
      { id: 'd', store: storeOf('d') },
      5,
      { kind: 'stranger', epoch: 5 },
    ],
    [
      'another storage of a member (I2)',
      idle,
      { id: 'a', store: 'emptied' },
      5,
      { kind: 'stranger', epoch: 5 },
    ],
    [
      'a member that is still joining',
      { ...idle, chosen: withNewcomer },
      { id: 'd', store: storeOf('d') },
      5,
      { kind: 'stranger', epoch: 5 },
    ],
  ])('about %s gets no vote and changes nothing', (_, state, who, epoch, reply) => {
    for (const ask of both) expect(ask(state, who, epoch)).toEqual({ state, reply })
  })

  it('repeated changes nothing, so that nothing needs to be made durable again', () => {
    expect(prepare(promisedMiddle, { ...middle }).state).toBe(promisedMiddle)
    expect(accept(votedMiddle, { ...middle }).state).toBe(votedMiddle)
  })
})

describe('a configuration to learn', () => {
  it('opens the next epoch, without the promises and votes of the former one', () => {
    const { state, reply } = onLearn(votedMiddle, rival)
    expect(state).toEqual({ chosen: rival, promised: undefined, accepted: undefined })
    expect(reply).toEqual({ kind: 'learned', epoch: 5 })
  })

  it('may skip epochs', () => {
    expect(onLearn(votedMiddle, named(9, 'xy')).state.chosen?.epoch).toBe(9)
  })

  it('that is known keeps the promises', () => {
    const { state, reply } = onLearn(votedMiddle, base)
    expect(state).toBe(votedMiddle)
    expect(reply).toEqual({ kind: 'learned', epoch: 4 })
  })

  it('that is old is answered with the newer one', () => {
    const { state, reply } = onLearn(votedMiddle, named(3, 'ab'))
    expect(state).toBe(votedMiddle)
    expect(reply).toEqual({ kind: 'superseded', configuration: base })
  })

  it('of another cluster changes nothing (E10)', () => {
    const foreign = { ...named(9, 'xy'), cluster: 'f'.repeat(32) }
    const { state, reply } = onLearn(votedMiddle, foreign)
    expect(state).toBe(votedMiddle)
    expect(reply).toEqual({ kind: 'stranger', epoch: 9 })
  })
})
