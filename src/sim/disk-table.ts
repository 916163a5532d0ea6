/**
 * What lies on a simulated disk: a map from (partition, key) to bytes that can be scanned in the
 * order of the keys.
 */

import type { StorageEntry } from '../ports/storage.ts'

interface Partition {
  readonly values: Map<string, Uint8Array>
  /** All keys in order, as long as none was added or removed since they were sorted. */
  sorted: readonly string[] | undefined
}

/** One entry with the partition it is in. */
export interface TableEntry extends StorageEntry {
  readonly partition: number
}

/** The bytes of a value are never changed, so that copies of a table share them. */
export class DiskTable {
  readonly #partitions = new Map<number, Partition>()
  #bytes = 0

  /** The sum of the sizes of all keys and values. */
  get bytes(): number {
    return this.#bytes
  }

  get(partition: number, key: string): Uint8Array | undefined {
    return this.#partitions.get(partition)?.values.get(key)
  }

  /** Sets, or with `undefined` deletes, and returns what was there before. */
  set(partition: number, key: string, value: Uint8Array | undefined): Uint8Array | undefined {
    const place = this.#partition(partition)
    const before = place.values.get(key)
    if ((before === undefined) !== (value === undefined)) place.sorted = undefined
    if (value === undefined) place.values.delete(key)
    else place.values.set(key, value)
    this.#bytes += sizeOf(key, value) - sizeOf(key, before)
    return before
  }

  /** See `Storage.scan`. */
  scan(partition: number, options: { after?: string; limit: number }): readonly StorageEntry[] {
    const place = this.#partition(partition)
    place.sorted ??= [...place.values.keys()].toSorted(byteOrder)
    const from = options.after === undefined ? 0 : firstAfter(place.sorted, options.after)
    return place.sorted
      .slice(from, from + options.limit)
      .map((key) => ({ key, value: place.values.get(key) ?? new Uint8Array() }))
  }

  /** Every entry, by partition and key. */
  *entries(): Generator<TableEntry> {
    for (const partition of [...this.#partitions.keys()].toSorted((a, b) => a - b)) {
      for (const entry of this.scan(partition, { limit: Infinity })) yield { partition, ...entry }
    }
  }

  copy(): DiskTable {
    const copy = new DiskTable()
    for (const { partition, key, value } of this.entries()) copy.set(partition, key, value)
    return copy
  }

  #partition(partition: number): Partition {
    let place = this.#partitions.get(partition)
    if (place === undefined) {
      place = { values: new Map(), sorted: undefined }
      this.#partitions.set(partition, place)
    }
    return place
  }
}

function sizeOf(key: string, value: Uint8Array | undefined): number {
  return value === undefined ? 0 : key.length + value.length
}

/** Keys are byte strings, for which this is the order of the bytes. */
function byteOrder(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function firstAfter(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') <= key) low = middle + 1
    else high = middle
  }
  return low
}
