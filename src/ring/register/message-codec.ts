/**
 * The register's messages, and the state that an acceptor keeps on disk, as tuples of plain values
 * for the cold wire. The decoders take anything, never throw, and return either a whole
 * message or what is wrong with it, as a sentence.
 *
 * ```
 * ballot    [counter, proposer]
 * vote      [ballot, configuration] or null
 * request   ['prepare', epoch, ballot]  ['accept', ballot, configuration]  ['learn', configuration]
 * reply     ['promised', epoch, ballot, vote]  ['accepted' | 'rejected', epoch, ballot]
 *           ['superseded', configuration]  ['behind' | 'stranger' | 'learned', epoch]
 * acceptor  [configuration or null, ballot or null, vote]
 * ```
 *
 * The epoch of a value that is voted on is not written beside it, so that they cannot differ.
 */

import type { RingConfiguration } from '../configuration.ts'
import type { AcceptorState } from './acceptor.ts'
import type { Ballot } from './ballot.ts'
import type { AcceptedValue, RegisterReply, RegisterRequest } from './messages.ts'

/** How a ring configuration is written and checked; the register itself does not look inside. */
export interface ConfigurationCodec {
  toTuple(configuration: RingConfiguration): unknown
  /** The configuration, or what is wrong with it. */
  fromTuple(value: unknown): RingConfiguration | string
}

/** Highest ballot counter and epoch taken from outside. Far above any real one, and low enough that
 *  counting on from it stays exact. */
const COUNTER_MAX = 2 ** 48

/** Longest name of a proposer taken from outside, in UTF-16 code units. */
const PROPOSER_LENGTH_MAX = 512

/** A request for the wire. */
export function requestToTuple(request: RegisterRequest, codec: ConfigurationCodec): unknown[] {
  switch (request.kind) {
    case 'prepare':
      return ['prepare', request.epoch, ballotToTuple(request.ballot)]
    case 'accept':
      return ['accept', ballotToTuple(request.ballot), codec.toTuple(request.value)]
    case 'learn':
      return ['learn', codec.toTuple(request.configuration)]
  }
}

/** The request in a tuple, or what is wrong with it. Total. */
export function requestFromTuple(
  tuple: unknown,
  codec: ConfigurationCodec,
): RegisterRequest | string {
  if (!isTuple(tuple)) return 'a register request is not a tuple'
  const [kind, first, second] = tuple
  switch (shapeOf(tuple)) {
    case 'prepare of 3': {
      const ballot = ballotFromTuple(second)
      if (isCounter(first) && ballot !== undefined) return { kind: 'prepare', epoch: first, ballot }
      break
    }
    case 'accept of 3': {
      const ballot = ballotFromTuple(first)
      const value = codec.fromTuple(second)
      if (typeof value === 'string') return value
      if (ballot !== undefined) return { kind: 'accept', epoch: value.epoch, ballot, value }
      break
    }
    case 'learn of 2': {
      const configuration = codec.fromTuple(first)
      return typeof configuration === 'string' ? configuration : { kind: 'learn', configuration }
    }
  }
  return `a register request has a wrong shape: ${describe(kind)}`
}

/** A reply for the wire. */
export function replyToTuple(reply: RegisterReply, codec: ConfigurationCodec): unknown[] {
  switch (reply.kind) {
    case 'promised': {
      const { epoch, ballot, accepted } = reply
      return ['promised', epoch, ballotToTuple(ballot), voteToTuple(accepted, codec)]
    }
    case 'accepted':
      return ['accepted', reply.epoch, ballotToTuple(reply.ballot)]
    case 'rejected':
      return ['rejected', reply.epoch, ballotToTuple(reply.promised)]
    case 'superseded':
      return ['superseded', codec.toTuple(reply.configuration)]
    case 'behind':
    case 'stranger':
    case 'learned':
      return [reply.kind, reply.epoch]
  }
}

/** The reply in a tuple, or what is wrong with it. Total. */
export function replyFromTuple(tuple: unknown, codec: ConfigurationCodec): RegisterReply | string {
  if (!isTuple(tuple)) return 'a register reply is not a tuple'
  const [kind, first, second, third] = tuple
  if (shapeOf(tuple) === 'superseded of 2') {
    const configuration = codec.fromTuple(first)
    return typeof configuration === 'string' ? configuration : { kind: 'superseded', configuration }
  }
  if (shapeOf(tuple) === 'behind of 2' && first === 0) return { kind: 'behind', epoch: 0 }
  const problem = `a register reply has a wrong shape: ${describe(kind)}`
  if (!isCounter(first)) return problem
  const epoch = first
  const ballot = ballotFromTuple(second)
  switch (shapeOf(tuple)) {
    case 'behind of 2':
      return { kind: 'behind', epoch }
    case 'stranger of 2':
      return { kind: 'stranger', epoch }
    case 'learned of 2':
      return { kind: 'learned', epoch }
    case 'accepted of 3':
      return ballot === undefined ? problem : { kind: 'accepted', epoch, ballot }
    case 'rejected of 3':
      return ballot === undefined ? problem : { kind: 'rejected', epoch, promised: ballot }
    case 'promised of 4': {
      const accepted = voteFromTuple(third, { epoch, codec })
      if (typeof accepted === 'string') return accepted
      return ballot === undefined ? problem : { kind: 'promised', epoch, ballot, accepted }
    }
  }
  return problem
}

/** What an acceptor makes durable before it replies. */
export function acceptorToTuple(state: AcceptorState, codec: ConfigurationCodec): unknown[] {
  return [
    state.chosen === undefined ? null : codec.toTuple(state.chosen),
    state.promised === undefined ? null : ballotToTuple(state.promised),
    voteToTuple(state.accepted, codec),
  ]
}

/** A problem means that the state is damaged, not that there is none: see the duties in
 *  `acceptor.ts`. */
export function acceptorFromTuple(
  tuple: unknown,
  codec: ConfigurationCodec,
): AcceptorState | string {
  const problem = 'the state of an acceptor has a wrong shape'
  if (!isTuple(tuple) || tuple.length !== 3) return problem
  const [first, second, third] = tuple
  const chosen = first === null ? undefined : codec.fromTuple(first)
  if (typeof chosen === 'string') return chosen
  const promised = ballotFromTuple(second)
  const accepted = voteFromTuple(third, { epoch: (chosen?.epoch ?? 0) + 1, codec })
  if (typeof accepted === 'string') return accepted
  if (promised === undefined && (second !== null || accepted !== undefined)) return problem
  if (promised !== undefined && chosen === undefined) return problem
  return { chosen, promised, accepted }
}

function ballotToTuple({ counter, proposer }: Ballot): unknown[] {
  return [counter, proposer]
}

function ballotFromTuple(tuple: unknown): Ballot | undefined {
  if (!isTuple(tuple) || tuple.length !== 2) return undefined
  const [counter, proposer] = tuple
  if (!isCounter(counter) || typeof proposer !== 'string') return undefined
  if (proposer === '' || proposer.length > PROPOSER_LENGTH_MAX) return undefined
  return { counter, proposer }
}

function voteToTuple(vote: AcceptedValue | undefined, codec: ConfigurationCodec): unknown {
  return vote === undefined ? null : [ballotToTuple(vote.ballot), codec.toTuple(vote.value)]
}

/** The vote on `epoch`, undefined for none, or what is wrong with it. */
function voteFromTuple(
  tuple: unknown,
  { epoch, codec }: { epoch: number; codec: ConfigurationCodec },
): AcceptedValue | undefined | string {
  if (tuple === null) return undefined
  const [first, second] = isTuple(tuple) && tuple.length === 2 ? tuple : []
  const ballot = ballotFromTuple(first)
  if (ballot === undefined) return 'a vote has a wrong shape'
  const value = codec.fromTuple(second)
  if (typeof value === 'string') return value
  if (value.epoch !== epoch) return `a vote on epoch ${epoch} is for epoch ${value.epoch}`
  return { ballot, value }
}

/** `Array.isArray` without its `any`. */
function isTuple(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isCounter(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= COUNTER_MAX
}

/** Kind and length in one, as the decoders switch over them: `'prepare of 3'`. */
function shapeOf(tuple: readonly unknown[]): string {
  return typeof tuple[0] === 'string' ? `${tuple[0]} of ${tuple.length}` : ''
}

/** A kind from outside, short enough for a message. */
function describe(kind: unknown): string {
  return typeof kind === 'string' ? `'${kind.slice(0, 20)}'` : typeof kind
}
