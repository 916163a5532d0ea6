/**
 * Storage in memory: the fastest there is, and gone with the process. What a node loses with it comes back from the
 * other replicas. About 60 bytes for each value beside value and key.
 */

import { ClosedError, StorageError } from '../base/errors.ts'
import type {
  LentRegion,
  RegionUse,
  Storage,
  StorageEntry,
  StorageWrite,
} from '../ports/storage.ts'
import { MemoryIndex } from './memory-index.ts'
import { MemorySlabs } from './memory-slabs.ts'

/**
 * Keeps everything in memory of this process. All methods but `open` and `close` answer at once.
 * Closing lets go of the data: a storage that is opened again is empty, as after the start of a process.
 */
export function memoryStorage(): Storage {
  return new MemoryStorage()
}

class MemoryStorage implements Storage {
  readonly durability = 'memory'
  /** `undefined` while closed. */
  #table: Table | undefined

  open(): Promise<void> {
    if (this.#table) return Promise.reject(new StorageError('the memory storage is open already'))
    this.#table = new Table()
    return Promise.resolve()
  }

  get(partition: number, key: string): Uint8Array | undefined {
    return this.#opened().get(partition, key)
  }

  locate(partition: number, key: string, into: LentRegion, use: RegionUse): boolean {
    return this.#opened().locate(partition, key, into, use)
  }

  store(partition: number, key: string, value: LentRegion, use: RegionUse): void {
    const table = this.#opened()
    table.assertRoom(1, key.length + value.end - value.start)
    table.put(partition, key, value, use)
  }

  write(batch: readonly StorageWrite[]): void {
    const table = this.#opened()
    let bytes = 0
    for (const { key, value } of batch) bytes += key.length + (value?.length ?? 0)
    table.assertRoom(batch.length, bytes)
    for (const { partition, key, value } of batch) {
      if (value === undefined) table.remove(partition, key)
      else
        table.put(
          partition,
          key,
          { bytes: value, start: 0, end: value.length, hold: undefined },
          'now',
        )
    }
  }

  scan(partition: number, options: { after?: string; limit: number }): readonly StorageEntry[] {
    return this.#opened().scan(partition, options)
  }

  isEmpty(partition: number): boolean {
    return this.#opened().isEmpty(partition)
  }

  close(): Promise<void> {
    this.#table = undefined
    return Promise.resolve()
  }

  #opened(): Table {
    if (!this.#table) throw new ClosedError('the memory storage is not open')
    return this.#table
  }
}

/** The index is in so many parts, by the first bits of the hash: one that grows is rebuilt in a few milliseconds. */
const partBits = 6

/** Most keys that are kept sorted, but for those of the partition that was scanned last. */
const sortedKeysMax = 20_000

/** Where a key is in the index. */
interface Sought {
  partition: number
  key: string | undefined
  hash: number
  part: MemoryIndex
  /** -1: nowhere. */
  slot: number
}

/** Index and slabs together. */
class Table {
  readonly #parts: readonly MemoryIndex[]
  readonly #slabs: MemorySlabs
  readonly #seed = Math.floor(Math.random() * 2 ** 32)
  /** The key that was looked up last. Invariant: its slot is the one that it has. */
  readonly #sought: Sought
  /** Keys in ascending order, of partitions that were scanned lately and have gained or lost none since. */
  readonly #sorted: Map<number, readonly string[]> = new Map()
  /** How many keys those are. */
  #sortedKeys = 0

  constructor() {
    this.#slabs = new MemorySlabs({
      isWanted: (place) => this.#partOf(this.#slabs.hash(place)).slotOf(place) >= 0,
      moved: (from, to) => {
        const part = this.#partOf(this.#slabs.hash(from))
        part.move(part.slotOf(from), to)
      },
    })
    this.#parts = Array.from({ length: 1 << partBits }, () => new MemoryIndex(this.#slabs))
    this.#sought = { partition: 0, key: undefined, hash: 0, part: this.#parts[0]!, slot: -1 }
  }

  #partOf(hash: number): MemoryIndex {
    return this.#parts[hash >>> (32 - partBits)]!
  }

  /** Looks up a key: its hash, its part of the index, and its slot in that. A write comes right after a look. */
  #seek(partition: number, key: string): Sought {
    const sought = this.#sought
    if (sought.key === key && sought.partition === partition) return sought
    sought.partition = partition
    sought.key = key
    sought.hash = hashOf(this.#seed, partition, key)
    sought.part = this.#partOf(sought.hash)
    sought.slot = sought.part.find(sought.hash, partition, key)
    return sought
  }

  /** The place of a value, or -1. */
  #find(partition: number, key: string): number {
    const { part, slot } = this.#seek(partition, key)
    return slot < 0 ? -1 : part.place(slot)
  }

  get(partition: number, key: string): Uint8Array | undefined {
    const place = this.#find(partition, key)
    return place < 0 ? undefined : this.#slabs.value(place)
  }

  locate(partition: number, key: string, into: LentRegion, use: RegionUse): boolean {
    const place = this.#find(partition, key)
    if (place >= 0) this.#slabs.locate(place, into, use)
    return place >= 0
  }

  /** @throws {StorageError} */
  assertRoom(writes: number, bytes: number): void {
    if (!this.#slabs.hasRoom(writes, bytes)) {
      throw new StorageError('the memory storage holds 16 GiB and no more: use one on disk')
    }
  }

  /** Copies the value, and fills in where it lies. */
  put(partition: number, key: string, value: LentRegion, use: RegionUse): void {
    this.#slabs.tidy()
    const { hash, part, slot } = this.#seek(partition, key)
    const place = this.#slabs.append(hash, partition, key, value)
    if (slot < 0) {
      part.add(hash, partition, place)
      this.#keysChanged(partition)
    } else {
      const before = part.place(slot)
      part.move(slot, place)
      this.#slabs.waste(before)
    }
    this.#slabs.locate(place, value, use)
  }

  remove(partition: number, key: string): void {
    this.#slabs.tidy()
    const { part, slot } = this.#seek(partition, key)
    if (slot < 0) return
    const place = part.place(slot)
    part.remove(slot)
    this.#keysChanged(partition)
    this.#slabs.waste(place)
  }

  /** A key came or went: slots may be others now. */
  #keysChanged(partition: number): void {
    if (this.#sorted.size > 0) this.#forgetSorted(partition)
    this.#sought.key = undefined
  }

  scan(partition: number, { after, limit }: { after?: string; limit: number }): StorageEntry[] {
    const keys = this.#keys(partition)
    const start = after === undefined ? 0 : firstIndexAfter(keys, after)
    return keys
      .slice(start, start + limit)
      .map((key) => ({ key, value: this.get(partition, key)! }))
  }

  isEmpty(partition: number): boolean {
    return !this.#parts.some((part) => part.hasAny(partition))
  }

  #keys(partition: number): readonly string[] {
    const known = this.#sorted.get(partition)
    if (known !== undefined) return known
    const places = this.#parts.flatMap((part) => part.places(partition))
    // Keys are byte strings: the order of their character codes, which is what `sort` compares, is byte order.
    const keys = places.map((place) => this.#slabs.key(place)).sort()
    this.#sorted.set(partition, keys)
    this.#sortedKeys += keys.length
    // Else a scan of all partitions would leave a copy of every key behind.
    for (const [scannedBefore] of this.#sorted) {
      if (this.#sortedKeys <= sortedKeysMax || scannedBefore === partition) break
      this.#forgetSorted(scannedBefore)
    }
    return keys
  }

  #forgetSorted(partition: number): void {
    this.#sortedKeys -= this.#sorted.get(partition)?.length ?? 0
    this.#sorted.delete(partition)
  }
}

/** FNV-1a over the characters of the key (bytes), begun with a number of this table's own, and mixed at the end. */
function hashOf(seed: number, partition: number, key: string): number {
  let hash = seed ^ partition
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
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
