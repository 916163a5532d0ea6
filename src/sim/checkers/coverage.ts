/**
 * Which writes each write may have replaced, and which it replaced for certain, as far as a history
 * tells. Everything here follows from what clients saw: no context is ever looked into.
 *
 * A context of a read covers what the read returned, and what that covers in turn. It may also cover
 * what is invisible: any delete, and any value with a time to live, that had been asked for before
 * the read ended. A context of a receipt covers the write and what it replaced. A write without a
 * context may have replaced anything that was asked for before it was acknowledged (at any time, when
 * it never was: it may still take effect), and nothing for certain. The null context covers nothing.
 */

import type { Operation } from '../history/operation.ts'
import { addAll, addBit, addFirst, emptyBits, hasBit, keepFirst, type Bits } from './bit-set.ts'
import type { KeyHistory, Read, Source, Write } from './key-history.ts'

/** Coverage of the writes of one key. */
export class Coverage {
  readonly #key: KeyHistory
  /** May be replaced, by write. Undefined: the first so many of `#first`, or none. */
  readonly #may: (Bits | undefined)[] = []
  /** How many writes, by start, a write without known context may have replaced. */
  readonly #first: number[] = []
  readonly #must: (Bits | undefined)[] = []
  /** Writes that a read need not show to contain them, by start, and what all of them up to each
   *  may cover, with themselves. */
  readonly #invisible: Write[] = []
  readonly #invisibleCover: Bits[] = []
  readonly #explained = new Map<Read, Bits>()

  constructor(key: KeyHistory) {
    this.#key = key
    // In the order of starts: what a context contains had started before the write that got it.
    for (const write of key.writes) {
      this.#learn(write, key.sources[write.index]!)
      if (canBeInvisible(write)) this.#learnInvisible(write)
    }
  }

  /** Whether `write` may have replaced `other`. */
  mayCover(write: Write, other: Write): boolean {
    if (write === other) return false
    const may = this.#may[write.index]
    if (may !== undefined && hasBit(may, other.index)) return true
    return other.index < this.#first[write.index]!
  }

  /** Whether `write`, when it took effect, certainly replaced `other`. */
  mustCover(write: Write, other: Write): boolean {
    const must = this.#must[write.index]
    return must !== undefined && hasBit(must, other.index)
  }

  /** What `write` certainly replaced when it took effect; undefined when nothing. */
  covered(write: Write): Bits | undefined {
    return this.#must[write.index]
  }

  /** The writes that a read returned, and those that it lacks because they may have been replaced. */
  explained(read: Read): Bits {
    let bits = this.#explained.get(read)
    if (bits === undefined) this.#explained.set(read, (bits = this.#explain(read)))
    return bits
  }

  /** The operations that show that `write` certainly replaced `other`: from context to context. */
  chain(write: Write, other: Write): Operation[] {
    const cameFrom = new Map<Write, readonly [Write, Operation]>()
    const queue = [write]
    for (const next of queue) {
      if (next === other) break
      const source = this.#key.sources[next.index]!
      for (const [covered, by] of contents(source)) {
        if (cameFrom.has(covered) || covered === write) continue
        cameFrom.set(covered, [next, by])
        queue.push(covered)
      }
    }
    const operations: Operation[] = [other.operation]
    for (let at = cameFrom.get(other); at !== undefined; at = cameFrom.get(at[0])) {
      operations.push(at[1], at[0].operation)
    }
    return operations
  }

  #learn(write: Write, source: Source): void {
    const { index } = write
    this.#first[index] = this.#countBefore(write, source)
    if (source.kind === 'read') {
      const { read } = source
      this.#may[index] = this.explained(read)
      this.#must[index] = this.#with(read.shown.filter(({ start }) => start <= read.end))
    } else if (source.kind === 'receipt') {
      const may = this.#bits()
      addBit(may, source.write.index)
      this.#addMay(may, source.write)
      this.#may[index] = may
      this.#must[index] = this.#with([source.write])
    }
  }

  /** How many writes, by start, a write without a known context may have replaced. */
  #countBefore(write: Write, source: Source): number {
    if (source.kind === 'unseen') return this.#countStarted(source.before)
    if (source.kind !== 'plain') return 0
    const { acknowledgedAt = Infinity } = write
    return this.#countStarted(acknowledgedAt)
  }

  #learnInvisible(write: Write): void {
    const cover = this.#bits()
    const before = this.#invisibleCover.at(-1)
    if (before !== undefined) addAll(cover, before)
    addBit(cover, write.index)
    this.#addMay(cover, write)
    this.#invisible.push(write)
    this.#invisibleCover.push(cover)
  }

  #explain(read: Read): Bits {
    const bits = this.#bits()
    for (const write of read.shown) {
      // A value that was read before it was written is a violation of its own, and explains nothing.
      if (write.start <= read.end) this.#addMay(bits, write)
    }
    const invisible = countUntil(this.#invisible, read.end)
    if (invisible > 0) addAll(bits, this.#invisibleCover[invisible - 1]!)
    keepFirst(bits, this.#countStarted(read.end))
    for (const { index } of read.shown) addBit(bits, index)
    return bits
  }

  #addMay(bits: Bits, { index }: Write): void {
    addFirst(bits, this.#first[index]!)
    const may = this.#may[index]
    if (may !== undefined) addAll(bits, may)
  }

  /** These writes and all that they certainly replaced. */
  #with(writes: readonly Write[]): Bits {
    const bits = this.#bits()
    for (const { index } of writes) {
      addBit(bits, index)
      const must = this.#must[index]
      if (must !== undefined) addAll(bits, must)
    }
    return bits
  }

  #countStarted(time: number): number {
    return countUntil(this.#key.writes, time)
  }

  #bits(): Bits {
    return emptyBits(this.#key.writes.length)
  }
}

/** What a context certainly contains, and the operation that shows it. */
function contents(source: Source): (readonly [Write, Operation])[] {
  if (source.kind === 'receipt') return [[source.write, source.write.operation]]
  if (source.kind !== 'read') return []
  return source.read.shown.map((write) => [write, source.read.operation])
}

/** Whether a read that contains the write may yet not show it. */
export function canBeInvisible({ operation }: Write): boolean {
  const { kind, outcome, expires = false } = operation
  return outcome !== 'failed' && (kind === 'delete' || expires)
}

/** How many of the writes, which are sorted by start, had started by then. */
function countUntil(writes: readonly Write[], time: number): number {
  let low = 0
  let high = writes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (writes[middle]!.start <= time) low = middle + 1
    else high = middle
  }
  return low
}
