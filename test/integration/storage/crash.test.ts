/** What a process acknowledged is there after it was killed at any moment (HAZARDS H1, H2). */

import { describe, expect, test } from 'vitest'
import { lmdbStorage } from '../../../src/lmdb.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { freshPath } from '../../storage/kit.ts'
import { startChild } from './processes.ts'

describe.each(['fsync', 'os'] as const)('durability %s', (durability) => {
  test(
    'keeps every acknowledged batch, and each batch whole, through six kills',
    { timeout: 120_000 },
    async () => {
      const path = freshPath()
      let acknowledgedEver = 0
      for (let round = 0; round < 6; round++) {
        const child = startChild({ path, durability, task: 'write' })
        await child.said('acknowledged')
        await new Promise((resolve) => setTimeout(resolve, 20 + round * 60))
        const lines = await child.kill()
        const acknowledged = lines.flatMap((line) => /^acknowledged (\d+)$/.exec(line)?.[1] ?? [])
        expect(acknowledged.length).toBeGreaterThan(0)
        acknowledgedEver += acknowledged.length

        const storage = lmdbStorage({ path, durability })
        await storage.open()
        for (const batch of acknowledged) {
          const expected = Buffer.alloc(Number(batch) % 3000, Number(batch))
          expect(expected.equals((await storage.get(0, `a${batch}`))!), `batch ${batch}`).toBe(true)
        }
        expect(await batchesIn(storage, 2 ** 32 - 1)).toBe(await batchesIn(storage, 0))
        await storage.close()
      }
      expect(acknowledgedEver).toBeGreaterThan(100)
    },
  )
})

/** The numbers of the batches that have a key in a partition. */
async function batchesIn(storage: Storage, partition: number): Promise<string> {
  const entries = await storage.scan(partition, { limit: 1_000_000 })
  return entries.map(({ key }) => key.slice(1)).join()
}
