/**
 * Whom to probe when, and the pings made for others (SWIM §3.1, Lifeguard LHA-Probe). It finds out;
 * what follows from a verdict is not its affair.
 */
import { accused, type Claim } from './claim.ts'
import { LocalHealth } from './local-health.ts'
import { isReachable, type MemberRecord, type MemberTable } from './member-table.ts'
import type { ResolvedMembershipOptions } from './options.ts'
import type { Outbox, Peer } from './outbox.ts'
import { ProbeRound } from './probe-round.ts'
import { Relays } from './relays.ts'

/**
 * A helper's ping has this share of the probe time-out, so that its nack is back in time (Lifeguard
 * §IV.A).
 */
const nackShare = 0.8

/** An ack or a nack. */
interface Answer {
  readonly from: string
  readonly sequence: number
}

/** Invariant: at most one probe of its own is under way. */
export class Prober {
  readonly health: LocalHealth
  readonly #id: string
  readonly #options: ResolvedMembershipOptions
  readonly #random: () => number
  readonly #table: MemberTable
  readonly #outbox: Outbox
  readonly #relays = new Relays()
  /** Members that the transport could not reach, and when they may be probed out of turn. */
  readonly #urgent = new Map<string, number>()
  #round: ProbeRound | undefined
  #sequence = 0
  #probeAt = 0

  constructor(parts: {
    readonly id: string
    readonly options: ResolvedMembershipOptions
    readonly random: () => number
    readonly table: MemberTable
    readonly outbox: Outbox
  }) {
    this.#id = parts.id
    this.#options = parts.options
    this.#random = parts.random
    this.#table = parts.table
    this.#outbox = parts.outbox
    this.health = new LocalHealth(parts.options.localHealthMax)
  }

  /** Begins at a random phase of the interval. */
  start(now: number): void {
    this.#probeAt = now + this.#random() * this.#options.probeIntervalMs
  }

  /** No probe of its own any more; pings for others go on. */
  stop(): void {
    this.#round = undefined
    this.#probeAt = Infinity
    this.#urgent.clear()
  }

  get nextAt(): number {
    const ownAt = this.#round?.nextAt ?? Math.min(this.#probeAt, ...this.#urgent.values())
    return Math.min(ownAt, this.#relays.nextAt)
  }

  /** Ends what is due to end. Returns an accusation when a probe had no answer. */
  advance(now: number): Claim | undefined {
    for (const { requester, requestSequence } of this.#relays.expired(now)) {
      this.#outbox.send(this.#peer(requester), { kind: 'nack', sequence: requestSequence })
    }
    return this.#advanceRound(now)
  }

  /** Starts the next probe if one is due and none is under way. */
  startDue(now: number): void {
    if (this.#round !== undefined) return
    const urgent = this.#takeUrgent(now)
    if (urgent !== undefined) {
      this.#probe(now, urgent)
      return
    }
    if (now < this.#probeAt) return
    this.#probeAt = now + this.#options.probeIntervalMs * this.health.multiplier
    const next = this.#table.leastRecentlyContacted()
    if (next !== undefined) this.#probe(now, next)
  }

  /**
   * Drops what is under way without a verdict: this node could not have heard the answers (HAZARDS
   * E4).
   */
  abandon(): void {
    this.#round = undefined
    this.#relays.clear()
  }

  /** The transport could not reach the member. */
  unreachable(now: number, id: string): void {
    const record = this.#table.get(id)
    if (this.#round?.target.id === id) {
      this.#round.skipDirect(now)
    } else if (record?.claim.status === 'alive' && this.#probeAt < Infinity) {
      const at = Math.max(now, record.contactedAt + this.#options.probeIntervalMs)
      if (!this.#urgent.has(id)) this.#urgent.set(id, at)
    }
  }

  forget(id: string): void {
    this.#urgent.delete(id)
    if (this.#round?.target.id === id) this.#round = undefined
  }

  acknowledged(ack: Answer): void {
    if (this.#round?.isAnsweredBy(ack) === true) {
      this.#round = undefined
      this.health.adjust(-1)
      return
    }
    const relay = this.#relays.answered(ack)
    if (relay === undefined) return
    const sequence = relay.requestSequence
    this.#outbox.send(this.#peer(relay.requester), { kind: 'ack', sequence })
  }

  nacked(nack: Answer): void {
    this.#round?.nacked(nack)
  }

  /** Pings `target` for another member. */
  relay(now: number, request: { requester: string; sequence: number; target: Peer }): void {
    const sequence = this.#nextSequence()
    const added = this.#relays.add(sequence, {
      requester: request.requester,
      requestSequence: request.sequence,
      target: request.target.id,
      nackAt: now + this.#options.probeTimeoutMs * nackShare,
    })
    if (added) this.#outbox.send(request.target, { kind: 'ping', sequence })
  }

  #takeUrgent(now: number): MemberRecord | undefined {
    for (const [id, at] of this.#urgent) {
      if (at > now) continue
      this.#urgent.delete(id)
      const record = this.#table.get(id)
      if (record?.claim.status === 'alive') return record
    }
    return undefined
  }

  #probe(now: number, record: MemberRecord): void {
    const { probeTimeoutMs, probeIntervalMs } = this.#options
    const { multiplier } = this.health
    const sequence = this.#nextSequence()
    record.contactedAt = now
    this.#round = new ProbeRound({
      target: record.claim,
      sequence,
      indirectAt: now + probeTimeoutMs * multiplier,
      endsAt: now + probeIntervalMs * multiplier,
    })
    this.#outbox.send(record.claim, { kind: 'ping', sequence })
  }

  #advanceRound(now: number): Claim | undefined {
    const round = this.#round
    if (round?.isIndirectDue(now) === true) this.#askHelpers(now, round)
    if (round?.isOver(now) !== true) return undefined
    this.#round = undefined
    this.health.adjust(round.healthDelta)
    const held = this.#table.get(round.target.id)
    const isWorth = held !== undefined && isReachable(held.claim)
    return isWorth ? accused(round.target, this.#id) : undefined
  }

  #askHelpers(now: number, round: ProbeRound): void {
    const { id: target, address } = round.target
    const { sequence } = round
    const helpers = this.#table.pick(
      this.#options.indirectProbes,
      ({ id, status }) => status === 'alive' && id !== target,
      this.#random,
    )
    for (const helper of helpers) {
      this.#outbox.send(helper, { kind: 'ping-request', sequence, target, address })
    }
    const ids = helpers.map(({ id }) => id)
    round.askedHelpers(now, ids)
  }

  #peer(id: string): Peer {
    return { id, address: this.#table.get(id)?.claim.address }
  }

  #nextSequence(): number {
    this.#sequence += 1
    return this.#sequence
  }
}
