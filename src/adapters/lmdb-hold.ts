/**
 * The exclusive hold on a directory. A lock file with a process number in it would not do: after a crash the number
 * may be another process's, and in a container it is nobody's or everybody's 1. So the kernel keeps the lock, by means
 * of LMDB, which knows its live readers by record locks that die with their process: who holds the directory has a read
 * transaction open in a small database beside the data, and whoever finds a reader there goes away.
 *
 * Two that come at the same time first register as readers and then look again: both may go away, never do both stay.
 * Storages and threads of one process share the small database, and find each other in the same way.
 */

import { join } from 'node:path'
import type { RootDatabase, Transaction } from 'lmdb'
import { StorageError } from '../base/errors.ts'
import { filePermissions, type LmdbModule } from './lmdb-database.ts'
import type { HolderNote } from './lmdb-directory.ts'
import { checkOpenable } from './lmdb-preflight.ts'

/** A line of LMDB's list of readers: process number, thread, transaction. */
const READER_LINE = /^\s*\d+\s+[0-9a-f]+\s/gim

/** An exclusive hold on a directory, from `acquire` to `release` or the death of the process. */
export class ExclusiveHold {
  readonly #database: RootDatabase
  readonly #registration: Transaction

  private constructor(database: RootDatabase, registration: Transaction) {
    this.#database = database
    this.#registration = registration
  }

  /**
   * @param note what the last holder left behind, if it did not close.
   * @throws {StorageError} when another storage, of this or another process, holds the directory.
   */
  static async acquire(
    lmdb: LmdbModule,
    directory: string,
    note: HolderNote | undefined,
  ): Promise<ExclusiveHold> {
    const database = await openLock(lmdb, directory)
    try {
      const registration = registerAlone(database)
      if (registration) return new ExclusiveHold(database, registration)
    } catch (error) {
      await database.close()
      throw new StorageError(`cannot lock ${directory}`, error)
    }
    await database.close()
    const holder = note ? `process ${note.pid} on ${note.host}` : 'another storage'
    throw new StorageError(`${directory} is held by ${holder}`)
  }

  async release(): Promise<void> {
    this.#registration.done()
    await this.#database.close()
  }
}

async function openLock(lmdb: LmdbModule, directory: string): Promise<RootDatabase> {
  const path = join(directory, 'holder.mdb')
  await checkOpenable(path)
  try {
    return lmdb.open({
      path,
      noSubdir: true,
      maxDbs: 1,
      overlappingSync: false,
      ...filePermissions,
    })
  } catch (error) {
    throw new StorageError(`cannot lock ${directory}`, error)
  }
}

/** `undefined` when there are other readers. */
function registerAlone(database: RootDatabase): Transaction | undefined {
  // Forgets the readers whose processes have died.
  database.readerCheck()
  if (readers(database) > 0) return undefined
  const registration = database.useReadTransaction()
  if (readers(database) === 1) return registration
  registration.done()
  return undefined
}

function readers(database: RootDatabase): number {
  return database.readerList().match(READER_LINE)?.length ?? 0
}
