/**
 * How well this node itself is doing (Lifeguard, LHA-Probe). A node that misses what it should have
 * heard is more likely slow itself than surrounded by the dead: its probes wait longer and come
 * less often.
 */
export class LocalHealth {
  readonly #max: number
  #score = 0

  /** @param max the largest multiplier, `MembershipOptions.localHealthMax` */
  constructor(max: number) {
    this.#max = max
  }

  /** 0 healthy, up to max − 1. */
  get score(): number {
    return this.#score
  }

  /** By what probe interval and time-out are multiplied: 1 when healthy. */
  get multiplier(): number {
    return this.#score + 1
  }

  /**
   * Positive for bad news (an answer missing, a refutation needed, a stall), negative for a probe
   * that went well.
   */
  adjust(delta: number): void {
    this.#score = Math.min(this.#max - 1, Math.max(0, this.#score + delta))
  }
}
