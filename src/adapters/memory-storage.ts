/**
 * Storage in memory: the fastest there is, and gone with the process. What a node loses with it comes back from the
 * other replicas.
 */

import { ClosedError, StorageError } from '../base/errors.ts'
import type { Storage, StorageEntry, StorageWrite } from '../ports/storage.ts'

/**
 * Keeps everything in maps of this process. All methods but `open` and `close` answer at once.
 * Closing lets go of the data: a storage that is opened again is empty, as after the start of a process.
 */
export function memoryStorage(): Storage {
  return new MemoryStorage()
}

/** Partitions below this number are found by array index. Those above, the library's own books, are few. */
const DENSE_PARTITIONS_MAX = 65_536

class MemoryStorage implements Storage {
  readonly durability = 'memory'
  /** `undefined` while closed. */
  #partitions: Partitions | undefined

  open(): Promise<void> {
    if (this.#partitions)
      return Promise.reject(new StorageError('the memory storage is open already'))
    this.#partitions = new Partitions()
    return Promise.resolve()
  }

  get(partition: number, key: string): Uint8Array | undefined {
    return this.#opened().find(partition)?.values.get(key)
  }

  write(batch: readonly StorageWrite[]): void {
    const partitions = this.#opened()
    for (const { partition, key, value } of batch) {
      if (value === undefined) partitions.find(partition)?.remove(key)
      else partitions.findOrAdd(partition).put(key, value)
    }
  }

  scan(partition: number, options: { after?: string; limit: number }): readonly StorageEntry[] {
    return this.#opened().find(partition)?.scan(options) ?? []
  }

  close(): Promise<void> {
    this.#partitions = undefined
    return Promise.resolve()
  }

  #opened(): Partitions {
    if (!this.#partitions) throw new ClosedError('the memory storage is not open')
    return this.#partitions
  }
}

class Partitions {
  readonly #dense: (Partition | undefined)[] = []
  readonly #sparse = new Map<number, Partition>()

  find(number: number): Partition | undefined {
    return number < DENSE_PARTITIONS_MAX ? this.#dense[number] : this.#sparse.get(number)
  }

  findOrAdd(number: number): Partition {
    const found = this.find(number)
    if (found) return found
    const added = new Partition()
    if (number >= DENSE_PARTITIONS_MAX) {
      this.#sparse.set(number, added)
    } else {
      // Grown by one after the other: an array with holes would be a dictionary to V8, and slow.
      while (this.#dense.length <= number) this.#dense.push(undefined)
      this.#dense[number] = added
    }
    return added
  }
}

/** Invariant: `#sorted`, when it is there, holds exactly the keys of `values` in ascending order. */
class Partition {
  readonly values = new Map<string, Uint8Array>()
  #sorted: string[] | undefined

  put(key: string, value: Uint8Array): void {
    const sizeBefore = this.values.size
    this.values.set(key, value)
    if (this.values.size !== sizeBefore) this.#sorted = undefined
  }

  remove(key: string): void {
    if (this.values.delete(key)) this.#sorted = undefined
  }

  scan({ after, limit }: { after?: string; limit: number }): StorageEntry[] {
    // Keys are byte strings: the order of their character codes, which is what `sort` compares, is byte order.
    const keys = (this.#sorted ??= [...this.values.keys()].sort())
    const start = after === undefined ? 0 : firstIndexAfter(keys, after)
    return keys.slice(start, start + limit).map((key) => ({ key, value: this.values.get(key)! }))
  }
}

/** The index of the first key greater than `after`, by binary search. */
function firstIndexAfter(sorted: readonly string[], after: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! > after) high = middle
    else low = middle + 1
  }
  return low
}
