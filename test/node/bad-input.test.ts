/**
 * Wrong arguments of every public call: each is refused before any effect, with a typed error that names the
 * argument.
 */
import { describe, expect, test } from 'vitest'
import {
  createNode,
  InvalidArgumentError,
  InvalidContextError,
  LimitError,
  memoryNetwork,
  memoryTransport,
  type Bucket,
  type CoterieNode,
} from '../../src/index.ts'
import { rejection, start } from './kit.ts'
import { nested, nodeOptions, zoo, zooWithout } from './wrong-options.ts'

describe('createNode refuses', () => {
  const rows = Object.entries(nodeOptions).flatMap(([path, legal]) =>
    zooWithout(...legal).map(([label, value]) => ({ path, label, value })),
  )

  test.each(rows)('$path: $label', async ({ path, value }) => {
    const transport = memoryTransport(memoryNetwork())
    const wrong = { transport, ...nested(path, value) }
    const error = await rejection(createNode(wrong))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    const { argument } = error as InvalidArgumentError
    expect(argument.startsWith(path.split('.')[0]!)).toBe(true)
    expect(error.message).toContain(path.split('.').at(-1))
  })

  const wholes = [
    'null',
    '0',
    '1.5',
    "'x'",
    '[]',
    'a function',
    'a symbol',
    'true',
    '{ colour: 1 }',
  ]
  test.each(wholes)('%s instead of the options', async (label) => {
    const [, value] = zoo.find(([each]) => each === label)!
    const error = await rejection(createNode(value as never))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect((error as InvalidArgumentError).argument).toMatch(/options|colour/)
  })

  test('all problems at once, the first one as its argument', async () => {
    const error = await rejection(createNode({ id: '', weight: -1, limits: { keyBytesMax: 0 } }))
    expect(error).toMatchObject({ argument: 'id' })
    expect(error.message).toContain('weight')
    expect(error.message).toContain('limits.keyBytesMax')
  })

  test('limits that no frame could carry together', async () => {
    const limits = { valueBytesMax: 8 * 1024 * 1024, siblingsMax: 64 }
    const error = await rejection(createNode({ limits }))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument: 'limits.siblingsMax' })
  })
})

test('an option that is undefined is the default', async () => {
  const undefinedOnes = { id: undefined, seeds: undefined, timeoutMs: undefined }
  const node = await start(memoryNetwork(), {
    ...(undefinedOnes as object),
    limits: { keyBytesMax: undefined, inFlightMax: undefined } as never,
    handoff: { intervalMs: undefined } as never,
    replication: { r: undefined } as never,
  })
  await node.bucket('b').put('k', 1)
  expect((await node.bucket('b').get('k')).value()).toBe(1)
  await expect(node.bucket('b').get('k'.repeat(1025))).rejects.toThrow(LimitError)
})

/** Calls a method that returns a promise; fails when it throws instead. */
async function refused(call: () => Promise<unknown>): Promise<InvalidArgumentError> {
  let promise: Promise<unknown> | undefined
  expect(() => {
    promise = call()
  }).not.toThrow()
  expect(promise).toBeInstanceOf(Promise)
  const error = await rejection(promise!)
  expect(error).toBeInstanceOf(InvalidArgumentError)
  return error as InvalidArgumentError
}

const illegalKeys = [
  ['undefined', undefined] as const,
  ...zoo.filter(([, value]) => typeof value !== 'string'),
  ["''", ''] as const,
  ['a lone surrogate', '\udfff'] as const,
  ['a lone surrogate within', 'a\ud83db'] as const,
]

describe('a bucket refuses', () => {
  let node: CoterieNode
  let bucket: Bucket<unknown>
  const open = async (): Promise<void> => {
    node = await start(memoryNetwork())
    bucket = node.bucket('b')
  }

  test('every key that is no text, empty or ill-formed', async () => {
    await open()
    for (const [label, key] of illegalKeys) {
      const calls: (() => Promise<unknown>)[] = [
        () => bucket.get(key as never),
        () => bucket.put(key as never, 1),
        () => bucket.put(key as never, 'v'.repeat(2 ** 21)),
        () => bucket.update(key as never, () => 1),
        () => bucket.delete(key as never),
        () => bucket.getMany(['fine', key as never]),
      ]
      for (const call of calls) expect((await refused(call)).argument, label).toMatch(/^key/)
    }
    expect(node.stats().operations).toMatchObject({ puts: 0, inFlight: 0 })
  })

  test('a list of keys that is none', async () => {
    await open()
    const one = [zoo.find(([label]) => label === '[]')!, zoo.find(([label]) => label === '[1]')!]
    for (const [label, keys] of zoo.filter((row) => !one.includes(row))) {
      if (label === "['']") continue
      expect((await refused(() => bucket.getMany(keys as never))).argument, label).toBe('keys')
    }
    expect(await bucket.getMany([])).toEqual(new Map())
  })

  test('a change that is no function', async () => {
    await open()
    for (const [label, change] of zooWithout('a function')) {
      const error = await refused(() => bucket.update('k', change as never))
      expect(error.argument, label).toBe('change')
    }
  })

  const readLegal: Readonly<Record<string, readonly string[]>> = {
    r: [],
    sloppy: ['true'],
    readRepair: [],
    timeoutMs: ['1.5'],
    signal: [],
  }
  const writeLegal: Readonly<Record<string, readonly string[]>> = {
    w: [],
    sloppy: ['true'],
    timeoutMs: ['1.5'],
    signal: [],
  }
  const calls: Readonly<
    Record<string, [Readonly<Record<string, readonly string[]>>, (o: never) => Promise<unknown>]>
  > = {
    get: [readLegal, (options) => bucket.get('k', options)],
    getMany: [readLegal, (options) => bucket.getMany(['k'], options)],
    put: [{ ...writeLegal, ttlMs: ['1.5'] }, (options) => bucket.put('k', 1, options)],
    putMany: [
      { ...writeLegal, ttlMs: ['1.5'] },
      (options) => bucket.putMany([{ key: 'k', value: 1 }], options),
    ],
    delete: [writeLegal, (options) => bucket.delete('k', options)],
    update: [
      { ...writeLegal, ...readLegal, ttlMs: ['1.5'] },
      (options) => bucket.update('k', () => 1, options),
    ],
  }

  test.each(Object.keys(calls))('every wrong option of %s', async (name) => {
    await open()
    const [legal, call] = calls[name]!
    for (const [option, fine] of Object.entries(legal)) {
      for (const [label, value] of zooWithout(...fine)) {
        const error = await refused(() => call({ [option]: value } as never))
        expect(error.argument, label).toBe(option)
      }
    }
    for (const [label, options] of zooWithout('{}')) {
      const error = await refused(() => call(options as never))
      expect(error.argument, label).toMatch(/^(options|colour)$/)
    }
  })

  test('a time to live of more than 100 years, in a write and in a bucket', async () => {
    await open()
    const ttlMs = 100 * 365 * 86_400_000
    await bucket.put('k', 1, { ttlMs })
    expect((await bucket.get('k')).found).toBe(true)
    const error = await refused(() => bucket.put('k', 1, { ttlMs: ttlMs + 1 }))
    expect(error.message).toContain(`must be a number above 0 up to ${ttlMs}`)
    expect(() => node.bucket('c', { ttlMs: ttlMs + 1 })).toThrow(InvalidArgumentError)
    await node.bucket('c', { ttlMs }).put('k', 1)
  })

  test('a lifetime of a delete, a context of an update or a read, a W of a read', async () => {
    await open()
    const { context } = await bucket.put('k', 1)
    const rows: [string, () => Promise<unknown>][] = [
      ['ttlMs', () => bucket.delete('k', { ttlMs: 1 } as never)],
      ['context', () => bucket.update('k', () => 1, { context } as never)],
      ['context', () => bucket.get('k', { context } as never)],
      ['w', () => bucket.get('k', { w: 1 } as never)],
      ['r', () => bucket.put('k', 1, { r: 1 } as never)],
    ]
    for (const [argument, call] of rows) expect((await refused(call)).argument).toBe(argument)
  })

  test('contexts that are none, are damaged, or belong elsewhere', async () => {
    await open()
    const { context } = await bucket.put('k', 1)
    for (const [label, value] of zoo) {
      if (value === null || typeof value === 'string') continue
      const error = await refused(() => bucket.put('k', 2, { context: value as never }))
      expect(error.argument, label).toBe('context')
    }
    const token = context.toString()
    const flipped = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    const damaged = ['', 'x', '\ud800', '\0', token.slice(1), token.slice(0, -2), flipped]
    for (const text of [...damaged, `${token}A`, 'A'.repeat(100_000)]) {
      const error = await rejection(bucket.put('k', 2, { context: text }))
      expect(error, text.slice(0, 40)).toBeInstanceOf(InvalidContextError)
    }
    for (const wrong of [
      bucket.put('other', 2, { context }),
      bucket.delete('other', { context }),
    ]) {
      expect(await rejection(wrong)).toBeInstanceOf(InvalidContextError)
    }
    const elsewhere = (await start(memoryNetwork())).bucket('b')
    expect(await rejection(elsewhere.put('k', 2, { context }))).toBeInstanceOf(InvalidContextError)
    const renamed = node.bucket('c')
    expect(await rejection(renamed.put('k', 2, { context }))).toBeInstanceOf(InvalidContextError)
    expect((await bucket.get('k')).siblings).toEqual([1])
  })
})

describe('a node refuses', () => {
  test('wrong names and options of buckets, at once', async () => {
    const node = await start(memoryNetwork())
    for (const [label, name] of [['undefined', undefined] as const, ...zooWithout("'x'")]) {
      const open = (): unknown => node.bucket(name as never)
      expect(open, label).toThrow(InvalidArgumentError)
      expect(open, label).toThrow(expect.objectContaining({ argument: 'name' }))
    }
    const options: Readonly<Record<string, readonly string[]>> = {
      conflicts: [],
      codec: [],
      r: [],
      w: [],
      sloppy: ['true'],
      readRepair: [],
      ttlMs: ['1.5'],
    }
    for (const [option, legal] of Object.entries(options)) {
      for (const [label, value] of zooWithout(...legal)) {
        const open = (): unknown => node.bucket('b', { [option]: value })
        expect(open, `${option}: ${label}`).toThrow(expect.objectContaining({ argument: option }))
      }
    }
    for (const [label, whole] of zooWithout('{}')) {
      expect(() => node.bucket('b', whole as never), label).toThrow(InvalidArgumentError)
    }
    for (const option of ['timeoutMs', 'signal', 'context', 'colour']) {
      const open = (): unknown => node.bucket('b', { [option]: 1 })
      expect(open, option).toThrow(expect.objectContaining({ argument: option }))
    }
    const halves = [{ kind: 'merge' }, { kind: 'merge', fn: 1 }, { kind: 'last' }]
    for (const conflicts of halves) {
      const open = (): unknown => node.bucket('b', { conflicts } as never)
      expect(open).toThrow(expect.objectContaining({ argument: 'conflicts' }))
    }
  })

  test('wrong arguments of preferenceList, at once', async () => {
    const node = await start(memoryNetwork())
    for (const [label, name] of zooWithout("'x'")) {
      const look = (): unknown => node.preferenceList(name as never, 'k')
      expect(look, label).toThrow(expect.objectContaining({ argument: 'bucket' }))
    }
    for (const [label, key] of illegalKeys) {
      const look = (): unknown => node.preferenceList('b', key as never)
      expect(look, label).toThrow(expect.objectContaining({ argument: 'key' }))
    }
    expect(() => node.preferenceList('b', 'k'.repeat(1025))).toThrow(LimitError)
  })

  test('wrong arguments of leave and removeMember, by rejection', async () => {
    const node = await start(memoryNetwork())
    for (const [label, options] of zooWithout('{}')) {
      await refused(() => node.leave(options as never))
      const error = await refused(() => node.removeMember('x', options as never))
      expect(error.argument, label).toMatch(/^(options|colour)$/)
    }
    for (const [label, value] of zooWithout('1.5')) {
      const error = await refused(() => node.leave({ timeoutMs: value } as never))
      expect(error.argument, label).toBe('timeoutMs')
    }
    for (const [label, value] of zoo) {
      const error = await refused(() => node.leave({ signal: value } as never))
      expect(error.argument, label).toBe('signal')
      expect((await refused(() => node.removeMember(value as never))).argument, label).toBe('id')
    }
    for (const [label, force] of zooWithout('true')) {
      const error = await refused(() => node.removeMember('x', { force } as never))
      expect(error.argument, label).toBe('force')
    }
    expect((await refused(() => node.removeMember(node.id))).argument).toBe('id')
    expect(node.members()).toHaveLength(1)
  })

  test('a codec that makes no bytes', async () => {
    const node = await start(memoryNetwork())
    for (const [label, made] of [['undefined', undefined] as const, ...zoo]) {
      const codec = { name: 'broken', encode: () => made as never, decode: () => 1 }
      const error = await rejection(node.bucket('b', { codec }).put('k', 1))
      expect(error, label).toMatchObject({ code: 'ERR_CODEC' })
    }
    expect(node.stats().operations.inFlight).toBe(0)
  })
})
