/**
 * Writes that are not in the database yet, the newest for each key: what one transaction will apply, and until then
 * what reads see in place of the database.
 */

import type { StorageWrite } from '../ports/storage.ts'

/** What a key is going to be: a value, or `null` when it is to be deleted. */
export type PendingValue = Uint8Array | null

/** Invariant: no inner map is empty. */
export class WriteBuffer {
  readonly #partitions = new Map<number, Map<string, PendingValue>>()
  #size = 0

  /** How many keys are written. */
  get size(): number {
    return this.#size
  }

  /** Takes the writes in their order: the last one for a key wins. */
  add(batch: readonly StorageWrite[]): void {
    for (const { partition, key, value } of batch) {
      let writes = this.#partitions.get(partition)
      if (!writes) this.#partitions.set(partition, (writes = new Map<string, PendingValue>()))
      const sizeBefore = writes.size
      writes.set(key, value ?? null)
      this.#size += writes.size - sizeBefore
    }
  }

  /** `undefined` when the key is not written here. */
  get(partition: number, key: string): PendingValue | undefined {
    return this.#partitions.get(partition)?.get(key)
  }

  /** The writes to one partition, in no order. */
  of(partition: number): ReadonlyMap<string, PendingValue> | undefined {
    return this.#partitions.get(partition)
  }

  forEach(visit: (partition: number, key: string, value: PendingValue) => void): void {
    for (const [partition, writes] of this.#partitions) {
      for (const [key, value] of writes) visit(partition, key, value)
    }
  }
}
