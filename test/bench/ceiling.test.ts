/** The bare ceiling of the bench suite: a number from a program that stores nothing right would be no ceiling. */

import { describe, expect, onTestFinished, test } from 'vitest'
import { advance, compare, merge } from '../../bench/ceiling/clocks.ts'
import { startCoordinator, type Coordinator } from '../../bench/ceiling/coordinator.ts'
import { OptionError, readOptions } from '../../bench/ceiling/options.ts'
import { startReplica, type Replica } from '../../bench/ceiling/replica.ts'
import { Store, type Version } from '../../bench/ceiling/store.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

function textsOf(chain: Version | null): string[] {
  const texts: string[] = []
  for (let each = chain; each !== null; each = each.next) {
    texts.push(Buffer.from(each.value).toString())
  }
  return texts.sort()
}

test.each([
  [[], [], 'equal'],
  [[1, 1], [], 'after'],
  [[1, 1], [1, 2], 'before'],
  [[1, 1, 2, 1], [2, 1], 'after'],
  [[1, 1], [2, 1], 'concurrent'],
  [[1, 2, 3, 1], [1, 1, 3, 2], 'concurrent'],
] as const)('the clock %j is to %j: %s', (a, b, order) => {
  expect(compare(a, b)).toBe(order)
})

test('an advanced clock is after the old one, a merged one after both', () => {
  expect(advance([1, 4, 3, 1], 2)).toEqual([1, 4, 2, 1, 3, 1])
  expect(advance([1, 4, 3, 1], 3)).toEqual([1, 4, 3, 2])
  expect(merge([1, 4, 3, 1], [2, 7, 3, 2])).toEqual([1, 4, 2, 7, 3, 2])
})

describe('a store', () => {
  test('keeps versions that have not seen each other, until one comes that has seen all', () => {
    const store = new Store()
    store.apply('k', [1, 1], bytes('a'))
    store.apply('k', [2, 1], bytes('b'))
    store.apply('k', [3, 1], bytes('c'))
    expect(textsOf(store.get('k'))).toEqual(['a', 'b', 'c'])
    store.apply('k', [1, 2, 2, 1], bytes('d'))
    expect(textsOf(store.get('k'))).toEqual(['c', 'd'])
    store.apply('k', [1, 2, 2, 1, 3, 2], bytes('e'))
    expect(textsOf(store.get('k'))).toEqual(['e'])
  })

  test('lets a write replace all that it has', () => {
    const store = new Store()
    store.apply('k', [2, 1], bytes('a'))
    store.apply('k', [3, 1], bytes('b'))
    expect(store.write('k', 1, bytes('c'))).toEqual([1, 1, 2, 1, 3, 1])
    expect(store.write('k', 1, bytes('d'))).toEqual([1, 2, 2, 1, 3, 1])
    expect(store.write('new', 1, bytes('e'))).toEqual([1, 1])
    expect(textsOf(store.get('k'))).toEqual(['d'])
  })

  test('takes no version that it has, or that is older', () => {
    const store = new Store()
    store.apply('k', [1, 2], bytes('new'))
    store.apply('k', [1, 2], bytes('same'))
    store.apply('k', [1, 1], bytes('old'))
    expect(textsOf(store.get('k'))).toEqual(['new'])
  })
})

describe.each([{ digest: false }, { digest: true }])('over sockets, with %j', ({ digest }) => {
  async function start(): Promise<{ coordinator: Coordinator; replicas: Replica[] }> {
    const replicas = [await startReplica(), await startReplica()]
    const ports = [replicas[0]!.port, replicas[1]!.port] as const
    const coordinator = await startCoordinator({ node: 1, ports, digest })
    onTestFinished(() => {
      coordinator.close()
      for (const replica of replicas) replica.close()
    })
    return { coordinator, replicas }
  }

  test('all replicas store what is put, of any size', async () => {
    const { coordinator, replicas } = await start()
    const texts = Array.from({ length: 20 }, (_, i) => 'x'.repeat(i * i * i * 100))
    await Promise.all(texts.map((text, i) => coordinator.put(`k${i}`, bytes(text))))
    for (const [i, text] of texts.entries()) {
      // In turn from both replicas, behind the put on either connection.
      for (let asked = 0; asked < 2; asked++) {
        expect(textsOf(await coordinator.get(`k${i}`))).toEqual([text])
      }
      for (const { store } of replicas) expect(textsOf(store.get(`k${i}`))).toEqual([text])
    }
    expect(await coordinator.get('none')).toBeNull()
  })

  test('a get merges what the coordinator has with what the replica has', async () => {
    const { coordinator, replicas } = await start()
    await coordinator.put('k', bytes('mine'))
    for (const { store } of replicas) store.apply('k', [2, 1], bytes('other'))
    for (const { store } of replicas) store.apply('new', [2, 1], bytes('unseen'))
    expect(textsOf(await coordinator.get('k'))).toEqual(['mine', 'other'])
    expect(textsOf(await coordinator.get('new'))).toEqual(['unseen'])
  })

  test('values are copies, on their way in and out', async () => {
    const { coordinator } = await start()
    const value = bytes('right')
    await coordinator.put('k', value)
    value.fill(0)
    const got = await coordinator.get('k')
    expect(textsOf(got)).toEqual(['right'])
    got!.value.fill(0)
    expect(textsOf(await coordinator.get('k'))).toEqual(['right'])
  })
})

describe('options', () => {
  test('lists make every combination', () => {
    const { loads, digest } = readOptions(['mix=put,get', 'vs=1,2', 'c=3', 'dist=z', 'digest=1'])
    expect(loads).toHaveLength(4)
    expect(loads[0]).toEqual({ valueBytes: 1, dist: 'z', mix: 'put', inFlight: 3 })
    expect(digest).toBe(true)
  })

  test.each(['speed=1', 'mix', 'mix=read', 'c=0', 'c=1.5', 'c=1e9', 'secs=', 'secs=-1', 'vs=x'])(
    '%s is refused',
    (arg) => {
      expect(() => readOptions([arg])).toThrow(OptionError)
    },
  )
})
