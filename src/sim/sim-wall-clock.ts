/**
 * The wall clock of one simulated machine, which may be wrong, go wrong faster or slower, jump, or
 * stand still. Monotonic clocks and timers never are wrong: durations are not taken from it.
 */

import type { FaultCounts } from './faults.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** The wall clock at the start of a simulation: 2025-01-01T00:00:00Z. */
const WALL_START_MS = Date.UTC(2025, 0, 1)

/** The drift of a clock that stands still, in parts per million. */
export const FROZEN_PPM = -1_000_000

/** It belongs to the machine: restarts of the process change nothing. */
export class SimWallClock {
  readonly #clock: VirtualClock
  readonly #faults: FaultCounts
  /** The error at `#sinceMs`, and by how much it grows from then on. */
  #errorMs = 0
  #sinceMs = 0
  #driftPpm = 0

  constructor(clock: VirtualClock, faults: FaultCounts) {
    this.#clock = clock
    this.#faults = faults
  }

  /** What it shows: whole milliseconds since the epoch of Unix. */
  readMs(): number {
    const errorMs = this.#error()
    if (this.#driftPpm === FROZEN_PPM) this.#faults.add('clock-frozen')
    else if (this.#driftPpm !== 0) this.#faults.add('clock-drifting')
    else if (errorMs !== 0) this.#faults.add('clock-skewed')
    return Math.floor(WALL_START_MS + this.#clock.nowMs + errorMs)
  }

  /** Makes it wrong by so many milliseconds at this moment: it jumps there. A drift goes on. */
  skew(ms: number): void {
    this.#errorMs = ms
    this.#sinceMs = this.#clock.nowMs
  }

  /** Lets it go faster from now on, or slower for less than 0; what it was wrong before stays. */
  drift(partsPerMillion: number): void {
    this.skew(this.#error())
    this.#driftPpm = partsPerMillion
  }

  /** The share first: for a clock that stands still it is exactly −1, and no rounding moves it. */
  #error(): number {
    return this.#errorMs + (this.#clock.nowMs - this.#sinceMs) * (this.#driftPpm / 1_000_000)
  }
}
