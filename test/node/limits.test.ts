/**
 * Limits: exact at their borders, typed at their errors, free again when the load is gone; they bind clients,
 * not repair.
 */
import { describe, expect, test } from 'vitest'
import {
  bytesCodec,
  LimitError,
  memoryNetwork,
  OverloadedError,
  type Bucket,
  type CoterieNode,
} from '../../src/index.ts'
import { cluster, rejection, start } from './kit.ts'
import { Machines } from './machines.ts'

describe('keys', () => {
  const kib = 1024
  const legal = [
    'k',
    'k'.repeat(kib),
    'é'.repeat(512),
    '€'.repeat(341),
    '👍'.repeat(256),
    '€'.repeat(341) + 'x',
  ]
  const tooLong = [
    'k'.repeat(kib + 1),
    'é'.repeat(512) + 'x',
    '€'.repeat(341) + 'éx',
    '👍'.repeat(256) + 'x',
  ]

  test('of 1 to 1024 bytes of UTF-8 are taken, also through another node', async () => {
    const { nodes } = await cluster(4)
    for (const key of legal) {
      await nodes[0]!.bucket('b').put(key, 1)
      expect((await nodes[3]!.bucket('b').get(key)).value()).toBe(1)
      await nodes[3]!.bucket('x'.repeat(120)).delete(key)
    }
  })

  test('of more are refused by every operation, with the numbers', async () => {
    const bucket = (await start(memoryNetwork())).bucket('b')
    for (const key of tooLong) {
      const calls = [
        bucket.get(key),
        bucket.put(key, 1),
        bucket.delete(key),
        bucket.update(key, () => 1),
        bucket.getMany(['k', key]),
      ]
      for (const call of calls) {
        const actual = Buffer.byteLength(key)
        const error = await rejection(call)
        expect(error).toBeInstanceOf(LimitError)
        expect(error).toMatchObject({
          code: 'ERR_LIMIT',
          limit: 'keyBytesMax',
          allowed: kib,
          actual,
        })
        expect(error.message.length).toBeLessThan(200)
      }
    }
  })

  test('may be limited further', async () => {
    const node = await start(memoryNetwork(), { limits: { keyBytesMax: 4 } })
    await node.bucket('b').put('éé', 1)
    expect(await rejection(node.bucket('b').put('ééx', 1))).toMatchObject({ allowed: 4, actual: 5 })
  })
})

describe('values', () => {
  const mib = 1024 * 1024

  test('of up to 1 MiB are taken, one byte more is not', async () => {
    const { nodes } = await cluster(4)
    for (const node of nodes) {
      const bucket = node.bucket<Uint8Array>('b', { codec: bytesCodec() })
      await bucket.put('k', new Uint8Array(mib).fill(7))
      const value = (
        await nodes[0]!.bucket<Uint8Array>('b', { codec: bytesCodec() }).get('k')
      ).value()!
      expect([value.length, value[0], value[mib - 1]]).toEqual([mib, 7, 7])
      const error = await rejection(bucket.put('k', new Uint8Array(mib + 1)))
      expect(error).toMatchObject({ limit: 'valueBytesMax', allowed: mib, actual: mib + 1 })
    }
  })

  test('of 8 MiB fit into their frames where they are allowed, also when they are forwarded', async () => {
    const limits = { valueBytesMax: 8 * mib, siblingsMax: 2 }
    const { nodes } = await cluster(4, { limits })
    const [, , , last] = nodes
    const stranger = keyNotOwnedBy(last!)
    const bucket = last!.bucket<Uint8Array>('b', { codec: bytesCodec() })
    await bucket.put(stranger, new Uint8Array(8 * mib), { w: 3 })
    await bucket.put(stranger, new Uint8Array(8 * mib), { context: null, w: 3 })
    expect((await bucket.get(stranger)).siblings.map(({ length }) => length)).toEqual([
      8 * mib,
      8 * mib,
    ])
  })
})

/** A key that the node neither owns nor coordinates: its writes are forwarded. */
function keyNotOwnedBy(node: CoterieNode): string {
  for (let i = 0; ; i++) {
    const owners = node.preferenceList('b', `k${i}`).filter(({ role }) => role === 'primary')
    if (owners.every(({ id }) => id !== node.id)) return `k${i}`
  }
}

describe('siblings', () => {
  async function fill(bucket: Bucket<number>, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await bucket.put('k', i, { context: null })
  }

  test('of 64 a client can make, not the 65th; a write that settles them is taken', async () => {
    const { nodes } = await cluster(3)
    const bucket = nodes[0]!.bucket<number>('b')
    await fill(bucket, 64)
    const error = await rejection(bucket.put('k', 64, { context: null }))
    expect(error).toMatchObject({
      limit: 'siblingsMax',
      allowed: 64,
      actual: 65,
      code: 'ERR_LIMIT',
    })
    const entry = await bucket.get('k')
    expect(entry.siblings).toHaveLength(64)
    await bucket.put('k', 99, { context: entry.context })
    expect((await bucket.get('k')).siblings).toEqual([99])
  })

  test('the limit of the coordinator reaches the caller as it is, when the write was forwarded', async () => {
    const { nodes } = await cluster(4, { limits: { siblingsMax: 2 } })
    const node = nodes[0]!
    const key = keyNotOwnedBy(node)
    const bucket = node.bucket<number>('b')
    await bucket.put(key, 1, { context: null })
    await bucket.put(key, 2, { context: null })
    const error = await rejection(bucket.put(key, 3, { context: null }))
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ limit: 'siblingsMax', allowed: 2, actual: 3 })
  })

  test('of more than the limit are kept when two sides of a partition meet', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const limits = { siblingsMax: 4 }
      const nodes = [await machines.start('n1', { limits })]
      for (const name of ['n2', 'n3']) {
        nodes.push(await machines.start(name, { limits, seeds: ['n1:1'] }))
      }
      const [one, , three] = nodes.map((node) => node.bucket<string>('b'))
      await one!.get('k')
      await three!.get('k')
      machines.world.network.partition([['n1'], ['n2'], ['n3']])
      for (let i = 0; i < 4; i++) {
        for (const bucket of [one!, three!]) {
          await bucket.put('k', `${i} at ${bucket === one ? 1 : 3}`, {
            w: 1,
            context: null,
            timeoutMs: 100,
          })
        }
      }
      const error = await rejection(one!.put('k', 'more', { w: 1, context: null, timeoutMs: 100 }))
      expect(error).toMatchObject({ limit: 'siblingsMax' })
      machines.world.network.heal()
      await machines.sleep(30_000)
      const entry = await three!.get('k', { r: 3 })
      expect(entry.siblings).toHaveLength(8)
      expect(await rejection(one!.put('k', 'x', { context: null }))).toMatchObject({ actual: 9 })
      await one!.put('k', 'settled', { context: entry.context, w: 3 })
      expect((await three!.get('k', { r: 3 })).siblings).toEqual(['settled'])
    })
  })
})

describe('load', () => {
  test('operations over inFlightMax are refused at once, and taken again when others are done', async () => {
    const { nodes } = await cluster(3, { limits: { inFlightMax: 10 } })
    const bucket = nodes[0]!.bucket('b')
    await bucket.get('k')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        i % 2 === 0 ? bucket.put(`k${i}`, i) : bucket.get('k'),
      ),
    )
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(40)
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(OverloadedError)
      expect(reason).toMatchObject({ code: 'ERR_OVERLOADED' })
    }
    expect(nodes[0]!.stats().operations.inFlight).toBe(0)
    for (let i = 0; i < 30; i++) await bucket.put('k', i)
  })

  test('every way of an operation to its end counts it out again', async () => {
    const { nodes } = await cluster(4, { limits: { siblingsMax: 1 } })
    const bucket = nodes[0]!.bucket('b')
    const keys = [keyNotOwnedBy(nodes[0]!), 'k1', 'k2', 'k3', 'k4', 'k5']
    for (const key of keys) {
      await bucket.put(key, 1)
      await rejection(bucket.put(key, 2, { context: null }))
      await rejection(bucket.put(key, 2, { context: 'damaged' }))
      await rejection(bucket.put(key, Symbol('s')))
      await rejection(bucket.get(key, { signal: AbortSignal.abort() }))
      await rejection(bucket.update(key, () => Promise.reject(new Error('mine'))))
      await bucket.delete(key)
      await bucket.get(key)
    }
    await nodes[1]!.close()
    await nodes[2]!.close()
    for (const key of keys) {
      await rejection(bucket.put(key, 1, { w: 'all', sloppy: false, timeoutMs: 50 }))
      await rejection(bucket.get(key, { r: 'all', sloppy: false, timeoutMs: 50 }))
    }
    expect(nodes[0]!.stats().operations.inFlight).toBe(0)
  })

  test('bytes that wait for one slow peer are bounded, and the others make the quorum', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const limits = { queuedBytesPerPeerMax: 100_000 }
      const node = await machines.start('n1', { limits })
      for (const name of ['n2', 'n3']) await machines.start(name, { limits, seeds: ['n1:1'] })
      const bucket = node.bucket<Uint8Array>('b', { codec: bytesCodec() })
      await bucket.put('k', new Uint8Array(1), { w: 3 })
      machines.process('n2').pause()
      machines.world.network.block('n1', 'n2')
      const value = new Uint8Array(10_000)
      const puts = Array.from({ length: 200 }, (_, i) => bucket.put(`k${i}`, value))
      await Promise.all(puts)
      machines.world.network.heal()
      machines.process('n2').resume()
      await machines.sleep(60_000)
      await bucket.put('k', value, { w: 3 })
      expect((await bucket.get('k199', { r: 3 })).value()).toHaveLength(10_000)
    })
  })
})
