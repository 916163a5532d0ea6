/**
 * Operations under way, each with the node that serves it: every one has to end once, by its
 * deadline (docs/CONSISTENCY.md, How operations end). Time in which its node is paused does not
 * count.
 */

/** How much later than its deadline an operation may end, milliseconds. */
const graceMs = 150

/**
 * In how many milliseconds an operation ends whose process died: nobody waits for it but the
 * simulation.
 */
const limboMs = 6000

/** An operation that has not ended. */
interface Open {
  readonly what: string
  readonly node: string
  readonly startedMs: number
  limitMs: number
  /** Since the start, the pause that goes on not included. */
  pausedMs: number
}

/** One for a simulation. */
export class Ledger {
  /** How many operations ended. */
  ended = 0
  /** How many of them without an error. */
  succeeded = 0
  readonly #now: () => number
  readonly #found: (problem: string) => void
  readonly #open = new Set<Open>()
  readonly #pausedSince = new Map<string, number>()

  constructor(options: { now: () => number; found: (problem: string) => void }) {
    this.#now = options.now
    this.#found = options.found
  }

  /** Notes an operation until it ends, and passes on how. */
  async watch<T>(
    operation: { what: string; node: string; limitMs: number },
    work: Promise<T>,
  ): Promise<T> {
    const open: Open = { ...operation, startedMs: this.#now(), pausedMs: 0 }
    this.#open.add(open)
    try {
      const value = await work
      this.succeeded += 1
      return value
    } finally {
      this.ended += 1
      this.#open.delete(open)
      const lateMs = this.#lateMs(open)
      if (lateMs > graceMs) this.#found(`${describe(open)} ended ${lateMs} ms after its deadline`)
    }
  }

  paused(node: string): void {
    if (!this.#pausedSince.has(node)) this.#pausedSince.set(node, this.#now())
  }

  resumed(node: string): void {
    const since = this.#pausedSince.get(node)
    if (since === undefined) return
    this.#pausedSince.delete(node)
    for (const open of this.#open) {
      if (open.node === node) open.pausedMs += this.#now() - Math.max(since, open.startedMs)
    }
  }

  died(node: string): void {
    this.resumed(node)
    for (const open of this.#open) {
      const agedMs = this.#now() - open.startedMs - open.pausedMs
      if (open.node === node) open.limitMs = Math.max(open.limitMs, agedMs + limboMs)
    }
  }

  /** The operations that should have ended. */
  overdue(): string[] {
    return [...this.#open].filter((open) => this.#lateMs(open) > graceMs).map(describe)
  }

  get openCount(): number {
    return this.#open.size
  }

  #lateMs({ startedMs, limitMs, pausedMs }: Open): number {
    return Math.round(this.#now() - startedMs - pausedMs - limitMs)
  }
}

function describe({ what, node, startedMs, limitMs }: Open): string {
  return `${what} at ${node}, begun at ${Math.round(startedMs)} for ${limitMs} ms,`
}
