/**
 * The directives of one call, and what rides on each message: first what the receiver itself is
 * accused of (Lifeguard's buddy rule, for every message instead of pings alone), then the rumours.
 */
import type { Claim } from './claim.ts'
import type { Directive } from './directives.ts'
import { claimsPerMessageMax, retransmitLimit, type Dissemination } from './dissemination.ts'
import type { MemberTable } from './member-table.ts'
import type { MembershipMessage } from './messages.ts'

/** Where a message goes. */
export interface Peer {
  readonly id: string
  readonly address: string | undefined
}

/** A message before its claims are chosen. */
export type BareMessage = WithoutClaims<Exclude<MembershipMessage, { kind: 'exchange' }>>

type WithoutClaims<M> = M extends unknown ? Omit<M, 'claims'> : never

/** Invariant: directives leave in the order in which they came about. */
export class Outbox {
  readonly #table: MemberTable
  readonly #rumours: Dissemination
  readonly #retransmitMultiplier: number
  #directives: Directive[] = []

  constructor(parts: {
    readonly table: MemberTable
    readonly rumours: Dissemination
    readonly retransmitMultiplier: number
  }) {
    this.#table = parts.table
    this.#rumours = parts.rumours
    this.#retransmitMultiplier = parts.retransmitMultiplier
  }

  push(directive: Directive): void {
    this.#directives.push(directive)
  }

  /** Sends with the claims that ride along. Gossip that would carry none is not sent. */
  send(peer: Peer, message: BareMessage): void {
    const held = this.#table.get(peer.id)?.claim
    const claims: Claim[] = held === undefined || held.status === 'alive' ? [] : [held]
    if (this.#rumours.size > 0) claims.push(...this.#rumoursFor(peer.id, claims.length))
    if (message.kind !== 'gossip' || claims.length > 0) {
      this.sendWhole(peer, { ...message, claims })
    }
  }

  /** Sends exactly this. */
  sendWhole({ id, address }: Peer, message: MembershipMessage): void {
    this.#directives.push({ kind: 'send', to: id, address, message })
  }

  /** Everything since the last call. */
  drain(): readonly Directive[] {
    const directives = this.#directives
    this.#directives = []
    return directives
  }

  #rumoursFor(receiver: string, taken: number): readonly Claim[] {
    const transmissions = retransmitLimit({
      members: this.#table.size,
      multiplier: this.#retransmitMultiplier,
    })
    return this.#rumours.take(receiver, { claims: claimsPerMessageMax - taken, transmissions })
  }
}
