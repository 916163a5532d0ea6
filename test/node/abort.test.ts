/** Deadlines and signals: every operation ends once, in time, and says truly what it left behind. */
import { describe, expect, test } from 'vitest'
import type { Bucket, CoterieNode } from '../../src/index.ts'
import { cluster, deferred, rejection } from './kit.ts'
import { Machines } from './machines.ts'

type Operation = (bucket: Bucket<number>, options: object) => Promise<unknown>

const operations: readonly (readonly [string, Operation])[] = [
  ['get', (bucket, options) => bucket.get('k', options)],
  ['getMany', (bucket, options) => bucket.getMany(['k', 'l'], options)],
  ['put', (bucket, options) => bucket.put('k', 1, options)],
  ['putMany', (bucket, options) => bucket.putMany([{ key: 'k', value: 1 }], options)],
  ['update', (bucket, options) => bucket.update('k', () => 1, options)],
  ['delete', (bucket, options) => bucket.delete('k', options)],
]

describe.each(operations)('%s', (_, operation) => {
  test.each([
    ['an error', new Error('mine')],
    ['a text', 'mine'],
    ['the default', undefined],
  ])('with an aborted signal rejects with its reason: %s', async (_label, reason) => {
    const { nodes } = await cluster(1)
    const bucket = nodes[0]!.bucket<number>('b')
    const signal = AbortSignal.abort(reason)
    await expect(operation(bucket, { signal })).rejects.toBe(signal.reason)
    expect(nodes[0]!.stats().operations).toMatchObject({ puts: 0, gets: 0, inFlight: 0 })
  })

  test('aborted on its way rejects at once; the operation itself comes to its end', async () => {
    const { nodes } = await cluster(3)
    const bucket = nodes[0]!.bucket<number>('b')
    await bucket.get('k')
    const controller = new AbortController()
    const reason = new Error('mine')
    const outcome = rejection(operation(bucket, { signal: controller.signal }))
    controller.abort(reason)
    expect(await outcome).toBe(reason)
    while (nodes[0]!.stats().operations.inFlight > 0) await bucket.get('other')
  })

  test('that is done leaves no listener on its signal', async () => {
    const { nodes } = await cluster(1)
    const bucket = nodes[0]!.bucket<number>('b')
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1
      remove(...args)
    }
    for (let i = 0; i < 3; i++) await operation(bucket, { signal })
    expect(listeners).toBe(0)
  })
})

test('an update whose change never ends is let go by its signal', async () => {
  const { nodes } = await cluster(1)
  const bucket = nodes[0]!.bucket<number>('b')
  const controller = new AbortController()
  const { promise: changing, resolve: begin } = deferred()
  const outcome = rejection(
    bucket.update(
      'k',
      () => {
        begin(undefined)
        return new Promise<number>(() => undefined)
      },
      { signal: controller.signal },
    ),
  )
  await changing
  controller.abort(new Error('mine'))
  expect((await outcome).message).toBe('mine')
  expect((await bucket.get('k')).found).toBe(false)
})

test('what a change throws is what update rejects with, and nothing is written', async () => {
  const { nodes } = await cluster(1)
  const bucket = nodes[0]!.bucket<number>('b')
  const mine = new Error('mine')
  const throwing = (): number => {
    throw mine
  }
  expect(await rejection(bucket.update('k', throwing))).toBe(mine)
  expect(await rejection(bucket.update('k', () => Promise.reject(mine)))).toBe(mine)
  expect((await bucket.get('k')).found).toBe(false)
})

describe('when replicas hang', () => {
  /** Three nodes, of which two hear everything and say nothing. */
  async function hanging(
    machines: Machines,
  ): Promise<{ node: CoterieNode; bucket: Bucket<number> }> {
    const node = await machines.start('n1')
    for (const name of ['n2', 'n3']) await machines.start(name, { seeds: ['n1:1'] })
    const bucket = node.bucket<number>('b')
    await bucket.put('k', 0, { w: 3 })
    for (const name of ['n2', 'n3']) machines.process(name).pause()
    return { node, bucket }
  }

  function release(machines: Machines): void {
    for (const name of ['n2', 'n3']) machines.process(name).resume()
  }

  test.each([40, 250])(
    'a read with %i ms times out in time, and says after how long',
    async (timeoutMs) => {
      const machines = new Machines()
      await machines.run(async () => {
        const { node, bucket } = await hanging(machines)
        const before = machines.now()
        const error = await rejection(bucket.get('k', { timeoutMs, sloppy: false }))
        expect(machines.now() - before).toBeLessThan(timeoutMs + 25)
        expect(error).toMatchObject({
          name: 'TimeoutError',
          code: 'ERR_TIMEOUT',
          afterMs: timeoutMs,
        })
        expect(node.stats().operations.inFlight).toBe(0)
        release(machines)
      })
    },
  )

  test('a write is uncertain, says how many hold it, and surfaces later', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const { bucket } = await hanging(machines)
      const before = machines.now()
      const error = await rejection(bucket.put('k', 7, { timeoutMs: 100 }))
      expect(machines.now() - before).toBeLessThan(125)
      expect(error).toMatchObject({ name: 'WriteUncertainError', code: 'ERR_WRITE_UNCERTAIN' })
      expect(error).toMatchObject({ needed: 2, acknowledged: 1 })
      expect(error.message).toContain('1 of 2 needed replicas stored "k"')
      release(machines)
      await machines.sleep(30_000)
      expect((await bucket.get('k', { r: 3 })).value()).toBe(7)
    })
  })

  test('the first operations of a bucket keep their deadline, although nobody tells its policy', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const { node } = await hanging(machines)
      const fresh = node.bucket<number>('fresh')
      const before = machines.now()
      const read = rejection(fresh.get('k', { timeoutMs: 80 }))
      const write = rejection(fresh.put('k', 1, { timeoutMs: 80 }))
      expect(await read).toMatchObject({ code: 'ERR_TIMEOUT', afterMs: 80 })
      expect(await write).toMatchObject({ code: 'ERR_UNAVAILABLE', needed: 2 })
      expect(machines.now() - before).toBeLessThan(110)
      release(machines)
      expect((await fresh.get('k')).found).toBe(false)
    })
  })

  test('once they are known to be dead, operations are refused at once and nothing changes', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const { node, bucket } = await hanging(machines)
      const isDead = (): boolean =>
        node.members().filter(({ status }) => status === 'dead').length === 2
      while (!isDead()) await machines.sleep(500)
      const before = machines.now()
      const write = await rejection(bucket.put('k', 1, { sloppy: false }))
      expect(write).toMatchObject({ code: 'ERR_UNAVAILABLE', needed: 2, alive: 1 })
      const read = await rejection(bucket.get('k', { sloppy: false }))
      expect(read).toMatchObject({ code: 'ERR_UNAVAILABLE', needed: 2, alive: 1 })
      expect(machines.now()).toBe(before)
      expect((await bucket.get('k', { r: 1 })).value()).toBe(0)
      release(machines)
    })
  })

  test('a duplicate or late answer changes nothing', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const { node, bucket } = await hanging(machines)
      await rejection(bucket.get('k', { timeoutMs: 50 }))
      await rejection(bucket.put('k', 1, { timeoutMs: 50 }))
      release(machines)
      await machines.sleep(5_000)
      expect((await bucket.get('k', { r: 3 })).value()).toBe(1)
      expect(node.stats().operations.inFlight).toBe(0)
    })
  })
})

test('a leave is let go by its signal before it begins', async () => {
  const { nodes } = await cluster(2)
  const reason = new Error('mine')
  await expect(nodes[0]!.leave({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(nodes[0]!.members().map(({ stage }) => stage)).toEqual(['normal', 'normal'])
})
