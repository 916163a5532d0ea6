import { describe, expect, test, vi } from 'vitest'
import { assert, BrokenInvariantError, unreachable } from '../../src/base/assert.ts'
import { StorageError, StoreError } from '../../src/base/errors.ts'
import { NodeBucket } from '../../src/node/bucket.ts'
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

test('a broken invariant has a class of its own, and is no trouble of the world', () => {
  for (const broken of [() => assert(false, 'x'), () => unreachable('x' as never)]) {
    expect(broken).toThrow(BrokenInvariantError)
    expect(broken).not.toThrow(StoreError)
    expect(broken).toThrow(/^coterie: broken invariant: .*x/)
  }
})

describe('an operation that rejects, and whose rejection the scenario catches,', () => {
  const caught = async (method: 'get' | 'put' | 'update', error: Error): Promise<unknown> => {
    const spy = vi.spyOn(NodeBucket.prototype, method).mockRejectedValue(error)
    try {
      return await simulate({ nodes: 1, seed: 7 }, async (cluster) => {
        const bucket = cluster.node('n1').bucket('b')
        const work = { get: () => bucket.get('k'), put: () => bucket.put('k', 1) }
        const update = (): Promise<unknown> => bucket.update('k', () => 1)
        await { ...work, update }[method]().catch(() => {})
        await cluster.sleep(10)
      })
    } finally {
      spy.mockRestore()
    }
  }

  test.each([
    ['get', new TypeError('undefined is no function')],
    ['put', new BrokenInvariantError('less is more')],
    ['put', new StorageError('it failed', new BrokenInvariantError('less is more'))],
    ['update', new BrokenInvariantError('less is more')],
  ] as const)(
    'fails the simulation when it is a mistake of the library: %s, %s',
    async (method, error) => {
      const { message } = error
      await expect(caught(method, error)).rejects.toThrow(`${message} [simulated with seed 7]`)
    },
  )

  test.each([
    ['get', new StorageError('the disk failed')],
    ['put', new StorageError('the disk failed')],
    ['update', new RangeError('thrown by what it was given')],
  ] as const)('fails nothing when it is not: %s, %s', async (method, error) => {
    await caught(method, error)
  })

  test('is still found when nobody handles it', async () => {
    await unheard(async () => {
      const failing = simulate({ nodes: 1 }, async (cluster) => {
        void cluster.node('n1').bucket('b').get('')
        await cluster.sleep(10)
      })
      await expect(failing).rejects.toThrow('a rejection that nobody handles')
    })
  })

  test('with the reason of its signal, whatever that is, fails nothing', async () => {
    await simulate({ nodes: 1 }, async (cluster) => {
      const reason = new TypeError('enough')
      const get = cluster
        .node('n1')
        .bucket('b')
        .get('k', { signal: AbortSignal.abort(reason) })
      await expect(get).rejects.toBe(reason)
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
