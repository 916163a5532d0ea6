/**
 * Counts the answers to one read and tells, as soon as it is certain, how the read ends. It does
 * not look at the records: which of them is current is the matter of `versions`. Pure: knows
 * nothing of time or network. A deadline is told as a failure of every waiting replica. On the hot
 * path: replicas are numbers from 0 to 30, the state is a few integers, nothing is allocated.
 */

import { assert, unreachable } from '../base/assert.ts'
import { sides } from '../base/sides.ts'
import { replicaBit } from './replica-mask.ts'
import { Sides, type Outcome, type ReplicaRole, type TallyOptions } from './tally.ts'

/**
 * What a replica has for the key:
 * `record` what it stores, a tombstone included; counts.
 * `absent` nothing, and its store is whole; counts.
 * `recovering` nothing, or a record, but its store is still being filled, so that it may lack what the
 * others have; counts for no quorum, or a fast "not found" of an empty replica would win over the
 * owners that have the record, and a value that it got since over older siblings (HAZARDS D4).
 * `gaining` nothing, or a record, and it has all that was written since owners began to change, but perhaps not all of
 * before; counts among the owners to be alone.
 * `damaged` something that does not decode; never counts, damaged is not absent (HAZARDS H3).
 */
export type ReadAnswer = 'record' | 'absent' | 'recovering' | 'gaining' | 'damaged'

/**
 * Invariant: once asked, a replica is in exactly one of waiting, record, absent, recovering,
 * gaining, damaged, failed; it keeps its first role and its first answer.
 * Invariant: `reached` never turns into `lost`; `lost` turns back only by asking another, or when a
 * replica that was given up answers after all.
 */
export class ReadTally {
  /** R: how many replicas must answer before the read counts (Dynamo §4.5). */
  readonly needed: number
  readonly #sloppy: boolean
  readonly #sides: Sides
  #primaries = 0
  #fallbacks = 0
  #record = 0
  #absent = 0
  #recovering = 0
  #gaining = 0
  #damaged = 0
  #failed = 0

  constructor(options: TallyOptions) {
    this.needed = options.needed
    this.#sloppy = options.sloppy
    this.#sides = new Sides(options)
  }

  /** The read is being sent to this replica. Asking one that failed or was being filled again makes it
   *  wait again; asking any other again changes nothing. @param where bits of `sides`: the sets of
   *  owners that a primary is in; a fallback stands in for either */
  asked(replica: number, role: ReplicaRole, where: number = sides.both): void {
    const bit = replicaBit(replica)
    assert(bit !== 0, 'a replica number is out of range')
    this.#failed &= ~bit
    this.#recovering &= ~bit
    this.#gaining &= ~bit
    if (this.#askedMask() & bit) return
    this.#sides.put(bit, role === 'primary' ? where : sides.both)
    if (role === 'primary') this.#primaries |= bit
    else this.#fallbacks |= bit
  }

  /**
   * This replica answered. A late answer of a replica given up already is taken like any other.
   * @returns whether it was news: false for a replica that was never asked or has answered before
   */
  answered(replica: number, answer: ReadAnswer): boolean {
    const bit = replicaBit(replica) & this.#askedMask() & ~this.#answeredMask()
    this.#failed &= ~bit
    switch (answer) {
      case 'record':
        this.#record |= bit
        break
      case 'absent':
        this.#absent |= bit
        break
      case 'recovering':
        this.#recovering |= bit
        break
      case 'gaining':
        this.#gaining |= bit
        break
      case 'damaged':
        this.#damaged |= bit
        break
      default:
        unreachable(answer)
    }
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

  /** @param again replicas that failed or are being filled, and are to be asked once more */
  outcome(again = 0): Outcome {
    const countable = this.#countableMask()
    const whole = (this.#record | this.#absent) & countable
    const gaining = this.#gaining & countable
    if (this.#sides.suffice(whole, whole | gaining)) return 'reached'
    const awaited = this.waitingMask | ((this.#failed | this.recoveringMask) & again)
    const possible = whole | (awaited & countable)
    return this.#sides.suffice(possible, possible | gaining) ? 'pending' : 'lost'
  }

  /** How many answers count towards `needed`. */
  get count(): number {
    const countable = this.#countableMask()
    const whole = (this.#record | this.#absent) & countable
    return this.#sides.count(whole, whole | (this.#gaining & countable))
  }

  get recordMask(): number {
    return this.#record
  }

  get absentMask(): number {
    return this.#absent
  }

  /** Those that are being filled, and those that gain the key. */
  get recoveringMask(): number {
    return this.#recovering | this.#gaining
  }

  get damagedMask(): number {
    return this.#damaged
  }

  get waitingMask(): number {
    return this.#askedMask() & ~(this.#answeredMask() | this.#failed)
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

  #answeredMask(): number {
    return this.#record | this.#absent | this.#recovering | this.#gaining | this.#damaged
  }

  #countableMask(): number {
    return this.#sloppy ? this.#askedMask() : this.#primaries
  }
}
