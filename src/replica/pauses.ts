/** Waiting that ends at once when its owner closes, so that no timer outlives a node. */
import type { Clock, Timer } from '../ports/clock.ts'

/** The pauses of one part of a node. */
export class Pauses {
  readonly #clock: Clock
  readonly #waiting: Set<{ timer: Timer; resolve: () => void }> = new Set()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves after so many milliseconds, or when it is closed. */
  async pause(ms: number): Promise<void> {
    if (this.#isClosed) return
    await new Promise<void>((resolve) => {
      const entry = {
        resolve,
        timer: this.#clock.after(ms, () => {
          this.#waiting.delete(entry)
          resolve()
        }),
      }
      this.#waiting.add(entry)
    })
  }

  /** Ends all pauses, also those to come. */
  close(): void {
    this.#isClosed = true
    for (const { timer, resolve } of this.#waiting) {
      timer.cancel()
      resolve()
    }
    this.#waiting.clear()
  }
}
