/**
 * Where a node keeps its bytes: an ordered map from (partition, key) to value, with atomic batches.
 * The library keeps its records in partitions 0 to Q − 1 and its own books in the highest numbers.
 *
 * Duties of an implementation (`coterie/conformance` checks them):
 * 1. **Read your writes**: a `get` or `scan` that starts after `write` was called sees that write, although it is
 *    not durable yet. If the write fails later, its effects vanish again.
 * 2. **Atomic batches**: after a crash either all or none of a batch is there, and if a batch is there, so is
 *    every batch written before it.
 * 3. **Durability is told truly**: the promise of `write` resolves when the batch is as durable as `durability` says.
 * 4. **Bytes are owned**: a value passed to `write` belongs to the storage, the caller never touches it again; a value
 *    returned by `get` or `scan` is never changed by the storage, and the caller never changes it.
 * 5. A failure is an error: never an answer `undefined` for data that cannot be read.
 * 6. **Regions are true**, where there are `locate` and `store`: they show and make what `get` and `write` would, and a
 *    region that is `kept` is never changed until its `hold` is released. A storage that has them answers all at once.
 */
export interface Storage {
  /**
   * What an acknowledged write survives: `memory` nothing, `os` the death of the process,
   * `fsync` the loss of power.
   */
  readonly durability: 'memory' | 'os' | 'fsync'

  /** Takes exclusive hold of the data. @throws {StorageError} when another process holds it or it cannot be read. */
  open(): Promise<void>

  /** The value, or `undefined` when there is none. Answers at once where it can: that saves a microtask. */
  get(partition: number, key: string): Uint8Array | undefined | Promise<Uint8Array | undefined>

  /**
   * Only for storages that have their values in memory: the same as `get`, without a view being made. Fills in where
   * the value lies.
   * @param use `now`: only until the storage is called again, which may overwrite the bytes; `kept`: for ever, or until
   * the region's `hold` is released
   * @returns whether there is one; when not, `into` is left as it was.
   */
  locate?(partition: number, key: string, into: LentRegion, use: RegionUse): boolean

  /**
   * Only together with `locate`: one write, made at once, of a value that stays the caller's: it is copied. Then
   * `value` tells where it lies.
   * @throws {StorageError} then nothing changed.
   */
  store?(partition: number, key: string, value: LentRegion, use: RegionUse): void

  /**
   * Applies all writes together. Returns nothing when they are already as durable as they will be, else a promise.
   * An empty batch waits for all batches before it.
   * @throws {StorageError} at once or by rejection; then no write of the batch took effect.
   */
  write(batch: readonly StorageWrite[]): void | Promise<void>

  /** Up to `limit` entries of one partition with keys after `after`, ascending in byte order. */
  scan(
    partition: number,
    options: { after?: string; limit: number },
  ): readonly StorageEntry[] | Promise<readonly StorageEntry[]>

  /** Only for storages that know it at once: whether a partition has no entry. Others are asked to scan for one. */
  isEmpty?(partition: number): boolean

  /** Makes what was written durable and lets go of the data. Idempotent. */
  close(): Promise<void>
}

/** How long what lies in a region is looked at. */
export type RegionUse = 'now' | 'kept'

/** Where a value lies: `bytes[start, end)`. */
export interface ValueRegion {
  bytes: Uint8Array
  start: number
  end: number
}

/** One that a storage fills in. */
export interface LentRegion extends ValueRegion {
  /** Of one that is kept: who wants to know when it is looked at no more, if anybody does. */
  hold: RegionHold | undefined
}

/** A storage that may use memory again when nobody looks at it any more. Whoever never tells keeps it for ever. */
export interface RegionHold {
  /** The region is not looked at any more. Once for each time that it was kept. */
  release(): void
}

/** One write of a batch. */
export interface StorageWrite {
  /** 0 to 2³² − 1. */
  readonly partition: number
  /**
   * A byte string: each character code is one byte, 0 to 255 (Node's `latin1`), so that `<` on strings is the order
   * of the bytes. 1 to 1280 bytes.
   */
  readonly key: string
  /** `undefined` deletes. */
  readonly value: Uint8Array | undefined
}

/** One entry that a scan returned. */
export interface StorageEntry {
  readonly key: string
  readonly value: Uint8Array
}
