/** Nodes that start at once, come back, or come by mistake: always exactly one cluster, and never two in one. */
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, type CoterieNode } from '../../src/index.ts'
import { nextEvent, rejection } from './kit.ts'
import { Machines, seen } from './machines.ts'

const three = ['n1', 'n2', 'n3'] as const
const seeds = ['n1:1', 'n2:1', 'n3:1']

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((first, i) =>
    orders(items.filter((_, j) => j !== i)).map((rest) => [first, ...rest]),
  )
}

const allAlive = three.map((name) => `${name} alive normal`)

/** Starts the nodes in this order, some virtual milliseconds apart. */
function startAll(
  machines: Machines,
  order: readonly string[],
  staggerMs: number,
  options: object,
): Promise<CoterieNode[]> {
  return Promise.all(
    order.map(async (name, i) => {
      await machines.sleep(i * staggerMs)
      return machines.start(name, options)
    }),
  )
}

async function untilSeen(machines: Machines, nodes: readonly CoterieNode[], expected: string[]) {
  for (let i = 0; i < 600; i++) {
    if (nodes.every((node) => seen(node).join() === expected.join())) return
    await machines.sleep(50)
  }
  expect(nodes.map(seen)).toEqual(nodes.map(() => expected))
}

/** Two members let in, and each given its vote. */
const epochOfThree = 5

describe.each(orders(three).map((order) => [order.join(), order] as const))(
  'started in the order %s',
  (_, order) => {
    test.each([0, 0.4, 1, 7, 60, 110, 350, 3_000])(
      '%i ms apart, all become one cluster',
      async (ms) => {
        const machines = new Machines(ms * 10 + 7)
        await machines.run(async () => {
          const nodes = await startAll(machines, order, ms, { seeds })
          await untilSeen(machines, nodes, allAlive)
          expect(new Set(nodes.map((node) => node.ring().epoch))).toEqual(new Set([epochOfThree]))
          const receipt = await nodes[0]!.bucket('b').put('k', 1, { w: 3 })
          for (const node of nodes) {
            const entry = await node.bucket('b').get('k')
            expect(entry.context.toString()).toBe(receipt.context.toString())
          }
        })
      },
    )

    test('again on their disks, with no seeds at all, they find each other', async () => {
      const machines = new Machines(3)
      await machines.run(async () => {
        const first = await startAll(machines, three, 0, { seeds })
        await untilSeen(machines, first, allAlive)
        await first[1]!.bucket('b').put('k', 'kept', { w: 3 })
        await Promise.all(three.map((name) => machines.stop(name)))
        const before = machines.now()
        const nodes = await startAll(machines, order, 20, {})
        expect(machines.now() - before).toBeLessThan(3_000)
        await untilSeen(machines, nodes, allAlive)
        for (const node of nodes) {
          expect((await node.bucket('b').get('k')).value()).toBe('kept')
        }
        expect(new Set(nodes.map((node) => node.ring().epoch))).toEqual(new Set([epochOfThree]))
      })
    })
  },
)

test('two of three that were stopped serve quorums without the third and without seeds', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    await startAll(machines, three, 0, { seeds })
    await Promise.all(three.map((name) => machines.stop(name)))
    const [one, two] = await startAll(machines, ['n1', 'n3'], 0, {})
    await one!.bucket('b').put('k', 1, { w: 2, sloppy: false })
    expect((await two!.bucket('b').get('k', { r: 2, sloppy: false })).value()).toBe(1)
  })
})

test('one of three serves alone after two seconds, as far as it may', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    await startAll(machines, three, 0, { seeds })
    await Promise.all(three.map((name) => machines.stop(name)))
    const before = machines.now()
    const node = await machines.start('n2')
    expect(machines.now() - before).toBeLessThan(4_000)
    expect(seen(node).filter((member) => member.startsWith('n2'))).toEqual(['n2 alive normal'])
    await node.bucket('b').put('k', 1, { w: 1 })
    const error = await rejection(node.bucket('b').put('k', 1, { w: 3, timeoutMs: 500 }))
    expect(error.code).toMatch(/ERR_UNAVAILABLE|ERR_WRITE_UNCERTAIN/)
  })
})

describe('clusters never merge', () => {
  async function two(machines: Machines, theirs: object = {}): Promise<CoterieNode[]> {
    const nodes = [await machines.start('a1'), await machines.start('b1', theirs)]
    nodes.push(await machines.start('a2', { seeds: ['a1:1'] }))
    return nodes
  }

  test('a member of one that is pointed at another of the same name stays with its own', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      await two(machines)
      await machines.stop('a2')
      const node = await machines.start('a2', { seeds: ['b1:1'] })
      await machines.sleep(5_000)
      expect(seen(node)).toEqual(['a1 alive normal', 'a2 alive normal'])
    })
  })

  test('a founder that is pointed at another of the same name stays alone', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const [, other] = await two(machines)
      await machines.stop('b1')
      const node = await machines.start('b1', { seeds: ['a1:1'] })
      await machines.sleep(5_000)
      expect(seen(node)).toEqual(['b1 alive normal'])
      expect(other!.id).toBe('b1')
    })
  })

  test('a node whose seeds are of two clusters of one name joins neither', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const [a, b] = await two(machines)
      const error = await rejection(machines.start('c1', { seeds: ['a2:1', 'b1:1', 'a1:1'] }))
      expect(error).toMatchObject({ code: 'ERR_PROTOCOL' })
      expect(error.message).toMatch(/"a2" at a2:1 and "b1" at b1:1 belong to two clusters/)
      expect([seen(a!), seen(b!)].map((members) => members.length)).toEqual([2, 1])
    })
  })

  test('names differ: refused on both sides, with the names in the message', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      await two(machines, { cluster: 'theirs' })
      const error = await rejection(machines.start('b2', { seeds: ['a1:1'], cluster: 'theirs' }))
      expect(error).toMatchObject({ code: 'ERR_PROTOCOL' })
      expect(error.message).toMatch(/"b2" belongs to the cluster "theirs", this node to "coterie"/)
    })
  })
})

describe('a storage belongs to one node of one cluster', () => {
  test.each([
    ['id', { id: 'other' }, /belongs to the node "n1", not "other"/],
    ['cluster', { cluster: 'other' }, /belongs to the cluster "coterie", not "other"/],
  ])('another %s is refused', async (argument, options, message) => {
    const machines = new Machines()
    await machines.run(async () => {
      await machines.start('n1')
      await machines.stop('n1')
      const error = await rejection(machines.start('n1', options))
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error).toMatchObject({ argument })
      expect(error.message).toMatch(message)
      expect((await machines.start('n1')).id).toBe('n1')
    })
  })

  test('a random id is kept with the data', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const { id } = await machines.start('n1', { id: undefined } as never)
      await machines.stop('n1')
      const again = await machines.start('n1', { id: undefined } as never)
      expect(id).toMatch(/^[0-9a-f]{32}$/)
      expect(again.id).toBe(id)
    })
  })

  test('of a member that left it is of no use any more, at its own cluster or alone', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const nodes = await startAll(machines, three, 0, { seeds })
      await nodes[2]!.bucket('b').put('k', 1, { w: 3 })
      await nodes[2]!.leave()
      await untilSeen(machines, nodes.slice(0, 2), allAlive.slice(0, 2))
      for (const options of [{}, { seeds }]) {
        const error = await rejection(machines.start('n3', options))
        expect(error.message).toMatch(/"n3" has left (its|this) cluster for good/)
        expect(error.code).toMatch(/ERR_JOIN|ERR_PROTOCOL/)
      }
      machines.replaceDisk('n3')
      const back = await machines.start('n3', { seeds })
      await untilSeen(machines, [...nodes.slice(0, 2), back], allAlive)
      expect((await back.bucket('b').get('k')).value()).toBe(1)
    })
  })

  test('of a member that was removed while it was down it is of no use either', async () => {
    const machines = new Machines()
    await machines.run(async () => {
      const nodes = await startAll(machines, three, 0, { seeds })
      await machines.start('n4', { seeds })
      await machines.stop('n3')
      await untilDown(nodes[0]!, 'n3')
      await nodes[0]!.removeMember('n3')
      for (const options of [{}, { seeds }, { seeds: ['n1:1'] }]) {
        const error = await rejection(machines.start('n3', options))
        expect(error).toMatchObject({ code: 'ERR_JOIN' })
        expect(error.message).toMatch(/"n3" has left (its|this) cluster for good/)
      }
    })
  })
})

test('a member that is removed while it runs says so and takes no more writes', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    const nodes = await startAll(machines, three, 0, { seeds })
    await untilSeen(machines, nodes, allAlive)
    const [first, , third] = nodes as [CoterieNode, CoterieNode, CoterieNode]
    const told = nextEvent(third, 'background-error', ({ task }) => task === 'membership')
    const closed = nextEvent(third, 'close')
    await first.removeMember('n3', { force: true })
    expect((await told)[0].error.message).toMatch(/"n3" (was removed|has left)/)
    await closed
    expect(() => third.bucket('b')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })
})

test('a member that is removed while it is cut off says so as soon as it hears of it', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    const nodes = await startAll(machines, three, 0, { seeds })
    await machines.start('n4', { seeds })
    await untilSeen(machines, nodes, [...allAlive, 'n4 alive normal'])
    const [first, , third] = nodes as [CoterieNode, CoterieNode, CoterieNode]
    machines.world.network.partition([['n3'], ['n1', 'n2', 'n4']])
    await untilDown(first, 'n3')
    await first.removeMember('n3')
    const closed = nextEvent(third, 'close')
    machines.world.network.heal()
    await closed
    const error = await rejection(machines.start('n3', { seeds }))
    expect(error.message).toMatch(/"n3" has left (its|this) cluster for good/)
  })
})

async function untilDown(node: CoterieNode, id: string): Promise<void> {
  if (node.members().find((member) => member.id === id)?.status === 'dead') return
  await nextEvent(node, 'member-down', (member) => member.id === id)
}

test('data for a node never goes to another one that answers at its address', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    const nodes = await startAll(machines, three, 0, { seeds })
    await untilSeen(machines, nodes, allAlive)
    await machines.stop('n2')
    machines.replaceDisk('n2')
    const stranger = await machines.start('n2', { id: 'x', seeds: ['n1:1'] })
    await nodes[0]!.bucket('b').put('k', 1, { w: 2 })
    const members = ['n1 alive normal', 'n2 dead normal', 'n3 alive normal', 'x alive normal']
    await untilSeen(machines, [nodes[0]!, nodes[2]!, stranger], members)
    const owners = nodes[0]!.preferenceList('b', 'k').filter(({ role }) => role === 'primary')
    const { hints } = nodes[0]!.stats().handoff
    if (owners.some(({ id }) => id === 'n2')) expect(hints).toBeGreaterThan(0)
    expect(stranger.id).toBe('x')
  })
})

test('a storage that was rolled back is told so by a peer, and serves all the same', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    await startAll(machines, three, 0, { seeds })
    await machines.stop('n2')
    const old = machines.disk('n2').copy()
    await machines.start('n2')
    await machines.stop('n2')
    machines.replaceDisk('n2', old)
    const node = await machines.start('n2')
    const [{ error }] = await nextEvent(node, 'background-error', ({ task }) => task === 'identity')
    expect(error).toMatchObject({ code: 'ERR_STORAGE' })
    expect(error.message).toMatch(
      /the storage of "n2" was rolled back: "n[13]" remembers a later start/,
    )
    await node.bucket('b').put('k', 1, { w: 3 })
    await machines.stop('n2')
    const again = await machines.start('n2')
    expect((await again.bucket('b').get('k')).value()).toBe(1)
  })
})

test('the same directory used twice: both nodes say so', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    const nodes = await startAll(machines, three, 0, { seeds })
    await untilSeen(machines, nodes, allAlive)
    machines.replaceDisk('copy', machines.disk('n2').copy())
    const heard = nextEvent(nodes[1]!, 'background-error', ({ task }) => task === 'identity')
    const outcome = machines.start('copy', { id: 'n2', seeds }).then(
      () => 'started',
      (error: unknown) => error,
    )
    const [{ error }] = await heard
    expect(error.message).toMatch(/another process at copy:1 uses the id "n2"/)
    expect(await outcome).toBeDefined()
  })
})

test('a node that is put out while it starts does not open', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    const first = await machines.start('n1', { seeds: ['n1:1', 'n2:1'] })
    const second = await machines.start('n2', { seeds: ['n1:1', 'n2:1'] })
    const removed = new Promise<void>((resolve, reject) => {
      first.on('ring-change', ({ owned }) => {
        if ('n3' in owned) first.removeMember('n3', { force: true }).then(resolve, reject)
      })
    })
    const error = await rejection(machines.start('n3', { seeds: ['n1:1', 'n2:1'] }))
    expect(error).toMatchObject({ code: 'ERR_JOIN' })
    expect(error.message).toContain('for good')
    await removed
    expect(Object.keys(second.ring().owned)).toEqual(['n1', 'n2'])
  })
})
