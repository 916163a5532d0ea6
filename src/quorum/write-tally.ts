/**
 * Counts the answers to one write and tells, as soon as it is certain, how the write ends. Pure:
 * knows nothing of time or network. A deadline is told as a failure of every waiting replica. On
 * the hot path: replicas are numbers from 0 to 30, the state is a few integers, nothing is
 * allocated.
 */

import { assert } from '../base/assert.ts'
import { replicaBit, replicaCount } from './replica-mask.ts'
import type { Outcome, ReplicaRole, TallyOptions } from './tally.ts'

/**
 * Invariant: once asked, a replica is in exactly one of waiting, acknowledged, failed; it keeps its
 * first role.
 * Invariant: `reached` never turns into `lost`; `lost` turns back only by asking another, or when a
 * replica that was given up acknowledges after all: it holds the write, and to deny that would be
 * no safer.
 */
export class WriteTally {
  /** W: how many replicas must store the write before it counts (Dynamo §4.5). */
  readonly needed: number
  readonly #sloppy: boolean
  #primaries = 0
  #fallbacks = 0
  #acknowledged = 0
  #failed = 0

  constructor(options: TallyOptions) {
    this.needed = options.needed
    this.#sloppy = options.sloppy
  }

  /** The write is being sent to this replica. Asking a failed one again makes it wait again; asking
   *  any other again changes nothing. */
  asked(replica: number, role: ReplicaRole): void {
    const bit = replicaBit(replica)
    assert(bit !== 0, 'a replica number is out of range')
    this.#failed &= ~bit
    if (this.#askedMask() & bit) return
    if (role === 'primary') this.#primaries |= bit
    else this.#fallbacks |= bit
  }

  /**
   * This replica stored the write. A late answer of a replica given up already is news, not an
   * error.
   * @returns whether it was news: false for a replica that was never asked or has acknowledged
   * before
   */
  acknowledged(replica: number): boolean {
    const bit = replicaBit(replica) & this.#askedMask() & ~this.#acknowledged
    this.#acknowledged |= bit
    this.#failed &= ~bit
    return bit !== 0
  }

  /**
   * This replica refused, could not be reached, or is given up.
   * @returns whether it was news: false unless the replica was waiting
   */
  failed(replica: number): boolean {
    const bit = replicaBit(replica) & this.waitingMask
    this.#failed |= bit
    return bit !== 0
  }

  outcome(): Outcome {
    if (this.count >= this.needed) return 'reached'
    const possible = replicaCount((this.#acknowledged | this.waitingMask) & this.#countableMask())
    return possible >= this.needed ? 'pending' : 'lost'
  }

  /** How many acknowledgements count towards `needed`. */
  get count(): number {
    return replicaCount(this.#acknowledged & this.#countableMask())
  }

  /** Everyone who acknowledged, whether it counts or not. */
  get acknowledgedMask(): number {
    return this.#acknowledged
  }

  get waitingMask(): number {
    return this.#askedMask() & ~(this.#acknowledged | this.#failed)
  }

  get failedMask(): number {
    return this.#failed
  }

  /** Everyone asked as a fallback; all others that were asked are primaries. */
  get fallbackMask(): number {
    return this.#fallbacks
  }

  // Methods: each use of a private getter is a call into the engine's runtime.

  #askedMask(): number {
    return this.#primaries | this.#fallbacks
  }

  #countableMask(): number {
    return this.#sloppy ? this.#askedMask() : this.#primaries
  }
}
