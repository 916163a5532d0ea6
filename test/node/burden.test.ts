/** Too much to do: clients are refused before any work, and background work waits (HAZARDS K1, K3). */
import { describe, expect, test } from 'vitest'
import { memoryNetwork, type Clock, type CoterieNode } from '../../src/index.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { Burden } from '../../src/node/burden.ts'
import { Throttle } from '../../src/upkeep/throttle.ts'
import { HandClock } from '../rpc/kit.ts'
import { rejection, settled, start } from './kit.ts'

/** Tells a lag when it is told to. */
function lagging<T extends Clock>(
  clock: T,
): { clock: T; readonly lag: (ms: number) => void; readonly watched: () => number } {
  const sinks = new Set<(lagMs: number) => void>()
  const watchLag: Clock['watchLag'] = (_, told) => {
    sinks.add(told)
    return { cancel: () => void sinks.delete(told) }
  }
  const lag = (ms: number): void => {
    for (const told of sinks) told(ms)
  }
  return { clock: Object.assign(clock, { watchLag }), lag, watched: () => sinks.size }
}

function burdenOf(lagMaxMs = 100) {
  const { clock, lag } = lagging(new HandClock())
  const stats = { inFlight: 0, refused: 0 }
  const clients = { served: 0 }
  const served = (): number => clients.served
  const burden = new Burden({ clock, lagMaxMs, inFlightMax: 1_000, stats, served })
  burden.open()
  return { burden, clock, lag, stats, clients }
}

describe('the burden', () => {
  test('is too much at the third look in a row that finds the loop late, until the first that does not', () => {
    const { burden, lag, stats } = burdenOf()
    lag(900)
    lag(900)
    lag(100)
    lag(900)
    lag(900)
    expect(() => burden.assertBearable()).not.toThrow()
    lag(101)
    expect(() => burden.assertBearable()).toThrow(
      expect.objectContaining({ code: 'ERR_OVERLOADED' }) as Error,
    )
    expect(stats.refused).toBe(1)
    lag(100)
    expect(() => burden.assertBearable()).not.toThrow()
  })

  test('that was too much lately is so again at the first look', () => {
    const { burden, clock, lag } = burdenOf()
    for (let i = 0; i < 3; i++) lag(200)
    lag(0)
    clock.pass(5_000)
    lag(200)
    expect(burden.isShedding).toBe(true)
    lag(0)
    clock.pass(5_001)
    lag(200)
    expect(burden.isShedding).toBe(false)
  })

  test('is heavy for background work from a quarter of the limits on', () => {
    const { burden, lag, stats } = burdenOf()
    lag(25)
    stats.inFlight = 250
    expect(burden.isHeavy).toBe(false)
    lag(26)
    expect(burden.isHeavy).toBe(true)
    lag(0)
    stats.inFlight = 251
    expect(burden.isHeavy).toBe(true)
  })

  test('is not known on a clock that cannot lag', () => {
    const stats = { inFlight: 0, refused: 0 }
    const clock = new HandClock()
    const burden = new Burden({ clock, lagMaxMs: 1, inFlightMax: 10, stats, served: () => 0 })
    burden.open()
    clock.pass(10_000)
    expect(clock.pending).toBe(0)
    expect(() => burden.assertBearable()).not.toThrow()
  })
})

describe('a node whose event loop lags', () => {
  test('refuses every operation before any work, and takes them again by itself', async () => {
    const network = memoryNetwork()
    const { clock, lag, watched } = lagging(systemClock())
    const node = await start(network, { clock })
    const bucket = node.bucket<number>('b')
    await bucket.put('k', 1)
    for (let i = 0; i < 3; i++) lag(501)
    let encoded = 0
    const value = { toJSON: () => (encoded += 1) } as unknown as number
    const scan = async (): Promise<void> => {
      for await (const _ of bucket.keys()) expect.unreachable()
    }
    const calls = [
      bucket.get('k'),
      bucket.put('k', value),
      bucket.delete('k'),
      bucket.update('k', () => 2),
      bucket.getMany(['k']),
      scan(),
    ]
    for (const call of calls)
      expect(await rejection(call)).toMatchObject({
        code: 'ERR_OVERLOADED',
      })
    expect(encoded).toBe(0)
    const { operations, eventLoopLagMs } = node.stats()
    expect(operations).toMatchObject({ puts: 1, inFlight: 0, failed: 0 })
    expect(operations.refused).toBeGreaterThanOrEqual(calls.length)
    expect(eventLoopLagMs).toBe(501)
    lag(0)
    expect((await bucket.get('k')).value()).toBe(1)
    await node.close()
    expect(watched()).toBe(0)
  })

  test('coordinates nothing for others, who go on to another owner', async () => {
    const network = memoryNetwork()
    const { clock, lag } = lagging(systemClock())
    const nodes: CoterieNode[] = []
    for (let i = 1; i <= 4; i++)
      nodes.push(await start(network, { id: `n${i}`, ...(i === 1 ? { clock } : {}) }))
    await settled(nodes)
    const [burdened, ...others] = nodes
    for (const node of nodes) await node.bucket('b').get('k')
    for (let i = 0; i < 3; i++) lag(501)
    for (let i = 0; i < 40; i++) {
      for (const node of others) await node.bucket('b').put(`k${i} by ${node.id}`, i)
    }
    expect(burdened!.stats().operations.refused).toBeGreaterThan(0)
    expect(burdened!.stats().operations.puts).toBe(0)
    await burdened!.close()
  })
})

describe('background work', () => {
  test('waits while clients give much to do, though not for ever', async () => {
    const clock = new HandClock()
    let isBusy = true
    const throttle = new Throttle(clock, 1e9, { isBusy: () => isBusy })
    const done: string[] = []
    const spend = (name: string): Promise<unknown> => throttle.spend(1).then(() => done.push(name))
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 20) {
        clock.pass(20)
        for (let i = 0; i < 5; i++) await Promise.resolve()
      }
    }
    void spend('first')
    await pass(980)
    expect(done).toEqual([])
    await pass(40)
    expect(done).toEqual(['first'])
    void spend('second')
    await pass(100)
    isBusy = false
    await pass(20)
    expect(done).toEqual(['first', 'second'])
    isBusy = true
    void spend('third')
    await pass(20)
    throttle.close()
    await pass(20)
    expect(done).toEqual(['first', 'second', 'third'])
    expect(clock.pending).toBe(0)
  })

  test('rests beside clients, longer after a piece of work that took longer', async () => {
    const clock = new HandClock()
    let isServing = true
    const view = { isBusy: () => false, isServing: () => isServing }
    const throttle = new Throttle(clock, Infinity, view)
    const restedMs = async (tookMs: number): Promise<number> => {
      let isOver = false
      void throttle.rest(tookMs).then(() => (isOver = true))
      for (let ms = 0; ms < 1_000; ms++) {
        for (let i = 0; i < 5; i++) await Promise.resolve()
        if (isOver) return ms
        clock.pass(1)
      }
      return Infinity
    }
    expect(await restedMs(2)).toBe(12)
    expect(await restedMs(20)).toBe(120)
    expect(await restedMs(10_000)).toBe(250)
    isServing = false
    expect(await restedMs(20)).toBe(0)
  })

  test('knows that clients are served as long as the last one was a moment ago', () => {
    const { burden, clock, clients } = burdenOf()
    expect(burden.isServing).toBe(false)
    clients.served += 1
    expect(burden.isServing).toBe(true)
    clock.pass(19)
    expect(burden.isServing).toBe(true)
    clock.pass(1)
    expect(burden.isServing).toBe(false)
  })
})
