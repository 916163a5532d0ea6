/**
 * One attempt to have the next ring configuration chosen, or to make sure that there is none yet:
 * the proposer of single-decree Paxos (Lamport, Paxos Made Simple §2.2), as a machine. It knows no
 * time and sends nothing: it returns directives, and its driver tells it what came back.
 *
 * Duties of the driver:
 * 1. `base` is known as chosen, and `ballot` was issued for no other proposal (`nextBallot`).
 * 2. Carry out the directives; the members' requests are handled by `acceptor.ts`, this node's own
 *    included. Hand each reply to `receive` with the member's authenticated id, each call that
 *    failed to `failed`, and a deadline for the whole attempt to `expire`.
 * 3. After the `end` directive, take a configuration in the outcome as chosen (`onLearn`), also
 *    when this node is not a member.
 * 4. Before trying again, compute the change anew from the newest configuration, and find it done
 *    if it is: the value of an attempt that ended as `retry` or `unreachable` may have been chosen
 *    since, and `superseded` may bring that very value.
 */

import { assert, unreachable } from '../../base/assert.ts'
import { votersOf, type RingConfiguration } from '../configuration.ts'
import { compareBallots, type Ballot } from './ballot.ts'
import type { AcceptedValue, RegisterReply, RegisterRequest } from './messages.ts'

/** What a proposal is about. */
export interface ProposalOptions {
  /** The configuration that is to be replaced. Its voters decide, by majority. */
  readonly base: RingConfiguration
  /**
   * What to put in its place: the same cluster, one epoch later. Undefined to read: the proposal
   * then finds out whether `base` is still the newest, and finishes what it finds half done. A
   * condition that does not hold must be answered from such a read, not from `base` alone (HAZARDS
   * I1).
   */
  readonly value: RingConfiguration | undefined
  readonly ballot: Ballot
}

/** How a proposal ends. */
export type ProposalOutcome =
  /** The epoch is decided. `mine`: with the value of this proposal; otherwise with one that another
   *  proposal, perhaps a former one of this node, had left half done. */
  | {
      readonly kind: 'chosen'
      readonly configuration: RingConfiguration
      readonly mine: boolean
    }
  /** A read: at some moment since the start, `base` was the newest chosen configuration. */
  | { readonly kind: 'current'; readonly configuration: RingConfiguration }
  /** The epoch was decided before: this newer configuration is chosen. */
  | { readonly kind: 'superseded'; readonly configuration: RingConfiguration }
  /** Others proposed with higher ballots. Wait `backoffMs`, then go above `seen`.
   *  `uncertain`: the proposal's own value was sent to voters and may still be chosen. */
  | { readonly kind: 'retry'; readonly seen: Ballot; readonly uncertain: boolean }
  /** Too few members answered. `uncertain` as above; false: nothing changed. */
  | {
      readonly kind: 'unreachable'
      readonly needed: number
      readonly answered: number
      readonly uncertain: boolean
    }

/** What the machine tells its driver to do. */
export type ProposalDirective =
  /** What several members are asked is one object. */
  | { readonly kind: 'send'; readonly to: string; readonly request: RegisterRequest }
  /** The last directive of a proposal. */
  | { readonly kind: 'end'; readonly outcome: ProposalOutcome }

/**
 * Invariant: one value at most is proposed under the ballot.
 * Invariant: in each phase a member is in at most one of voted, refused, failed.
 */
export class Proposal {
  readonly #base: RingConfiguration
  readonly #value: RingConfiguration | undefined
  readonly #ballot: Ballot
  readonly #epoch: number
  /** The members that have a vote. */
  readonly #voters: ReadonlySet<string>
  readonly #needed: number
  #phase: 'new' | 'prepare' | 'accept' | 'ended' = 'new'
  /** Members that gave their vote in this phase. */
  readonly #voted = new Set<string>()
  /** Members that never vote in this ballot: they promised a higher one. */
  readonly #rejected = new Set<string>()
  /** Members that never vote in this epoch: another storage is there under their id. */
  readonly #strangers = new Set<string>()
  /** Members that could not be reached in this phase. */
  readonly #failed = new Set<string>()
  /** Of all votes told in promises, the one with the highest ballot. */
  #adopted: AcceptedValue | undefined
  /** What is put to the vote in phase 2. */
  #proposed: RingConfiguration | undefined
  /** What voters are asked in the present phase. */
  #request: RegisterRequest
  /** For voters that do not know the base yet. */
  readonly #teaching: RegisterRequest
  #seen: Ballot

  constructor({ base, value, ballot }: ProposalOptions) {
    assert(
      value === undefined || (value.epoch === base.epoch + 1 && value.cluster === base.cluster),
      'a proposal follows its base',
    )
    this.#base = base
    this.#value = value
    this.#ballot = ballot
    this.#seen = ballot
    this.#epoch = base.epoch + 1
    this.#request = { kind: 'prepare', epoch: this.#epoch, ballot }
    this.#teaching = { kind: 'learn', configuration: base }
    this.#voters = new Set(votersOf(base).map(({ id }) => id))
    this.#needed = Math.floor(this.#voters.size / 2) + 1
  }

  /** Begins: asks every voter for a promise. */
  start(): readonly ProposalDirective[] {
    assert(this.#phase === 'new', 'a proposal starts once')
    this.#phase = 'prepare'
    return [...this.#voters].map((to) => this.#ask(to))
  }

  /** A reply of the voter `from`. Replies of others, to others, or after the end change nothing.
   *  */
  receive(from: string, reply: RegisterReply): readonly ProposalDirective[] {
    if (this.#phase === 'new' || this.#phase === 'ended' || !this.#voters.has(from)) return []
    switch (reply.kind) {
      case 'promised':
        if (this.#phase !== 'prepare' || !this.#concerns(reply)) return []
        return this.#onPromised(from, reply.accepted)
      case 'accepted':
        if (this.#phase !== 'accept' || !this.#concerns(reply)) return []
        this.#vote(from)
        return this.#voted.size >= this.#needed ? this.#endChosen() : []
      case 'rejected':
        return this.#onRejected(from, reply)
      case 'superseded':
        if (reply.configuration.epoch < this.#epoch) return []
        return this.#end({ kind: 'superseded', configuration: reply.configuration })
      case 'behind':
        if (reply.epoch >= this.#base.epoch) return []
        return [{ kind: 'send', to: from, request: this.#teaching }]
      case 'learned':
        if (reply.epoch !== this.#base.epoch || this.#isSettled(from)) return []
        return [this.#ask(from)]
      case 'stranger':
        if (reply.epoch !== this.#epoch || this.#voted.has(from)) return []
        this.#failed.delete(from)
        this.#strangers.add(from)
        return this.#endIfHopeless()
      default:
        return unreachable(reply)
    }
  }

  /** This request to `to` failed, or its reply will not come. A request of a former phase does not
   *  matter any more. */
  failed(to: string, request: RegisterRequest): readonly ProposalDirective[] {
    if (this.#phase === 'new' || this.#phase === 'ended') return []
    if (request.kind !== 'learn' && request.kind !== this.#phase) return []
    if (!this.#voters.has(to) || this.#isSettled(to)) return []
    this.#failed.add(to)
    return this.#endIfHopeless()
  }

  /** The attempt's time is over: who has not answered counts as unreachable. */
  expire(): readonly ProposalDirective[] {
    if (this.#phase === 'ended') return []
    for (const member of this.#voters) if (!this.#isSettled(member)) this.#failed.add(member)
    return this.#endShort()
  }

  #onPromised(from: string, accepted: AcceptedValue | undefined): readonly ProposalDirective[] {
    this.#vote(from)
    const adopted = this.#adopted
    if (
      accepted !== undefined &&
      (adopted === undefined || compareBallots(accepted.ballot, adopted.ballot) > 0)
    ) {
      this.#adopted = accepted
    }
    if (this.#voted.size < this.#needed) return []
    // A value that some member voted for may be chosen already: it is proposed instead of our own.
    this.#proposed = this.#adopted?.value ?? this.#value
    // Nothing was chosen before the promises, and nothing with a lower ballot can be any more.
    if (this.#proposed === undefined) {
      return this.#end({ kind: 'current', configuration: this.#base })
    }
    this.#phase = 'accept'
    this.#request = {
      kind: 'accept',
      epoch: this.#epoch,
      ballot: this.#ballot,
      value: this.#proposed,
    }
    this.#voted.clear()
    this.#failed.clear()
    // Everyone is asked, not only who promised: one of these may fail before it votes.
    return [...this.#voters].filter((to) => !this.#isSettled(to)).map((to) => this.#ask(to))
  }

  #onRejected(
    from: string,
    { epoch, promised }: { epoch: number; promised: Ballot },
  ): readonly ProposalDirective[] {
    if (epoch !== this.#epoch || compareBallots(promised, this.#ballot) <= 0) return []
    if (compareBallots(promised, this.#seen) > 0) this.#seen = promised
    if (this.#voted.has(from)) return []
    this.#rejected.add(from)
    this.#failed.delete(from)
    return this.#endIfHopeless()
  }

  /** Whether a vote is about this very proposal, not about a former one of this node. */
  #concerns({ epoch, ballot }: { epoch: number; ballot: Ballot }): boolean {
    return epoch === this.#epoch && compareBallots(ballot, this.#ballot) === 0
  }

  /** A vote stands, also one that a later reply of the same member has overtaken. */
  #vote(from: string): void {
    this.#failed.delete(from)
    this.#rejected.delete(from)
    this.#strangers.delete(from)
    this.#voted.add(from)
  }

  #isSettled(member: string): boolean {
    return this.#voted.has(member) || this.#rejected.has(member) || this.#strangers.has(member)
  }

  #endIfHopeless(): readonly ProposalDirective[] {
    const lost = this.#rejected.size + this.#strangers.size + this.#failed.size
    return this.#voters.size - lost < this.#needed ? this.#endShort() : []
  }

  /** Ends without a majority. If a rival's higher ballot is what stood in the way, a retry is worth
   *  it; otherwise members are missing. */
  #endShort(): readonly ProposalDirective[] {
    const answered = this.#voted.size + this.#rejected.size
    const reachable = this.#voters.size - this.#strangers.size - this.#failed.size
    const uncertain = this.#proposed !== undefined && this.#adopted === undefined
    if (this.#rejected.size > 0 && reachable >= this.#needed) {
      return this.#end({ kind: 'retry', seen: this.#seen, uncertain })
    }
    return this.#end({ kind: 'unreachable', needed: this.#needed, answered, uncertain })
  }

  /** A majority voted for the value: it is chosen, whatever happens. Old and new members are told.
   *  */
  #endChosen(): readonly ProposalDirective[] {
    const configuration = this.#proposed
    assert(configuration !== undefined, 'votes come after a value')
    const audience = new Set([...this.#base.members, ...configuration.members].map(({ id }) => id))
    const request: RegisterRequest = { kind: 'learn', configuration }
    const mine = this.#adopted === undefined
    return [
      ...[...audience].map((to) => ({ kind: 'send', to, request }) as const),
      ...this.#end({ kind: 'chosen', configuration, mine }),
    ]
  }

  #end(outcome: ProposalOutcome): readonly ProposalDirective[] {
    this.#phase = 'ended'
    return [{ kind: 'end', outcome }]
  }

  #ask(to: string): ProposalDirective {
    return { kind: 'send', to, request: this.#request }
  }
}
