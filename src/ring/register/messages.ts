/**
 * What proposers and acceptors of the configuration register say to each other. Each message names
 * the epoch that it is about, and each vote its ballot, so that an answer which comes late, twice or
 * to a former proposal is known as such.
 */

import type { RingConfiguration } from '../configuration.ts'
import type { Ballot } from './ballot.ts'

/** A value that an acceptor has voted for, and with which ballot. */
export interface AcceptedValue {
  readonly ballot: Ballot
  readonly value: RingConfiguration
}

/** Asks for the promise to vote in no lower ballot (phase 1a). */
export interface PrepareRequest {
  readonly kind: 'prepare'
  /** The epoch to be decided. */
  readonly epoch: number
  readonly ballot: Ballot
}

/** Asks for a vote (phase 2a). Invariant: `value.epoch` is `epoch`. */
export interface AcceptRequest {
  readonly kind: 'accept'
  readonly epoch: number
  readonly ballot: Ballot
  readonly value: RingConfiguration
}

/** Tells a configuration that is chosen. */
interface LearnRequest {
  readonly kind: 'learn'
  readonly configuration: RingConfiguration
}

/** What a proposer asks of an acceptor. */
export type RegisterRequest = PrepareRequest | AcceptRequest | LearnRequest

/** What an acceptor answers. */
export type RegisterReply =
  /** Phase 1b: votes in no ballot below this one; `accepted` is what it voted for before. */
  | {
      readonly kind: 'promised'
      readonly epoch: number
      readonly ballot: Ballot
      readonly accepted: AcceptedValue | undefined
    }
  /** Phase 2b: voted for the value of this ballot. */
  | { readonly kind: 'accepted'; readonly epoch: number; readonly ballot: Ballot }
  /** Has promised the higher ballot `promised` to another. */
  | { readonly kind: 'rejected'; readonly epoch: number; readonly promised: Ballot }
  /** The epoch asked for is decided: this is the newest configuration that the acceptor knows. */
  | { readonly kind: 'superseded'; readonly configuration: RingConfiguration }
  /** Knows no configuration newer than `epoch` (0: none at all) and cannot vote on the one asked
   *  for: it must learn first. */
  | { readonly kind: 'behind'; readonly epoch: number }
  /** Has no vote on `epoch`: this node, or this storage of it, is not a member, or is still joining. */
  | { readonly kind: 'stranger'; readonly epoch: number }
  /** Knows the configuration of `epoch` as chosen. */
  | { readonly kind: 'learned'; readonly epoch: number }
