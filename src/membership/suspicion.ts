/**
 * How long a suspect has to refute (Lifeguard, LHA-Suspicion): it starts with the longest time and
 * each further member that accuses it on its own shortens that, on a logarithm, down to the
 * shortest. The arithmetic is pure; the class only remembers who accused.
 */

/**
 * Shortest life of a suspicion, milliseconds: `multiplier × max(1, log10(members)) ×
 * probeIntervalMs`. A refutation needs about log(members) gossip rounds to get around.
 * @param size.members known members that have not left, this one included
 */
export function suspicionMinMs(size: {
  readonly members: number
  readonly multiplier: number
  readonly probeIntervalMs: number
}): number {
  return size.multiplier * Math.max(1, Math.log10(Math.max(1, size.members))) * size.probeIntervalMs
}

/**
 * How many further accusers bring a suspicion down to its shortest life: `multiplier − 2`, or 0
 * (the shortest life from the start) in a cluster too small to have that many besides the accuser
 * and the suspect.
 */
export function confirmationsWanted(size: {
  readonly members: number
  readonly multiplier: number
}): number {
  const wanted = Math.max(0, size.multiplier - 2)
  return size.members - 2 < wanted ? 0 : wanted
}

/** Life of a suspicion after so many confirmations, whole milliseconds (Lifeguard §IV.B). */
export function suspicionTimeoutMs(suspicion: {
  readonly minMs: number
  readonly maxMs: number
  readonly wanted: number
  readonly confirmations: number
}): number {
  const { minMs, maxMs, wanted, confirmations } = suspicion
  if (wanted === 0) return Math.floor(minMs)
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1)
  return Math.floor(Math.max(minMs, maxMs - share * (maxMs - minMs)))
}

/**
 * One suspicion of one life of a member. Invariant: its deadline never moves back except by
 * `confirm`.
 */
export class Suspicion {
  readonly #minMs: number
  readonly #maxMs: number
  readonly #wanted: number
  readonly #accusers: Set<string>
  #startedAt: number

  constructor(start: {
    readonly now: number
    readonly accuser: string
    readonly minMs: number
    readonly maxMs: number
    readonly wanted: number
  }) {
    this.#minMs = start.minMs
    this.#maxMs = start.maxMs
    this.#wanted = start.wanted
    this.#accusers = new Set([start.accuser])
    this.#startedAt = start.now
  }

  /** When the suspect counts as dead unless it refuted before, monotonic milliseconds. */
  get deadline(): number {
    const confirmations = this.#accusers.size - 1
    return (
      this.#startedAt +
      suspicionTimeoutMs({
        minMs: this.#minMs,
        maxMs: this.#maxMs,
        wanted: this.#wanted,
        confirmations,
      })
    )
  }

  /** Counts one more accuser. True when it is new and still matters, and so is worth passing on. */
  confirm(accuser: string): boolean {
    if (this.#accusers.size > this.#wanted || this.#accusers.has(accuser)) return false
    this.#accusers.add(accuser)
    return true
  }

  /** Gives back time during which this node could not have heard a refutation (HAZARDS E4). */
  extend(ms: number): void {
    this.#startedAt += ms
  }
}
