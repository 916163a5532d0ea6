import { describe, expect, test } from 'vitest'
import { assert } from '../../src/base/assert.ts'
import { StorageError, StoreError } from '../../src/base/errors.ts'
import type { CoterieNode } from '../../src/node/coterie-node.ts'
import { simulate } from '../../src/sim/index.ts'
import type { ServiceHost } from '../../src/sim/index.ts'

/** Keeps the test runner from taking for its own the rejections that a simulation is to find. */
async function unheard<T>(run: () => Promise<T>): Promise<T> {
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    return await run()
  } finally {
    for (const listener of listeners) process.on('unhandledRejection', listener)
  }
}

/** A simulation in which n1's process does something while the scenario waits for nothing of it. */
function simulateWith(mistake: (host: ServiceHost) => void, seed: number): Promise<unknown> {
  return simulate({ nodes: 1, seed }, async (cluster) => {
    await cluster.service('n1', (host) => {
      const timer = host.clock.after(100, () => mistake(host))
      return { close: () => timer.cancel() }
    })
    await cluster.sleep(1000)
  })
}

const backgroundError = (error: Error) => {
  return ({ node }: { node: CoterieNode }) => {
    node.emit('background-error', { task: 'test', error })
  }
}

describe('a simulation fails, with its seed, when in a node', () => {
  const broken = (): void => assert(false, 'less is more')
  const thrown = (): Error => {
    try {
      broken()
    } catch (error) {
      return error as Error
    }
    throw new Error('nothing was broken')
  }

  test.each([
    { what: 'a timer breaks an invariant', mistake: broken, message: 'less is more' },
    {
      what: 'nobody handles a rejection',
      mistake: () => void Promise.reject(new Error('unheard of')),
      message: 'a rejection that nobody handles: unheard of',
    },
    {
      what: 'background work breaks an invariant',
      mistake: backgroundError(thrown()),
      message: 'broken invariant: less is more',
    },
    {
      what: 'an error hides a broken invariant',
      mistake: backgroundError(new StorageError('cannot read', thrown())),
      message: 'cannot read',
    },
    {
      what: 'background work has an error of the language',
      mistake: backgroundError(new TypeError('undefined is no function')),
      message: 'undefined is no function',
    },
  ])('$what', async ({ mistake, message }) => {
    await unheard(async () => {
      const failing = simulateWith(mistake, 42)
      await expect(failing).rejects.toThrow(`${message} [simulated with seed 42]`)
    })
  })
})

test('trouble of the world in the background fails no simulation', async () => {
  await simulateWith(backgroundError(new StoreError('ERR_PROTOCOL', 'silence')), 1)
})

test('a rejection fails the simulation that it comes from, not one beside it', async () => {
  const listeners = process.listenerCount('unhandledRejection')
  await unheard(async () => {
    const outcomes = await Promise.allSettled([
      simulateWith(() => {}, 1),
      simulateWith(() => void Promise.reject(new Error('mine')), 2),
      simulateWith(() => {}, 3),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
  expect(process.listenerCount('unhandledRejection')).toBe(listeners)
})

test('a rejection that is handled in time fails nothing', async () => {
  await simulateWith(() => {
    const rejected = Promise.reject(new Error('heard'))
    rejected.catch(() => {})
  }, 1)
})
