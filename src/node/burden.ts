/**
 * How much this node has to do, and what it does about it: clients are refused before any work while the event loop
 * lags, and background work waits earlier than that (HAZARDS K1, K3).
 */
import { overloaded, tooManyInFlight } from '../coordinator/overloaded.ts'
import type { Clock, Timer } from '../ports/clock.ts'

/** How often the lag of the event loop is looked at. */
const lookEveryMs = 20
/** One look that finds it late may have met a single long stretch of work: so many in a row are too much to do. */
const looksMin = 3
/** Whoever had too much to do lately is believed to have it again at the first look. */
const relapseMs = 5_000
/** Background work waits from this part of the limits on. */
const backgroundPart = 0.25

/** Clients that were served within this time are there still, as far as one can tell. */
const servingMs = 20

/** What the burden is measured by. */
export interface BurdenOptions {
  readonly clock: Clock
  readonly lagMaxMs: number
  readonly inFlightMax: number
  readonly stats: { inFlight: number; refused: number }
  /** Operations so far, of clients of this node and of others. */
  served(): number
}

/** The burden of one node. On a clock that cannot lag nobody is refused because of it. */
export class Burden {
  readonly #options: BurdenOptions
  #timer: Timer | undefined
  /** Looks in a row that found the loop too late. */
  #late = 0
  #shedAtMs = -Infinity
  /** What was done for clients until it was last asked, and when it was last seen to grow. */
  #served = 0
  #servedAtMs = -Infinity
  /** How late the event loop was at the last look, milliseconds. */
  lagMs = 0
  /** Whether clients are refused. */
  isShedding = false

  constructor(options: BurdenOptions) {
    this.#options = options
  }

  /** From now on the event loop is watched. */
  open(): void {
    const { clock } = this.#options
    this.#timer = clock.watchLag?.(lookEveryMs, (lagMs) => this.#looked(lagMs))
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** Whether background work should wait. */
  get isHeavy(): boolean {
    const { lagMaxMs, inFlightMax, stats } = this.#options
    return this.lagMs > lagMaxMs * backgroundPart || stats.inFlight > inFlightMax * backgroundPart
  }

  /** Whether clients, of this node or of others, were served a moment ago. Each look counts as one. */
  get isServing(): boolean {
    const served = this.#options.served()
    const now = this.#options.clock.monotonicMs()
    if (served !== this.#served) this.#servedAtMs = now
    this.#served = served
    return now - this.#servedAtMs < servingMs
  }

  /** @throws {OverloadedError} while clients are refused. */
  assertBearable(): void {
    if (!this.isShedding) return
    this.#options.stats.refused += 1
    throw overloaded(`the event loop lags by ${Math.round(this.lagMs)} ms: try again later`)
  }

  /** Counts operations in, all or none. @throws {OverloadedError} */
  countIn(count: number): void {
    this.assertBearable()
    const { inFlightMax, stats } = this.#options
    if (stats.inFlight + count > inFlightMax) {
      stats.refused += count
      throw tooManyInFlight(inFlightMax)
    }
    stats.inFlight += count
  }

  #looked(lagMs: number): void {
    const { clock, lagMaxMs } = this.#options
    this.lagMs = lagMs
    if (lagMs <= lagMaxMs) {
      this.#late = 0
      this.isShedding = false
      return
    }
    this.#late += 1
    const now = clock.monotonicMs()
    if (this.#late < looksMin && now - this.#shedAtMs > relapseMs) return
    this.isShedding = true
    this.#shedAtMs = now
  }
}
