/**
 * Cuts long work into slices. A storage that answers at once never lets the event loop turn by itself: work that goes
 * through all partitions would keep every client waiting.
 */
import type { Clock } from '../ports/clock.ts'

/** Work goes on for so long at a time. */
const sliceMs = 2

/** The slices of one piece of work, which begins with the first. */
export class Slices {
  readonly #clock: Clock
  readonly #rest: (tookMs: number) => Promise<void>
  #beganMs: number

  /** @param rest waits after a slice as long as clients are owed for it, if at all */
  constructor(clock: Clock, rest: (tookMs: number) => Promise<void>) {
    this.#clock = clock
    this.#rest = rest
    this.#beganMs = clock.monotonicMs()
  }

  /** Lets the event loop turn when the slice is over, and begins another one. */
  async letOthersThrough(): Promise<void> {
    const tookMs = this.#clock.monotonicMs() - this.#beganMs
    if (tookMs < sliceMs) return
    await new Promise<void>((resolve) => {
      this.#clock.after(0, resolve)
    })
    await this.#rest(tookMs)
    this.#beganMs = this.#clock.monotonicMs()
  }
}
