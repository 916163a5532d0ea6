/**
 * How this node comes to believe something of another member: merges claims, starts, confirms and
 * ends suspicions, and passes on what was news.
 */
import { accused, withStatus, type Claim } from './claim.ts'
import type { Dissemination } from './dissemination.ts'
import { isReachable, type MemberTable } from './member-table.ts'
import type { ResolvedMembershipOptions } from './options.ts'
import type { Outbox } from './outbox.ts'
import { confirmationsWanted, Suspicion, suspicionMinMs } from './suspicion.ts'

/** What decides whether something is believed. The beliefs themselves are in the table. */
export class Beliefs {
  readonly #options: ResolvedMembershipOptions
  readonly #random: () => number
  readonly #table: MemberTable
  readonly #rumours: Dissemination
  readonly #outbox: Outbox

  constructor(parts: {
    readonly options: ResolvedMembershipOptions
    readonly random: () => number
    readonly table: MemberTable
    readonly rumours: Dissemination
    readonly outbox: Outbox
  }) {
    this.#options = parts.options
    this.#random = parts.random
    this.#table = parts.table
    this.#rumours = parts.rumours
    this.#outbox = parts.outbox
  }

  /**
   * A member that is held to be dead or gone accuses nobody: it may send and hear nothing (HAZARDS
   * E12).
   */
  mayAccuse(id: string): boolean {
    const status = this.#table.get(id)?.claim.status
    return status !== 'dead' && status !== 'left'
  }

  /** Takes a claim about another member for what it says. */
  believe(now: number, claim: Claim): void {
    const before = this.#table.get(claim.id)?.claim
    const merge = this.#table.merge(claim, {
      contactedAt: () => this.#firstContact(now),
      suspicion: () => this.#suspicion(now, claim),
    })
    if (merge === 'confirms') {
      const suspicion = this.#table.get(claim.id)?.suspicion
      if (suspicion?.confirm(accuserOf(claim)) === true) this.#rumours.spread(claim)
    }
    if (merge !== 'accepted') return
    this.#rumours.spread(claim)
    if (before === undefined || isVisible(before, claim)) {
      this.#outbox.push({ kind: 'changed', member: claim, previous: before?.status })
    }
  }

  /**
   * Takes a claim out of a snapshot. A death told by a snapshot may be long refuted: to whoever can
   * reach the member it is a suspicion, which the member has time to refute.
   * @param by whose snapshot it is
   */
  believeSnapshot(now: number, claim: Claim, by: string): void {
    const held = this.#table.get(claim.id)?.claim
    const isDoubted = claim.status === 'dead' && held !== undefined && isReachable(held)
    this.believe(now, isDoubted ? accused(claim, by) : claim)
  }

  /** Declares those dead that did not refute in time. */
  expireSuspicions(now: number): void {
    for (const { claim, suspicion } of this.#table.suspects()) {
      if (suspicion !== undefined && suspicion.deadline <= now) {
        this.believe(now, withStatus(claim, 'dead'))
      }
    }
  }

  extendSuspicions(ms: number): void {
    for (const { suspicion } of this.#table.suspects()) suspicion?.extend(ms)
  }

  /** When the next suspicion ends. */
  get nextAt(): number {
    let next = Infinity
    for (const { suspicion } of this.#table.suspects()) {
      if (suspicion !== undefined) next = Math.min(next, suspicion.deadline)
    }
    return next
  }

  /**
   * A random moment of about one past round of all members, so that not all probe a new member at
   * once.
   */
  #firstContact(now: number): number {
    return now - (this.#random() * this.#table.size * this.#options.probeIntervalMs) / 2
  }

  #suspicion(now: number, claim: Claim): Suspicion {
    const { suspicionMultiplier, suspicionMaxFactor, probeIntervalMs } = this.#options
    const size = { members: this.#table.size, multiplier: suspicionMultiplier }
    const minMs = suspicionMinMs({ ...size, probeIntervalMs })
    return new Suspicion({
      now,
      accuser: accuserOf(claim),
      minMs,
      maxMs: minMs * suspicionMaxFactor,
      wanted: confirmationsWanted(size),
    })
  }
}

/**
 * A suspicion without an accuser cannot come off the wire; if it is made here, it counts as one
 * accuser.
 */
function accuserOf(claim: Claim): string {
  return claim.by ?? claim.id
}

/** True when more than the incarnation differs. */
function isVisible(before: Claim, after: Claim): boolean {
  return (
    before.status !== after.status ||
    before.address !== after.address ||
    before.boot !== after.boot ||
    before.store !== after.store
  )
}
