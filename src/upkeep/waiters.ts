/** Those who wait for something that may not come: until it does, or for as long as each of them wants to. */
import type { Clock } from '../ports/clock.ts'

/** Invariant: nobody waits longer than its limit, and no timer is left when all were released. */
export class Waiters {
  readonly #clock: Clock
  #releases: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves at the next release, or after `limitMs`. */
  async wait(limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = this.#clock.after(limitMs, resolve)
      this.#releases.push(() => {
        limit.cancel()
        resolve()
      })
    })
  }

  /** What was waited for is there, or never comes. */
  release(): void {
    for (const release of this.#releases) release()
    this.#releases = []
  }
}
