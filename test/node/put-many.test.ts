/** Many writes at once. */
import { describe, expect, test } from 'vitest'
import { PartialWriteError, type Bucket } from '../../src/index.ts'
import { cluster } from './kit.ts'

const limits = { valueBytesMax: 100 }
const tooLong = 'x'.repeat(200)

async function three(): Promise<{ bucket: Bucket<string>; inFlight: () => number }> {
  const { nodes } = await cluster(3, { limits })
  const [first] = nodes
  return {
    bucket: first!.bucket<string>('b'),
    inFlight: () => first!.stats().operations.inFlight,
  }
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('putMany', () => {
  test('writes each key, and tells of each', async () => {
    const { bucket } = await three()
    const writes = Array.from({ length: 300 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }))
    const receipts = await bucket.putMany(writes, { w: 'all' })
    expect([...receipts.keys()]).toEqual(writes.map(({ key }) => key))
    for (const { acknowledged } of receipts.values()) expect(acknowledged).toHaveLength(3)
    const entries = await bucket.getMany(writes.map(({ key }) => key))
    for (const { key, value } of writes) expect(entries.get(key)!.value()).toBe(value)
  })

  test('replaces what the context of each write covers', async () => {
    const { bucket } = await three()
    await bucket.putMany(['a', 'b', 'c'].map((key) => ({ key, value: 'old' })))
    const entries = await bucket.getMany(['a', 'b', 'c'])
    await bucket.put('b', 'meanwhile', { context: null })
    await bucket.putMany([
      ...[...entries].map(([key, { context }]) => ({ key, value: 'new', context })).slice(0, 2),
      { key: 'c', value: 'new', context: null },
    ])
    const siblings = async (key: string): Promise<readonly string[]> =>
      [...(await bucket.get(key)).siblings].toSorted()
    expect(await siblings('a')).toEqual(['new'])
    expect(await siblings('b')).toEqual(['meanwhile', 'new'])
    expect(await siblings('c')).toEqual(['new', 'old'])
  })

  test('does the others when one fails, and tells which is which', async () => {
    const { bucket, inFlight } = await three()
    const writes = [
      { key: 'a', value: '1' },
      { key: 'b', value: tooLong },
      { key: 'c', value: '3', context: 'nonsense' },
    ]
    const error = await failureOf(bucket.putMany(writes))
    expect(error).toBeInstanceOf(PartialWriteError)
    const { code, message, receipts, errors } = error as PartialWriteError
    expect(code).toBe('ERR_PARTIAL_WRITE')
    expect(message).toMatch(/^2 of 3 writes failed, the first, of "b": /)
    expect([...receipts.keys()]).toEqual(['a'])
    expect([...errors].map(([key, each]) => [key, (each as { code: string }).code])).toEqual([
      ['b', 'ERR_LIMIT'],
      ['c', 'ERR_CONTEXT'],
    ])
    expect(inFlight()).toBe(0)
    expect((await bucket.get('a')).value()).toBe('1')
    expect((await bucket.get('b')).found).toBe(false)
  })

  test('of nothing does nothing', async () => {
    const { bucket } = await three()
    expect(await bucket.putMany([])).toEqual(new Map())
  })

  test.each([
    ['no list', { key: 'k', value: 'v' }, 'writes'],
    ['a hole', [{ key: 'k', value: 'v' }, undefined], 'writes[1]'],
    ['a write without a value', [{ key: 'k' }], 'writes[0]'],
    ['one key twice', ['k', 'l', 'k'].map((key) => ({ key, value: 'v' })), 'writes[2].key'],
  ])('refuses %s before it writes anything', async (_, writes, argument) => {
    const { bucket } = await three()
    const error = await failureOf(bucket.putMany(writes as never))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument })
    expect((await bucket.get('k')).found).toBe(false)
  })
})
