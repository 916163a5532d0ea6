/** How partitions are measured: to the end where there is little, and within the limits where there is much. */
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/index.ts'
import { measurePartitions } from '../../src/replica/partition-sizes.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

const generous = { recordsMax: 1e6, bytesMax: 1e9, timeMs: 1e6 }

/** A storage with so many records of 100 bytes in each of the partitions 0, 1, 2, … */
async function filled(...records: readonly number[]) {
  const storage = memoryStorage()
  await storage.open()
  for (const [partition, count] of records.entries()) {
    for (let i = 0; i < count; i++) {
      const key = String(i).padStart(10, '0')
      void storage.write([{ partition, key, value: new Uint8Array(90) }])
    }
  }
  return storage
}

async function measured(
  records: readonly number[],
  asked: readonly number[],
  limits: Partial<typeof generous> = {},
): Promise<readonly string[]> {
  const time = new VirtualClock()
  // As on a real machine, the shortest timer takes a millisecond.
  const clock = {
    monotonicMs: () => time.nowMs,
    wallMs: () => time.nowMs,
    after: (delayMs: number, run: () => void) => time.after(Math.max(1, delayMs), run),
  }
  const storage = await filled(...records)
  const measuring = measurePartitions({ storage, clock }, asked, { ...generous, ...limits })
  await time.runUntil(measuring)
  const sizes = await measuring
  return sizes.map((size) => {
    return `${size.partition}: ${size.records} records, ${size.bytes} bytes${size.isWhole ? '' : '…'}`
  })
}

test('every partition that was asked for is read to its end', async () => {
  expect(await measured([0, 63, 64, 65, 200], [4, 3, 2, 1, 0])).toEqual([
    '4: 200 records, 20000 bytes',
    '3: 65 records, 6500 bytes',
    '2: 64 records, 6400 bytes',
    '1: 63 records, 6300 bytes',
    '0: 0 records, 0 bytes',
  ])
})

test('the first partition is read at least in part, and none after a limit', async () => {
  const partly = '0: 128 records, 12800 bytes…'
  expect(await measured([200, 10], [0, 1], { recordsMax: 100 })).toEqual([partly])
  expect(await measured([200, 10], [0, 1], { bytesMax: 10_000 })).toEqual([partly])
  expect(await measured([200, 10], [0, 1], { timeMs: 2 })).toEqual([partly])
  expect(await measured([200, 10], [1, 0], { recordsMax: 10 })).toEqual([
    '1: 10 records, 1000 bytes',
  ])
})
