/**
 * Time-stamps for last-write-wins buckets: a hybrid logical clock (Kulkarni et al. 2014). A stamp is wall-clock
 * milliseconds × 1024 plus a logical count, one safe integer until the year 2248; there it stops growing.
 *
 * A write's stamp is above that of every value it replaces, whatever the clocks say: otherwise merging in different
 * orders would give different values. A stamp from a peer moves this clock ahead by at most `driftMaxMs`, so that one
 * node with a clock in the future cannot drag all others there (HAZARDS A9).
 */
const unitsPerMs = 1024

/** The clock of one node. */
export class HybridClock {
  #latest = 0
  readonly #driftMaxMs: number

  constructor(driftMaxMs: number) {
    this.#driftMaxMs = driftMaxMs
  }

  /**
   * A stamp later than `above`, and than each that this clock gave or followed. One that only `above` forced beyond the
   * clock does not count: it concerns one key and must not drag the others along.
   */
  next(wallMs: number, above: number): number {
    this.#latest = Math.max(Math.floor(wallMs) * unitsPerMs, this.#latest + 1)
    return Math.min(Math.max(this.#latest, above + 1), Number.MAX_SAFE_INTEGER)
  }

  /** Takes note of a stamp seen elsewhere. False when it is too far ahead to be followed. */
  observe(wallMs: number, stamp: number): boolean {
    if (stamp > (wallMs + this.#driftMaxMs) * unitsPerMs) return false
    this.#latest = Math.max(this.#latest, stamp)
    return true
  }
}
