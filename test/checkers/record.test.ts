import { describe, expect, test } from 'vitest'
import {
  ClosedError,
  InvalidArgumentError,
  LimitError,
  StorageError,
  UnavailableError,
  WriteUncertainError,
} from '../../src/base/errors.ts'
import type { Bucket, Context, Entry, Receipt } from '../../src/index.ts'
import { putMany, type PutManyWrite } from '../../src/node/put-many.ts'
import { createHistory, type History } from '../../src/sim/history/history.ts'
import type { Operation } from '../../src/sim/history/operation.ts'
import { record } from '../../src/sim/history/record.ts'
import { valueText } from '../../src/sim/history/value-text.ts'

/** A bucket that holds one value for each key and does what it is told to do next. */
class FakeBucket implements Bucket<unknown> {
  readonly name = 'cart'
  readonly values = new Map<string, unknown[]>()
  readonly calls: unknown[][] = []
  error: unknown
  #contexts = 0

  async get(key: string, ...options: unknown[]): Promise<Entry<unknown>> {
    this.#called('get', key, ...options)
    return this.#entry(key)
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Entry<unknown>>> {
    this.#called('getMany', keys)
    return new Map(keys.map((key) => [key, this.#entry(key)]))
  }

  async put(key: string, value: unknown, ...options: unknown[]): Promise<Receipt> {
    this.#called('put', key, value, ...options)
    this.values.set(key, [value])
    return this.#receipt()
  }

  putMany(writes: readonly PutManyWrite<unknown>[]): Promise<Map<string, Receipt>> {
    return putMany(writes, {}, (key, value, options) => this.put(key, value, options))
  }

  async update(key: string, change: (siblings: readonly unknown[]) => unknown): Promise<Receipt> {
    if (this.error instanceof UnavailableError) throw this.error
    const value = await change(this.values.get(key) ?? [])
    return this.put(key, value)
  }

  async delete(key: string, ...options: unknown[]): Promise<Receipt> {
    this.#called('delete', key, ...options)
    this.values.delete(key)
    return this.#receipt()
  }

  entries(): never {
    throw new Error('this fake does not scan')
  }

  keys(): never {
    throw new Error('this fake does not scan')
  }

  size(): number {
    return this.values.size
  }

  #called(...call: unknown[]): void {
    this.calls.push(call)
    // oxlint-disable-next-line typescript/only-throw-error -- an abort rejects with any reason
    if (this.error !== undefined) throw this.error
  }

  #entry(key: string): Entry<unknown> {
    const siblings = this.values.get(key) ?? []
    const value = (): unknown => siblings[0]
    return { key, found: siblings.length > 0, siblings, context: this.#context(), value }
  }

  #receipt(): Receipt {
    return { context: this.#context(), acknowledged: [], hinted: [] }
  }

  #context(): Context {
    const text = `context-${++this.#contexts}`
    return { toString: () => text, toJSON: () => text } as unknown as Context
  }
}

function world(options: Parameters<typeof record>[2] = {}): {
  fake: FakeBucket
  bucket: Bucket<unknown>
  history: History
} {
  const fake = new FakeBucket()
  const history = createHistory()
  return { fake, history, bucket: record<unknown>(fake, history, options) }
}

describe('a recorded bucket', () => {
  test('does what the bucket does, and notes who asked what and when', async () => {
    const { fake, bucket, history } = world()
    await bucket.put('k', 'milk')
    const entry = await bucket.get('k', { r: 2 })
    const receipt = await bucket.delete('k', { w: 2 })
    expect(entry.siblings).toEqual(['milk'])
    expect(receipt.hinted).toEqual([])
    expect(fake.calls).toEqual([
      ['put', 'k', 'milk', undefined],
      ['get', 'k', { r: 2 }],
      ['delete', 'k', { w: 2 }],
    ])
    const common = { session: 1, bucket: 'cart', key: 'k', outcome: 'ok' }
    expect(history.operations).toEqual([
      { ...common, id: 1, kind: 'put', value: '"milk"', start: 1, end: 2 },
      { ...common, id: 2, kind: 'get', siblings: ['"milk"'], start: 3, end: 4 },
      { ...common, id: 3, kind: 'delete', start: 5, end: 6 },
    ])
    expect(JSON.parse(JSON.stringify(history))).toEqual(history.operations)
  })

  test('has the name and all other methods of the bucket', () => {
    const { bucket } = world()
    expect(bucket.name).toBe('cart')
    expect((bucket as unknown as FakeBucket).size()).toBe(0)
  })

  test('is one session each time, in one order of events', async () => {
    const { fake, bucket, history } = world()
    const other = record<unknown>(fake, history)
    await Promise.all([bucket.put('k', 'a'), other.put('k', 'b')])
    expect(history.operations.map(({ session, start, end }) => [session, start, end])).toEqual([
      [1, 1, 3],
      [2, 2, 4],
    ])
  })

  test('notes whose context a write was given, as object, as text, of reads and receipts', async () => {
    const { bucket, history } = world()
    const first = await bucket.put('k', 'a')
    const { context } = await bucket.get('k')
    const many = await bucket.getMany(['k', 'l'])
    await bucket.put('k', 'b', { context: first.context })
    await bucket.put('k', 'c', { context: context.toString() })
    await bucket.delete('l', { context: many.get('l')!.context })
    await bucket.put('k', 'd', { context: null })
    await bucket.put('k', 'e', {})
    await bucket.put('k', 'f', { context: 'from elsewhere' })
    await bucket.put('l', 'g', { context: context.toString() })
    const writes = history.operations.filter(({ kind }) => kind !== 'get').slice(1)
    expect(writes.map((write) => write.context)).toEqual([
      { of: 1 },
      { of: 2 },
      { of: 4 },
      null,
      undefined,
      'unrecorded',
      'unrecorded',
    ])
    expect(Object.hasOwn(writes[4]!, 'context')).toBe(false)
  })

  test('notes an update as the read that it changed and the write, with the context between', async () => {
    const { fake, bucket, history } = world()
    fake.values.set('k', [1])
    const receipt = await bucket.update('k', async (siblings) => Number(siblings[0]) + 1)
    await bucket.put('k', 3, { context: receipt.context })
    expect(history.operations).toMatchObject([
      { kind: 'get', start: 1, end: 2, siblings: ['1'] },
      { kind: 'put', start: 3, end: 4, value: '2', context: { of: 1 }, outcome: 'ok' },
      { kind: 'put', value: '3', context: { of: 2 } },
    ])
  })

  test('notes an update that never came to its write as a failed read, or as a read alone', async () => {
    const { fake, bucket, history } = world()
    const failing = bucket.update('k', () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    fake.error = new UnavailableError('no', { needed: 2, alive: 1 })
    await expect(bucket.update('k', () => 1)).rejects.toThrow(UnavailableError)
    expect(history.operations).toMatchObject([
      { kind: 'get', outcome: 'ok', siblings: [] },
      { kind: 'get', outcome: 'failed' },
    ])
  })

  test('notes what its options say of reads and values', async () => {
    const { bucket, history } = world({ final: true, merges: true, expires: true })
    await bucket.get('k')
    await bucket.put('k', 1)
    await bucket.update('k', () => 2)
    const plain = world()
    await plain.bucket.put('k', 1, { ttlMs: 5 })
    expect(history.operations).toMatchObject([
      { final: true },
      { expires: true },
      { merged: true },
      { expires: true },
    ])
    expect(plain.history.operations).toMatchObject([{ expires: true }])
  })

  test('leaves mistakes of the caller to the bucket', async () => {
    const { fake, bucket, history } = world()
    fake.error = new InvalidArgumentError('key', 'must be a string')
    await expect(bucket.put(7 as unknown as string, 1)).rejects.toThrow(InvalidArgumentError)
    await expect(bucket.getMany(7 as unknown as string[])).rejects.toThrow(InvalidArgumentError)
    expect(history.operations).toMatchObject([{ kind: 'put', key: '7', outcome: 'failed' }])
  })
})

const errors: readonly [error: unknown, write: Operation['outcome']][] = [
  [new UnavailableError('few', { needed: 2, alive: 1 }), 'failed'],
  [new InvalidArgumentError('key', 'bad'), 'failed'],
  [new LimitError('valueBytesMax', { allowed: 1, actual: 2, what: 'value' }), 'failed'],
  [new ClosedError('closed'), 'failed'],
  [new WriteUncertainError('some', { needed: 2, acknowledged: 1 }), 'unknown'],
  [new StorageError('disk'), 'unknown'],
  [new DOMException('aborted', 'AbortError'), 'unknown'],
  ['nonsense', 'unknown'],
]

describe('what a rejection leaves behind', () => {
  test.each(errors)('%s', async (error, outcome) => {
    const { fake, bucket, history } = world()
    fake.error = error
    await expect(bucket.put('k', 1)).rejects.toBe(error)
    await expect(bucket.delete('k')).rejects.toBe(error)
    await expect(bucket.get('k')).rejects.toBe(error)
    await expect(bucket.getMany(['k', 'l'])).rejects.toBe(error)
    const outcomes = history.operations.map((operation) => operation.outcome)
    expect(outcomes).toEqual([outcome, outcome, 'failed', 'failed', 'failed'])
  })

  test('nothing is certain when the caller has let go with an error of its own', async () => {
    const { fake, bucket, history } = world()
    const reason = new ClosedError('the caller is closed')
    fake.error = reason
    const put = bucket.put('k', 1, { signal: AbortSignal.abort(reason) })
    await expect(put).rejects.toBe(reason)
    expect(history.operations[0]!.outcome).toBe('unknown')
  })

  test('a write that never ends stays unknown, without an end', () => {
    const { fake, bucket, history } = world()
    fake.put = () => new Promise<never>(() => {})
    void bucket.put('k', 1)
    expect(history.operations).toMatchObject([{ outcome: 'unknown', start: 1 }])
    expect(history.operations[0]!.end).toBeUndefined()
  })
})

describe('values as texts', () => {
  const texts: readonly [unknown, string][] = [
    ['a"b', '"a\\"b"'],
    [{ b: 1, a: [true, null], c: undefined }, '{"a":[true,null],"b":1}'],
    [-0, '-0'],
    [10n, '10'],
    [new Uint8Array([1, 255]), 'bytes(01ff)'],
    [new Map([['a', new Set([1])]]), 'map("a":set(1))'],
    [new Date(5), 'date(5)'],
  ]
  test.each(texts)('%o is %s', (value, text) => {
    expect(valueText(value)).toBe(text)
  })

  test('long values are cut, and stay apart', () => {
    const long = valueText('a'.repeat(100_000))
    expect(long.length).toBeLessThan(120)
    expect(long).not.toBe(valueText(`${'a'.repeat(99_999)}b`))
    expect(valueText('a'.repeat(100_000))).toBe(long)
  })

  test('a value that contains itself ends', () => {
    const value: unknown[] = [1]
    value.push(value)
    expect(valueText(value)).toBe('[1,(itself)]')
  })
})
