/**
 * Time, as the library sees it. Nothing outside an adapter reads a clock or sets a timer by other means,
 * so that a cluster can run on virtual time.
 */

/** A timer that has been set. */
export interface Timer {
  /** Idempotent. After it returns the callback is not called. */
  cancel(): void
}

/**
 * Duties of an implementation:
 * 1. `monotonicMs` never goes back, whatever happens to the wall clock.
 * 2. `after` calls once, not before `delayMs` have passed on the monotonic clock, never synchronously;
 *    any finite delay ≥ 0 works, also beyond 2³¹ ms.
 * 3. A pending timer keeps the process alive: whoever sets one owns it and cancels it.
 */
export interface Clock {
  /** Milliseconds since an arbitrary origin, fractions allowed. For durations. */
  monotonicMs(): number
  /** Milliseconds since the epoch of Unix. For expiry and last-write-wins alone, never for causality. */
  wallMs(): number
  after(delayMs: number, callback: () => void): Timer
  /**
   * Only for clocks whose callbacks can be late: looks at that every `intervalMs` and tells by how many milliseconds.
   * Does not keep the process alive.
   */
  watchLag?(intervalMs: number, told: (lagMs: number) => void): Timer
}
