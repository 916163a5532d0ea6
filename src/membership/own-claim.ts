/**
 * What this node claims of itself, and how it answers what others claim of it (SWIM §4.2,
 * refutation). Only the member itself raises its incarnation.
 */
import { supersedes, withStatus, type Claim } from './claim.ts'

/** What a claim about this node means to it. */
export type Verdict =
  /** Old news, or what it says of itself. */
  | { readonly kind: 'stale' }
  /** This store has left, and that is terminal: the node must stop. */
  | { readonly kind: 'left' }
  | {
      /** The own claim has a higher incarnation now, to be made durable and spread. */
      readonly kind: 'refuted'
      /** True when this very boot was accused: a sign that it is slow. */
      readonly accused: boolean
      /** Another boot under the same id, and whether it was refuted before. */
      readonly rival: { readonly repeated: boolean } | undefined
    }

/** Invariant: the incarnation only rises. */
export class OwnClaim {
  #claim: Claim
  #rivalBoot: string | undefined
  #isAway = false

  constructor(claim: Omit<Claim, 'status' | 'by'>) {
    const { id, store, address, boot, incarnation } = claim
    this.#claim = { id, store, address, boot, incarnation, status: 'alive' }
  }

  get claim(): Claim {
    return this.#claim
  }

  get hasLeft(): boolean {
    return this.#claim.status === 'left'
  }

  /**
   * What this node has others believe while it is closed: that it is dead. From here on it refutes nothing; its next
   * life has a higher incarnation.
   */
  farewell(): Claim {
    this.#isAway = true
    return withStatus(this.#claim, 'dead')
  }

  /** Whether it has said farewell. */
  get isAway(): boolean {
    return this.#isAway
  }

  leave(): void {
    this.#claim = withStatus(this.#claim, 'left')
  }

  /** Judges a claim under this node's id, and refutes it where that is due. */
  hear(claim: Claim): Verdict {
    const own = this.#claim
    if (this.hasLeft) return { kind: 'stale' }
    if (claim.status === 'left' && claim.store === own.store) {
      this.leave()
      return { kind: 'left' }
    }
    if (this.#isAway) return { kind: 'stale' }
    // At an equal incarnation `supersedes` may favour us, yet nobody but us could have minted it.
    const isRival =
      claim.status === 'alive' && claim.boot !== own.boot && claim.incarnation >= own.incarnation
    if (!isRival && !supersedes(claim, own)) return { kind: 'stale' }
    const incarnation = Math.max(own.incarnation, claim.incarnation) + 1
    this.#claim = { ...own, incarnation }
    const accused = claim.status !== 'alive' && claim.boot === own.boot
    if (!isRival) return { kind: 'refuted', accused, rival: undefined }
    const repeated = this.#rivalBoot === claim.boot
    this.#rivalBoot = claim.boot
    return { kind: 'refuted', accused, rival: { repeated } }
  }
}
