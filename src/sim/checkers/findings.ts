/** Collects what a checker finds: each fault once, with the operations that show it. */

import type { Operation } from '../history/operation.ts'
import type { KeyHistory, Read, Write } from './key-history.ts'

/** One broken promise. */
export interface Violation {
  /** What is wrong, in words: the key, the values, the sessions and the times. */
  readonly message: string
  /** The operations that show it, as few as were found, in the order of their starts. */
  readonly operations: readonly Operation[]
}

/** How much of a history a model had something to say to. */
export interface Checked {
  /** Keys with at least one such read. */
  readonly keys: number
  /** Reads that were held against something. */
  readonly reads: number
  /** Writes that a read was held against, each once. */
  readonly writes: number
}

/** A key that could not be checked, or not wholly, and why. */
export interface SkippedKey {
  readonly bucket: string
  readonly key: string
  readonly reason: string
}

/** A store that is broken altogether breaks each read: more than these help nobody. */
const violationsMax = 100

/** What was found so far. */
export class Findings {
  readonly violations: Violation[] = []
  readonly skipped: SkippedKey[] = []
  readonly #known = new Set<string>()
  readonly #keys = new Set<KeyHistory>()
  readonly #reads = new Set<Read>()
  readonly #writes = new Set<Write>()

  get checked(): Checked {
    return { keys: this.#keys.size, reads: this.#reads.size, writes: this.#writes.size }
  }

  /** Notes that reads are held against writes, and against those that they show. */
  looked(key: KeyHistory, reads: readonly Read[], writes: readonly Write[] = []): void {
    if (reads.length === 0) return
    this.#keys.add(key)
    for (const read of reads) {
      this.#reads.add(read)
      for (const write of read.shown) this.#writes.add(write)
    }
    for (const write of writes) this.#writes.add(write)
  }

  /**
   * Notes a violation, unless there are enough already, or one of the same `fault`.
   * @param fault names the fault in its history: a value that is lost is missing in many reads.
   */
  report(fault: readonly unknown[], describe: () => Violation): void {
    const name = JSON.stringify(fault)
    if (this.violations.length >= violationsMax || this.#known.has(name)) return
    this.#known.add(name)
    const { message, operations } = describe()
    const sorted = [...new Set(operations)].sort((a, b) => a.start - b.start)
    this.violations.push({ message, operations: sorted })
  }

  skip(skipped: SkippedKey): void {
    this.skipped.push(skipped)
  }
}
