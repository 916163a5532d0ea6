/** What `lmdbStorage` does beyond the suite: options, its directory, its lock, its note. */

import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ClosedError, InvalidArgumentError, StorageError } from '../../src/base/errors.ts'
import { lmdbStorage, type LmdbStorageOptions } from '../../src/lmdb.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { freshPath } from './kit.ts'

const value = Buffer.from('value')

async function opened(options: LmdbStorageOptions): Promise<Storage> {
  const storage = lmdbStorage(options)
  await storage.open()
  onTestFinished(() => storage.close())
  return storage
}

describe('options', () => {
  test.each([
    { options: { path: '' }, argument: 'path' },
    { options: { path: 'a\0b' }, argument: 'path' },
    { options: { path: 7 }, argument: 'path' },
    { options: {}, argument: 'path' },
    { options: { path: 'a', durability: 'memory' }, argument: 'durability' },
  ])('are refused at once when they are $options', ({ options, argument }) => {
    const create = (): unknown => lmdbStorage(options as LmdbStorageOptions)
    expect(create).toThrow(InvalidArgumentError)
    expect(create).toThrow(expect.objectContaining({ argument }))
  })

  test('say fsync when they do not say', () => {
    expect(lmdbStorage({ path: 'a' }).durability).toBe('fsync')
  })
})

describe('the directory', () => {
  test('is made, with its parents, for its owner alone', async () => {
    const path = join(freshPath(), 'deep', 'with.extension')
    const storage = await opened({ path })
    await storage.write([{ partition: 0, key: 'key', value }])
    expect(statSync(path).mode & 0o777).toBe(0o700)
    for (const file of ['records.mdb', 'records.mdb-lock', 'holder.mdb', 'holder.json']) {
      expect(statSync(join(path, file)).mode & 0o077, file).toBe(0)
    }
  })

  test('is not followed through a symbolic link', async () => {
    const path = freshPath()
    mkdirSync(path)
    symlinkSync(path, `${path}-link`)
    await expect(lmdbStorage({ path: `${path}-link` }).open()).rejects.toThrow(/symbolic link/)
    symlinkSync(`${path}-nowhere`, `${path}-dangling`)
    await expect(lmdbStorage({ path: `${path}-dangling` }).open()).rejects.toThrow(StorageError)
  })

  test.each(['', '/below'])('is refused when a file is in its place%s', async (below) => {
    const path = freshPath()
    writeFileSync(path, '')
    await expect(lmdbStorage({ path: path + below }).open()).rejects.toThrow(StorageError)
  })

  test.each([
    { what: 'is no database', file: 'records.mdb', damage: () => 'no database'.repeat(1000) },
    {
      what: 'is a torn database',
      file: 'records.mdb',
      damage: (good: Buffer) => good.subarray(0, 4096),
    },
    { what: 'is a database of zeros', file: 'records.mdb', damage: (good: Buffer) => good.fill(0) },
    { what: 'locks with no database', file: 'holder.mdb', damage: () => 'short' },
  ])('is refused when its data $what, and taken without it', async ({ file, damage }) => {
    const path = freshPath()
    const storage = lmdbStorage({ path })
    await storage.open()
    await storage.close()
    writeFileSync(join(path, file), damage(readFileSync(join(path, file))))
    await expect(storage.open()).rejects.toThrow(/not an LMDB database/)
    expect(() => storage.get(0, 'key')).toThrow(ClosedError)
    rmSync(join(path, file))
    await storage.open()
    await storage.close()
  })

  test.each(['records.mdb', 'records.mdb-lock', 'holder.mdb-lock'])(
    'is refused when its %s is a directory',
    async (file) => {
      const path = freshPath()
      mkdirSync(join(path, file), { recursive: true })
      await expect(lmdbStorage({ path }).open()).rejects.toThrow(/is not a file/)
    },
  )
})

describe('the hold', () => {
  test('keeps a second storage of the process out until the first is closed', async () => {
    const path = freshPath()
    const first = await opened({ path })
    const second = lmdbStorage({ path: `${path}/../data` })
    await expect(second.open()).rejects.toThrow(`is held by process ${process.pid}`)
    await second.close()
    await first.write([{ partition: 0, key: 'key', value }])
    await first.close()
    await second.open()
    expect(second.get(0, 'key')).toEqual(value)
    await second.close()
  })

  test('is had by one of many that open at once', async () => {
    const path = freshPath()
    const storages = Array.from({ length: 8 }, () => lmdbStorage({ path }))
    const results = await Promise.allSettled(storages.map((storage) => storage.open()))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await Promise.all(storages.map((storage) => storage.close()))
  })

  test('is let go of when opening fails', async () => {
    const path = freshPath()
    mkdirSync(path)
    writeFileSync(join(path, 'holder.json'), '{ "damaged')
    await expect(lmdbStorage({ path }).open()).rejects.toThrow(/holder\.json/)
    rmSync(join(path, 'holder.json'))
    await opened({ path })
  })
})

/** Only Linux tells one start of the system from another. */
const isLinux = process.platform === 'linux'

describe.runIf(isLinux)('the note of a holder that did not close', () => {
  const gone = { host: 'elsewhere', pid: 2 ** 22 + 1 }
  const boot = isLinux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : ''

  test.each([
    {
      why: 'fsync stood a loss of power',
      note: { ...gone, durability: 'fsync', boot: 'an earlier one' },
    },
    { why: 'the system has been up since', note: { ...gone, durability: 'os', boot } },
    {
      why: 'the number is a new process',
      note: { ...gone, pid: process.pid, durability: 'os', boot },
    },
  ])('is replaced when $why', async ({ note }) => {
    const path = freshPath()
    mkdirSync(path)
    writeFileSync(join(path, 'holder.json'), JSON.stringify(note))
    const storage = await opened({ path })
    const replaced: unknown = JSON.parse(readFileSync(join(path, 'holder.json'), 'utf8'))
    expect(replaced).toMatchObject({ pid: process.pid, durability: 'fsync' })
    await storage.close()
    expect(() => statSync(join(path, 'holder.json'))).toThrow(/ENOENT/)
  })

  test('refuses data that was open with durability os when the power went', async () => {
    const path = freshPath()
    mkdirSync(path)
    const note = { ...gone, durability: 'os', boot: 'an earlier one' }
    writeFileSync(join(path, 'holder.json'), JSON.stringify(note))
    for (const durability of ['fsync', 'os'] as const) {
      const storage = lmdbStorage({ path, durability })
      await expect(storage.open()).rejects.toThrow(/may be damaged/)
      await storage.close()
    }
    expect(JSON.parse(readFileSync(join(path, 'holder.json'), 'utf8'))).toEqual(note)
  })
})

describe('a batch that breaks the contract', () => {
  test.each([
    { what: 'a key that is no byte string', write: { partition: 0, key: '\u0100', value } },
    { what: 'an empty key', write: { partition: 0, key: '', value } },
    { what: 'a key too long', write: { partition: 0, key: 'a'.repeat(1281), value } },
    { what: 'a partition too high', write: { partition: 2 ** 32, key: 'key', value } },
    { what: 'a partition below zero', write: { partition: -1, key: 'key', value } },
    {
      what: 'a value that is no bytes',
      write: { partition: 0, key: 'key', value: 'text' as never },
    },
  ])('has no effect at all: $what', async ({ write }) => {
    const storage = await opened({ path: freshPath(), durability: 'os' })
    const good = { partition: 0, key: 'good', value }
    expect(() => storage.write([good, write])).toThrow(/broken invariant/)
    expect(storage.scan(0, { limit: 10 })).toEqual([])
    await storage.write([good])
  })
})

test('without the package lmdb it says what to install', async () => {
  vi.doMock('lmdb', () => {
    throw new Error("Cannot find package 'lmdb'")
  })
  onTestFinished(() => vi.doUnmock('lmdb'))
  const path = freshPath()
  await expect(lmdbStorage({ path }).open()).rejects.toThrow(/npm install lmdb/)
})
