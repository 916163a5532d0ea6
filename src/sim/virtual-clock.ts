/**
 * Virtual time: it stands still while an event runs and then jumps to the next one. This is the
 * simulation's own clock; what a node sees of it is the `Clock` of its `SimProcess`.
 */

import { assert } from '../base/assert.ts'
import { EventQueue, ScheduledEvent } from './event-queue.ts'
import { Turns } from './turn.ts'

/**
 * Times are multiples of this, a power of two: sums and differences of them are exact, so that a
 * timer of 10 ms  never seems to fire after 9.999999999 ms.
 */
export const TICKS_PER_MS = 1024

/**
 * How a run ended: `settled` by what it waited for, `idle` with nothing left that could happen,
 * `late` at its limit.
 */
export type RunOutcome = 'settled' | 'idle' | 'late'

/** Invariant: `nowMs` never goes back, and no scheduled event lies before it. */
export class VirtualClock {
  #nowMs = 0
  #sequence = 0
  #failure: Error | undefined
  readonly #queue = new EventQueue()

  /** Milliseconds since the start of the simulation. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Schedules an event, rounded up to the next tick. Ties happen in the order of these calls. */
  after(delayMs: number, run: () => void): ScheduledEvent {
    assert(delayMs >= 0 && delayMs < Infinity, `a delay must be finite and ≥ 0, not ${delayMs}`)
    const atMs = Math.ceil((this.#nowMs + delayMs) * TICKS_PER_MS) / TICKS_PER_MS
    const event = new ScheduledEvent(this.#queue, { atMs, sequence: this.#sequence++, run })
    this.#queue.push(event)
    return event
  }

  /** Ends the run with an error, before the next event: what the first one of several was. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /**
   * Runs event after event, with all microtasks in between, until `work` settles.
   * @param limitMs no event later than this virtual time is run. @default none
   * @throws whatever an event throws, what `fail` was told, and an error for each rejection that
   * nobody handled; the outcome of `work` itself is left to its owner.
   */
  async runUntil(work: Promise<unknown>, limitMs: number = Infinity): Promise<RunOutcome> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    work.then(settle, settle)
    const turns = new Turns((reason) => this.fail(unhandled(reason)))
    try {
      return await turns.take(() => {
        if (this.#failure !== undefined) throw this.#failure
        return isSettled ? 'settled' : this.#step(limitMs)
      })
    } finally {
      turns.close()
    }
  }

  /** Runs the next event, unless there is none before the limit. */
  #step(limitMs: number): 'idle' | 'late' | undefined {
    const next = this.#queue.peek()
    if (next === undefined) return 'idle'
    if (next.atMs > limitMs) return 'late'
    this.#queue.remove(next)
    this.#nowMs = next.atMs
    next.run()
    return undefined
  }
}

function unhandled(reason: unknown): Error {
  const told = reason instanceof Error ? reason.message : String(reason)
  return new Error(`a rejection that nobody handles: ${told}`, { cause: reason })
}
