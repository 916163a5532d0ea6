/**
 * The dot rule: how a node names its writes so that no name is ever used twice, although it may forget a record,
 * lose what was not yet on disk, or be restored from an old copy. A name used twice makes replicas drop an
 * acknowledged write as already seen (HAZARDS A2 to A5; riak_kv #679, #1643, PR #1040).
 *
 * An actor is a storage incarnation (96 random bits) and an epoch (32 bits) counted within it.
 *
 * 1. Epochs are counted up and never reused. A new incarnation is drawn at each open that does not consume the mark
 *    of a clean shutdown, and whenever a peer remembers a later start of this storage or a write of its own fails.
 *    Because an incarnation is random, one that is lost needs no memory of what it minted.
 * 2. A key without a local record gets a fresh epoch before its first dot.
 * 3. The local record notes which of its vector entries this node minted (`own`). An incoming record or a caller's
 *    context that shows more of that actor than the node minted erases the note, so that the next write starts a
 *    fresh epoch.
 * 4. The note counts only within the incarnation that made it.
 */
import { assert } from '../base/assert.ts'
import { vectorCounter, type Actor, type CausalContext, type Dot } from './causal-context.ts'

/** Bytes of a storage incarnation: the random part of an actor. */
export const incarnationBytes = 12
/** Bytes of an actor: its incarnation and its epoch. */
export const actorBytes = 16
/** The last counter of an actor. */
export const counterMax = 0xffff_ffff

/** Mints actors and knows which are its own. */
export class DotSource {
  #incarnation: string
  #incarnationBytes: Uint8Array
  #nextEpoch: number

  /** @param incarnation 12 bytes as a byte string, random for each incarnation. */
  constructor(incarnation: string, nextEpoch = 1) {
    assert(incarnation.length === incarnationBytes, 'an incarnation has 12 bytes')
    this.#incarnation = incarnation
    this.#incarnationBytes = Buffer.from(incarnation, 'latin1')
    this.#nextEpoch = nextEpoch
  }

  get incarnation(): string {
    return this.#incarnation
  }

  /** The next epoch to be minted: what a clean shutdown must remember. */
  get nextEpoch(): number {
    return this.#nextEpoch
  }

  /** Starts a new incarnation: every note of an earlier one is void from now on. */
  renew(incarnation: string): void {
    assert(incarnation.length === incarnationBytes, 'an incarnation has 12 bytes')
    this.#incarnation = incarnation
    this.#incarnationBytes = Buffer.from(incarnation, 'latin1')
    this.#nextEpoch = 1
  }

  /** An actor that has never been used. */
  freshActor(): Actor {
    const epoch = this.#nextEpoch++
    assert(epoch <= counterMax, 'epochs of one incarnation are used up: restart the node')
    return (
      this.#incarnation +
      String.fromCharCode(epoch >>> 24, (epoch >>> 16) & 255, (epoch >>> 8) & 255, epoch & 255)
    )
  }

  /** Whether this incarnation minted the actor. */
  isCurrent(actor: Actor): boolean {
    return actor.startsWith(this.#incarnation)
  }

  /** The same of the actor whose bytes stand at `at`. */
  isCurrentAt(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < incarnationBytes; i++) {
      if (bytes[at + i] !== this.#incarnationBytes[i]) return false
    }
    return true
  }

  /**
   * The dot of the next write to a record.
   * @param own the dot that this node last minted in the record, if the note about it still stands.
   * @param known all that the record and the caller's context know together.
   */
  nextDot(own: Dot | undefined, known: CausalContext): Dot {
    if (own !== undefined && this.isCurrent(own.actor) && ownStands(own, known)) {
      return { actor: own.actor, counter: own.counter + 1 }
    }
    return { actor: this.freshActor(), counter: 1 }
  }
}

/** Whether nobody knows more of the own actor than what this node minted itself. */
export function ownStands(own: Dot, known: CausalContext): boolean {
  return (
    own.counter < counterMax &&
    vectorCounter(known, own.actor) === own.counter &&
    known.isolated.every(({ actor }) => actor !== own.actor)
  )
}
