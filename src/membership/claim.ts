/**
 * What members say about members, and the one order in which claims replace each other (SWIM §4.2).
 * Everything that is merged anywhere in membership, rumour or snapshot, goes through `supersedes`.
 */

/**
 * `suspect` may still refute, `dead` too (with a higher incarnation); `left` is terminal for its
 * store.
 */
export type Status = 'alive' | 'suspect' | 'dead' | 'left'

/**
 * A statement about a member. The member itself mints `incarnation`, `address`, `store` and `boot`;
 * others only change `status`.
 */
export interface Claim {
  readonly id: string
  /**
   * Identity of the storage behind the member. Another store under the same id is another member.
   */
  readonly store: string
  /** Where the member is reached; an attribute, never an identity (HAZARDS E7). */
  readonly address: string
  /** Nonce of the process start. Two live boots of one id are a copied identity (HAZARDS A5). */
  readonly boot: string
  /** Logical and monotone over every life of the member, ≥ 0. No clock takes part (HAZARDS E3). */
  readonly incarnation: number
  readonly status: Status
  /** Who accuses. Present exactly when `status` is `suspect`; takes no part in the order. */
  readonly by?: string
}

const rank: { readonly [status in Status]: number } = { alive: 0, suspect: 1, dead: 2, left: 3 }

/**
 * Tells whether claim `a` replaces claim `b` about the same id. Equal claims do not replace each
 * other.
 *
 * Order: `left` beats all else of its store; then the higher incarnation; then alive < suspect <
 * dead < left; then store and boot, so that two nodes that share an id by mistake look the same
 * from everywhere.
 *
 * The incarnation comes before the status, also between two deaths: dead@10 replaces dead@1, or a
 * delayed alive@2 would resurrect the member (HAZARDS E2).
 *
 * Invariant: a strict total order among claims in which a store that left makes no other claim.
 * `MemberTable` sees to that condition; without it `left(s1)@5 > alive(s1)@7 > alive(s2)@6 >
 * left(s1)@5` would go in a circle.
 */
export function supersedes(a: Claim, b: Claim): boolean {
  const left = a.status === 'left'
  if (a.store === b.store && left !== (b.status === 'left')) return left
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation
  if (a.status !== b.status) return rank[a.status] > rank[b.status]
  if (a.store !== b.store) return a.store > b.store
  return a.boot > b.boot
}

/** Two claims that one accusation makes about one life of a member, whoever accuses. */
export function sameAccusation(a: Claim, b: Claim): boolean {
  return (
    a.status === 'suspect' &&
    b.status === 'suspect' &&
    a.incarnation === b.incarnation &&
    a.store === b.store &&
    a.boot === b.boot
  )
}

/** The same life of the member with another status. */
export function withStatus(claim: Claim, status: Exclude<Status, 'suspect'>): Claim {
  const { id, store, address, boot, incarnation } = claim
  return { id, store, address, boot, incarnation, status }
}

/** The same life of the member, accused by `by`. */
export function accused(claim: Claim, by: string): Claim {
  const { id, store, address, boot, incarnation } = claim
  return { id, store, address, boot, incarnation, status: 'suspect', by }
}
