/** Pages as a replica makes them of its storage: bounded, under one epoch, durable, and with others let through. */
import { describe, expect, test } from 'vitest'
import { memoryStorage, type Storage } from '../../src/index.ts'
import { storedHeaderBytes, sealStored } from '../../src/replica/stored-record.ts'
import { ScanPages, type ScanPagesOptions } from '../../src/replica/scan-pages.ts'
import type { ScanPage, ScanRequest } from '../../src/replica/scan-page.ts'
import type { Ring } from '../../src/ring/ring.ts'
import { HandClock } from '../rpc/kit.ts'
import { deferred, rejection } from '../node/kit.ts'
import { ringOf } from './kit.ts'
import { prefix, recordOf } from './scan-kit.ts'

const kib = 1024

function ringAt(epoch: number, ids: readonly string[] = ['a', 'b', 'c']): Ring {
  return ringOf(ids, { epoch, partitions: 8 })
}

class Replica {
  readonly storage: Storage
  readonly clock = new HandClock()
  ring: Ring = ringAt(3)
  recovering = false
  readonly pages: ScanPages

  constructor(options: Partial<ScanPagesOptions> & { storage?: Storage } = {}) {
    this.storage = options.storage ?? memoryStorage()
    this.pages = new ScanPages({
      selfId: 'a',
      storage: this.storage,
      clock: this.clock,
      ring: () => this.ring,
      kindOpened: () => undefined,
      lackOf: () => (this.recovering ? 'recovering' : undefined),
      otherEpoch: (theirs) => Buffer.from([theirs]),
      ...options,
    })
  }

  put(partition: number, key: string, value: string): void {
    const { bytes } = recordOf('a1', value)
    const stored = Buffer.alloc(storedHeaderBytes + bytes.length)
    stored.set(bytes, storedHeaderBytes)
    stored.writeUInt16LE(0xffff, 2)
    sealStored(stored, prefix + key, false)
    void this.storage.write([{ partition, key: prefix + key, value: stored }])
  }

  page(request: Partial<ScanRequest> = {}): Promise<ScanPage | 'other epoch'> {
    return this.pages.page({
      epoch: 3,
      bucket: 'b',
      kind: 'siblings',
      prefix,
      partitions: [1],
      whole: [true],
      after: undefined,
      bytesMax: 100 * kib,
      ...request,
    })
  }
}

async function replica(options: ConstructorParameters<typeof Replica>[0] = {}): Promise<Replica> {
  const made = new Replica(options)
  await made.storage.open()
  return made
}

/** `k1 k2|…`: the keys of each range; an ellipsis where it is cut. */
function told(page: ScanPage | 'other epoch'): string {
  if (page === 'other epoch') return page
  const texts = page.ranges.map(({ records, isComplete }) => {
    const keys = records.map(({ key }) => key.slice(prefix.length))
    return [...keys, ...(isComplete ? [] : ['…'])].join(' ')
  })
  return texts.join('|')
}

describe('a page', () => {
  test('ends before it gets too long, amid a partition or between two', async () => {
    const one = await replica()
    for (const key of ['k1', 'k2', 'k3']) one.put(1, key, 'x'.repeat(10 * kib))
    one.put(2, 'k4', 'x'.repeat(10 * kib))
    const both = { partitions: [1, 2], whole: [true, true] }
    expect(told(await one.page(both))).toBe('k1 k2 k3|k4')
    expect(told(await one.page({ ...both, bytesMax: 35 * kib }))).toBe('k1 k2 k3')
    expect(told(await one.page({ ...both, bytesMax: 25 * kib }))).toBe('k1 k2 …')
    expect(told(await one.page({ ...both, after: `${prefix}k2` }))).toBe('k3|k4')
    expect(told(await one.page({ ...both, bytesMax: 1 }))).toBe('k1 …')
  })

  test('has heads where no whole records are wanted, and then there is room for more', async () => {
    const one = await replica()
    for (const key of ['k1', 'k2', 'k3']) one.put(1, key, 'x'.repeat(10 * kib))
    const page = await one.page({ whole: [false], bytesMax: kib })
    expect(told(page)).toBe('k1 k2 k3')
    const forms = page !== 'other epoch' && page.ranges[0]!.records.map(({ found }) => found)
    expect(forms).toMatchObject([{ form: 'heads' }, { form: 'heads' }, { form: 'heads' }])
  })

  test('names a record that is too long for it without its bytes', async () => {
    const one = await replica()
    one.put(1, 'k1', 'x'.repeat(3 * kib * kib))
    const page = await one.page()
    expect(page).toMatchObject({ ranges: [{ records: [{ found: { form: 'heads' } }] }] })
  })

  test('reads no more of the storage at once than its records let expect', async () => {
    const storage = memoryStorage()
    const limits: number[] = []
    const scan = storage.scan.bind(storage)
    storage.scan = (partition, options) => {
      limits.push(options.limit)
      return scan(partition, options)
    }
    const one = await replica({ storage })
    for (let i = 10; i < 60; i++) one.put(1, `k${i}`, 'x'.repeat(100 * kib))
    await one.page({ whole: [false], bytesMax: 100 * kib })
    expect(Math.max(...limits)).toBeLessThanOrEqual(5)
    limits.length = 0
    for (let i = 1000; i < 3000; i++) one.put(2, `k${i}`, 'x')
    await one.page({ partitions: [2], whole: [false], bytesMax: 500 * kib })
    expect(limits.slice(0, 5)).toEqual([4, 16, 64, 256, 256])
  })

  test('lets others through when it takes long', async () => {
    const one = await replica()
    for (let i = 1000; i < 1400; i++) one.put(1, `k${i}`, 'x')
    const monotonicMs = one.clock.monotonicMs.bind(one.clock)
    let readings = 0
    one.clock.monotonicMs = () => monotonicMs() + 3 * readings++
    const { promise: turn, resolve } = deferred()
    const after = one.clock.after.bind(one.clock)
    one.clock.after = (delayMs, run) => {
      resolve()
      return after(delayMs, run)
    }
    const page = one.page()
    await turn
    expect(one.clock.pending).toBe(1)
    for (let i = 0; i < 20; i++) {
      one.clock.pass(1)
      await Promise.resolve()
      await Promise.resolve()
    }
    expect(told(await page).split(' ')).toHaveLength(400)
  })
})

describe('the ring', () => {
  test('of another epoch, at the beginning or at the end of a page, is told in its place', async () => {
    const one = await replica()
    one.put(1, 'k1', 'x')
    one.ring = ringAt(4, ['b', 'c', 'd', 'e'])
    expect(await one.page(), 'under which it owns nothing').toBe('other epoch')
    one.ring = ringAt(3)
    const page = one.page()
    one.ring = ringAt(4)
    expect(await page).toBe('other epoch')
  })

  test('decides which partitions are told of', async () => {
    const one = await replica()
    one.ring = ringAt(3, ['b', 'c', 'd', 'e'])
    expect(await rejection(one.page())).toMatchObject({ code: 'ERR_PROTOCOL' })
    expect(await rejection(one.page({ partitions: [8] }))).toMatchObject({ code: 'ERR_PROTOCOL' })
  })

  test('a replica that was being filled at any time of it says so', async () => {
    const one = await replica()
    expect(await one.page()).toMatchObject({ isRecovering: false })
    one.recovering = true
    const early = one.page()
    one.recovering = false
    expect(await early).toMatchObject({ isRecovering: true })
    const late = one.page()
    one.recovering = true
    expect(await late).toMatchObject({ isRecovering: true })
  })
})

test('nothing is told before it is durable, and not at all if it never gets so', async () => {
  const inner = memoryStorage()
  const { promise: durable, resolve } = deferred()
  let isBroken = false
  const storage = Object.assign(Object.create(inner) as Storage, {
    durability: 'fsync' as const,
    open: () => inner.open(),
    scan: inner.scan.bind(inner),
    write: async () => {
      if (isBroken) throw new Error('the disk is gone')
      await durable
    },
  })
  const one = await replica({ storage })
  let isTold = false
  const page = one.page().then(() => (isTold = true))
  for (let i = 0; i < 10; i++) await Promise.resolve()
  expect(isTold).toBe(false)
  resolve()
  await page
  isBroken = true
  expect((await rejection(one.page())).message).toBe('the disk is gone')
})

test('a bucket that is opened with another policy here is not told of', async () => {
  const one = await replica({ kindOpened: () => 'lww' })
  expect(await rejection(one.page())).toMatchObject({ code: 'ERR_CONFLICT_POLICY' })
})

test('only so many pages are made at once', async () => {
  const one = await replica()
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => one.page()))
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(4)
  expect(refused[0]).toMatchObject({ reason: { code: 'ERR_OVERLOADED' } })
  expect(told(await one.page())).toBe('')
})
