/** Both storages behave like a sorted array, whatever is done in whatever state of the writes before. */

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lmdbStorage } from '../../src/adapters/lmdb-storage.ts'
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import type { Storage, StorageWrite } from '../../src/ports/storage.ts'
import { freshPath } from './kit.ts'

const PARTITIONS = [0, 1, 2 ** 32 - 1]

/** Few keys, so that they meet again; each a prefix, a neighbour or an extreme of another. */
const key = fc.constantFrom('\0', '\0\0', 'a', 'a\0', 'a\xff', 'b', '\xff', '\xff\xff')
const partition = fc.constantFrom(...PARTITIONS)
const value = fc.option(fc.uint8Array({ maxLength: 5 }), { nil: undefined })
const writes = fc.array(fc.record({ partition, key, value }), { maxLength: 6 })

type Step =
  | { do: 'write'; batch: StorageWrite[] }
  | { do: 'scan'; partition: number; after: string | undefined; limit: number }
  | { do: 'turn' | 'settle' | 'reopen' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), batch: writes }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('scan' as const),
      partition,
      after: fc.option(key, { nil: undefined }),
      limit: fc.nat(10),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)
const reopening = fc.oneof(
  { weight: 12, arbitrary: step },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
)

class Model {
  entries: { partition: number; key: string; value: Uint8Array }[] = []

  write(batch: readonly StorageWrite[]): void {
    for (const { partition, key, value } of batch) {
      this.entries = this.entries.filter((each) => each.partition !== partition || each.key !== key)
      if (value) this.entries.push({ partition, key, value })
    }
    this.entries.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  scan(partition: number, after: string | undefined, limit: number): unknown[] {
    return this.entries
      .filter((each) => each.partition === partition && (after === undefined || each.key > after))
      .slice(0, limit)
      .map(({ key, value }) => [key, [...value]])
  }
}

async function compare(storage: Storage, steps: readonly Step[]): Promise<void> {
  const model = new Model()
  const written: unknown[] = []
  await storage.open()
  for (const each of steps) {
    if (each.do === 'write') {
      model.write(each.batch)
      written.push(storage.write(each.batch))
      for (const { partition, key } of each.batch) {
        const found = model.entries.find((one) => one.partition === partition && one.key === key)
        expect(bytesOf(await storage.get(partition, key))).toEqual(bytesOf(found?.value))
      }
    } else if (each.do === 'scan') {
      const { partition, after, limit } = each
      const scanned = await storage.scan(partition, {
        ...(after !== undefined && { after }),
        limit,
      })
      const expected = model.scan(partition, after, limit)
      expect(scanned.map((entry) => [entry.key, [...entry.value]])).toEqual(expected)
    } else if (each.do === 'turn') {
      await new Promise((resolve) => setImmediate(resolve))
    } else if (each.do === 'settle') {
      await Promise.all(written.splice(0))
    } else {
      await storage.close()
      await storage.open()
      if (storage.durability === 'memory') model.entries = []
    }
  }
  await Promise.all(written)
  for (const partition of PARTITIONS) {
    const scanned = await storage.scan(partition, { limit: 100 })
    expect(scanned.map(({ key, value }) => [key, [...value]])).toEqual(
      model.scan(partition, undefined, 100),
    )
  }
}

describe.each([
  { name: 'memoryStorage', create: () => memoryStorage(), runs: 300 },
  {
    name: 'lmdbStorage',
    create: () => lmdbStorage({ path: freshPath(), durability: 'os' }),
    runs: 60,
  },
])('$name', ({ create, runs }) => {
  test('agrees with a sorted array', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(reopening, { maxLength: 60, size: 'max' }), async (steps) => {
        const storage = create()
        try {
          await compare(storage, steps)
        } finally {
          await storage.close()
        }
      }),
      { numRuns: runs },
    )
  })
})

function bytesOf(value: Uint8Array | undefined): number[] | undefined {
  return value && [...value]
}
