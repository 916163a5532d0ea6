/** The life of a node: founding, joining, closing, coming back, leaving. Time is virtual where it matters. */
import { describe, expect, test } from 'vitest'
import {
  createNode,
  InvalidArgumentError,
  JoinError,
  memoryNetwork,
  memoryStorage,
  memoryTransport,
  StorageError,
  type CoterieNode,
  type NodeOptions,
} from '../../src/index.ts'
import { cluster, rejection, start, track } from './kit.ts'
import { Machines, seen } from './machines.ts'

describe('founding and joining', () => {
  test('a node without seeds founds a cluster of one and serves', async () => {
    const network = memoryNetwork()
    const node = await start(network, { zone: 'a', weight: 2 })
    expect(node.id).toMatch(/^[0-9a-f]{32}$/)
    const { id, address } = node
    const self = { id, address, zone: 'a', weight: 2, status: 'alive', stage: 'normal' }
    expect(node.members()).toEqual([self])
    expect(node.ring()).toMatchObject({
      epoch: 1,
      partitions: 64,
      n: 1,
      owned: { [id]: 64 },
      balance: 1,
    })
    expect(node.preferenceList('b', 'k')).toEqual([{ id, role: 'primary' }])
    const receipt = await node.bucket('b').put('k', 'v', { w: 'all' })
    expect(receipt.acknowledged).toEqual([{ node: id, role: 'primary', durable: false }])
    expect((await node.bucket('b').get('k', { r: 3 })).value()).toBe('v')
    await start(network)
    expect(node.ring()).toMatchObject({ epoch: 3, n: 2, moving: 0 })
  })

  test('five nodes see each other, share the partitions, and read what any of them wrote', async () => {
    const { nodes } = await cluster(5)
    for (const node of nodes) {
      expect(node.ring()).toEqual(nodes[0]!.ring())
      expect(node.ring().balance).toBeGreaterThan(0.8)
      await node.bucket('b').put(`by ${node.id}`, node.id)
    }
    for (const node of nodes) {
      const list = node.preferenceList('b', 'k')
      expect(list).toEqual(nodes[0]!.preferenceList('b', 'k'))
      expect(list.map(({ role }) => role)).toEqual([
        'primary',
        'primary',
        'primary',
        'fallback',
        'fallback',
      ])
      for (const { id } of nodes) {
        expect((await node.bucket('b').get(`by ${id}`)).value()).toBe(id)
      }
    }
  })

  test('a node may list itself, dead addresses and nonsense among its seeds', async () => {
    const network = memoryNetwork()
    const first = await start(network, { id: 'n1' })
    const seeds = ['memory:2', 'nonsense', 'memory:99', first.address]
    const second = await start(network, { id: 'n2', seeds })
    expect(second.address).toBe('memory:2')
    expect(second.members().map(({ id }) => id)).toEqual(['n1', 'n2'])
  })

  test('a joiner may leave N out or repeat it; another N is refused, and the ring stays as it is', async () => {
    const { nodes, network } = await cluster(2, { replication: { n: 2 } })
    const wrong = start(network, { id: 'n3', replication: { n: 3 } })
    const error = await rejection(wrong)
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error).toMatchObject({ argument: 'replication.n' })
    expect(nodes[0]!.members()).toHaveLength(2)
    const third = await start(network, { id: 'n3', replication: { n: 2 } })
    const fourth = await start(network, { id: 'n4' })
    expect([third.ring().n, fourth.ring().n]).toEqual([2, 2])
  })

  test('quorums above N of the cluster are refused by the bucket', async () => {
    const { nodes } = await cluster(2, { replication: { n: 2 } })
    expect(() => nodes[0]!.bucket('b', { r: 3 })).toThrow(InvalidArgumentError)
    await expect(nodes[1]!.bucket('b').put('k', 1, { w: 3 })).rejects.toThrow(/w: must be/)
  })
})

describe('a node that cannot join', () => {
  test.each([
    ['refuse', () => undefined],
    ['are silent', (machines: Machines) => machines.world.network.partition([['n9'], ['a', 'b']])],
  ])('names its seeds, when they %s, and ends in time', async (_, prepare) => {
    const machines = new Machines()
    prepare(machines)
    const error = await machines.run(() =>
      rejection(machines.start('n9', { seeds: ['a:1', 'b:1'], joinTimeoutMs: 20_000 })),
    )
    expect(error).toBeInstanceOf(JoinError)
    expect(error.message).toContain('a:1, b:1')
    expect(error.message).toContain('20000 ms')
    expect((error.cause as { code: string }).code).toMatch(/^ERR_/)
    expect(machines.now()).toBeGreaterThanOrEqual(20_000)
    expect(machines.now()).toBeLessThan(24_000)
  })

  test('leaves its storage usable: it founds or joins with it later', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      await rejection(machines.start('n1', { seeds: ['n2:1'], joinTimeoutMs: 500 }))
      await machines.start('n2')
      const node = await machines.start('n1', { seeds: ['n2:1'] })
      expect(seen(node)).toEqual(['n1 alive normal', 'n2 alive normal'])
    })
  })

  test.each([
    [
      'of another name',
      { cluster: 'theirs' },
      'ERR_PROTOCOL',
      /"n9" belongs to the cluster "theirs"/,
    ],
    ['that has its id already', { id: 'n1' }, 'ERR_PROTOCOL', /uses the id "n1"/],
    ['one member of which has its id', { id: 'n2' }, 'ERR_INVALID_ARGUMENT', /live member.*"n2"/],
  ])('because the cluster is one %s, hears so at once', async (_, options, code, message) => {
    const machines = new Machines()
    await machines.run(async () => {
      const first = await machines.start('n1')
      await machines.start('n2', { seeds: ['n1:1'] })
      const before = machines.now()
      const error = await rejection(machines.start('n9', { seeds: ['n1:1'], ...options }))
      expect(error.code).toBe(code)
      expect(error.message).toMatch(message)
      expect(machines.now() - before).toBeLessThan(3_000)
      expect(seen(first)).toEqual(['n1 alive normal', 'n2 alive normal'])
    })
  })
})

describe('a start that fails closes everything again', () => {
  const working = (): NodeOptions => ({
    transport: memoryTransport(memoryNetwork()),
    storage: memoryStorage(),
  })

  function broken(which: 'open' | 'get' | 'write' | 'listen'): {
    options: NodeOptions
    closed: string[]
  } {
    const { transport, storage } = working() as Required<NodeOptions>
    const closed: string[] = []
    const fail = (): never => {
      throw new StorageError(`no ${which}`)
    }
    return {
      closed,
      options: {
        transport: {
          listen: (accept) =>
            which === 'listen' ? Promise.reject(fail2()) : transport.listen(accept),
          connect: (address, handler) => transport.connect(address, handler),
          close: () => (closed.push('transport'), transport.close()),
        },
        storage: {
          durability: 'memory',
          open: async () => (which === 'open' ? fail() : storage.open()),
          get: (...args) => (which === 'get' ? fail() : storage.get(...args)),
          write: (batch) => (which === 'write' ? fail() : storage.write(batch)),
          scan: (...args) => storage.scan(...args),
          close: () => (closed.push('storage'), storage.close()),
        },
      },
    }
  }

  function fail2(): Error {
    return new StorageError('no listen')
  }

  test.each(['open', 'get', 'write', 'listen'] as const)('when %s fails', async (which) => {
    const { options, closed } = broken(which)
    const error = await rejection(createNode(options))
    expect(error).toMatchObject({ code: 'ERR_STORAGE', message: `no ${which}` })
    expect(closed).toContain('transport')
    if (which !== 'open') expect(closed).toContain('storage')
  })

  test('a transport or storage that is in use is refused, and the node that uses it goes on', async () => {
    const network = memoryNetwork()
    const transport = memoryTransport(network)
    const storage = memoryStorage()
    const node = track(await createNode({ transport, storage }))
    const used = await rejection(createNode({ transport: memoryTransport(network), storage }))
    expect(used).toMatchObject({ code: 'ERR_STORAGE' })
    await node.bucket('b').put('k', 1)
  })
})

const operations: readonly (readonly [string, (node: CoterieNode) => Promise<unknown>])[] = [
  ['get', (node) => node.bucket('b').get('k')],
  ['getMany', (node) => node.bucket('b').getMany(['k', 'l'])],
  ['put', (node) => node.bucket('b').put('k', 1)],
  ['update', (node) => node.bucket('b').update('k', () => 1)],
  ['delete', (node) => node.bucket('b').delete('k')],
]

describe('closing', () => {
  test('is idempotent, told once, and final: everything then rejects with ClosedError', async () => {
    const { nodes } = await cluster(2)
    const [node] = nodes as [CoterieNode]
    const bucket = node.bucket('b')
    let told = 0
    node.on('close', () => (told += 1))
    await Promise.all([node.close(), node.close(), node[Symbol.asyncDispose]()])
    await node.close()
    expect(told).toBe(1)
    const opened = Object.assign(Object.create(node) as CoterieNode, { bucket: () => bucket })
    for (const [name, operation] of operations) {
      const error = await rejection(operation(opened))
      expect(error, name).toMatchObject({ code: 'ERR_CLOSED' })
    }
    expect(() => node.bucket('b')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(await rejection(node.leave())).toMatchObject({ code: 'ERR_CLOSED' })
    expect(await rejection(node.removeMember('n2'))).toMatchObject({ code: 'ERR_CLOSED' })
    expect(node.members()).toHaveLength(2)
    expect(node.ring().partitions).toBe(64)
    expect(JSON.parse(JSON.stringify(node.stats()))).toEqual(node.stats())
    expect(node.preferenceList('b', 'k')).toHaveLength(2)
  })

  test('waits for what is under way, and gives it up after a second', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const node = await machines.start('n1')
      await machines.start('n2', { seeds: ['n1:1'] })
      const bucket = node.bucket('b')
      await bucket.put('k', 0, { w: 2 })
      machines.process('n2').pause()
      const late = rejection(bucket.put('k', 1, { w: 2, timeoutMs: 60_000 }))
      const read = rejection(bucket.get('k', { r: 2, timeoutMs: 60_000, sloppy: false }))
      const before = machines.now()
      await machines.stop('n1')
      expect(machines.now() - before).toBeLessThan(1_500)
      expect(await late).toMatchObject({ code: 'ERR_WRITE_UNCERTAIN', needed: 2, acknowledged: 1 })
      expect((await read).message).toBeTypeOf('string')
      expect(node.stats().operations.inFlight).toBe(0)
      machines.process('n2').resume()
    })
  })

  test('while others work with it fails none of their quorums', async () => {
    const { nodes } = await cluster(3)
    const [first, second] = nodes as [CoterieNode, CoterieNode]
    const bucket = second.bucket('b')
    await bucket.put('k', 0)
    const puts = Array.from({ length: 200 }, (_, i) => bucket.put(`k${i}`, i))
    const closing = first.close()
    const more = Array.from({ length: 200 }, (_, i) => bucket.put(`l${i}`, i))
    await Promise.all([...puts, ...more, closing])
    expect((await bucket.get('l7')).value()).toBe(7)
  })
})

test('what a listener throws does not disturb the node: it surfaces as an uncaught exception', async () => {
  const machines = new Machines()
  const thrown: unknown[] = []
  await machines.run(async () => {
    const node = await machines.start('n1')
    for (const event of ['member-up', 'ring-change', 'hint-stored'] as const) {
      node.on(event, () => {
        throw new Error(`listener of ${event}`)
      })
    }
    const after = machines.world.clock.after.bind(machines.world.clock)
    machines.world.clock.after = (delayMs, run) =>
      after(delayMs, () => {
        try {
          run()
        } catch (error) {
          thrown.push((error as Error).message)
        }
      })
    const other = await machines.start('n2', { seeds: ['n1:1'] })
    machines.crash('n2')
    await node.bucket('b').put('k', 1, { w: 1 })
    expect((await node.bucket('b').get('k', { r: 1, sloppy: false })).value()).toBe(1)
    expect(other.id).toBe('n2')
  })
  expect(thrown).toContain('listener of member-up')
  expect(thrown).toContain('listener of ring-change')
})
