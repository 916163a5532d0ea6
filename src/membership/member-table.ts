/**
 * What this node believes of the others: one claim for each id, merged by `supersedes`, with the
 * book-keeping of probes and suspicions beside it. The dead stay: they still own data and may come
 * back. It does not decide what anybody is told; `membership.ts` does.
 */
import { sameAccusation, supersedes, type Claim } from './claim.ts'
import { claimsMax } from './messages.ts'
import type { Suspicion } from './suspicion.ts'

/**
 * Most stores that are remembered to have left under one id; beyond, the oldest incarnation is
 * forgotten.
 */
export const departedStoresMax = 16

/** One other member. Invariant: `suspicion` is there exactly while `claim.status` is `suspect`. */
export interface MemberRecord {
  readonly claim: Claim
  readonly suspicion: Suspicion | undefined
  /** When it was last probed, or answered, or pinged us. */
  contactedAt: number
  /** When it was last told, outside an answer, what it is accused of. */
  toldAt: number
}

interface OwnRecord extends MemberRecord {
  claim: Claim
  suspicion: Suspicion | undefined
  /** `left` claims, one for each store that left under this id. */
  departed: Claim[]
}

/**
 * What became of a claim: it is old news, it confirms a suspicion that is held, or it replaces what
 * was held.
 */
export type Merge = 'stale' | 'confirms' | 'accepted'

/**
 * Invariant: a store that left makes no other claim, so that `supersedes` orders all that is
 * merged.
 */
export class MemberTable {
  readonly #records = new Map<string, OwnRecord>()
  readonly #suspects = new Set<OwnRecord>()
  #changes = 0
  /** How many have left. Counted on the way: each message asks for the size. */
  #left = 0

  /** Grows with each change of what is held of anybody. */
  get changes(): number {
    return this.#changes
  }

  get(id: string): MemberRecord | undefined {
    return this.#records.get(id)
  }

  records(): Iterable<MemberRecord> {
    return this.#records.values()
  }

  suspects(): Iterable<MemberRecord> {
    return this.#suspects
  }

  /** How many members have not left, with this node. */
  get size(): number {
    return 1 + this.#records.size - this.#left
  }

  /**
   * Merges a claim about another member. The order in which claims come does not matter.
   * @param fresh for a claim that is accepted: when the member counts as last contacted if it is
   *   new, and the suspicion to hold if the claim is one
   */
  merge(
    claim: Claim,
    fresh: { readonly contactedAt: () => number; readonly suspicion: () => Suspicion },
  ): Merge {
    const held = this.#records.get(claim.id)
    if (held === undefined) return this.#insert(claim, fresh)
    if (claim.status === 'left') rememberDeparted(held, claim)
    else if (held.departed.some(({ store }) => store === claim.store)) return 'stale'
    if (sameAccusation(claim, held.claim)) return 'confirms'
    if (!supersedes(claim, held.claim)) return 'stale'
    this.#hold(held, claim, fresh.suspicion)
    return 'accepted'
  }

  /** All claims, with those about stores that left and were replaced. */
  claims(): Claim[] {
    const claims: Claim[] = []
    for (const { claim, departed } of this.#records.values()) {
      claims.push(claim)
      for (const left of departed) if (left.store !== claim.store) claims.push(left)
    }
    return claims
  }

  /** There was contact with the member, from either side. */
  contacted(now: number, id: string): void {
    const record = this.#records.get(id)
    if (record !== undefined) record.contactedAt = now
  }

  forget(id: string): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    this.#changes += 1
    if (record.claim.status === 'left') this.#left -= 1
    this.#records.delete(id)
    this.#suspects.delete(record)
  }

  /** Up to `count` different members that fit, uniformly. */
  pick(count: number, fits: (claim: Claim) => boolean, random: () => number): Claim[] {
    const pool: Claim[] = []
    for (const { claim } of this.#records.values()) if (fits(claim)) pool.push(claim)
    const picked: Claim[] = []
    while (picked.length < count && pool.length > 0) {
      const [claim] = pool.splice(Math.floor(random() * pool.length), 1)
      if (claim !== undefined) picked.push(claim)
    }
    return picked
  }

  /**
   * Whom to probe next: of the members that answer, the one without contact for longest.
   *
   * SWIM §4.3 walks a shuffled list instead. Both reach every member within a bounded number of
   * probes; this one also counts the pings of the other side, so that each pair is tested at even
   * times and a crash is first noticed after 2 s instead of 4 s at the 99th percentile of 20
   * members.
   */
  leastRecentlyContacted(): MemberRecord | undefined {
    let next: MemberRecord | undefined
    for (const record of this.#records.values()) {
      if (!isReachable(record.claim)) continue
      if (next === undefined || record.contactedAt < next.contactedAt) next = record
    }
    return next
  }

  #insert(
    claim: Claim,
    fresh: { readonly contactedAt: () => number; readonly suspicion: () => Suspicion },
  ): Merge {
    if (this.#records.size >= claimsMax - 1) return 'stale'
    const contactedAt = fresh.contactedAt()
    const record: OwnRecord = {
      claim,
      suspicion: undefined,
      contactedAt,
      toldAt: -Infinity,
      departed: [],
    }
    this.#records.set(claim.id, record)
    if (claim.status === 'left') {
      this.#left += 1
      rememberDeparted(record, claim)
    }
    this.#hold(record, claim, fresh.suspicion)
    return 'accepted'
  }

  #hold(record: OwnRecord, claim: Claim, suspicion: () => Suspicion): void {
    this.#changes += 1
    if (record.claim.status === 'left') this.#left -= 1
    if (claim.status === 'left') this.#left += 1
    record.claim = claim
    record.suspicion = claim.status === 'suspect' ? suspicion() : undefined
    if (record.suspicion === undefined) this.#suspects.delete(record)
    else this.#suspects.add(record)
  }
}

/** Alive or suspect: worth probing and telling. */
export function isReachable(claim: Claim): boolean {
  return claim.status === 'alive' || claim.status === 'suspect'
}

function rememberDeparted(record: OwnRecord, left: Claim): void {
  const same = record.departed.find(({ store }) => store === left.store)
  if (same !== undefined && !supersedes(left, same)) return
  const departed = record.departed.filter((claim) => claim !== same)
  departed.push(left)
  departed.sort((a, b) => b.incarnation - a.incarnation)
  record.departed = departed.slice(0, departedStoresMax)
}
