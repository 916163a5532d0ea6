/** What a plan says, and what then comes about. */
import { describe, expect, test } from 'vitest'
import type { SimCluster } from '../../src/sim/index.ts'
import { bucketName, crashAndSee, overSeeds, owners, seeds } from './kit.ts'

const value = 'x'.repeat(200)

async function fill(cluster: SimCluster, keys: number): Promise<void> {
  const bucket = cluster.node('n1').bucket<string>(bucketName)
  for (let i = 0; i < keys; i++) await bucket.put(`k${i}`, value, { w: 'all' })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

describe('a plan', () => {
  test('says what a join then does, and does nothing itself', async () => {
    await overSeeds(seeds(6), { nodes: 5 }, async (cluster) => {
      const node = cluster.node('n2')
      await fill(cluster, 100)
      const before = node.ring()
      const plan = await node.planChange({ add: [{ id: 'n6', weight: 2 }] })
      await cluster.sleep(1000)
      expect(node.ring()).toEqual(before)
      await cluster.add('n6', { weight: 2 })
      await cluster.settle()
      const { owned, balance } = node.ring()
      const after = Object.fromEntries(
        plan.members.map((member) => [member.id, member.owned.after]),
      )
      expect(after).toEqual(owned)
      expect(plan.balance).toEqual({ before: before.balance, after: balance })
      expect(plan.short).toEqual([])
      expect(plan.exactness).toBe('counted')
      for (const { id, owned: count } of plan.members) {
        const taken = plan.moves.filter(({ to }) => to === id).map(({ partitions }) => partitions)
        const given = plan.moves.filter(({ from }) => from === id)
        expect(sum(taken) - sum(given.map(({ partitions }) => partitions)), id).toBe(
          count.after - count.before,
        )
      }
      expect(plan.bytes).toBeGreaterThan(200 * 20)
      expect(plan.bytes).toBe(sum(plan.moves.map(({ bytes }) => bytes!)))
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    })
  })

  test('counts the bytes that the newcomer has in the end', async () => {
    await overSeeds(seeds(3), { nodes: 4 }, async (cluster) => {
      await fill(cluster, 60)
      const plan = await cluster.node('n1').planChange({ add: [{ id: 'n5' }] })
      await cluster.add('n5')
      await cluster.settle()
      const next = await cluster.node('n1').planChange({ remove: ['n5'] })
      expect(next.bytes).toBe(plan.bytes)
    })
  })

  test('tells which of the moves a large value is part of', async () => {
    await overSeeds(seeds(6), { nodes: 5 }, async (cluster) => {
      await fill(cluster, 20)
      const large = 'large'
      await cluster.node('n1').bucket(bucketName).put(large, 'x'.repeat(50_000), { w: 'all' })
      const former = owners(cluster, large)
      const plan = await cluster.node('n1').planChange({ remove: ['n5'] })
      await cluster.node('n5').leave()
      const heirs = owners(cluster, large).filter((id) => !former.includes(id))
      const largeMoves = plan.moves.filter(({ bytes }) => bytes! > 50_000)
      expect(largeMoves.map(({ to }) => to)).toEqual(heirs)
    })
  })

  test('names the partitions that are short of copies while a dead member is replaced', async () => {
    await overSeeds(seeds(6), { nodes: 5 }, async (cluster) => {
      await fill(cluster, 50)
      await crashAndSee(cluster, 'n4')
      const node = cluster.node('n1')
      const plan = await node.planChange({ remove: ['n4'], add: [{ id: 'n6' }] })
      expect(plan.short).toHaveLength(node.ring().owned['n4']!)
      for (const { copies } of plan.short) {
        expect(copies).toHaveLength(2)
        expect(copies).not.toContain('n4')
      }
      const gone = plan.members.find(({ id }) => id === 'n4')
      expect(gone?.owned.after).toBe(0)
    })
  })

  test('is an estimate where owners do not tell, and says so', async () => {
    await overSeeds(seeds(6), { nodes: 5 }, async (cluster) => {
      await fill(cluster, 100)
      const whole = await cluster.node('n1').planChange({ add: [{ id: 'n6' }] })
      cluster.partition(['n1'], ['n2', 'n3', 'n4', 'n5'])
      const plan = await cluster.node('n1').planChange({ add: [{ id: 'n6' }] }, { timeoutMs: 300 })
      expect(plan.exactness).toBe('estimated')
      expect(plan.partitions.counted).toBeLessThan(plan.partitions.moving)
      expect(plan.bytes! / whole.bytes!).toBeGreaterThan(0.3)
      expect(plan.bytes! / whole.bytes!).toBeLessThan(3)
    })
  })

  test('of nothing moves nothing', async () => {
    await overSeeds([1], { nodes: 3 }, async (cluster) => {
      const plan = await cluster.node('n1').planChange({})
      const { moves, bytes, exactness, balance } = plan
      expect({ moves, bytes, exactness }).toEqual({ moves: [], bytes: 0, exactness: 'counted' })
      expect(balance.after).toBe(balance.before)
    })
  })
})

test.each([
  ['change', null],
  ['change', []],
  ['change.ad', { ad: [] }],
  ['change.add', { add: { id: 'n9' } }],
  ['change.add.0', { add: ['n9'] }],
  ['change.add.0.id', { add: [{ id: '' }] }],
  ['change.add.0.id', { add: [{}] }],
  ['change.add.0.id', { add: [{ id: 'n2' }] }],
  ['change.add.1.id', { add: [{ id: 'n9' }, { id: 'n9' }] }],
  ['change.add.0.weight', { add: [{ id: 'n9', weight: 0 }] }],
  ['change.add.0.weight', { add: [{ id: 'n9', weight: 65 }] }],
  ['change.add.0.zone', { add: [{ id: 'n9', zone: 1 }] }],
  ['change.add.0.replaces', { add: [{ id: 'n9', replaces: 'n8' }] }],
  ['change.add.0.replaces', { add: [{ id: 'n9', replaces: 'n9' }] }],
  ['change.add.0.zone', { add: [{ id: 'n9', replaces: 'n2', zone: 'moon' }] }],
  ['change.add.0.weight', { add: [{ id: 'n9', replaces: 'n2', weight: 2 }] }],
  ['change.add.0.replaces', { add: [{ id: 'n9', replaces: 'n2' }], remove: ['n2'] }],
  [
    'change.add.1.replaces',
    {
      add: [
        { id: 'n8', replaces: 'n2' },
        { id: 'n9', replaces: 'n2' },
      ],
    },
  ],
  ['change.reweight.n2', { add: [{ id: 'n9', replaces: 'n2' }], reweight: { n2: 2 } }],
  ['change.add.0.size', { add: [{ id: 'n9', size: 1 }] }],
  ['change.remove', { remove: 'n2' }],
  ['change.remove.0', { remove: ['n9'] }],
  ['change.remove', { remove: ['n1', 'n2', 'n3'] }],
  ['change.reweight', { reweight: ['n2'] }],
  ['change.reweight.n9', { reweight: { n9: 1 } }],
  ['change.reweight.n2', { reweight: { n2: NaN } }],
  ['change.reweight.n2', { remove: ['n2'], reweight: { n2: 2 } }],
  ['change.rezone.n2', { rezone: { n2: 7 } }],
])('a plan is refused at %s: %j', async (argument, change) => {
  await overSeeds([1], { nodes: 3 }, async (cluster) => {
    const node = cluster.node('n1')
    await expect(node.planChange(change as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    })
  })
})
