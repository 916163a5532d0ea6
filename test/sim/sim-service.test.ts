import { describe, expect, test } from 'vitest'
import { ClosedError } from '../../src/base/errors.ts'
import { NoAnswerError, simulate } from '../../src/sim/index.ts'
import { outcomeOf } from '../../src/sim/history/outcome.ts'
import type { ServiceHost, SimCluster } from '../../src/sim/index.ts'

/** A service that counts its starts, ticks every 100 ms, and keeps a list in the store. */
class Carts {
  static starts = 0
  static ends = 0
  readonly #host: ServiceHost
  ticks = 0
  #isOver = false

  constructor(host: ServiceHost) {
    Carts.starts++
    this.#host = host
    void this.#tick()
  }

  async add(item: string): Promise<void> {
    const bucket = this.#host.node.bucket<string[]>('carts')
    await bucket.update('cart', (siblings) => [...new Set([...siblings.flat(), item])].toSorted())
  }

  async items(): Promise<string[]> {
    return [...(await this.#host.node.bucket<string[]>('carts').get('cart')).siblings].flat()
  }

  wallMs(): number {
    return this.#host.clock.wallMs()
  }

  async slowly(): Promise<string> {
    await this.#host.sleep(1000)
    return 'done'
  }

  close(): void {
    this.#isOver = true
    Carts.ends++
  }

  async #tick(): Promise<void> {
    while (!this.#isOver) {
      await this.#host.sleep(100)
      this.ticks++
    }
  }
}

async function inCluster(scenario: (cluster: SimCluster) => Promise<void>): Promise<void> {
  Carts.starts = 0
  Carts.ends = 0
  await simulate({ nodes: 3, storage: 'durable' }, scenario)
}

const start = (host: ServiceHost): Carts => new Carts(host)

describe('a service in a simulated process', () => {
  test('works with its node, on virtual time and the clock of its machine', async () => {
    await inCluster(async (cluster) => {
      const [one, two] = [await cluster.service('n1', start), await cluster.service('n2', start)]
      await one.call((carts) => carts.add('tea'))
      await two.call((carts) => carts.add('milk'))
      expect(await one.call((carts) => carts.items())).toEqual(['milk', 'tea'])
      const before = await one.call((carts) => carts.ticks)
      await cluster.sleep(1000)
      expect((await one.call((carts) => carts.ticks)) - before).toBe(10)
      cluster.skewClock('n1', 3_600_000)
      const clocks = [await one.call((c) => c.wallMs()), await two.call((c) => c.wallMs())]
      expect((clocks[0] ?? 0) - (clocks[1] ?? 0)).toBe(3_600_000)
    })
    expect(Carts.ends).toBe(2)
  })

  test('stands still while it is paused: calls wait for it, or give up', async () => {
    await inCluster(async (cluster) => {
      const service = await cluster.service('n1', start)
      cluster.pause('n1')
      const ticks = service.call((carts) => carts.ticks)
      await expect(service.call(() => 'never', { timeoutMs: 3000 })).rejects.toThrow(NoAnswerError)
      await cluster.sleep(2000)
      cluster.resume('n1')
      // One tick was due when the pause began; the others start with the one before.
      expect(await ticks).toBeLessThanOrEqual(1)
    })
  })

  test('dies with its node, with whatever waits for it, and starts with it again', async () => {
    await inCluster(async (cluster) => {
      const service = await cluster.service('n1', start)
      const slow = service.call((carts) => carts.slowly())
      const outcome = slow.catch((error: Error) => error)
      await cluster.sleep(500)
      await cluster.crash('n1')
      expect(await outcome).toBeInstanceOf(NoAnswerError)
      await expect(service.call((carts) => carts.ticks)).rejects.toThrow('service of n1 is down')
      await cluster.restart('n1')
      expect(Carts.starts).toBe(2)
      expect(await service.call((carts) => carts.slowly())).toBe('done')
      await cluster.restart('n1')
      expect([Carts.starts, Carts.ends]).toEqual([3, 1])
    })
  })

  test('tells a call that was never made from one that may have been done', async () => {
    await inCluster(async (cluster) => {
      const service = await cluster.service('n1', start)
      const caught = (error: Error): Error => error
      const made = service.call((carts) => carts.slowly()).catch(caught)
      await cluster.sleep(500)
      const unmade = service.call((carts) => carts.slowly()).catch(caught)
      await cluster.crash('n1')
      expect(await made).toMatchObject({ code: 'ERR_TIMEOUT', afterMs: 500 })
      expect(String(await made)).toContain('went down during the call, which may have been done')
      expect(await unmade).toBeInstanceOf(ClosedError)
      expect(outcomeOf(await made, undefined)).toBe('unknown')
      expect(outcomeOf(await unmade, undefined)).toBe('failed')
    })
  })

  test('gives no answer to a call that waited for it when it died in a pause', async () => {
    await inCluster(async (cluster) => {
      const service = await cluster.service('n1', start)
      cluster.pause('n1')
      const waiting = service.call((carts) => carts.ticks).catch((error: Error) => error)
      await cluster.sleep(1000)
      await cluster.crash('n1')
      expect(await waiting).toBeInstanceOf(NoAnswerError)
    })
  })

  test('may be given to a node that is down', async () => {
    await inCluster(async (cluster) => {
      await cluster.crash('n1')
      const service = await cluster.service('n1', start)
      expect(Carts.starts).toBe(0)
      await cluster.restart('n1')
      expect(await service.call((carts) => carts.ticks)).toBe(0)
    })
  })

  test('takes its node down when it does not start, and passes on what it throws', async () => {
    await inCluster(async (cluster) => {
      let isBroken = false
      const service = await cluster.service('n1', () => {
        if (isBroken) throw new RangeError('no start')
        return {
          fail: (): never => {
            throw new RangeError('no cart')
          },
        }
      })
      await expect(service.call((broken) => broken.fail())).rejects.toThrow('no cart')
      isBroken = true
      await expect(cluster.restart('n1')).rejects.toThrow('no start')
      expect(() => cluster.node('n1')).toThrow(ClosedError)
    })
  })

  test('that leaves a timer behind at its end is found out', async () => {
    const leaking = inCluster(async (cluster) => {
      await cluster.service('n1', ({ clock }) => ({ timer: clock.after(1e6, () => {}) }))
    })
    await expect(leaking).rejects.toThrow('n1 left 1 timers behind')
  })
})
