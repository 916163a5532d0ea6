/**
 * What storage costs: `npx tsx bench/micro/storage.ts`. Memory in nanoseconds of one call; LMDB in acknowledged puts
 * per second with 256 in flight, beside the package `lmdb` used directly with the same settings.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { memoryStorage } from '../../src/adapters/memory-storage.ts'
import { lmdbStorage } from '../../src/lmdb.ts'
import type { Storage } from '../../src/ports/storage.ts'

const IN_FLIGHT = 256
const PARTITIONS = 1024
const KEYS = Array.from({ length: 100_000 }, (_, index) => `bucket/key-${index}`)
const VALUE = Buffer.alloc(100, 7)

type Put = (partition: number, key: string) => unknown

function nanoseconds(count: number, action: (index: number) => unknown): number {
  for (let index = 0; index < KEYS.length; index++) action(index)
  const startMs = performance.now()
  for (let index = 0; index < count; index++) action(index)
  return Math.round(((performance.now() - startMs) * 1e6) / count)
}

function keyAt(index: number): string {
  return KEYS[(index * 7919) % KEYS.length]!
}

async function memory(): Promise<void> {
  const storage = memoryStorage()
  await storage.open()
  const partition = (index: number): number => index & (PARTITIONS - 1)
  const batchOf = (index: number): Parameters<Storage['write']>[0] => [
    { partition: partition(index), key: keyAt(index), value: VALUE },
  ]
  report(
    'memory put',
    nanoseconds(1_000_000, (index) => storage.write(batchOf(index))),
    'ns',
  )
  report(
    'memory get',
    nanoseconds(1_000_000, (index) => storage.get(partition(index), keyAt(index))),
    'ns',
  )
  await storage.close()
}

/** Puts per second, acknowledged, after a tenth of them to warm up. */
async function throughput(puts: number, put: Put): Promise<number> {
  const run = async (count: number): Promise<void> => {
    let next = 0
    const writer = async (): Promise<void> => {
      while (next < count) {
        const index = next++
        await put(index & (PARTITIONS - 1), keyAt(index))
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, writer))
  }
  await run(puts / 10)
  const startMs = performance.now()
  await run(puts)
  return Math.round((puts * 1000) / (performance.now() - startMs))
}

async function lmdb(directory: string, durability: 'fsync' | 'os', puts: number): Promise<void> {
  const storage = lmdbStorage({ path: join(directory, durability), durability })
  await storage.open()
  const ours = await throughput(puts, (partition, key) =>
    storage.write([{ partition, key, value: VALUE }]),
  )
  report(`lmdbStorage ${durability} put`, ours, 'puts/s')
  const get = nanoseconds(100_000, (index) => storage.get(index & (PARTITIONS - 1), keyAt(index)))
  report(`lmdbStorage ${durability} get`, get, 'ns')
  await storage.close()

  const raw: RootDatabase<Uint8Array, Uint8Array> = open({
    path: join(directory, `${durability}-raw.mdb`),
    encoding: 'binary',
    keyEncoding: 'binary',
    mapSize: 2 ** 38,
    overlappingSync: false,
    noSync: durability === 'os',
  })
  const theirs = await throughput(puts, (partition, key) => {
    const bytes = Buffer.allocUnsafe(4 + key.length)
    bytes.writeUInt32BE(partition, 0)
    bytes.write(key, 4, 'latin1')
    return raw.put(bytes, VALUE)
  })
  report(`lmdb itself, ${durability} put`, theirs, 'puts/s')
  await raw.close()
}

function report(what: string, measured: number, unit: string): void {
  process.stdout.write(`${what.padEnd(28)} ${measured.toLocaleString('en').padStart(10)} ${unit}\n`)
}

const directory = mkdtempSync(join(tmpdir(), 'coterie-bench-'))
try {
  await memory()
  await lmdb(directory, 'fsync', 60_000)
  await lmdb(directory, 'os', 300_000)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
