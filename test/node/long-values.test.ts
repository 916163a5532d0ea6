/** Long values in a process: what is on its way is never what was written over it (HAZARDS H2). */
import { expect, test } from 'vitest'
import { bytesCodec, type Bucket } from '../../src/index.ts'
import { cluster } from './kit.ts'

const mib = 1024 * 1024
const limits = { valueBytesMax: 3 * mib, siblingsMax: 32 }

test('a long value that is read while it is replaced is one of those that were written, whole', async () => {
  const { nodes } = await cluster(4, { timeoutMs: 60_000, limits })
  const buckets = nodes.map((node) => node.bucket<Uint8Array>('b', { codec: bytesCodec() }))
  let marks = 0
  let read = 0
  const write = async (bucket: Bucket<Uint8Array>): Promise<void> => {
    for (let i = 0; i < 6; i++) await bucket.put('k', new Uint8Array(2 * mib).fill(++marks))
  }
  const look = async (bucket: Bucket<Uint8Array>): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      for (const value of (await bucket.get('k', { r: 3 })).siblings) {
        expect(Buffer.from(value).equals(Buffer.alloc(2 * mib, value[0]))).toBe(true)
        read += 1
      }
    }
  }
  await buckets[0]!.put('k', new Uint8Array(2 * mib))
  await Promise.all([...buckets.slice(0, 2).map(write), ...buckets.map(look)])
  expect(read).toBeGreaterThan(30)
})

test('many long values at once are all written, one after the other', async () => {
  const { nodes } = await cluster(3, { timeoutMs: 60_000, limits })
  const bucket = nodes[0]!.bucket<Uint8Array>('b', { codec: bytesCodec() })
  const value = new Uint8Array(3 * mib).fill(1)
  const puts = Array.from({ length: 8 }, (_, i) => bucket.put(`k${i}`, value))
  value.fill(2)
  await Promise.all(puts)
  const entries = await bucket.getMany(Array.from({ length: 8 }, (_, i) => `k${i}`))
  for (const entry of entries.values()) expect(entry.value()?.[0]).toBe(1)
  expect(nodes[0]!.stats().operations.inFlight).toBe(0)
})

test('a long write whose turn does not come in time is refused before any work', async () => {
  const { nodes } = await cluster(3, { timeoutMs: 60_000, limits })
  const bucket = nodes[0]!.bucket<Uint8Array>('b', { codec: bytesCodec() })
  await bucket.get('k')
  const value = new Uint8Array(3 * mib)
  const puts = Array.from({ length: 20 }, (_, i) => bucket.put(`k${i}`, value, { timeoutMs: 1 }))
  const outcomes = await Promise.allSettled(puts)
  const codes = outcomes.map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'done',
  )
  expect(codes).toContain('ERR_OVERLOADED')
  const refused = codes.lastIndexOf('ERR_OVERLOADED')
  expect((await bucket.get(`k${refused}`)).found).toBe(false)
  expect(nodes[0]!.stats().operations.inFlight).toBe(0)
})
