/**
 * The disk of one simulated machine. It outlives the processes that use it, and knows which writes
 * are not synced yet: those that a crash may take. What a process does with it is `SimStorage`.
 */

import { StorageError } from '../base/errors.ts'
import type { StorageEntry, StorageWrite } from '../ports/storage.ts'
import { DiskTable } from './disk-table.ts'
import type { TableEntry } from './disk-table.ts'

/**
 * What a crash takes. `unsynced`: all that was not durable, as a loss of power does at worst.
 * `nothing`: only the process dies, its operating system writes the rest. `everything`: the disk is
 * empty.
 */
export type Lose = 'nothing' | 'unsynced' | 'everything'

/** What was there before each write of a batch, in the order of the batch. */
type Undo = readonly StorageWrite[]

/** Also the backup that `saveDisk` takes: a copy of a disk is a disk. */
export class SimDisk {
  #table = new DiskTable()
  /** One for each batch that is not durable yet, oldest first. */
  #unsynced: Undo[] = []
  #isHeld = false
  #failingWrites = 0
  #failingSyncs = 0
  /**
   * Most bytes of keys and values it can hold; more is refused as a full disk does. @default no
   * limit
   */
  capacityBytes: number = Infinity
  /** How many times slower than usual it is. @default 1 */
  slowness: number = 1

  /** Bytes of all keys and values. */
  get bytes(): number {
    return this.#table.bytes
  }

  get(partition: number, key: string): Uint8Array | undefined {
    return this.#table.get(partition, key)
  }

  scan(partition: number, options: { after?: string; limit: number }): readonly StorageEntry[] {
    return this.#table.scan(partition, options)
  }

  /** Every entry, by partition and key. */
  entries(): Iterable<TableEntry> {
    return this.#table.entries()
  }

  /** Takes exclusive hold of the disk. False when somebody holds it. */
  acquire(): boolean {
    if (this.#isHeld) return false
    this.#isHeld = true
    return true
  }

  release(): void {
    this.#isHeld = false
  }

  /** Writes a batch, not durable yet. @throws {StorageError} and has then written nothing. */
  write(batch: readonly StorageWrite[]): void {
    if (this.#failingWrites > 0) {
      this.#failingWrites--
      throw diskError('EIO', 'the disk failed to write')
    }
    const undo = batch.map(({ partition, key, value }) => ({
      partition,
      key,
      value: this.#table.set(partition, key, value),
    }))
    const grownBytes = growth(batch, undo)
    if (grownBytes > 0 && this.#table.bytes > this.capacityBytes) {
      this.#revert(undo)
      throw diskError('ENOSPC', 'no space is left on the disk')
    }
    this.#unsynced.push(undo)
  }

  /**
   * Makes the oldest `count` batches durable.
   * @throws {StorageError} when it fails; then every batch that was not durable is gone.
   */
  sync(count: number): void {
    if (this.#failingSyncs > 0) {
      this.#failingSyncs--
      this.#loseUnsynced()
      throw diskError('EIO', 'the disk failed to sync')
    }
    this.#unsynced.splice(0, count)
  }

  /** Leaves on the disk what a crash does, and nobody holding it. */
  crash(lose: Lose): void {
    this.#isHeld = false
    if (lose === 'unsynced') this.#loseUnsynced()
    if (lose === 'everything') this.#table = new DiskTable()
    this.#unsynced = []
  }

  /** A copy of what it holds, as a backup: without the faults, and everything durable. */
  copy(): SimDisk {
    const copy = new SimDisk()
    copy.#table = this.#table.copy()
    return copy
  }

  /** Takes an entry away behind the back of whoever uses the disk. False when there is none. */
  remove(partition: number, key: string): boolean {
    return this.#table.set(partition, key, undefined) !== undefined
  }

  /** The next writes fail and change nothing. */
  failWrites(count: number): void {
    this.#failingWrites = count
  }

  /**
   * The next syncs fail and lose what they should have made durable (fsync failures are not to be
   * retried).
   */
  failSyncs(count: number): void {
    this.#failingSyncs = count
  }

  /**
   * Turns one bit of a stored value over. False when there is no such entry or it is empty.
   * @param bit counted from the start of the value, modulo its length.
   */
  flipBit(partition: number, key: string, bit: number): boolean {
    const value = this.#table.get(partition, key)
    if (value === undefined || value.length === 0) return false
    const flipped = new Uint8Array(value)
    const at = bit % (value.length * 8)
    flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7))
    this.#table.set(partition, key, flipped)
    return true
  }

  #loseUnsynced(): void {
    for (const undo of this.#unsynced.toReversed()) this.#revert(undo)
    this.#unsynced = []
  }

  #revert(undo: Undo): void {
    for (const { partition, key, value } of undo.toReversed())
      this.#table.set(partition, key, value)
  }
}

function growth(batch: readonly StorageWrite[], undo: Undo): number {
  const sum = (writes: readonly StorageWrite[]): number =>
    writes.reduce((bytes, { key, value }) => bytes + (value ? key.length + value.length : 0), 0)
  return sum(batch) - sum(undo)
}

function diskError(code: 'EIO' | 'ENOSPC', message: string): StorageError {
  return new StorageError(message, Object.assign(new Error(`${code}: ${message}`), { code }))
}
