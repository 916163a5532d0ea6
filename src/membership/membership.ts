/**
 * SWIM with Lifeguard as a pure machine: who answers now, as far as this node can tell. It reads no
 * clock, sets no timer, sends nothing: times, messages and randomness come in, directives go out.
 *
 * Beyond the papers (SWIM 2002, Lifeguard 2017), as memberlist does or as HAZARDS group E asks:
 * - full exchange: periodically with a member, and with a dead one, so that rumours never die out
 *   and healed partitions find each other; a death heard that way is only a suspicion to whoever
 *   holds the member to be alive;
 * - every message to an accused member tells it so (the buddy rule of Lifeguard is that for pings
 *   alone), so that a member which restarts with an incarnation of the past refutes at once;
 * - accusations by a member that is itself held to be dead are not believed: a node that only sends
 *   kills nobody;
 * - a stall of the own event loop voids the probe under way, extends suspicions and lowers the
 *   local health;
 * - the next to be probed is the one without contact for longest (`member-table.ts`).
 *
 * Duties of the driver, in this order:
 * 1. call with monotonic milliseconds that never go back;
 * 2. carry out directives in order; `persist-incarnation` is durable before anything after it, also
 *    of later calls;
 * 3. after every call set its one timer to `nextTickAt()`, and call `tick` when it fires;
 * 4. pass on only messages whose sender's id is authenticated;
 * 5. at a start, take an incarnation above every one that this store ever used, and make it durable
 *    first.
 */
import { unreachable } from '../base/assert.ts'
import { Beliefs } from './beliefs.ts'
import type { Claim } from './claim.ts'
import type { Directive } from './directives.ts'
import { Dissemination } from './dissemination.ts'
import { isReachable, MemberTable } from './member-table.ts'
import type { MembershipMessage } from './messages.ts'
import type { ResolvedMembershipOptions } from './options.ts'
import { Outbox, type Peer } from './outbox.ts'
import { OwnClaim } from './own-claim.ts'
import { Prober } from './prober.ts'

/**
 * Up to this many members the full exchange keeps its interval; each doubling beyond adds one
 * interval.
 */
const exchangeMembersUnscaled = 32

/** The membership machine of one node. Each call may change who is believed to be alive; none waits. */
export class Membership {
  readonly #options: ResolvedMembershipOptions
  readonly #random: () => number
  readonly #own: OwnClaim
  readonly #table: MemberTable = new MemberTable()
  readonly #rumours: Dissemination = new Dissemination()
  readonly #outbox: Outbox
  readonly #beliefs: Beliefs
  readonly #prober: Prober
  #started = false
  #gossipAt = 0
  #exchangeAt = 0
  #hasExchanged = false
  #nextAt = 0
  /** Until when stalls of the loop are accounted for. */
  #stallsSeenUntil = 0

  /**
   * @param start.self this node; its incarnation is above all that its store ever used, and durable
   * @param start.random uniform in [0, 1): which member, and the phase of the intervals
   */
  constructor(start: {
    readonly self: Omit<Claim, 'status' | 'by'>
    readonly options: ResolvedMembershipOptions
    readonly random: () => number
  }) {
    const { options, random, self } = start
    const table = this.#table
    const rumours = this.#rumours
    const { retransmitMultiplier } = options
    const outbox = new Outbox({ table, rumours, retransmitMultiplier })
    this.#options = options
    this.#random = random
    this.#own = new OwnClaim(self)
    this.#outbox = outbox
    this.#beliefs = new Beliefs({ options, random, table, rumours, outbox })
    this.#prober = new Prober({ id: self.id, options, random, table, outbox })
  }

  /**
   * When `tick` is wanted next, monotonic milliseconds; 0 before the first call. Changes with every
   * call.
   */
  nextTickAt(): number {
    return this.#nextAt
  }

  /** What this node says of itself now. */
  get self(): Claim {
    return this.#own.claim
  }

  /** Lifeguard's local health: 0 healthy, up to `localHealthMax` − 1. */
  get localHealth(): number {
    return this.#prober.health.score
  }

  /** One claim for each known member, this node first, with the dead and those that left. */
  members(): readonly Claim[] {
    const members = [this.#own.claim]
    for (const { claim } of this.#table.records()) members.push(claim)
    return members
  }

  /** Grows with each change of what this node believes of the others. */
  get changes(): number {
    return this.#table.changes
  }

  member(id: string): Claim | undefined {
    return id === this.#own.claim.id ? this.#own.claim : this.#table.get(id)?.claim
  }

  /**
   * All that is to be remembered over a restart, or told to a member that joins. To be given to
   * `admit`.
   */
  claims(): readonly Claim[] {
    return [this.#own.claim, ...this.#table.claims()]
  }

  /** Does what is due. Harmless when nothing is. */
  tick(now: number): readonly Directive[] {
    this.#enter(now)
    this.#advance(now)
    return this.#exit(now)
  }

  /**
   * Takes a message in. @param from the sender's id, authenticated; it need not be a known member
   */
  receive(now: number, from: string, message: MembershipMessage): readonly Directive[] {
    this.#enter(now)
    const refuted = this.#hear(now, from, message)
    if (from !== this.#own.claim.id) {
      const spoken = message.claims.find(({ id }) => id === from)
      const address = spoken?.address ?? this.#table.get(from)?.claim.address
      const peer = { id: from, address }
      const answered = this.#answer(now, peer, message, refuted)
      if (!answered && (refuted || this.#mustTell(now, from))) {
        this.#outbox.send(peer, { kind: 'gossip' })
      }
    }
    return this.#exit(now)
  }

  /**
   * Takes in claims that did not come by a message: the reply to a join, what was remembered over a
   * restart, or a `left` claim decided by an operator. Unknown members are probed within one round
   * of all members.
   */
  admit(now: number, claims: readonly Claim[]): readonly Directive[] {
    this.#enter(now)
    const { id } = this.#own.claim
    for (const claim of claims) {
      if (claim.id === id) this.#hearOfSelf(claim)
      else this.#beliefs.believeSnapshot(now, claim, id)
    }
    return this.#exit(now)
  }

  /**
   * The transport could not reach a member, as when a connection is refused. A hint, never a
   * verdict: the member is probed out of turn, at most once in each probe interval.
   */
  unreachable(now: number, id: string): readonly Directive[] {
    this.#enter(now)
    this.#prober.unreachable(now, id)
    this.#advance(now)
    return this.#exit(now)
  }

  /**
   * The event loop of this node stalled for `lagMs` until now. Beyond `probeTimeoutMs` nothing that
   * seems to have failed meanwhile is held against anybody (HAZARDS E4). A late `tick` is noticed
   * without this.
   */
  loopLag(now: number, lagMs: number): void {
    this.#enter(now)
    this.#stalled(now, lagMs)
    this.#scheduleNext(now)
  }

  /**
   * This store leaves for good: tells every member that can be reached. Afterwards the machine only
   * answers and passes the news on; go on calling `tick` for a few gossip intervals.
   */
  leave(now: number): readonly Directive[] {
    this.#enter(now)
    this.#own.leave()
    this.#prober.stop()
    this.#rumours.spread(this.#own.claim)
    for (const claim of this.#table.pick(Infinity, isReachable, this.#random)) {
      this.#outbox.sendWhole(claim, { kind: 'gossip', claims: [this.#own.claim] })
    }
    this.#gossipAt = now + this.#options.gossipIntervalMs
    return this.#exit(now)
  }

  /**
   * This node is about to close, and may be back: tells every member that can be reached, so that nobody waits for it.
   * Afterwards the machine only answers.
   */
  farewell(now: number): readonly Directive[] {
    this.#enter(now)
    if (!this.#own.hasLeft && !this.#own.isAway) {
      const claim = this.#own.farewell()
      this.#prober.stop()
      for (const peer of this.#table.pick(Infinity, isReachable, this.#random))
        this.#outbox.sendWhole(peer, { kind: 'gossip', claims: [claim] })
    }
    return this.#exit(now)
  }

  /**
   * Drops all memory of a member, also that it left. It comes back with the next claim about it
   * that is heard.
   */
  forget(id: string): void {
    this.#table.forget(id)
    this.#rumours.forget(id)
    this.#prober.forget(id)
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────

  #enter(now: number): void {
    if (this.#started) {
      this.#stalled(now, now - this.#nextAt)
      return
    }
    this.#started = true
    this.#stallsSeenUntil = now
    this.#prober.start(now)
    this.#exchangeAt = now + (1 + this.#random()) * this.#options.probeIntervalMs
    this.#rumours.spread(this.#own.claim)
  }

  #exit(now: number): readonly Directive[] {
    this.#scheduleNext(now)
    return this.#outbox.drain()
  }

  #scheduleNext(now: number): void {
    const gossipAt = this.#rumours.size > 0 ? this.#gossipAt : Infinity
    const { nextAt } = this.#prober
    this.#nextAt = Math.max(now, Math.min(gossipAt, this.#exchangeAt, nextAt, this.#beliefs.nextAt))
  }

  #advance(now: number): void {
    const accusation = this.#prober.advance(now)
    if (accusation !== undefined) this.#beliefs.believe(now, accusation)
    this.#beliefs.expireSuspicions(now)
    this.#prober.startDue(now)
    if (this.#rumours.size > 0 && now >= this.#gossipAt) this.#gossip(now)
    if (now >= this.#exchangeAt) this.#exchange(now)
  }

  #stalled(now: number, lagMs: number): void {
    const { probeTimeoutMs } = this.#options
    const stallMs = Math.min(lagMs, now - this.#stallsSeenUntil)
    if (stallMs <= probeTimeoutMs) return
    this.#stallsSeenUntil = now
    this.#prober.abandon()
    this.#prober.health.adjust(Math.floor(stallMs / probeTimeoutMs))
    this.#beliefs.extendSuspicions(stallMs)
  }

  // ── listening ────────────────────────────────────────────────────────────────────────

  /** True when this node had to refute something. */
  #hear(now: number, from: string, message: MembershipMessage): boolean {
    const self = this.#own.claim.id
    // The sender's word about itself comes first: it may be what makes the rest believable.
    const spoken = message.claims.find(({ id }) => id === from)
    if (spoken !== undefined && from !== self) this.#beliefs.believe(now, spoken)
    const mayAccuse = this.#beliefs.mayAccuse(from)
    let refuted = false
    for (const claim of message.claims) {
      const isAccusation = claim.status === 'suspect' || claim.status === 'dead'
      if (claim.id === self) refuted = this.#hearOfSelf(claim) || refuted
      else if (claim.id === from || (isAccusation && !mayAccuse)) continue
      else if (message.kind === 'exchange') this.#beliefs.believeSnapshot(now, claim, from)
      else this.#beliefs.believe(now, claim)
    }
    return refuted
  }

  /** True when it had to be refuted. */
  #hearOfSelf(claim: Claim): boolean {
    const previous = this.#own.claim.status
    const verdict = this.#own.hear(claim)
    if (verdict.kind === 'stale') return false
    if (verdict.kind === 'left') {
      this.#prober.stop()
      this.#outbox.push({ kind: 'changed', member: this.#own.claim, previous })
      return false
    }
    if (verdict.accused) this.#prober.health.adjust(1)
    if (verdict.rival !== undefined) {
      const { repeated } = verdict.rival
      this.#outbox.push({ kind: 'duplicate', claim, repeated })
    }
    const value = this.#own.claim.incarnation
    this.#outbox.push({ kind: 'persist-incarnation', value })
    this.#rumours.spread(this.#own.claim)
    return true
  }

  // ── speaking ─────────────────────────────────────────────────────────────────────────

  /**
   * Does what the message asks for. True when the sender got an answer, and so heard what it is
   * accused of.
   */
  #answer(now: number, peer: Peer, message: MembershipMessage, refuted: boolean): boolean {
    const { kind } = message
    switch (kind) {
      case 'ping':
        this.#table.contacted(now, peer.id)
        this.#outbox.send(peer, { kind: 'ack', sequence: message.sequence })
        return true
      case 'ping-request':
        this.#relay(now, peer.id, message)
        return false
      case 'ack':
        this.#table.contacted(now, peer.id)
        this.#prober.acknowledged({ from: peer.id, sequence: message.sequence })
        return false
      case 'nack':
        this.#prober.nacked({ from: peer.id, sequence: message.sequence })
        return false
      case 'gossip':
        return false
      case 'exchange':
        // Whoever held this node to be dead did not believe the rest of its claims: send them again.
        if (message.reply && !refuted) return false
        this.#outbox.sendWhole(peer, { kind, reply: !message.reply, claims: this.claims() })
        return true
      default:
        return unreachable(kind)
    }
  }

  #relay(
    now: number,
    requester: string,
    request: MembershipMessage & { kind: 'ping-request' },
  ): void {
    const { sequence, target: id } = request
    const address = this.#table.get(id)?.claim.address ?? request.address
    this.#prober.relay(now, { requester, sequence, target: { id, address } })
  }

  /** An accused member is told so, but not for each of its messages. */
  #mustTell(now: number, id: string): boolean {
    const record = this.#table.get(id)
    if (record === undefined || record.claim.status === 'alive') return false
    if (now - record.toldAt < this.#options.probeTimeoutMs) return false
    record.toldAt = now
    return true
  }

  #gossip(now: number): void {
    const { gossipIntervalMs, probeIntervalMs, gossipFanout } = this.#options
    const receivers = this.#table.pick(gossipFanout, isReachable, this.#random)
    const before = this.#rumours.told
    for (const claim of receivers) this.#outbox.send(claim, { kind: 'gossip' })
    // Alone, the rumours wait. With nobody to tell but those they are about, they are over.
    this.#gossipAt = now + (receivers.length > 0 ? gossipIntervalMs : probeIntervalMs)
    if (receivers.length > 0 && this.#rumours.told === before) this.#rumours.clear()
  }

  #exchange(now: number): void {
    const doublings = Math.log2(Math.max(1, this.#table.size / exchangeMembersUnscaled))
    // The first one comes soon after the start, then each node falls into a phase of its own.
    const share = this.#hasExchanged ? 1 : this.#random()
    const intervalMs = this.#options.exchangeIntervalMs * (1 + Math.ceil(doublings))
    this.#hasExchanged = true
    this.#exchangeAt = now + intervalMs * share
    if (this.#own.hasLeft) return
    const isDead = ({ status }: Claim): boolean => status === 'dead'
    for (const fits of [isReachable, isDead]) {
      for (const claim of this.#table.pick(1, fits, this.#random)) {
        this.#outbox.sendWhole(claim, { kind: 'exchange', reply: false, claims: this.claims() })
      }
    }
  }
}
