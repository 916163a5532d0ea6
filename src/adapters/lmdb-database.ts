/**
 * The LMDB database under `lmdbStorage`: keys, transactions and errors. What is said here of the package `lmdb` was
 * read in the source of its version 3.5.6 (`write.js`, `src/writer.cpp`, `mdb.c`).
 */

import { statfsSync } from 'node:fs'
import { constants } from 'node:os'
import type * as lmdbModule from 'lmdb'
import type { RootDatabase } from 'lmdb'
import { assert } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import type { StorageEntry } from '../ports/storage.ts'
import type { CommitOutcome } from './lmdb-group-commit.ts'
import { mapBytes } from './lmdb-preflight.ts'
import type { WriteBuffer } from './lmdb-write-buffer.ts'

/** The package, loaded by `lmdbStorage` when it is opened. */
export type LmdbModule = typeof lmdbModule

/** A key as LMDB has it: the partition as 4 bytes, big end first, then the bytes of the key. */
type Key = [partition: number, key: string]
type Database = RootDatabase<Uint8Array, Key>

/** LMDB's own bound with its pages of 4 KiB is 1978 bytes, and the partition takes 4. */
const KEY_BYTES_MAX = 1280

const PARTITION_MAX = 2 ** 32 - 1

/** Numbers of errors that mean "no room": they pass when there is some. `MDB_MAP_FULL` is LMDB's own. */
const MDB_MAP_FULL = -30792
const WINDOWS_DISK_FULL = 112
const NO_ROOM_CODES: ReadonlySet<unknown> = new Set([
  constants.errno.ENOSPC,
  constants.errno.EDQUOT,
  MDB_MAP_FULL,
  ...(process.platform === 'win32' ? [WINDOWS_DISK_FULL] : []),
])

/** A commit copies each page on its way from the root to what it changes: so much for each write, at most. */
const COMMIT_OVERHEAD_BYTES = 8 * 4096

/** What is to be left free beside a batch. */
const RESERVE_BYTES = 64 * 1024

/** An open database. Reads are synchronous: it lies in memory that the operating system pages in. */
export class LmdbDatabase {
  readonly #database: Database
  readonly #file: string
  #probeNext = false

  /** @throws {StorageError} when the file cannot be opened. To be looked at before (`lmdb-preflight.ts`). */
  constructor(lmdb: LmdbModule, options: { file: string; syncEachCommit: boolean }) {
    this.#file = options.file
    const { file, syncEachCommit } = options
    const mapSize = mapBytes()
    this.#database = translated(`cannot open ${file}`, () =>
      lmdb.open<Uint8Array, Key>({
        path: file,
        noSubdir: true,
        maxDbs: 1,
        ...(mapSize !== undefined && { mapSize }),
        encoding: 'binary',
        keyEncoder: keyBytes,
        cache: false,
        useVersions: false,
        // Group commit is ours: one call of `batch` is one transaction, and one is under way at a time.
        eventTurnBatching: false,
        // With overlapping sync `mdb_txn_commit` drops the error of its last write. Without, a commit is: write the
        // pages, `fdatasync`, write the root through a synchronous descriptor; and its promise tells of all three.
        overlappingSync: false,
        noSync: !syncEachCommit,
        ...filePermissions,
      }),
    )
  }

  get(partition: number, key: string): Uint8Array | undefined {
    // `getBinary` returns a copy: nothing of the mapped file escapes.
    return translated('cannot read', () => this.#database.getBinary([partition, key]))
  }

  /** The entries of a partition after a key, ascending, read as far as the caller iterates in this very turn. */
  *range(partition: number, after: string | undefined): Generator<StorageEntry, void> {
    const range = translated('cannot read', () => {
      // No key lies between a key and itself with a zero byte behind.
      const start: Key = [partition, after === undefined ? '' : `${after}\0`]
      const end: Key | undefined = partition < PARTITION_MAX ? [partition + 1, ''] : undefined
      return this.#database.getRange({ start, ...(end && { end }) })[Symbol.iterator]()
    })
    try {
      for (;;) {
        const next = translated('cannot read', () => range.next())
        if (next.done) return
        yield { key: next.value.key[1], value: next.value.value }
      }
    } finally {
      range.return?.()
    }
  }

  /** All writes in one transaction, on a thread of the pool. Its outcome is certain when it resolves. */
  async commit(writes: WriteBuffer): Promise<CommitOutcome> {
    if (this.#isShortOfRoom(writes)) return this.#noRoom(undefined)
    try {
      if (this.#probeNext) this.#probe()
      await this.#database.batch(() => {
        writes.forEach((partition, key, value) => {
          if (value) void this.#database.put([partition, key], value)
          else void this.#database.remove([partition, key])
        })
      })
      return { kind: 'committed' }
    } catch (error) {
      const cause = await commitError(error)
      if (!this.#hasRunOutOfRoom(cause, writes)) {
        const message = `a commit to ${this.#file} failed: close the storage and open it again`
        return { kind: 'failed', error: new StorageError(message, cause) }
      }
      this.#probeNext = true
      return this.#noRoom(cause)
    }
  }

  #noRoom(cause: unknown): CommitOutcome {
    return { kind: 'no-room', error: new StorageError(`no room left for ${this.#file}`, cause) }
  }

  /**
   * Whether the disk may be too full for the batch. LMDB is not asked then: when a write fails, lmdb 3.5.6 formats a
   * message into too small a buffer, and that ends the process. What only deletes is let through, or a full disk could
   * never be emptied; pages that are free inside of the file count as room.
   */
  #isShortOfRoom(writes: WriteBuffer): boolean {
    const bytes = bytesNeeded(writes) + RESERVE_BYTES
    if (bytes === RESERVE_BYTES) return false
    const freeBytes = this.#freeBytes()
    return freeBytes < bytes && freeBytes + this.#unusedBytes() < bytes
  }

  /** Pages of the file that no tree uses; the last deletions' may not be free yet. */
  #unusedBytes(): number {
    const stats = this.#database.getStats() as TreePages & {
      readonly lastPageNumber: number
      readonly pageSize: number
      readonly free: TreePages
    }
    const metaPages = 2
    const used = metaPages + pagesOf(stats) + pagesOf(stats.free)
    return Math.max(0, stats.lastPageNumber + 1 - used) * stats.pageSize
  }

  #freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#file)
      return bavail * bsize
    } catch {
      return Infinity
    }
  }

  /** Makes durable what was committed. */
  async sync(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const done = (error: unknown): void => {
        if (error) reject(new StorageError(`cannot sync ${this.#file}`, error))
        else resolve()
      }
      // The callback is missing in the package's types.
      ;(this.#database as unknown as { sync(callback: typeof done): void }).sync(done)
    })
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /**
   * After an error that LMDB holds for fatal it refuses each new transaction, and the package never settles the
   * promise of one refused on its thread. A transaction on this thread throws instead.
   */
  #probe(): void {
    this.#database.transactionSync(() => undefined)
    this.#probeNext = false
  }

  /** On a full disk the first write is often cut short, and LMDB calls that EIO: so the disk is asked. */
  #hasRunOutOfRoom(cause: unknown, writes: WriteBuffer): boolean {
    const code = (cause as { code?: unknown } | undefined)?.code
    if (NO_ROOM_CODES.has(code)) return true
    if (code !== constants.errno.EIO) return false
    return this.#freeBytes() < bytesNeeded(writes)
  }
}

/**
 * Must be called before a batch is handed to `commit`: a write that threw inside a transaction would leave its first
 * half in it.
 */
export function assertWritable(partition: number, key: string, value: unknown): void {
  assert(
    Number.isInteger(partition) && partition >= 0 && partition <= PARTITION_MAX,
    `the partition ${partition} is not of 4 bytes`,
  )
  assert(
    key.length > 0 && key.length <= KEY_BYTES_MAX && !/[^\0-\xff]/.test(key),
    `a key must be a byte string of 1 to ${KEY_BYTES_MAX} bytes`,
  )
  assert(value === undefined || value instanceof Uint8Array, 'a value must be a Uint8Array')
}

/** Not among the package's types: owner only, as the values are nobody else's business. */
export const filePermissions: { readonly permissionsMode: number } = { permissionsMode: 0o600 }

const keyBytes = {
  writeKey([partition, key]: Key, target: Buffer, start: number): number {
    // The package takes this very error for "does not fit, try the next buffer".
    if (start + 4 + key.length > target.length) throw new RangeError('the key does not fit')
    target.writeUInt32BE(partition, start)
    return start + 4 + target.write(key, start + 4, 'latin1')
  },
  readKey(source: Buffer, start: number, end: number): Key {
    return [source.readUInt32BE(start), source.toString('latin1', start + 4, end)]
  },
}

/** The pages of one tree, as LMDB counts them. */
interface TreePages {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

function pagesOf(tree: TreePages): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages
}

/** What a batch needs on disk at most; 0 when it only deletes. */
function bytesNeeded(writes: WriteBuffer): number {
  let bytes = 0
  let isOnlyDeleting = true
  writes.forEach((_partition, _key, value) => {
    bytes += COMMIT_OVERHEAD_BYTES + (value?.length ?? 0)
    if (value !== undefined) isOnlyDeleting = false
  })
  return isOnlyDeleting ? 0 : bytes
}

/** The package rejects with a general error, and tells the reason by a second promise, which rejects. */
async function commitError(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<never> }).commitError
  return reason ? reason.catch((cause: unknown) => cause) : error
}

function translated<T>(what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw new StorageError(what, error)
  }
}
