/**
 * Whether this process has run on without a stop: nothing that it began long ago is still under way. A process that
 * was stopped for hours wakes up with old records in its hands, and goes on with them before its timers tell it that
 * their time is over (HAZARDS B3).
 */
import type { Clock, Timer } from '../ports/clock.ts'

const beatMaxMs = 60_000
/** Beats in a grace period, at least. */
const beatsInGrace = 32
/** So many times the time between two beats is a stop. */
const lateBeats = 2.5

/** Watches the beats of one process. */
export class Steadiness {
  readonly #clock: Clock
  readonly #beatMs: number
  #timer: Timer | undefined
  #beatAtMs = -Infinity
  /** Beats in a row that were in time. */
  #inTime = 0
  /** An operation with a deadline of its own may last until then. */
  #longUntilMs = -Infinity

  /**
   * @param graceMs a stop that is over when the grace period is, and began before the last tenth of it, is noticed;
   * what may last a quarter of it, twice, had ended before.
   */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock
    this.#beatMs = Math.min(beatMaxMs, graceMs / beatsInGrace)
  }

  start(): void {
    this.#beat()
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** Two beats in time, the last one just now, and no operation with a long deadline. */
  get isSteady(): boolean {
    const nowMs = this.#clock.monotonicMs()
    return this.#inTime >= 2 && this.#isInTime(nowMs) && nowMs > this.#longUntilMs
  }

  /** An operation begins that may last so long, with what is repaired after it as long again. */
  mayLast(ms: number): void {
    this.#longUntilMs = Math.max(this.#longUntilMs, this.#clock.monotonicMs() + 2 * ms)
  }

  #beat(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#inTime = this.#isInTime(nowMs) ? this.#inTime + 1 : 0
    this.#beatAtMs = nowMs
    this.#timer = this.#clock.after(this.#beatMs, () => this.#beat())
  }

  #isInTime(nowMs: number): boolean {
    return nowMs - this.#beatAtMs <= lateBeats * this.#beatMs
  }
}
