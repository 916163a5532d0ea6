/** What comes back of what was put, through the public API of a cluster: values, keys, siblings, policies. */
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  bytesCodec,
  ConflictError,
  ConflictPolicyError,
  jsonCodec,
  lww,
  merge,
  siblings,
  type Bucket,
  type ValueCodec,
} from '../../src/index.ts'
import { cluster, rejection } from './kit.ts'
import { Machines } from './machines.ts'

describe('values', () => {
  const protoKey = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}') as object
  const rows: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['−0', -0],
    ['NaN', NaN],
    ['−Infinity', -Infinity],
    ['2 ** 53 − 1', 2 ** 53 - 1],
    ['a tiny number', 5e-324],
    ['a bigint', 12345678901234567890n],
    ['a huge negative bigint', -(2n ** 300n)],
    ['an empty text', ''],
    ['a text with NUL and emoji', 'a\0é👩‍👩‍👧'],
    ['a date', new Date(-1)],
    ['a date before the year 0', new Date(-1e14)],
    [
      'a map',
      new Map<unknown, unknown>([
        [{ a: 1 }, new Map([[1, 'x']])],
        ['__proto__', 2],
      ]),
    ],
    ['a set', new Set([1, '1', null])],
    ['bytes', new Uint8Array([0, 255, 128])],
    ['nested arrays', [[[]], [undefined, null]]],
    ['a key __proto__', protoKey],
    ['a long text', 'ü'.repeat(100_000)],
  ]

  test.each(rows)('%s comes back equal on every node', async (_, value) => {
    const { nodes } = await cluster(2)
    await nodes[0]!.bucket('b').put('k', value)
    for (const node of nodes) {
      const read = (await node.bucket('b').get('k', { r: 2 })).value()
      expect(Object.is(read, value) || typeof value === 'object').toBe(true)
      expect(read).toEqual(value)
    }
    expect(({} as Record<string, unknown>)['polluted']).toBe(undefined)
  })

  test('are what the console shows of an entry, with whether there is one, and its context as text', async () => {
    const { nodes } = await cluster(1)
    const bucket = nodes[0]!.bucket('b')
    const { context } = await bucket.put('k', { n: 1 })
    expect(inspect(await bucket.get('k'))).toBe(
      inspect({ key: 'k', found: true, siblings: [{ n: 1 }], context: String(context) }),
    )
    expect(inspect(await bucket.get('none'))).toContain('found: false')
    expect(inspect(await bucket.get('none'))).not.toContain('FoundEntry')
  })

  // A short write on an owner is stored before the call returns; every other one goes on with the array later.
  test('that the caller writes over as soon as the call has returned are those of the call', async () => {
    const own: ValueCodec<Uint8Array> = { ...bytesCodec(), name: 'own', encode: (value) => value }
    for (const codec of [bytesCodec(), own]) {
      const { nodes } = await cluster(5)
      const bucket = nodes[0]!.bucket<Uint8Array>('b', { codec })
      const value = new Uint8Array(50).fill(1)
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
      // The first writes of a bucket wait until its policy is agreed on, the others do not.
      for (const mark of [1, 3]) {
        value.fill(mark)
        const single = keys.map((key) => bucket.put(key, value))
        const many = bucket.putMany(keys.map((key) => ({ key: `many ${key}`, value })))
        value.fill(2)
        await Promise.all([...single, many])
        const entries = await bucket.getMany([...keys, ...keys.map((key) => `many ${key}`)])
        for (const [key, entry] of entries) expect(entry.value()?.[0], key).toBe(mark)
      }
    }
  })

  test('a Buffer comes back as its bytes, and is copied', async () => {
    const { nodes } = await cluster(1)
    for (const bucket of [
      nodes[0]!.bucket('m'),
      nodes[0]!.bucket<Uint8Array>('b', { codec: bytesCodec() }),
    ]) {
      const value = Buffer.from('hello')
      const put = bucket.put('k', value)
      value.fill(0)
      await put
      const read = (await bucket.get('k')).value() as Uint8Array
      expect(Buffer.from(read).toString()).toBe('hello')
      read.fill(7)
      expect(Buffer.from((await bucket.get('k')).value() as Uint8Array).toString()).toBe('hello')
    }
  })

  const impossible: [string, unknown][] = [
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate as a key', { '\udc00': 1 }],
    [
      'an instance of a class',
      new (class Point {
        x = 1
      })(),
    ],
    ['a weak map', new WeakMap()],
    ['a cycle', cycle()],
    ['a function deep within', [{ a: new Map([['k', () => 1]]) }]],
  ]
  test.each(impossible)('%s is refused, and nothing changes', async (_, value) => {
    const { nodes } = await cluster(1)
    const bucket = nodes[0]!.bucket('b')
    await bucket.put('k', 'before')
    expect(await rejection(bucket.put('k', value))).toMatchObject({ code: 'ERR_CODEC' })
    expect(await rejection(bucket.update('k', () => value))).toMatchObject({ code: 'ERR_CODEC' })
    expect((await bucket.get('k')).siblings).toEqual(['before'])
  })

  test('bytes that another codec wrote are a codec error of the read, not a wrong value', async () => {
    const { nodes } = await cluster(1)
    await nodes[0]!
      .bucket<Uint8Array>('b', { codec: bytesCodec() })
      .put('k', new Uint8Array([0xc1]))
    for (const codec of [undefined, jsonCodec<unknown>()]) {
      const bucket = nodes[0]!.bucket('b', codec === undefined ? {} : { codec })
      expect(await rejection(bucket.get('k'))).toMatchObject({ code: 'ERR_CODEC' })
    }
  })
})

function cycle(): unknown {
  const it: { self?: unknown } = {}
  it.self = it
  return it
}

describe('keys', () => {
  const named = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const odd = [...named, '10', '9', '1e3', ' ', '\n', '\0', 'a\0b', 'b\0']

  test('of every kind are apart, keep their order in getMany, and reach every node', async () => {
    const { nodes } = await cluster(3)
    const keys = [...odd, 'é'.normalize('NFC'), 'é'.normalize('NFD'), '👍', 'k'.repeat(1024)]
    const bucket = nodes[0]!.bucket<string>('b')
    await Promise.all(keys.map((key) => bucket.put(key, `value of ${key}`)))
    for (const node of nodes) {
      const found = await node.bucket<string>('b').getMany([...keys, ...keys])
      expect([...found.keys()]).toEqual(keys)
      for (const [key, entry] of found) {
        expect(entry.key).toBe(key)
        expect(entry.value()).toBe(`value of ${key}`)
      }
    }
  })

  test('of one bucket are not those of another, whatever NUL stands in them', async () => {
    const { nodes } = await cluster(1)
    await nodes[0]!.bucket('a').put('b\0c', 1)
    expect((await nodes[0]!.bucket('a').get('c')).found).toBe(false)
    expect((await nodes[0]!.bucket('b').get('c')).found).toBe(false)
    await nodes[0]!.bucket('__proto__').put('__proto__', 2)
    expect((await nodes[0]!.bucket('__proto__').get('__proto__')).value()).toBe(2)
    expect((await nodes[0]!.bucket('constructor').get('__proto__')).found).toBe(false)
  })
})

describe('siblings', () => {
  async function concurrent<V>(bucket: Bucket<V>, values: readonly V[]): Promise<void> {
    for (const value of values) await bucket.put('k', value, { context: null })
  }

  test('are all shown, value() throws with the entry, and a put with its context settles them', async () => {
    const { nodes } = await cluster(3)
    const bucket = nodes[0]!.bucket<number>('b')
    await concurrent(bucket, [1, 2, 3])
    const entry = await nodes[1]!.bucket<number>('b').get('k')
    expect(new Set(entry.siblings)).toEqual(new Set([1, 2, 3]))
    expect(() => entry.value()).toThrow(ConflictError)
    expect(() => entry.value()).toThrow(expect.objectContaining({ code: 'ERR_CONFLICT', entry }))
    await bucket.put('k', 6, { context: entry.context.toString() })
    expect((await bucket.get('k')).value()).toBe(6)
    await bucket.delete('k', { context: (await bucket.get('k')).context })
    const gone = await nodes[2]!.bucket<number>('b').get('k')
    expect([gone.found, gone.siblings, gone.value()]).toEqual([false, [], undefined])
  })

  test('of a merge bucket are merged, also for update', async () => {
    const { nodes } = await cluster(3)
    const policy = merge<number[]>((a, b) => [...new Set([...a, ...b])].sort((x, y) => x - y))
    const [one, two] = nodes.map((node) => node.bucket('m', { conflicts: policy }))
    await concurrent(one!, [[1], [2], [3]])
    expect((await two!.get('k')).value()).toEqual([1, 2, 3])
    await two!.update('k', (found) => {
      expect(found).toEqual([[1, 2, 3]])
      return [...found[0]!, 4]
    })
    expect((await one!.get('k')).siblings).toEqual([[1, 2, 3, 4]])
  })

  test('of an lww bucket leave the last one alone', async () => {
    const { nodes } = await cluster(3)
    const buckets = nodes.map((node) => node.bucket<number>('l', { conflicts: lww() }))
    for (let i = 0; i < 9; i++) await buckets[i % 3]!.put('k', i, { context: null, w: 3 })
    for (const bucket of buckets) {
      const entry = await bucket.get('k')
      expect([entry.value(), entry.siblings.length]).toEqual([8, 1])
    }
  })
})

describe('conflict policies are part of the data', () => {
  const kinds = { siblings: siblings<number>(), merge: merge<number>(Math.max), lww: lww<number>() }
  const pairs = Object.keys(kinds).flatMap((a) =>
    Object.keys(kinds).flatMap((b) => (a === b ? [] : [[a, b] as const])),
  ) as [keyof typeof kinds, keyof typeof kinds][]

  test.each(pairs)(
    '%s on one node and %s on another: the second is told, the first goes on',
    async (a, b) => {
      const { nodes } = await cluster(3)
      const first = nodes[0]!.bucket('b', { conflicts: kinds[a] })
      await first.put('k', 1)
      const second = nodes[1]!.bucket('b', { conflicts: kinds[b] })
      const refused = [
        () => second.get('k'),
        () => second.put('k', 2),
        () => second.delete('k'),
        () => second.update('k', () => 2),
        () => second.getMany(['k']),
      ]
      for (const operation of refused) {
        const error = await rejection(operation())
        expect(error).toBeInstanceOf(ConflictPolicyError)
        expect(error).toMatchObject({ code: 'ERR_CONFLICT_POLICY', bucket: 'b' })
        expect(error.message).toContain(
          `"n1" has opened bucket "b" with conflict policy ${a}, not ${b}`,
        )
      }
      await first.put('k', 3, { w: 3 })
      expect((await first.get('k', { r: 3 })).siblings).toEqual([3])
      const third = nodes[2]!.bucket('b', { conflicts: kinds[a] })
      expect((await third.get('k', { r: 3 })).value()).toBe(3)
    },
  )

  test('two nodes that open a bucket at once with two policies are both told, and write nothing', async () => {
    const { nodes } = await cluster(2)
    const [one, two] = [nodes[0]!.bucket('b'), nodes[1]!.bucket('b', { conflicts: lww() })]
    const outcomes = [one.put('k', 1), two.put('k', 2)].map(rejection)
    for (const error of await Promise.all(outcomes))
      expect(error).toBeInstanceOf(ConflictPolicyError)
    await nodes[1]!.close()
    expect((await one.get('k', { r: 1 })).found).toBe(false)
  })

  test('the same node may not open a bucket with two', async () => {
    const { nodes } = await cluster(1)
    nodes[0]!.bucket('b', { conflicts: lww() })
    expect(() => nodes[0]!.bucket('b')).toThrow(ConflictPolicyError)
    nodes[0]!.bucket('b', { conflicts: lww(), r: 1 })
  })

  test('data that was written with one is not read or written with another after a restart', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const before = await machines.start('n1')
      await before.bucket('b', { conflicts: lww<number>() }).put('k', 1)
      await machines.stop('n1')
      const after = await machines.start('n1')
      const bucket = after.bucket<number>('b')
      for (const operation of [
        () => bucket.get('k'),
        () => bucket.put('k', 2),
        () => bucket.delete('k'),
      ]) {
        expect(await rejection(operation())).toMatchObject({ code: 'ERR_CONFLICT_POLICY' })
      }
      await machines.stop('n1')
      const again = await machines.start('n1')
      expect((await again.bucket('b', { conflicts: lww<number>() }).get('k')).value()).toBe(1)
    })
  })
})
