import { describe, expect, test } from 'vitest'
import { StorageError } from '../../src/base/errors.ts'
import { FaultCounts } from '../../src/sim/faults.ts'
import { SimDisk } from '../../src/sim/sim-disk.ts'
import { World } from './world.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const put = (key: string, text = key) => ({ partition: 1, key, value: bytes(text) })

function keysOf(disk: SimDisk): string {
  return [...disk.entries()].map(({ key }) => key).join('')
}

async function opened(durability: 'memory' | 'fsync' = 'fsync') {
  const world = new World()
  const disk = new SimDisk()
  const process = world.process('a')
  const storage = world.storage(disk, process, durability)
  await storage.open()
  return { world, disk, process, storage }
}

describe('a simulated storage', () => {
  test('shows a write at once and resolves when it is synced, several together and in order', async () => {
    const { world, storage } = await opened()
    const done: string[] = []
    for (const key of ['a', 'b', 'c']) void storage.write([put(key)])?.then(() => done.push(key))
    expect((await world.run(Promise.resolve(storage.get(1, 'c'))))?.toString()).toBe('c')
    expect(done).toEqual([])
    await world.pass(10)
    expect(done).toEqual(['a', 'b', 'c'])
    expect(world.lines.filter((line) => line.includes('sync'))).toHaveLength(2)
  })

  test('scans a partition in the order of the bytes, from a key on', async () => {
    const { world, storage } = await opened()
    const keys = ['b', 'a', 'é', 'B', 'ab']
    void storage.write([
      ...keys.map((key) => put(key)),
      { partition: 2, key: 'z', value: bytes('') },
    ])
    const scan = async (options: { after?: string; limit: number }): Promise<string[]> =>
      (await storage.scan(1, options)).map(({ key }) => key)
    expect(await world.run(scan({ limit: 9 }))).toEqual(['B', 'a', 'ab', 'b', 'é'])
    expect(await world.run(scan({ after: 'a', limit: 2 }))).toEqual(['ab', 'b'])
    void storage.write([{ partition: 1, key: 'ab', value: undefined }])
    expect(await world.run(scan({ after: 'a', limit: 2 }))).toEqual(['b', 'é'])
  })

  test('makes durable what it has when it closes, and lets go of the disk', async () => {
    const { world, disk, process, storage } = await opened()
    void storage.write([put('a')])
    const other = world.storage(disk, world.process('b'))
    await expect(other.open()).rejects.toThrow(StorageError)
    await world.run(Promise.all([storage.close(), storage.close()]))
    expect(() => storage.get(1, 'a')).toThrow('not open')
    disk.crash('unsynced')
    expect(keysOf(disk)).toBe('a')
    await other.open()
    expect(process.pending).toBe(0)
  })

  test('sometimes answers a read late, when it is durable, and never when it is memory', async () => {
    const isLate = async (durability: 'memory' | 'fsync'): Promise<boolean> => {
      const { storage } = await opened(durability)
      const answers = Array.from({ length: 200 }, () => storage.get(1, 'a'))
      return answers.some((answer) => answer instanceof Promise)
    }
    expect([await isLate('memory'), await isLate('fsync')]).toEqual([false, true])
  })

  test('keeps syncing while its process is paused, and tells it later', async () => {
    const { world, disk, process, storage } = await opened()
    let isTold = false
    void storage.write([put('a')])?.then(() => {
      isTold = true
    })
    process.pause()
    await world.pass(100)
    expect(isTold).toBe(false)
    disk.crash('unsynced')
    expect(keysOf(disk)).toBe('a')
  })
})

describe('a crash', () => {
  test.each([
    { lose: 'nothing', left: 'abcd' },
    { lose: 'unsynced', left: 'ab' },
    { lose: 'everything', left: '' },
  ] as const)('that takes $lose leaves "$left"', async ({ lose, left }) => {
    const { world, disk, process, storage } = await opened()
    void storage.write([put('a'), put('b', 'old')])
    await world.pass(10)
    void storage.write([put('c'), put('b', 'new')])
    void storage.write([put('d'), put('b', 'newer')])
    process.kill()
    disk.crash(lose)
    await world.pass(10)
    expect(keysOf(disk)).toBe(left)
    if (lose === 'unsynced') expect(disk.get(1, 'b')?.toString()).toBe('old')
  })

  test('never takes a write that was acknowledged, and takes or leaves each batch whole', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const world = new World({ seed })
      const disk = new SimDisk()
      const process = world.process('a')
      const storage = world.storage(disk, process)
      await storage.open()
      let acknowledged = 0
      for (let i = 0; i < 20; i++) {
        world.clock.after(world.random.float() * 20, () => {
          void storage.write([put(`x${i}`), put(`y${i}`)])?.then(() => acknowledged++)
        })
      }
      await world.pass(10)
      process.kill()
      disk.crash('unsynced')
      const keys = [...disk.entries()].map(({ key }) => key)
      const halves = (half: string) => keys.filter((k) => k[0] === half).map((k) => k.slice(1))
      expect(halves('x')).toEqual(halves('y'))
      expect(halves('x').length).toBe(acknowledged)
    }
  })

  test('that takes some leaves any number of the oldest unsynced batches, each whole', async () => {
    const left = new Set<string>()
    const faults = new FaultCounts()
    for (let share = 0; share < 1; share += 1 / 16) {
      const disk = new SimDisk(faults)
      disk.write([put('s')])
      disk.sync(1)
      for (const i of [1, 2, 3]) disk.write([put(`x${i}`), put(`y${i}`), put('s', `${i}`)])
      disk.crash('some', share)
      const last = disk.get(1, 's')?.toString()
      expect(last).toBe(keysOf(disk).includes('x') ? keysOf(disk).at(-1) : 's')
      left.add(keysOf(disk))
    }
    expect([...left]).toEqual(['s', 'sx1y1', 'sx1x2y1y2', 'sx1x2x3y1y2y3'])
    expect(faults.view()).toMatchObject({ 'batch-lost': 4 * (3 + 2 + 1), 'disk-torn': 8 })
  })

  test('ends what the process waits for, and nothing that it does later reaches the disk', async () => {
    const { world, disk, process, storage } = await opened()
    const waiting = Promise.resolve(storage.write([put('a')]))
    process.cut()
    storage.abandon()
    disk.crash('unsynced')
    await expect(world.run(waiting)).rejects.toThrow('gone')
    expect(() => storage.write([put('b')])).toThrow('gone')
    expect(() => storage.get(1, 'a')).toThrow('gone')
    await expect(storage.open()).rejects.toThrow('gone')
    await storage.close()
    await world.pass(10)
    expect(keysOf(disk)).toBe('')
    expect(disk.acquire()).toBe(true)
  })

  test.each([
    { sync: 'well', failures: 0, left: 'a' },
    { sync: 'badly', failures: 1, left: '' },
  ])('also ends what a paused process has not heard of: a sync that ended $sync', async (about) => {
    const { world, disk, process, storage } = await opened()
    disk.failSyncs(about.failures)
    const waiting = Promise.resolve(storage.write([put('a')]))
    process.pause()
    await world.pass(10)
    process.cut()
    storage.abandon()
    disk.crash('unsynced')
    await expect(world.run(waiting)).rejects.toThrow('gone')
    expect(keysOf(disk)).toBe(about.left)
  })
})

describe('the faults of a disk', () => {
  test('a failing read is an error, never an absence, and the next one works', async () => {
    const { world, disk, storage } = await opened()
    await world.run(Promise.resolve(storage.write([put('a')])))
    disk.failReads(2)
    expect(() => storage.get(1, 'a')).toThrow('failed to read')
    expect(() => storage.scan(1, { limit: 1 })).toThrow(StorageError)
    expect((await world.run(Promise.resolve(storage.get(1, 'a'))))?.toString()).toBe('a')
  })

  test('a failing write changes nothing and the next one works', async () => {
    const { world, disk, storage } = await opened()
    disk.failWrites(1)
    expect(() => storage.write([put('a'), put('b')])).toThrow(StorageError)
    expect(keysOf(disk)).toBe('')
    await world.run(Promise.resolve(storage.write([put('a')])))
    expect(keysOf(disk)).toBe('a')
  })

  test('a failing sync takes what was not durable, and the storage writes no more until reopened', async () => {
    const { world, disk, storage } = await opened()
    await world.run(Promise.resolve(storage.write([put('a')])))
    disk.failSyncs(1)
    const batches = [[put('b')], [put('a', 'new')]]
    const writes = batches.map((batch) => Promise.resolve(storage.write(batch)))
    const outcome = await world.run(Promise.allSettled(writes))
    expect(outcome.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(disk.get(1, 'a')?.toString()).toBe('a')
    expect(() => storage.write([put('c')])).toThrow('reopened')
    await world.run(storage.close())
    await storage.open()
    await world.run(Promise.resolve(storage.write([put('c')])))
    expect(keysOf(disk)).toBe('ac')
  })

  test('a full disk refuses what makes it fuller, says ENOSPC, and takes deletions', async () => {
    const { disk, storage } = await opened('memory')
    void storage.write([put('a', '0123456789')])
    disk.capacityBytes = 12
    const refusal = (): void => void storage.write([put('b')])
    expect(refusal).toThrow('no space')
    void storage.write([{ partition: 1, key: 'a', value: undefined }])
    void storage.write([put('b')])
    expect(keysOf(disk)).toBe('b')
    expect(disk.bytes).toBe(2)
  })

  test('a flipped bit changes one bit of the disk and of no backup', async () => {
    const { disk, storage } = await opened('memory')
    void storage.write([put('a', 'A')])
    const backup = disk.copy()
    expect(disk.flipBit(1, 'a', 9)).toBe(true)
    expect(disk.get(1, 'a')?.[0]).toBe(0x41 ^ 2)
    expect(backup.get(1, 'a')?.[0]).toBe(0x41)
    expect(disk.flipBit(1, 'b', 0)).toBe(false)
  })

  test('a slow disk takes its factor longer', async () => {
    const { world, disk, storage } = await opened()
    disk.slowness = 1000
    const write = storage.write([put('a')])
    const read = storage.get(1, 'a')
    await world.run(Promise.all([write, read]))
    expect(world.clock.nowMs).toBeGreaterThan(500)
  })

  test('are counted when they take effect, and only then', async () => {
    const world = new World()
    const { faults } = world
    const disk = new SimDisk(faults)
    const storage = world.storage(disk, world.process('a'))
    await storage.open()
    disk.failReads(1)
    disk.failWrites(1)
    expect(Object.values(faults.view()).every((count) => count === 0)).toBe(true)
    expect(() => storage.get(1, 'a')).toThrow('failed to read')
    expect(() => storage.write([put('a')])).toThrow('failed to write')
    disk.slowness = 2
    await world.run(Promise.resolve(storage.write([put('a')])))
    disk.capacityBytes = 2
    expect(() => storage.write([put('b')])).toThrow('no space')
    disk.failSyncs(1)
    const overwritten = Promise.resolve(storage.write([put('a', 'A')]))
    await expect(world.run(overwritten)).rejects.toThrow('failed to sync')
    disk.flipBit(1, 'z', 0)
    disk.flipBit(1, 'a', 0)
    disk.remove(1, 'z')
    disk.remove(1, 'a')
    disk.crash('everything')
    disk.write([put('a')])
    disk.crash('everything')
    expect(faults.view()).toMatchObject({
      'read-failed': 1,
      'write-failed': 1,
      'disk-slow': 2,
      'disk-full': 1,
      'sync-failed': 1,
      'batch-lost': 1,
      'bit-flipped': 1,
      'record-forgotten': 1,
      'disk-lost': 1,
    })
  })
})
