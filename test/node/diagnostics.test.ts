/** What `node:diagnostics_channel` tells of operations, and that nothing is told to nobody. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, expect, test } from 'vitest'
import type { OperationMessage } from '../../src/index.ts'
import { cluster, rejection } from './kit.ts'

type Told = OperationMessage & { readonly name: string }

const undo: (() => void)[] = []
afterEach(() => {
  for (const each of undo.splice(0)) each()
})

function listen(): Told[] {
  const told: Told[] = []
  for (const name of ['coterie:get', 'coterie:put', 'coterie:delete']) {
    const note = (message: unknown): void =>
      void told.push({ name, ...(message as OperationMessage) })
    subscribe(name, note)
    undo.push(() => unsubscribe(name, note))
  }
  return told
}

test('each operation is told at its start and at its end, with what became of it', async () => {
  const { nodes } = await cluster(3)
  const bucket = nodes[1]!.bucket<number>('b')
  const told = listen()
  await bucket.put('ключ', 1)
  await bucket.get('k')
  await bucket.delete('k')
  await rejection(bucket.put('k'.repeat(2_000), 1))
  await rejection(bucket.get(7 as unknown as string))
  await rejection(bucket.put('k', 1, { signal: AbortSignal.abort() }))
  await rejection(bucket.put('k', 1, { signal: AbortSignal.abort(new Error('mine')) }))
  const ends = told.filter(({ phase }) => phase === 'end')
  expect(ends.map(({ name, keyBytes, outcome }) => [name, keyBytes, outcome])).toEqual([
    ['coterie:put', 8, 'done'],
    ['coterie:get', 1, 'done'],
    ['coterie:delete', 1, 'done'],
    ['coterie:put', 2_000, 'ERR_LIMIT'],
    ['coterie:get', 0, 'ERR_INVALID_ARGUMENT'],
    ['coterie:put', 1, 'aborted'],
    ['coterie:put', 1, 'aborted'],
  ])
  for (const { operation, name, durationMs, outcome: _, ...rest } of ends) {
    expect(durationMs).toBeGreaterThanOrEqual(0)
    expect(rest).toMatchObject({ node: 'n2', bucket: 'b' })
    const starts = told.filter((each) => each.operation === operation && each.phase === 'start')
    expect(starts).toEqual([{ ...rest, operation, name, phase: 'start' }])
  }
})

test('an update is a get and a put', async () => {
  const { nodes } = await cluster(3)
  const told = listen()
  await nodes[0]!.bucket<number>('b').update('k', () => 1)
  expect(told.map(({ name, phase }) => `${name} ${phase}`)).toEqual([
    'coterie:get start',
    'coterie:get end',
    'coterie:put start',
    'coterie:put end',
  ])
})

test('the ends of operations that nobody listened to at their start are not told', async () => {
  const { nodes } = await cluster(3)
  const bucket = nodes[0]!.bucket<number>('b')
  const put = bucket.put('k', 1)
  const told = listen()
  await put
  for (const each of undo.splice(0)) each()
  await bucket.put('k', 2)
  expect(told).toEqual([])
})
