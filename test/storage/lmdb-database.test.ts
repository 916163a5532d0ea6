/** How the errors of LMDB are told apart, with a database that fails as LMDB does. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LmdbDatabase, type LmdbModule } from '../../src/adapters/lmdb-database.ts'
import { WriteBuffer } from '../../src/adapters/lmdb-write-buffer.ts'
import { StorageError } from '../../src/base/errors.ts'
import { freshPath } from './kit.ts'

const { ENOSPC, EDQUOT, EIO, EROFS } = constants.errno
const MDB_MAP_FULL = -30792
const MDB_PANIC = -30795

/** Each commit takes the next failure: a number of an error, or none. */
class FailingLmdb {
  readonly database: LmdbDatabase
  probes = 0
  commits = 0
  panics = false

  constructor(failures: (number | undefined)[]) {
    const file = join(freshPath(), '..', 'records.mdb')
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, '')
    const open = (): object => ({
      put: () => undefined,
      remove: () => undefined,
      batch: async (fill: () => void) => {
        fill()
        this.commits++
        const code = failures.shift()
        if (code !== undefined) throw commitFailure(code)
      },
      transactionSync: () => {
        this.probes++
        if (this.panics) throw lmdbError(MDB_PANIC)
      },
    })
    this.database = new LmdbDatabase({ open } as unknown as LmdbModule, {
      file,
      syncEachCommit: true,
    })
  }

  commit(bytes = 10): ReturnType<LmdbDatabase['commit']> {
    const writes = new WriteBuffer()
    writes.add([{ partition: 0, key: 'key', value: new Uint8Array(bytes) }])
    return this.database.commit(writes)
  }
}

describe('a commit', () => {
  test.each([
    { name: 'ENOSPC', code: ENOSPC, kind: 'no-room' },
    { name: 'EDQUOT', code: EDQUOT, kind: 'no-room' },
    { name: 'MDB_MAP_FULL', code: MDB_MAP_FULL, kind: 'no-room' },
    { name: 'EIO on a disk with room (HAZARDS H4)', code: EIO, kind: 'failed' },
    { name: 'EROFS', code: EROFS, kind: 'failed' },
    { name: 'MDB_PANIC', code: MDB_PANIC, kind: 'failed' },
  ])('that meets $name ends as $kind and names its cause', async ({ code, kind }) => {
    const outcome = await new FailingLmdb([code]).commit()
    expect(outcome).toMatchObject({ kind, error: { code: 'ERR_STORAGE', cause: { code } } })
    expect(outcome.kind !== 'committed' && outcome.error).toBeInstanceOf(StorageError)
  })

  test('goes on after there was no room, when LMDB does (HAZARDS H5)', async () => {
    const lmdb = new FailingLmdb([ENOSPC])
    await lmdb.commit()
    expect(await lmdb.commit()).toEqual({ kind: 'committed' })
    expect(await lmdb.commit()).toEqual({ kind: 'committed' })
    expect(lmdb).toMatchObject({ commits: 3, probes: 1 })
  })

  test('is not handed to an LMDB that panicked: its promise would never settle', async () => {
    const lmdb = new FailingLmdb([ENOSPC])
    await lmdb.commit()
    lmdb.panics = true
    expect(await lmdb.commit()).toMatchObject({
      kind: 'failed',
      error: { cause: { code: MDB_PANIC } },
    })
    expect(lmdb.commits).toBe(1)
  })
})

/** As the package rejects: the reason is behind a promise of its own, which rejects later. */
function commitFailure(code: number): Error {
  const commitError = Promise.resolve().then(() => {
    throw lmdbError(code)
  })
  return Object.assign(new Error('Commit failed (see commitError for details)'), { commitError })
}

function lmdbError(code: number): Error {
  return Object.assign(new Error(`error ${code}`), { code })
}
