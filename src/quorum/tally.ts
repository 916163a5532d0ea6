/** What both tallies share. Pure. */
import { sides } from '../base/sides.ts'
import { replicaCount } from './replica-mask.ts'

/**
 * How an operation stands: `reached` enough answers that count have come; `lost` the replicas asked
 * so far cannot give enough any more, unless one that was given up answers after all; `pending`
 * neither is certain. With nobody asked yet an operation is `lost`: ask someone.
 */
export type Outcome = 'pending' | 'reached' | 'lost'

/** `primary`: an owner of the key. `fallback`: stands in for an owner that does not answer (Dynamo
 *  §4.6). */
export type ReplicaRole = 'primary' | 'fallback'

/** How a tally counts. */
export interface TallyOptions {
  /** R or W: how many answers that count the operation needs; at least 1. */
  readonly needed: number
  /**
   * Only while owners change: how many are needed of the owners to be as well; `needed` is of those before (joint
   * quorums, Raft §6).
   */
  readonly neededAfter?: number
  /** Whether the answers of fallbacks count (sloppy quorum, Dynamo §4.6) or those of primaries
   *  alone (strict). */
  readonly sloppy: boolean
}

/** Which replicas are in which set of owners. */
export class Sides {
  readonly #needed: number
  readonly #neededAfter: number
  #notBefore = 0
  #notAfter = 0

  constructor({ needed, neededAfter = 0 }: TallyOptions) {
    this.#needed = needed
    this.#neededAfter = neededAfter
  }

  /** @param where bits of `sides` */
  put(bit: number, where: number): void {
    if ((where & sides.before) === 0) this.#notBefore |= bit
    if ((where & sides.after) === 0) this.#notAfter |= bit
  }

  /** Whether as many as are needed are among these, in each set. @param after those that count in the set after */
  suffice(before: number, after: number): boolean {
    if (replicaCount(before & ~this.#notBefore) < this.#needed) return false
    return this.#neededAfter === 0 || replicaCount(after & ~this.#notAfter) >= this.#neededAfter
  }

  /** How many count: in the set that has fewer. */
  count(before: number, after: number): number {
    const count = replicaCount(before & ~this.#notBefore)
    if (this.#neededAfter === 0) return count
    return Math.min(count, replicaCount(after & ~this.#notAfter))
  }
}
