/**
 * Durable storage on LMDB, a memory-mapped B+ tree that copies what it changes: a process may die at any moment and
 * the file is whole. Reads are synchronous. Writes are committed in groups (`lmdb-group-commit.ts`), and reads see them
 * before.
 */

import { join } from 'node:path'
import { ClosedError, InvalidArgumentError, StorageError } from '../base/errors.ts'
import type { Storage, StorageEntry, StorageWrite } from '../ports/storage.ts'
import { assertWritable, LmdbDatabase, type LmdbModule } from './lmdb-database.ts'
import {
  checkedPath,
  mayBeDamaged,
  noteOfThisProcess,
  prepareDirectory,
  readNote,
  removeNote,
  writeNote,
} from './lmdb-directory.ts'
import { GroupCommit } from './lmdb-group-commit.ts'
import { ExclusiveHold } from './lmdb-hold.ts'
import { mergePending, sortPending } from './lmdb-merge.ts'
import { checkOpenable } from './lmdb-preflight.ts'

/** Where `lmdbStorage` keeps its data, and how well. */
export interface LmdbStorageOptions {
  /**
   * The directory of the data, of one node alone. Made with mode 0700 when it is not there. A network file system
   * will not do: LMDB maps the file and has the kernel lock it. Nor may this process read the files on its own, for a
   * backup say: the kernel lets go of a process's lock on a file when the process closes that file anywhere.
   */
  path: string
  /**
   * What an acknowledged write survives. `fsync`: the loss of power; each commit waits for the disk. `os`: the death of
   * the process; after a loss of power the data may be damaged, and then the storage refuses to open.
   * @default 'fsync'
   */
  durability?: 'fsync' | 'os'
}

/**
 * Keeps a node's data in a directory. Needs the package `lmdb`, a peer dependency: `npm install lmdb`.
 *
 * A disk without room rejects writes with a `StorageError` until there is some; any other failure of a commit does so
 * until the storage is closed and opened again, for what the disk holds is unknown.
 * @throws {InvalidArgumentError} for options that are not as said above.
 */
export function lmdbStorage(options: LmdbStorageOptions): Storage {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError('options', 'must be an object with a path')
  }
  const { path, durability = 'fsync', ...unknown } = options
  for (const name of Object.keys(unknown)) {
    throw new InvalidArgumentError(name, 'is no option; there are path and durability')
  }
  if (durability !== 'fsync' && durability !== 'os') {
    throw new InvalidArgumentError(
      'durability',
      `must be 'fsync' or 'os', not ${String(durability)}`,
    )
  }
  return new LmdbStorage(checkedPath(path), durability)
}

/** What an open storage is made of. */
interface Parts {
  readonly directory: string
  readonly hold: ExclusiveHold
  readonly database: LmdbDatabase
  readonly commits: GroupCommit
  readonly durability: 'fsync' | 'os'
}

/** Invariant: at most one of `#parts`, `#opening` and `#closing` is there; none while it is closed. */
class LmdbStorage implements Storage {
  readonly durability: 'fsync' | 'os'
  readonly #path: string
  #parts: Parts | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(path: string, durability: 'fsync' | 'os') {
    this.#path = path
    this.durability = durability
  }

  async open(): Promise<void> {
    if (this.#parts || this.#opening || this.#closing) {
      throw new StorageError(`the storage at ${this.#path} is open already`)
    }
    this.#opening = this.#open()
    await this.#opening
  }

  get(partition: number, key: string): Uint8Array | undefined {
    const { commits, database } = this.#opened()
    const pending = commits.get(partition, key)
    return pending === undefined ? database.get(partition, key) : (pending ?? undefined)
  }

  write(batch: readonly StorageWrite[]): void | Promise<void> {
    const { commits } = this.#opened()
    for (const { partition, key, value } of batch) assertWritable(partition, key, value)
    return batch.length > 0 ? commits.write(batch) : commits.pending()
  }

  scan(partition: number, options: { after?: string; limit: number }): readonly StorageEntry[] {
    const { commits, database } = this.#opened()
    const { after, limit } = options
    const pending = commits.pendingOf(partition)
    return mergePending(
      database.range(partition, after),
      pending ? sortPending(pending, after) : [],
      limit,
    )
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #open(): Promise<void> {
    try {
      this.#parts = await openParts(this.#path, this.durability)
    } finally {
      this.#opening = undefined
    }
  }

  async #close(): Promise<void> {
    try {
      // Whoever opens is told how that went.
      await this.#opening?.catch(() => undefined)
      const parts = this.#parts
      this.#parts = undefined
      if (parts) await closeParts(parts)
    } finally {
      this.#closing = undefined
    }
  }

  #opened(): Parts {
    if (!this.#parts) throw new ClosedError(`the storage at ${this.#path} is not open`)
    return this.#parts
  }
}

async function openParts(path: string, durability: 'fsync' | 'os'): Promise<Parts> {
  const lmdb = await loadLmdb()
  const directory = await prepareDirectory(path)
  const hold = await ExclusiveHold.acquire(lmdb, directory, await readNote(directory))
  try {
    // Read again: only now nobody else writes it.
    const lastNote = await readNote(directory)
    if (lastNote && mayBeDamaged(lastNote)) throw damagedError(directory)
    const file = join(directory, 'records.mdb')
    await checkOpenable(file)
    const database = new LmdbDatabase(lmdb, { file, syncEachCommit: durability === 'fsync' })
    try {
      // What a holder with durability `os` left behind becomes durable, before the new note promises that it is.
      await database.sync()
      await writeNote(directory, noteOfThisProcess(durability))
      return { directory, hold, database, commits: groupCommit(database), durability }
    } catch (error) {
      await database.close()
      throw error
    }
  } catch (error) {
    await hold.release()
    throw error instanceof StorageError ? error : new StorageError(`cannot open ${path}`, error)
  }
}

async function closeParts({
  directory,
  hold,
  database,
  commits,
  durability,
}: Parts): Promise<void> {
  await commits.idle()
  try {
    // If this fails the note stays, and tells the next holder that the data may not be on the disk.
    if (durability === 'os') await database.sync()
    await removeNote(directory)
  } finally {
    await database.close()
    await hold.release()
  }
}

function groupCommit(database: LmdbDatabase): GroupCommit {
  return new GroupCommit({
    commit: (writes) => database.commit(writes),
    atEndOfTurn: (callback) => void setImmediate(callback),
  })
}

async function loadLmdb(): Promise<LmdbModule> {
  try {
    return await import('lmdb')
  } catch (error) {
    throw new StorageError('lmdbStorage needs the package lmdb: npm install lmdb', error)
  }
}

function damagedError(directory: string): StorageError {
  return new StorageError(
    `the system went down while ${directory} was open with durability 'os': the data may be damaged. ` +
      'Remove the directory, and the node fetches its data from the others; ' +
      'or remove holder.json in it, and the data is used as it is',
  )
}
