/** What became of the operations of an open loop, second by second: each counts in the second in which it was due. */
import { Histogram } from '../histogram.ts'
import type { Ending } from '../open-loop.ts'

/** One second, or several together. Latencies in milliseconds, of what succeeded, from the moment it was due. */
export interface Span {
  readonly succeeded: number
  readonly refused: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

class Second {
  readonly latenciesMs = new Histogram()
  readonly counts: Record<Ending, number> = { succeeded: 0, refused: 0, failed: 0 }
}

/** Grows while the loop runs. */
export class Timeline {
  readonly #seconds: Second[] = []

  /** @param dueMs since the beginning of the loop. */
  ended(dueMs: number, ending: Ending, latencyMs: number): void {
    const at = Math.floor(dueMs / 1000)
    const second = (this.#seconds[at] ??= new Second())
    second.counts[ending] += 1
    if (ending === 'succeeded') second.latenciesMs.record(latencyMs)
  }

  /** Each second by itself; those in which nothing was due count nothing. */
  seconds(): Span[] {
    return Array.from(this.#seconds, (_, at) => this.span(at, at + 1))
  }

  /** The seconds `[from, to)` together. */
  span(from: number, to: number): Span {
    const all = new Second()
    for (const second of this.#seconds.slice(from, to)) {
      if (second === undefined) continue
      all.latenciesMs.merge(second.latenciesMs)
      for (const ending of ['succeeded', 'refused', 'failed'] as const)
        all.counts[ending] += second.counts[ending]
    }
    const [p50Ms, p99Ms, p999Ms] = [0.5, 0.99, 0.999].map((q) => all.latenciesMs.quantile(q))
    return { ...all.counts, p50Ms: p50Ms!, p99Ms: p99Ms!, p999Ms: p999Ms! }
  }
}
