/** Values that travel in pieces: whatever the network does to the pieces, replicas hold whole values or none. */
import { expect, test } from 'vitest'
import { bytesCodec } from '../../src/index.ts'
import { outcomeOf, overSeeds, pick, seeds } from './kit.ts'

const lengths = [100, 200_000, 900_000]
const keys = ['k1', 'k2', 'k3']

test('long values arrive whole over links that lose, repeat and reorder, and owners agree in the end', async () => {
  const network = { latencyMs: 2, jitterMs: 5, loss: 0.01, duplicate: 0.05, reorder: true }
  const reads = await overSeeds(seeds(9), { nodes: 4, network }, async (cluster) => {
    let whole = 0
    const client = async (name: string, mark: number): Promise<void> => {
      const bucket = cluster.node(name).bucket<Uint8Array>('b', { codec: bytesCodec() })
      for (let i = 0; i < 12; i++) {
        const key = keys[pick(cluster, keys.length)]!
        const length = lengths[pick(cluster, lengths.length)]!
        await outcomeOf(bucket.put(key, new Uint8Array(length).fill(mark + i)))
        const entry = await bucket.get(key).catch(() => undefined)
        for (const value of entry?.siblings ?? []) {
          expect(lengths).toContain(value.length)
          expect(Buffer.from(value).equals(Buffer.alloc(value.length, value[0]))).toBe(true)
          whole += 1
        }
      }
    }
    await Promise.all(cluster.names.map((name, i) => client(name, 40 * i)))
    cluster.heal()
    for (const from of cluster.names)
      for (const to of cluster.names)
        if (from !== to) cluster.link(from, to, { loss: 0, duplicate: 0 })
    await cluster.settle({ withinMs: 600_000 })
    return whole
  })
  for (const whole of reads) expect(whole).toBeGreaterThan(20)
})

test('long values that are read at once, and wait for each other, come as they were read', async () => {
  await overSeeds(seeds(3), { nodes: 3, storage: 'memory' }, async (cluster) => {
    const bucket = cluster.node('n1').bucket<Uint8Array>('b', { codec: bytesCodec() })
    const many = Array.from({ length: 12 }, (_, i) => `k${i}`)
    for (const [i, key] of many.entries()) await bucket.put(key, new Uint8Array(900_000).fill(i))
    const single = Promise.all(many.map((key) => bucket.get(key)))
    const together = bucket.getMany(many)
    for (const [i, entry] of (await single).entries())
      expect(Buffer.from(entry.value()!).equals(Buffer.alloc(900_000, i))).toBe(true)
    for (const [i, entry] of [...(await together).values()].entries())
      expect(Buffer.from(entry.value()!).equals(Buffer.alloc(900_000, i))).toBe(true)
  })
})
