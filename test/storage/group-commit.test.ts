/** Group commit over a database whose commits end when and how the test says. */

import { describe, expect, test } from 'vitest'
import { type CommitOutcome, GroupCommit } from '../../src/adapters/lmdb-group-commit.ts'
import type { PendingValue, WriteBuffer } from '../../src/adapters/lmdb-write-buffer.ts'
import { StorageError } from '../../src/base/errors.ts'
import type { StorageWrite } from '../../src/ports/storage.ts'

const committed: CommitOutcome = { kind: 'committed' }

/** Commits wait for `end`, turns of the event loop for `turn`. */
class ManualDatabase {
  readonly commits: WriteBuffer[] = []
  readonly group = new GroupCommit({
    commit: (writes) => {
      this.commits.push(writes)
      return new Promise((resolve) => this.#endings.push(resolve))
    },
    atEndOfTurn: (callback) => this.#atEndOfTurn.push(callback),
  })
  readonly #endings: ((outcome: CommitOutcome) => void)[] = []
  #atEndOfTurn: (() => void)[] = []

  turn(): void {
    for (const callback of this.#atEndOfTurn.splice(0)) callback()
  }

  async end(outcome: CommitOutcome = committed): Promise<void> {
    this.#endings.shift()!(outcome)
    await microtasks()
  }

  write(key: string, text: string | undefined): Watched {
    return watch(this.group.write([entry(key, text)]))
  }

  textOf(key: string): string | null | undefined {
    return textOf(this.group.get(1, key))
  }
}

describe('a group', () => {
  test('is one transaction of all writes of a turn', async () => {
    const database = new ManualDatabase()
    const writes = Array.from({ length: 1000 }, (_, index) => database.write(`${index}`, 'value'))
    expect(database.commits).toHaveLength(0)
    database.turn()
    expect(database.commits.map(({ size }) => size)).toEqual([1000])
    await database.end()
    expect(writes.every(({ state }) => state === 'resolved')).toBe(true)
  })

  test('gathers what arrives during a commit, and is committed after it, once', async () => {
    const database = new ManualDatabase()
    const first = database.write('a', '1')
    database.turn()
    const later = [database.write('b', '2'), database.write('c', '3')]
    database.turn()
    expect(database.commits).toHaveLength(1)
    await database.end()
    expect([first, ...later].map(({ state }) => state)).toEqual(['resolved', 'pending', 'pending'])
    database.turn()
    expect(database.commits.map(({ size }) => size)).toEqual([1, 2])
    await database.end()
    expect(later.map(({ state }) => state)).toEqual(['resolved', 'resolved'])
  })

  test('holds the last write to a key only', async () => {
    const database = new ManualDatabase()
    database.write('a', 'first')
    database.write('a', 'last')
    database.write('b', 'value')
    database.write('b', undefined)
    database.turn()
    const applied: unknown[] = []
    database.commits[0]!.forEach((partition, key, value) => {
      applied.push([partition, key, textOf(value)])
    })
    expect(applied).toEqual([
      [1, 'a', 'last'],
      [1, 'b', null],
    ])
  })
})

describe('a read', () => {
  test('sees a write until its commit ended', async () => {
    const database = new ManualDatabase()
    database.write('a', '1')
    expect(database.textOf('a')).toBe('1')
    database.turn()
    expect(database.textOf('a')).toBe('1')
    await database.end()
    expect(database.textOf('a')).toBeUndefined()
  })

  test('sees the newer of two pending writes to a key, a deletion too', async () => {
    const database = new ManualDatabase()
    database.write('a', 'old')
    database.write('b', 'old')
    database.turn()
    database.write('a', 'new')
    database.write('b', undefined)
    expect([database.textOf('a'), database.textOf('b')]).toEqual(['new', null])
    const pending = database.group.pendingOf(1)!
    expect([...pending].map(([key, value]) => [key, textOf(value)])).toEqual([
      ['a', 'new'],
      ['b', null],
    ])
    await database.end()
    expect([database.textOf('a'), database.textOf('b')]).toEqual(['new', null])
  })
})

describe.each(['no-room', 'failed'] as const)('a commit that ends as %s', (kind) => {
  const error = new StorageError('the disk')

  test('rejects each of its writes, and none of them is seen any more', async () => {
    const database = new ManualDatabase()
    const writes = [database.write('a', '1'), database.write('b', undefined)]
    database.turn()
    await database.end({ kind, error })
    expect(writes.map(({ reason }) => reason)).toEqual([error, error])
    expect([database.textOf('a'), database.textOf('b')]).toEqual([undefined, undefined])
    expect(database.group.pendingOf(1)).toBeUndefined()
  })

  test('takes with it the writes that gathered meanwhile: they may rest on what vanished', async () => {
    const database = new ManualDatabase()
    database.write('a', 'old')
    database.turn()
    const meanwhile = database.write('a', 'new')
    await database.end({ kind, error })
    expect(meanwhile.reason).toBe(error)
    expect(database.textOf('a')).toBeUndefined()
    database.turn()
    expect(database.commits).toHaveLength(1)
  })

  test('leaves nobody waiting', async () => {
    const database = new ManualDatabase()
    database.write('a', '1')
    database.turn()
    const idle = watch(database.group.idle())
    await database.end({ kind, error })
    expect(idle.state).toBe('resolved')
  })
})

test('a storage that failed takes no more writes', async () => {
  const database = new ManualDatabase()
  const error = new StorageError('fsync: input/output error')
  database.write('a', '1')
  database.turn()
  await database.end({ kind: 'failed', error })
  expect(() => database.write('b', '2')).toThrow(error)
  database.turn()
  expect(database.commits).toHaveLength(1)
})

test('a storage that had no room goes on by itself', async () => {
  const database = new ManualDatabase()
  database.write('a', '1')
  database.turn()
  await database.end({ kind: 'no-room', error: new StorageError('no room') })
  const retried = database.write('a', '1')
  database.turn()
  await database.end()
  expect(retried.state).toBe('resolved')
})

test('is idle when the last group has ended', async () => {
  const database = new ManualDatabase()
  await database.group.idle()
  database.write('a', '1')
  database.turn()
  database.write('b', '2')
  const idle = watch(database.group.idle())
  await database.end()
  expect(idle.state).toBe('pending')
  database.turn()
  await database.end()
  expect(idle.state).toBe('resolved')
})

interface Watched {
  state: 'pending' | 'resolved' | 'rejected'
  reason?: unknown
}

function watch(promise: Promise<void>): Watched {
  const watched: Watched = { state: 'pending' }
  promise.then(
    () => (watched.state = 'resolved'),
    (reason: unknown) => Object.assign(watched, { state: 'rejected', reason }),
  )
  return watched
}

function entry(key: string, text: string | undefined): StorageWrite {
  return { partition: 1, key, value: text === undefined ? undefined : Buffer.from(text) }
}

function textOf(value: PendingValue | undefined): string | null | undefined {
  return value && Buffer.from(value).toString()
}

async function microtasks(): Promise<void> {
  for (let count = 0; count < 10; count++) await Promise.resolve()
}
