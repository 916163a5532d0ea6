/** A storage that tells which writes it refuses, and that can be told to act as if its disk were full. */
import { StorageError } from '../../../src/index.ts'
import type { Storage, StorageEntry, StorageWrite } from '../../../src/index.ts'

export class WatchedStorage implements Storage {
  /** While it is true nothing is written, and each write is refused as on a full disk. */
  isFull: boolean
  readonly durability: Storage['durability']
  readonly #inner: Storage
  readonly #refused: (error: Error) => void

  /** @param refused is told of each write that failed. */
  constructor(inner: Storage, options: { isFull: boolean; refused: (error: Error) => void }) {
    this.#inner = inner
    this.durability = inner.durability
    this.isFull = options.isFull
    this.#refused = options.refused
  }

  open(): Promise<void> {
    return this.#inner.open()
  }

  get(partition: number, key: string): ReturnType<Storage['get']> {
    return this.#inner.get(partition, key)
  }

  async write(batch: readonly StorageWrite[]): Promise<void> {
    try {
      if (this.isFull && batch.length > 0) throw noRoom()
      await this.#inner.write(batch)
    } catch (error) {
      this.#refused(error as Error)
      throw error
    }
  }

  scan(
    partition: number,
    options: { after?: string; limit: number },
  ): readonly StorageEntry[] | Promise<readonly StorageEntry[]> {
    return this.#inner.scan(partition, options)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

function noRoom(): StorageError {
  const cause = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  return new StorageError('no room left', cause)
}
