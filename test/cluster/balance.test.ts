/** How evenly work and data lie, as any member finds out. */
import { expect, test } from 'vitest'
import { bucketName, crashAndSee, overSeeds, seeds } from './kit.ts'

test('bytes and ownership follow the weights, operations who is asked, wherever it is looked from', async () => {
  await overSeeds(seeds(6), { nodes: 5, node: { partitions: 256 } }, async (cluster) => {
    await cluster.add('n6', { weight: 2 })
    const busy = cluster.node('n2').bucket(bucketName)
    for (let i = 0; i < 400; i++) await busy.put(`k${i}`, 'x'.repeat(100), { w: 'all' })
    await cluster.settle()
    for (const name of cluster.names) {
      const node = cluster.node(name)
      const { ownership, bytes, operations, missing, epoch } = await node.balance()
      expect({ missing, epoch }).toEqual({ missing: [], epoch: node.ring().epoch })
      expect(ownership.balance).toBeCloseTo(node.ring().balance, 12)
      expect(ownership.balance).toBeGreaterThan(0.9)
      for (const id of cluster.names) {
        expect(bytes.rates[id]! / ownership.rates[id]!, `bytes of ${id}`).toBeGreaterThan(0.75)
        expect(bytes.rates[id]! / ownership.rates[id]!, `bytes of ${id}`).toBeLessThan(1.3)
      }
      const busiest = Math.max(...Object.values(operations.rates))
      expect(operations.rates['n2']).toBe(busiest)
      expect(operations.balance).toBeCloseTo(1 / busiest, 12)
    }
    const told = await cluster.node('n1').balance()
    expect(JSON.parse(JSON.stringify(told))).toEqual(told)
  })
})

test('a member that does not answer is named, and the others are compared', async () => {
  await overSeeds(seeds(3), { nodes: 4 }, async (cluster) => {
    await crashAndSee(cluster, 'n3')
    const { ownership, operations, bytes, missing } = await cluster.node('n1').balance()
    expect(missing).toEqual(['n3'])
    expect(Object.keys(ownership.rates)).toEqual(['n1', 'n2', 'n3', 'n4'])
    expect(Object.keys(operations.rates)).toEqual(['n1', 'n2', 'n4'])
    expect(Object.keys(bytes.rates)).toEqual(['n1', 'n2', 'n4'])
  })
})

test('a cluster that has done nothing is even', async () => {
  await overSeeds([1], { nodes: 1 }, async (cluster) => {
    const { bytes, operations } = await cluster.node('n1').balance()
    const even = { rates: { n1: 1 }, balance: 1 }
    expect({ bytes, operations }).toEqual({ bytes: even, operations: even })
  })
})

test.each([{ timeoutMs: 0 }, { timeoutMs: NaN }, { signal: 1 }, { within: 1 }, 'soon'])(
  'balance and planChange refuse the options %j',
  async (options) => {
    await overSeeds([1], { nodes: 1 }, async (cluster) => {
      const node = cluster.node('n1')
      const refused = { code: 'ERR_INVALID_ARGUMENT' }
      await expect(node.balance(options as never)).rejects.toMatchObject(refused)
      await expect(node.planChange({}, options as never)).rejects.toMatchObject(refused)
    })
  },
)
