/**
 * A key whose acknowledged writes form a chain, each replacing the one before, as a variable: what a
 * read of it may return. Serves the search for an order of concurrent operations.
 *
 * Floating writes (of unknown outcome) stand beside the chain. They take effect at any time after
 * their start, or never, on one replica after the other. Then, of two concurrent reads, one may see
 * only a floating write and the other only an acknowledged one, and there is no one moment for both.
 * So the value of a floating write, and what it may have replaced, are optional: a read may return
 * them or not. That no read goes back in time is checked apart (`session-floor.ts`).
 */

import { canBeInvisible, type Coverage } from './coverage.ts'
import type { Read, Write } from './key-history.ts'

/** What the key may hold. Invariant: no write is in both lists. */
export interface Held {
  readonly certain: readonly Write[]
  readonly optional: readonly Write[]
}

/** What a key holds before the first write. */
export const nothingHeld: Held = { certain: [], optional: [] }

/** The rules of one key. */
export class SiblingRegister {
  readonly #coverage: Coverage
  readonly #floating: ReadonlySet<Write>
  /** Floating writes that take values away and show none. */
  readonly #removers: readonly Write[]

  constructor(coverage: Coverage, floating: ReadonlySet<Write>) {
    this.#coverage = coverage
    this.#floating = floating
    this.#removers = [...floating].filter(canBeInvisible)
  }

  /** What the key holds after an acknowledged write. */
  afterWrite(held: Held, write: Write): Held {
    const others = [...held.certain, ...held.optional]
    const optional = others.filter((other) => !this.#coverage.mustCover(write, other))
    const { kind, expires = false } = write.operation
    if (kind === 'delete') return { certain: [], optional }
    return expires
      ? { certain: [], optional: [...optional, write] }
      : { certain: [write], optional }
  }

  /** What the key holds after the read; undefined when it cannot have returned what it did. */
  afterRead(held: Held, read: Read): Held | undefined {
    const { shown, strange } = read
    if (strange.length > 0) return undefined
    const known = [...held.certain, ...held.optional]
    const extra = shown.filter((write) => !known.includes(write))
    if (!extra.every((write) => this.#canAppear(write, read))) return undefined
    const missing = known.filter((write) => !shown.includes(write))
    const unsettled = missing.filter((write) => this.#isUnsettled(write, read))
    const isExplained = (write: Write): boolean =>
      unsettled.includes(write) || held.optional.includes(write)
    if (!missing.every(isExplained)) return undefined
    const [optional, certain] = split(shown, (write) => this.#mayGo(write))
    optional.push(...unsettled)
    // Nothing was settled and nothing came: the lists have the same writes as before.
    if (extra.length === 0 && certain.length === held.certain.length) {
      if (optional.length === held.optional.length) return held
    }
    return { certain, optional }
  }

  /** A floating write takes effect: what it, or another value, replaced for certain is not shown. */
  #canAppear(write: Write, read: Read): boolean {
    if (!this.#floating.has(write) || write.start > read.end) return false
    const coverage = this.#coverage
    return !read.shown.some(
      (other) => coverage.mustCover(write, other) || coverage.mustCover(other, write),
    )
  }

  /** Whether a read that lacks the write tells nothing of others. */
  #isUnsettled(write: Write, read: Read): boolean {
    if (this.#floating.has(write)) return true
    const floating = read.shown.filter((one) => this.#floating.has(one))
    const removers = this.#removers.filter(({ start }) => start <= read.end)
    return [...floating, ...removers].some((other) => this.#coverage.mayCover(other, write))
  }

  /** A value with a time to live goes when a read finds it expired, and then for good. */
  #mayGo(write: Write): boolean {
    return write.operation.expires === true || this.#floating.has(write)
  }
}

function split(
  writes: readonly Write[],
  isFirst: (write: Write) => boolean,
): [first: Write[], second: Write[]] {
  return [writes.filter(isFirst), writes.filter((write) => !isFirst(write))]
}
