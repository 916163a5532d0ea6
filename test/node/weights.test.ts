/** Weights that the ring cannot hold: refused before they reach it, or nobody could read the ring again. */
import { expect, test } from 'vitest'
import { createNode, memoryNetwork, memoryTransport, type CoterieNode } from '../../src/index.ts'
import { rejection } from './kit.ts'
import { Machines } from './machines.ts'

test.each([0.005, 64.5])(
  'a weight of %f is refused, and the weights at the borders are not',
  async (weight) => {
    const network = memoryNetwork()
    const create = (options: object) =>
      createNode({ transport: memoryTransport(network), ...options })
    expect(await rejection(create({ weight }))).toMatchObject({ argument: 'weight' })
    const first = await create({ weight: 1 / 128 })
    const second = await create({ weight: 64, seeds: [first.address] })
    expect(
      second
        .members()
        .map((member) => member.weight)
        .toSorted((a, b) => a - b),
    ).toEqual([1 / 128, 64])
    await Promise.all([first.close(), second.close()])
  },
)

test('a member that is started again with another weight or zone changes the ring, and its data moves', async () => {
  const machines = new Machines()
  await machines.run(async () => {
    const seeds = ['n1:1', 'n2:1', 'n3:1', 'n4:1']
    const nodes: CoterieNode[] = []
    for (const name of ['n1', 'n2', 'n3', 'n4']) {
      nodes.push(await machines.start(name, { seeds, partitions: 256 }))
    }
    const bucket = nodes[0]!.bucket('b')
    for (let i = 0; i < 50; i++) await bucket.put(`k${i}`, i, { w: 'all' })
    const before = nodes[0]!.ring()
    await machines.stop('n4')
    const heavier = await machines.start('n4', { seeds, partitions: 256, weight: 2, zone: 'east' })
    const isDone = (): boolean => {
      const { epoch, moving } = nodes[0]!.ring()
      return epoch > before.epoch && moving === 0
    }
    for (let i = 0; i < 600 && !isDone(); i++) await machines.sleep(100)
    const own = nodes[0]!.members().find(({ id }) => id === 'n4')
    expect(own).toMatchObject({ weight: 2, zone: 'east', stage: 'normal' })
    expect(nodes[0]!.ring().owned['n4']).toBeGreaterThan(before.owned['n4']!)
    for (let i = 0; i < 50; i++) {
      expect((await heavier.bucket('b').get(`k${i}`, { r: 'all' })).value()).toBe(i)
    }
    const { epoch } = nodes[0]!.ring()
    await machines.stop('n4')
    await machines.start('n4', { seeds, partitions: 256, weight: 2, zone: 'east' })
    await machines.sleep(10_000)
    expect(nodes[0]!.ring().epoch).toBe(epoch)
  })
})
