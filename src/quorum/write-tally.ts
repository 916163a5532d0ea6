/**
 * Counts the answers to one write and tells, as soon as it is certain, how the write ends. Pure:
 * knows nothing of time or network. A deadline is told as a failure of every waiting replica. On
 * the hot path: replicas are numbers from 0 to 30, the state is a few integers, nothing is
 * allocated.
 */

import { assert } from '../base/assert.ts'
import { sides } from '../base/sides.ts'
import { replicaBit } from './replica-mask.ts'
import { Sides, type Outcome, type ReplicaRole, type TallyOptions } from './tally.ts'

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
  readonly #sides: Sides
  #primaries = 0
  #fallbacks = 0
  #acknowledged = 0
  #failed = 0

  constructor(options: TallyOptions) {
    this.needed = options.needed
    this.#sloppy = options.sloppy
    this.#sides = new Sides(options)
  }

  /** The write is being sent to this replica. Asking a failed one again makes it wait again; asking
   *  any other again changes nothing. @param where bits of `sides`: the sets of
   *  owners that a primary is in; a fallback stands in for either */
  asked(replica: number, role: ReplicaRole, where: number = sides.both): void {
    const bit = replicaBit(replica)
    assert(bit !== 0, 'a replica number is out of range')
    this.#failed &= ~bit
    if (this.#askedMask() & bit) return
    this.#sides.put(bit, role === 'primary' ? where : sides.both)
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
    const countable = this.#countableMask()
    const there = this.#acknowledged & countable
    if (this.#sides.suffice(there, there)) return 'reached'
    const possible = there | (this.waitingMask & countable)
    return this.#sides.suffice(possible, possible) ? 'pending' : 'lost'
  }

  /** How many acknowledgements count towards `needed`. */
  get count(): number {
    const there = this.#acknowledged & this.#countableMask()
    return this.#sides.count(there, there)
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
