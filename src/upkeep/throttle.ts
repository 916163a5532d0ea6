/**
 * Keeps background work below a rate, by a token bucket of one second's worth, and behind clients (HAZARDS K3): while
 * they give the node too much to do it waits, and beside clients at all it has but a part of the time. How long a piece
 * of it took tells how busy both ends are, so that the part is one of what clients leave.
 */
import type { Clock, Timer } from '../ports/clock.ts'

/** While the node has much to do, background work waits so long at a time, and no longer than `yieldMaxMs` in all. */
const yieldMs = 20
const yieldMaxMs = 1_000
/** Beside clients, background work rests so many times as long as its last piece took, and no longer than this. */
const restsPerPiece = 6
const restMaxMs = 250

/** How much clients give the node to do. */
export interface ClientsView {
  /** Too much. */
  isBusy(): boolean
  /** Anything at all, a moment ago. */
  isServing?(): boolean
}

/** A bucket of tokens that fills at a steady rate: whoever takes too many waits. */
export class Throttle {
  readonly #clock: Clock
  readonly #perSecond: number
  #tokens: number
  #refilledMs: number
  #isClosed = false
  readonly #clients: ClientsView
  readonly #timers: Set<{ timer: Timer; resolve: () => void }> = new Set()

  /**
   * @param perSecond tokens a second; `Infinity` for no limit.
   */
  constructor(clock: Clock, perSecond: number, clients: ClientsView = { isBusy: () => false }) {
    this.#clients = clients
    this.#clock = clock
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#refilledMs = clock.monotonicMs()
  }

  /** Resolves when the tokens may be spent. The bucket may go into debt once: whoever comes next waits for it. */
  async spend(tokens: number): Promise<void> {
    for (let waitedMs = 0; waitedMs < yieldMaxMs && this.#clients.isBusy(); waitedMs += yieldMs) {
      if (this.#isClosed) return
      await this.#wait(yieldMs)
    }
    if (this.#perSecond === Infinity || this.#isClosed) return
    const now = this.#clock.monotonicMs()
    const refill = ((now - this.#refilledMs) / 1000) * this.#perSecond
    this.#refilledMs = now
    this.#tokens = Math.min(this.#perSecond, this.#tokens + refill) - tokens
    if (this.#tokens >= 0) return
    await this.#wait((-this.#tokens / this.#perSecond) * 1000)
  }

  /** A piece of work took so long: resolves when the next one may begin. */
  async rest(tookMs: number): Promise<void> {
    if (this.#isClosed || this.#clients.isServing?.() !== true) return
    await this.#wait(Math.min(restMaxMs, restsPerPiece * tookMs))
  }

  async #wait(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const entry = {
        resolve,
        timer: this.#clock.after(waitMs, () => {
          this.#timers.delete(entry)
          resolve()
        }),
      }
      this.#timers.add(entry)
    })
  }

  /** Lets go of everyone who waits, and holds nobody back any more. */
  close(): void {
    this.#isClosed = true
    for (const { timer, resolve } of this.#timers) {
      timer.cancel()
      resolve()
    }
    this.#timers.clear()
  }
}
