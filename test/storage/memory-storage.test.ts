/** The memory storage's own layout: slabs that are emptied and used again, values of all sizes, many keys. */
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import { slabBytes } from '../../src/adapters/memory-slabs.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import type { LentRegion, Storage } from '../../src/ports/storage.ts'

const seed = Math.floor(Math.random() * 2 ** 31)

/** A value that only this key has in this round, of a length that it shares with others. */
function valueOf(key: string, round: number, bytes: number): Buffer {
  const value = Buffer.alloc(bytes, round & 255)
  value.write(`${key}/${round}`.slice(0, bytes))
  return value
}

function below(random: SeededRandom, count: number): number {
  return Math.floor(random.float() * count)
}

async function opened(): Promise<Storage> {
  const storage = memoryStorage()
  await storage.open()
  return storage
}

/** `toEqual` takes its time for large arrays. */
function expectSame(found: unknown, expected: Buffer | undefined): void {
  if (expected === undefined) return expect(found).toBeUndefined()
  if (!expected.equals(found as Uint8Array)) expect(found).toEqual(expected)
}

const sizes = [
  0,
  1,
  7,
  8,
  9,
  100,
  1000,
  slabBytes / 4 - 50,
  slabBytes / 4,
  slabBytes,
  3 * slabBytes,
]

describe(`the memory storage, seed ${seed}`, () => {
  test('agrees with a map after each of many writes and deletions of values of all sizes', async () => {
    const storage = await opened()
    const random = new SeededRandom(seed)
    const model = new Map<string, Buffer>()
    for (let round = 0; round < 20_000; round++) {
      const partition = below(random, 5)
      const key = `key ${below(random, 300)}`
      const place = `${partition} ${key}`
      const isDeleted = random.chance(0.1)
      const large = random.chance(0.02)
      const bytes = large ? sizes[below(random, sizes.length)]! : below(random, 300)
      const value = isDeleted ? undefined : valueOf(place, round, bytes)
      void storage.write([{ partition, key, value }])
      if (value === undefined) model.delete(place)
      else model.set(place, value)
      const seen = `${below(random, 5)} key ${below(random, 300)}`
      const [seenPartition] = seen
      expectSame(storage.get(Number(seenPartition), seen.slice(2)), model.get(seen))
    }
    for (let partition = 0; partition < 5; partition++) {
      const expected = [...model.keys()].filter((place) => place.startsWith(`${partition} `)).sort()
      const entries = storage.scan(partition, { limit: 1000 }) as { key: string; value: Buffer }[]
      expect(entries.map(({ key }) => `${partition} ${key}`)).toEqual(expected)
      for (const { key, value } of entries) expectSame(value, model.get(`${partition} ${key}`))
    }
  })

  test('needs no more than some four times the bytes of its values, however often they are replaced', async () => {
    const storage = await opened()
    const random = new SeededRandom(seed)
    const keys = 2_000
    for (let round = 0; round < 300_000; round++) {
      const key = `key ${below(random, keys)}`
      const bytes = valueOf(key, round, 200)
      storage.store!(0, key, { bytes, start: 0, end: bytes.length, hold: undefined }, 'now')
    }
    const slabs = new Set<ArrayBufferLike>()
    const region = { bytes: new Uint8Array(0), start: 0, end: 0, hold: undefined }
    for (let i = 0; i < keys; i++) {
      if (storage.locate!(0, `key ${i}`, region, 'now')) slabs.add(region.bytes.buffer)
    }
    expect(slabs.size * slabBytes).toBeLessThan(4.5 * keys * 240)
  })

  test('uses memory again in which something was kept, once that is released', async () => {
    const storage = await opened()
    const random = new SeededRandom(seed)
    const pieces = (isReleased: boolean): number => {
      const seen = new Set<ArrayBufferLike>()
      for (let round = 0; round < 100_000; round++) {
        const key = `key ${below(random, 500)}`
        const bytes = valueOf(key, round, 200)
        const region: LentRegion = { bytes, start: 0, end: bytes.length, hold: undefined }
        storage.store!(0, key, region, 'kept')
        seen.add(region.bytes.buffer)
        if (isReleased) region.hold!.release()
      }
      return seen.size
    }
    expect(pieces(true)).toBeLessThan(20)
    expect(pieces(false)).toBeGreaterThan(200)
  })

  test('uses memory again that scans and reads have looked at', async () => {
    const storage = await opened()
    const random = new SeededRandom(seed)
    const seen = new Set<ArrayBufferLike>()
    for (let round = 0; round < 50_000; round++) {
      const key = `key ${below(random, 500)}`
      const bytes = valueOf(key, round, 200)
      const region: LentRegion = { bytes, start: 0, end: bytes.length, hold: undefined }
      storage.store!(0, key, region, 'now')
      seen.add(region.bytes.buffer)
      if (round % 10 === 0) await storage.get(0, key)
      if (round % 500 === 0) await storage.scan(0, { limit: 1_000 })
    }
    expect(seen.size).toBeLessThan(20)
  })

  test('finds each of many keys, also after most of them were removed', async () => {
    const storage = await opened()
    const keys = Array.from({ length: 50_000 }, (_, i) => `key ${i}`)
    for (const key of keys) void storage.write([{ partition: 9, key, value: Buffer.from(key) }])
    for (const [i, key] of keys.entries()) {
      if (i % 10 !== 0) void storage.write([{ partition: 9, key, value: undefined }])
    }
    for (const [i, key] of keys.entries()) {
      const value = storage.get(9, key) as Uint8Array | undefined
      expect(value && Buffer.from(value).toString()).toBe(i % 10 === 0 ? key : undefined)
    }
    expect(storage.scan(9, { limit: 100_000 })).toHaveLength(5_000)
  })
})
