/**
 * The requests of one session that wait for an answer, in slots that are used again: a call costs no allocation.
 * A request id is a slot and its generation, so that a late answer of an abandoned call never meets another one.
 */
import type { StoreError } from '../base/errors.ts'

/**
 * Who asked. `tag` tells an operation which of its replicas answered.
 * Exactly one of the two is called for each call, at most once, unless it is abandoned first.
 */
export interface CallSink {
  /** The answer's frame, readable during this call only. */
  answered(tag: number, frame: AnswerFrame): void
  /** No answer will come. `sent` is false when the request certainly did not reach the peer. */
  unanswered(tag: number, error: StoreError, sent: boolean): void
}

/** An answer as it lies in the received bytes. */
export interface AnswerFrame {
  readonly type: number
  readonly flags: number
  readonly bytes: Uint8Array
  readonly bodyStart: number
  readonly end: number
}

const slotBits = 16
const slotMask = (1 << slotBits) - 1

/** The calls that wait for an answer of one peer in one lane. */
export class PendingCalls {
  readonly #sinks: (CallSink | undefined)[] = []
  readonly #tags: number[] = []
  readonly #generations: number[] = []
  readonly #free: number[] = []

  /** Calls that wait. */
  get size(): number {
    return this.#sinks.length - this.#free.length
  }

  /** Whether one more call may wait. */
  get hasRoom(): boolean {
    return this.size <= slotMask
  }

  /** Request id for a new call, or undefined when 65 536 are waiting already. */
  add(sink: CallSink, tag: number): number | undefined {
    let slot = this.#free.pop()
    if (slot === undefined) {
      slot = this.#sinks.length
      if (slot > slotMask) return undefined
      this.#generations.push(0)
    }
    this.#sinks[slot] = sink
    this.#tags[slot] = tag
    return ((this.#generations[slot]! << slotBits) | slot) >>> 0
  }

  /** Ends the call and tells who made it; undefined when it is no longer waiting. */
  take(id: number): { sink: CallSink; tag: number } | undefined {
    const slot = id & slotMask
    const sink = this.#sinks[slot]
    if (sink === undefined || this.#generations[slot] !== id >>> slotBits) return undefined
    this.#release(slot)
    taken.sink = sink
    taken.tag = this.#tags[slot]!
    return taken
  }

  /** Fails all that wait now; a sink may make new calls meanwhile. */
  failAll(error: StoreError, sent: boolean): void {
    const failed: { sink: CallSink; tag: number }[] = []
    for (let slot = 0; slot < this.#sinks.length; slot++) {
      const sink = this.#sinks[slot]
      if (sink === undefined) continue
      failed.push({ sink, tag: this.#tags[slot]! })
      this.#release(slot)
    }
    for (const { sink, tag } of failed) sink.unanswered(tag, error, sent)
  }

  #release(slot: number): void {
    this.#sinks[slot] = undefined
    this.#generations[slot] = (this.#generations[slot]! + 1) & 0xffff
    this.#free.push(slot)
  }
}

/** Returned by each `take`: read it before the next one. */
const taken: { sink: CallSink; tag: number } = {
  sink: { answered: () => undefined, unanswered: () => undefined },
  tag: 0,
}
