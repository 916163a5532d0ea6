/** Scans of whole nodes within the process: what is listed, from which node, with which options, at which cost. */
import { describe, expect, test } from 'vitest'
import {
  InvalidArgumentError,
  jsonCodec,
  lww,
  memoryNetwork,
  merge,
  type Bucket,
  type CoterieNode,
  type NodeOptions,
  type ScanOptions,
} from '../../src/index.ts'
import { lmdbStorage } from '../../src/lmdb.ts'
import { freshPath } from '../storage/kit.ts'
import { cluster, rejection, start } from './kit.ts'

async function listed<V>(bucket: Bucket<V>, options?: ScanOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const key of bucket.keys(options)) keys.push(key)
  const entries: string[] = []
  for await (const { key, found } of bucket.entries(options)) {
    expect(found).toBe(true)
    entries.push(key)
  }
  expect(entries, 'entries and keys list the same, in the same order').toEqual(keys)
  expect(new Set(keys).size, 'no key comes twice').toBe(keys.length)
  return keys.toSorted()
}

const five: NodeOptions = { partitions: 256 }

describe('what is listed', () => {
  test('nothing of an empty bucket, in few pages, also when it has a thousand partitions', async () => {
    const { nodes } = await cluster(5, { partitions: 1024 })
    await nodes[0]!.bucket('other').put('k', 1)
    expect(await listed(nodes[2]!.bucket('b'))).toEqual([])
    // 16, 32, 64, … partitions: 7 pages for the keys, and 7 for the entries.
    expect(nodes[2]!.stats().operations.scanPages).toBeLessThanOrEqual(14)
  })

  test('every live key once, from every node, whether it owns the partitions or not', async () => {
    const { nodes } = await cluster(5, five)
    const bucket = nodes[0]!.bucket<number>('b')
    await bucket.putMany(Array.from({ length: 700 }, (_, value) => ({ key: `k${value}`, value })))
    await nodes[1]!.bucket('b2').put('foreign', 1)
    await nodes[1]!.bucket('a').put('foreign', 1)
    await Promise.all([bucket.delete('k1'), bucket.delete('k2'), bucket.delete('never')])
    const wanted = Array.from({ length: 700 }, (_, i) => `k${i}`).filter(
      (key) => key !== 'k1' && key !== 'k2',
    )
    for (const node of nodes) {
      expect(await listed(node.bucket('b'))).toEqual(wanted.toSorted())
      for await (const entry of node.bucket<number>('b').entries()) {
        expect(`k${entry.value()}`).toBe(entry.key)
      }
    }
  })

  test('keys with a prefix, which may end amid bytes that others share', async () => {
    const { nodes } = await cluster(3)
    const bucket = nodes[0]!.bucket('b')
    const keys = [
      'a',
      'ab',
      'abc',
      'b',
      'é',
      'éa',
      'ê',
      '€',
      '€uro',
      '👍',
      '👍🏽',
      'a\0b',
      '\0',
      'z'.repeat(1024),
    ]
    await bucket.putMany(keys.map((key) => ({ key, value: key })))
    const prefixes = [
      '',
      'a',
      'ab',
      'abcd',
      'é',
      '€',
      '👍',
      '\0',
      'a\0',
      'z'.repeat(1024),
      'z'.repeat(2000),
    ]
    for (const prefix of prefixes) {
      const wanted = keys.filter((key) => key.startsWith(prefix)).toSorted()
      expect(await listed(nodes[1]!.bucket('b'), { prefix }), prefix.slice(0, 10)).toEqual(wanted)
    }
  })

  test('siblings together, and their context covers them all', async () => {
    const { nodes } = await cluster(4)
    const bucket = nodes[0]!.bucket<string>('b')
    for (const value of ['x', 'y']) await bucket.put('k', value, { context: null, w: 'all' })
    for (const node of nodes) {
      const scan = node.bucket<string>('b').entries()
      const { value: entry } = await scan.next()
      expect(entry!.siblings.toSorted()).toEqual(['x', 'y'])
      expect(() => entry!.value()).toThrow('2 concurrent values')
    }
    for await (const { key, context } of bucket.entries()) {
      await bucket.put(key, 'both', { context: context.toString() })
    }
    expect((await bucket.get('k', { r: 'all' })).siblings).toEqual(['both'])
  })

  test('values settled by the policy of the bucket', async () => {
    const { nodes } = await cluster(3)
    const sets = { conflicts: merge<number>((a, b) => Math.max(a, b)) }
    const last = { conflicts: lww<number>() }
    for (const value of [5, 9, 7]) {
      await nodes[0]!.bucket<number>('merged', sets).put('k', value, { context: null })
      await nodes[0]!.bucket<number>('lww', last).put('k', value)
    }
    for await (const entry of nodes[1]!.bucket<number>('merged', sets).entries()) {
      expect(entry.value()).toBe(9)
    }
    for await (const entry of nodes[1]!.bucket<number>('lww', last).entries()) {
      expect(entry.siblings).toEqual([7])
    }
    const error = await rejection(nodes[2]!.bucket('lww').keys().next())
    expect(error).toMatchObject({ code: 'ERR_CONFLICT_POLICY' })
  })

  test('no value that has expired', async () => {
    const { nodes } = await cluster(3)
    const bucket = nodes[0]!.bucket('b')
    await bucket.put('brief', 1, { ttlMs: 1, w: 'all' })
    await bucket.put('long', 1, { ttlMs: 100_000, w: 'all' })
    while ((await bucket.get('brief')).found);
    expect(await listed(nodes[2]!.bucket('b'))).toEqual(['long'])
  })

  test('records that are far too long for a page, by a read of each', async () => {
    const { nodes } = await cluster(4, {
      limits: { valueBytesMax: 8 * 1024 * 1024, siblingsMax: 15 },
    })
    const bucket = nodes[0]!.bucket<Uint8Array>('b')
    for (const [i, size] of [3e6, 10, 4e6, 1e6, 1e6].entries()) {
      await bucket.put(`k${i}`, new Uint8Array(size).fill(i), { w: 'all' })
    }
    for (const node of nodes) {
      const found: [string, number][] = []
      for await (const entry of node.bucket<Uint8Array>('b').entries()) {
        const value = entry.value()!
        found.push([entry.key, value.length])
        expect([`k${value[0]}`, `k${value.at(-1)}`]).toEqual([entry.key, entry.key])
      }
      expect(found.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, size]) => size)).toEqual([
        3e6, 10, 4e6, 1e6, 1e6,
      ])
    }
    expect(await listed(nodes[3]!.bucket('b'))).toHaveLength(5)
  })

  test('of a cluster of one, of R = 1, and of all', async () => {
    const one = await start(memoryNetwork())
    await one.bucket('b').put('k', 1)
    expect(await listed(one.bucket('b'))).toEqual(['k'])
    const { nodes } = await cluster(3)
    await nodes[0]!.bucket('b').put('k', 1, { w: 'all' })
    for (const r of ['one', 1, 2, 'quorum', 3, 'all'] as const) {
      expect(await listed(nodes[1]!.bucket('b'), { r })).toEqual(['k'])
    }
  })
})

describe('what it costs', () => {
  test('owners that agree are not asked for single keys, and nobody is kept waiting', async () => {
    const { nodes } = await cluster(3)
    const bucket = nodes[0]!.bucket('b')
    for (let i = 0; i < 100; i++) await bucket.put(`k${i}`, i, { w: 'all' })
    for (const node of nodes) await listed(node.bucket('b'))
    for (const node of nodes) {
      const { gets, inFlight } = node.stats().operations
      expect({ gets, inFlight }).toEqual({ gets: 0, inFlight: 0 })
    }
  })

  test('a node on its own lets others run between two pages', async () => {
    const one = await start(memoryNetwork(), { partitions: 1 })
    const bucket = one.bucket<string>('b')
    const value = 'x'.repeat(1000)
    await bucket.putMany(Array.from({ length: 2000 }, (_, i) => ({ key: `k${i}`, value })))
    let turns = 0
    const tick = (): void => {
      turns += 1
      handle = setImmediate(tick)
    }
    let handle = setImmediate(tick)
    expect(await listed(bucket)).toHaveLength(2000)
    clearImmediate(handle)
    expect(turns).toBeGreaterThan(5)
  })

  test('is refused while too many operations are under way, and goes on later', async () => {
    const one = await start(memoryNetwork(), { limits: { inFlightMax: 1 } })
    const bucket = one.bucket('b')
    await bucket.put('k', 1)
    const scans = [bucket.keys(), bucket.keys()]
    const outcomes = await Promise.allSettled(scans.map((scan) => scan.next()))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'ERR_OVERLOADED' } })
    expect(await scans[0]!.next()).toMatchObject({ done: true })
    expect(await listed(bucket, { after: scans[1]!.cursor })).toEqual(['k'])
    expect(one.stats().operations.inFlight).toBe(0)
  })
})

describe('a cursor', () => {
  async function filled(): Promise<readonly CoterieNode[]> {
    const { nodes } = await cluster(4)
    const bucket = nodes[0]!.bucket('b')
    const writes = Array.from({ length: 300 }, (_, value) => ({ key: `k${value}`, value }))
    await bucket.putMany(writes)
    return nodes
  }

  test('goes on behind what was given last, on another node, for keys and entries alike', async () => {
    const nodes = await filled()
    const found: string[] = []
    let after: string | undefined
    for (let round = 0; ; round++) {
      const bucket = nodes[round % nodes.length]!.bucket('b')
      const scan = round % 2 === 0 ? bucket.keys({ after }) : bucket.entries({ after })
      let taken = 0
      for await (const item of scan) {
        found.push(typeof item === 'string' ? item : item.key)
        if (++taken === 7) break
      }
      after = scan.cursor
      expect(after).toMatch(/^[\w-]+$/)
      if (taken < 7) break
    }
    expect(found).toHaveLength(300)
    expect(new Set(found).size).toBe(300)
    expect(await listed(nodes[0]!.bucket('b'), { after })).toEqual([])
  })

  test('from before the first key begins at the beginning', async () => {
    const nodes = await filled()
    const scan = nodes[0]!.bucket('b').keys()
    expect(await listed(nodes[1]!.bucket('b'), { after: scan.cursor })).toHaveLength(300)
  })

  test('of another bucket or prefix is refused', async () => {
    const nodes = await filled()
    const { cursor } = nodes[0]!.bucket('b').keys({ prefix: 'k1' })
    const refused = [
      nodes[0]!.bucket('b').keys({ after: cursor }),
      nodes[0]!.bucket('b').keys({ after: cursor, prefix: 'k2' }),
      nodes[0]!.bucket('c').entries({ after: cursor, prefix: 'k1' }),
      nodes[0]!.bucket('b').entries({ after: `${cursor}x`, prefix: 'k1' }),
    ]
    for (const scan of refused) {
      const error = await rejection(scan.next())
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error).toMatchObject({ argument: 'after' })
    }
    expect(await listed(nodes[1]!.bucket('b'), { after: cursor, prefix: 'k1' })).toHaveLength(111)
  })
})

test.each<[string, unknown, string]>([
  ['no object', 7, 'options'],
  ['null', null, 'options'],
  ['a list', [], 'options'],
  ['an unknown option', { colour: 1 }, 'colour'],
  ['sloppy', { sloppy: true }, 'sloppy'],
  ['w', { w: 1 }, 'w'],
  ['a prefix that is no text', { prefix: 7 }, 'prefix'],
  ['a prefix with half a character', { prefix: 'a\ud800' }, 'prefix'],
  ['a cursor that is no text', { after: {} }, 'after'],
  ['an empty cursor', { after: '' }, 'after'],
  ['R beyond N', { r: 9 }, 'r'],
  ['no time', { timeoutMs: 0 }, 'timeoutMs'],
  ['a signal that is none', { signal: {} }, 'signal'],
])('%s is refused by name', async (_, options, argument) => {
  const bucket = (await start(memoryNetwork())).bucket('b')
  for (const scan of [
    bucket.keys(options as ScanOptions),
    bucket.entries(options as ScanOptions),
  ]) {
    const error = await rejection(scan.next())
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error).toMatchObject({ argument })
  }
})

test('a node that is closed, or closes meanwhile, ends its scans', async () => {
  const { nodes } = await cluster(3)
  const bucket = nodes[0]!.bucket<number>('b')
  await bucket.putMany(Array.from({ length: 5000 }, (_, value) => ({ key: `k${value}`, value })))
  const scan = bucket.keys({ timeoutMs: 2 ** 31 - 1 })
  await scan.next()
  await nodes[0]!.close()
  const walk = async (): Promise<void> => {
    while ((await scan.next()).done !== true);
  }
  expect(await rejection(walk())).toMatchObject({ code: 'ERR_CLOSED' })
  expect(await rejection(bucket.keys().next())).toMatchObject({ code: 'ERR_CLOSED' })
})

test('a value that the codec cannot decode ends the entries, and not the keys', async () => {
  const { nodes } = await cluster(3)
  await nodes[0]!.bucket('b').put('k', 'not JSON')
  const bucket = nodes[1]!.bucket('b', { codec: jsonCodec() })
  const error = await rejection(bucket.entries().next())
  expect(error).toMatchObject({ code: 'ERR_CODEC' })
  for await (const key of bucket.keys()) expect(key).toBe('k')
})

describe('storages on disk', () => {
  test('list the same, what is about to be written included', async () => {
    const network = memoryNetwork()
    const nodes: CoterieNode[] = []
    for (let i = 0; i < 3; i++) {
      const storage = lmdbStorage({ path: freshPath(), durability: 'os' })
      nodes.push(await start(network, { storage, partitions: 16 }))
    }
    const bucket = nodes[0]!.bucket<number>('b')
    const writes = Array.from({ length: 600 }, (_, value) => ({ key: `k${value}`, value }))
    await bucket.putMany(writes)
    expect(await listed(nodes[1]!.bucket('b'))).toHaveLength(600)
    expect(await listed(nodes[1]!.bucket('b'), { prefix: 'k59' })).toHaveLength(11)
  })
})

test('an unknown option is told which there are', async () => {
  const { nodes } = await cluster(1)
  const error = await rejection(
    nodes[0]!
      .bucket('b')
      .keys({ prefx: 'a' } as ScanOptions)
      .next(),
  )
  expect((error as Error).message).toContain('prefix, after')
  expect((error as Error).message).not.toContain('sloppy')
})
