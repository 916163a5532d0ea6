/**
 * The disk of one simulated machine. It outlives the processes that use it, and knows which writes
 * are not synced yet: those that a crash may take. What a process does with it is `SimStorage`.
 */

import { StorageError } from '../base/errors.ts'
import type { StorageEntry, StorageWrite } from '../ports/storage.ts'
import { DiskTable } from './disk-table.ts'
import type { TableEntry } from './disk-table.ts'
import { FaultCounts } from './faults.ts'

/**
 * What a crash takes. `unsynced`: all that was not durable, as a loss of power does at worst.
 * `some`: of what was not durable, what was written from a seeded moment on: the last batch that is
 * left was torn or not, but batches are atomic (duty 2 of `Storage`), so it is there as a whole or
 * not at all. `nothing`: only the process dies, its operating system writes the rest. `everything`:
 * the disk is empty.
 */
export type Lose = 'nothing' | 'some' | 'unsynced' | 'everything'

/** What was there before each write of a batch, in the order of the batch. */
type Undo = readonly StorageWrite[]

/** Also the backup that `saveDisk` takes: a copy of a disk is a disk. */
export class SimDisk {
  readonly #faults: FaultCounts
  #table = new DiskTable()
  /** One for each batch that is not durable yet, oldest first. */
  #unsynced: Undo[] = []
  #isHeld = false
  #failingReads = 0
  #failingWrites = 0
  #failingSyncs = 0
  /**
   * Most bytes of keys and values it can hold; more is refused as a full disk does. @default no
   * limit
   */
  capacityBytes: number = Infinity
  /** How many times slower than usual it is. @default 1 */
  slowness: number = 1

  /** @param faults where its faults are counted. */
  constructor(faults: FaultCounts = new FaultCounts()) {
    this.#faults = faults
  }

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

  /** How long a sync takes that usually takes `usualMs`. */
  syncMs(usualMs: number): number {
    if (this.slowness > 1) this.#faults.add('disk-slow')
    return this.slowness * usualMs
  }

  /** Called before each read of a process. @throws {StorageError} when it fails. */
  beforeRead(): void {
    if (this.#failingReads === 0) return
    this.#failingReads--
    this.#faults.add('read-failed')
    throw diskError('EIO', 'the disk failed to read')
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

  /** Empties it, in good order. */
  clear(): void {
    this.#table = new DiskTable()
    this.#unsynced = []
  }

  /** Writes a batch, not durable yet. @throws {StorageError} and has then written nothing. */
  write(batch: readonly StorageWrite[]): void {
    if (this.#failingWrites > 0) {
      this.#failingWrites--
      this.#faults.add('write-failed')
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
      this.#faults.add('disk-full')
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
      this.#faults.add('sync-failed')
      this.#loseUnsynced(0)
      throw diskError('EIO', 'the disk failed to sync')
    }
    this.#unsynced.splice(0, count)
  }

  /**
   * Leaves on the disk what a crash does, and nobody holding it.
   * @param share decides how many of the unsynced batches `some` leaves, from none for 0 to all for
   * nearly 1.
   */
  crash(lose: Lose, share = 0): void {
    this.#isHeld = false
    const count = this.#unsynced.length
    const left = lose === 'some' ? Math.floor(share * (count + 1)) : 0
    if (left > 0 && left < count) this.#faults.add('disk-torn')
    if (lose === 'unsynced' || lose === 'some') this.#loseUnsynced(left)
    if (lose === 'everything') {
      if (this.bytes > 0) this.#faults.add('disk-lost')
      this.clear()
    }
    this.#unsynced = []
  }

  /**
   * A copy of what it holds, as a backup: without the faults, and everything durable.
   * @param faults where those of the copy are counted. @default where those of the original are
   */
  copy(faults: FaultCounts = this.#faults): SimDisk {
    const copy = new SimDisk(faults)
    copy.#table = this.#table.copy()
    return copy
  }

  /** Takes an entry away behind the back of whoever uses the disk. False when there is none. */
  remove(partition: number, key: string): boolean {
    const isThere = this.#table.set(partition, key, undefined) !== undefined
    if (isThere) this.#faults.add('record-forgotten')
    return isThere
  }

  /** The next reads, of one key or of many, fail. */
  failReads(count: number): void {
    this.#failingReads = count
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
    this.#faults.add('bit-flipped')
    return true
  }

  /** Takes all batches that are not durable but the oldest `left`. */
  #loseUnsynced(left: number): void {
    const lost = this.#unsynced.splice(left)
    this.#faults.add('batch-lost', lost.length)
    for (const undo of lost.toReversed()) this.#revert(undo)
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
