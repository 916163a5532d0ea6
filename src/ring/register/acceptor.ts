/**
 * The acceptor of the configuration register: one node's vote on the next ring configuration.
 *
 * Epoch e + 1 is one instance of single-decree Paxos (Lamport, Paxos Made Simple §2) whose
 * acceptors are exactly the voters of the chosen configuration e: its members but those that are
 * joining. Why this is safe stands in `docs/decisions/0003-configuration-register.md`. Pure: a
 * request and a state give a state and a reply.
 *
 * Duties of the caller, in this order:
 * 1. One request at a time: the next starts from the state that the last one left, once that is
 *    durable. A reply may rest on the state that an earlier request made.
 * 2. If the returned state is another object than the one given, make it durable. If that fails,
 *    stop voting until the state is read back: what is on disk is not known.
 * 3. Only then send the reply. An acceptor that forgets a promise or a vote lets two configurations
 *    be chosen for one epoch (HAZARDS I2).
 * 4. If the stored state is lost or damaged, draw a new store identity. The node is then a stranger
 *    until the members replace it; it must never start from the empty state under its old identity.
 */

import { unreachable } from '../../base/assert.ts'
import { votersOf, type RingConfiguration } from '../configuration.ts'
import { compareBallots, type Ballot } from './ballot.ts'
import type {
  AcceptedValue,
  AcceptRequest,
  PrepareRequest,
  RegisterReply,
  RegisterRequest,
} from './messages.ts'

/** Invariant: `promised` and `accepted` are about the epoch after `chosen`, and undefined without
 *  it; `accepted.ballot` is not above `promised`. */
export interface AcceptorState {
  /** The newest configuration known as chosen. */
  readonly chosen: RingConfiguration | undefined
  readonly promised: Ballot | undefined
  readonly accepted: AcceptedValue | undefined
}

/** Who votes: the acceptor's own identity. */
export interface AcceptorIdentity {
  readonly id: string
  readonly store: string
}

/** What a request leads to: the state to be made durable, then the reply to be sent. */
export interface AcceptorStep {
  /** The object that was given, if nothing changed. */
  readonly state: AcceptorState
  readonly reply: RegisterReply
}

/** The state of a node that has never heard of a configuration. */
export const emptyAcceptor: AcceptorState = Object.freeze({
  chosen: undefined,
  promised: undefined,
  accepted: undefined,
})

/** The one entry for requests from the network. */
export function onRequest(
  state: AcceptorState,
  self: AcceptorIdentity,
  request: RegisterRequest,
): AcceptorStep {
  switch (request.kind) {
    case 'prepare':
      return onPrepare(state, self, request)
    case 'accept':
      return onAccept(state, self, request)
    case 'learn':
      return onLearn(state, request.configuration)
    default:
      return unreachable(request)
  }
}

/** Phase 1: promises to vote in no lower ballot, and tells what it voted for so far. */
export function onPrepare(
  state: AcceptorState,
  self: AcceptorIdentity,
  request: PrepareRequest,
): AcceptorStep {
  const refusal = refusalOf(state, self, request)
  if (refusal !== undefined) return { state, reply: refusal }
  const { epoch, ballot } = request
  const reply: RegisterReply = { kind: 'promised', epoch, ballot, accepted: state.accepted }
  if (state.promised !== undefined && compareBallots(ballot, state.promised) === 0) {
    return { state, reply }
  }
  return { state: { ...state, promised: ballot }, reply }
}

/**
 * Phase 2: votes for the value, unless a higher ballot was promised. A vote needs no promise of its
 * own before: one that was lost, or given by others only, does not stand in the way.
 */
export function onAccept(
  state: AcceptorState,
  self: AcceptorIdentity,
  request: AcceptRequest,
): AcceptorStep {
  const refusal = refusalOf(state, self, request)
  if (refusal !== undefined) return { state, reply: refusal }
  const { epoch, ballot, value } = request
  const reply: RegisterReply = { kind: 'accepted', epoch, ballot }
  if (state.accepted !== undefined && compareBallots(ballot, state.accepted.ballot) === 0) {
    return { state, reply }
  }
  return { state: { ...state, promised: ballot, accepted: { ballot, value } }, reply }
}

/**
 * Takes a configuration that is chosen, from a proposer or from gossip. Promises and votes for
 * epochs up to it are dropped: they are decided, and from now on this acceptor answers
 * `superseded`. A configuration of another cluster changes nothing (HAZARDS E10).
 */
export function onLearn(state: AcceptorState, configuration: RingConfiguration): AcceptorStep {
  const { chosen } = state
  const { epoch, cluster } = configuration
  if (chosen === undefined || (chosen.cluster === cluster && chosen.epoch < epoch)) {
    return {
      state: { chosen: configuration, promised: undefined, accepted: undefined },
      reply: { kind: 'learned', epoch },
    }
  }
  if (chosen.cluster !== cluster) return { state, reply: { kind: 'stranger', epoch } }
  if (chosen.epoch === epoch) return { state, reply: { kind: 'learned', epoch } }
  return { state, reply: { kind: 'superseded', configuration: chosen } }
}

/** Why the acceptor does not vote; undefined if it may. */
function refusalOf(
  state: AcceptorState,
  self: AcceptorIdentity,
  { epoch, ballot }: PrepareRequest | AcceptRequest,
): RegisterReply | undefined {
  const { chosen, promised } = state
  if (chosen === undefined) return { kind: 'behind', epoch: 0 }
  if (epoch <= chosen.epoch) return { kind: 'superseded', configuration: chosen }
  if (epoch > chosen.epoch + 1) return { kind: 'behind', epoch: chosen.epoch }
  const hasVote = votersOf(chosen).some(({ id, store }) => id === self.id && store === self.store)
  if (!hasVote) return { kind: 'stranger', epoch }
  if (promised !== undefined && compareBallots(ballot, promised) < 0) {
    return { kind: 'rejected', epoch, promised }
  }
  return undefined
}
