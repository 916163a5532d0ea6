/** What a node leaves behind when it closes, and what it hands over before (HAZARDS C2). */
import { describe, expect, test } from 'vitest'
import type { NodeOptions } from '../../src/index.ts'
import {
  bucketName,
  codeOf,
  crashAndSee,
  expectOnOwners,
  keyWhere,
  openEverywhere,
  outcomeOf,
  overSeeds,
  owners,
  rareHandoff,
  seeds,
  until,
} from './kit.ts'

const nothingLeft = { operations: 0, hints: 0, dirtyPartitions: 0, solePartitions: 0 }
const node: NodeOptions = { handoff: rareHandoff }
const five = { storage: 'durable', nodes: 5, node } as const

describe('a node that drains', () => {
  test('gives the hints that it keeps to others, who deliver them without it', async () => {
    await overSeeds(seeds(9), five, async (cluster) => {
      await openEverywhere(cluster)
      const key = keyWhere(cluster, (names) => names.includes('n2') && !names.includes('n1'))
      await crashAndSee(cluster, 'n2')
      const keeper = owners(cluster, key).find((name) => name !== 'n2')!
      await cluster.node(keeper).bucket(bucketName).put(key, 'v', { w: 'all' })
      expect(cluster.node(keeper).stats().handoff.hints).toBeGreaterThan(0)
      expect(await cluster.node(keeper).close({ drain: true })).toEqual(nothingLeft)
      await cluster.restart('n2')
      await until(cluster, () => {
        const stored = cluster.records(bucketName, key).get('n2')
        return stored === undefined ? 'n2 has no record' : undefined
      })
      await cluster.restart(keeper)
      expectOnOwners(cluster, key, ['v'])
    })
  })

  test('is taken for gone at once, comes back alive, and is still a member', async () => {
    await overSeeds(seeds(9), five, async (cluster) => {
      const { epoch } = cluster.node('n1').ring()
      const statuses: string[] = []
      cluster.node('n1').on('member-down', ({ id }) => statuses.push(`${id} down`))
      cluster.node('n1').on('member-suspect', ({ id }) => statuses.push(`${id} suspect`))
      cluster.node('n1').on('member-up', ({ id }) => statuses.push(`${id} up`))
      await cluster.node('n3').close({ drain: true })
      expect(statuses).toEqual(['n3 down'])
      await cluster.restart('n3')
      await until(cluster, () => (statuses.length === 2 ? undefined : statuses.join()))
      expect(statuses).toEqual(['n3 down', 'n3 up'])
      expect(cluster.node('n1').ring().epoch).toBe(epoch)
    })
  })

  test('refuses what is new, and lets what was begun come to its end', async () => {
    await overSeeds(seeds(9), five, async (cluster) => {
      await openEverywhere(cluster)
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      const update = bucket.update('k', async () => {
        await cluster.sleep(2000)
        return 7
      })
      await cluster.sleep(10)
      const closing = cluster.node('n1').close({ drain: true })
      expect(codeOf(await outcomeOf(bucket.get('k')))).toBe('ERR_CLOSED')
      expect(codeOf(await outcomeOf(bucket.put('k', 1)))).toBe('ERR_CLOSED')
      expect((await update).acknowledged.length).toBeGreaterThan(1)
      expect(await closing).toEqual(nothingLeft)
      expect((await cluster.node('n2').bucket(bucketName).get('k')).siblings).toEqual([7])
    })
  })

  test('gives up at its limit, and says what stays on its disk', async () => {
    await overSeeds(seeds(9), { ...five, nodes: 3 }, async (cluster) => {
      await openEverywhere(cluster)
      const bucket = cluster.node('n1').bucket(bucketName)
      cluster.partition(['n1'], ['n2', 'n3'])
      await bucket.put('k', 'v', { w: 1 })
      const late = outcomeOf(bucket.put('l', 'v', { w: 3, timeoutMs: 60_000 }))
      await cluster.sleep(100)
      const startedMs = cluster.now()
      const left = await cluster.node('n1').close({ drain: true, timeoutMs: 1500 })
      expect(cluster.now() - startedMs).toBeLessThan(3500)
      expect(codeOf(await late)).toBe('ERR_WRITE_UNCERTAIN')
      expect(left.operations).toBeGreaterThan(0)
      cluster.heal()
      await cluster.restart('n1')
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('tells that no other owner answers for its partitions, and keeps the hints for them', async () => {
    await overSeeds(seeds(6), { ...five, nodes: 3 }, async (cluster) => {
      await openEverywhere(cluster)
      await crashAndSee(cluster, 'n2')
      await crashAndSee(cluster, 'n3')
      await cluster.node('n1').bucket(bucketName).put('k', 'v', { w: 1 })
      const startedMs = cluster.now()
      const left = await cluster.node('n1').close({ drain: true })
      expect(cluster.now() - startedMs, 'there was nothing to wait for').toBeLessThan(1000)
      expect(left).toEqual({ operations: 0, hints: 2, dirtyPartitions: 0, solePartitions: 16 })
      for (const name of cluster.names) await cluster.restart(name)
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('closes at once when it is told to close without draining', async () => {
    await overSeeds(seeds(6), five, async (cluster) => {
      await openEverywhere(cluster)
      void outcomeOf(
        cluster
          .node('n1')
          .bucket(bucketName)
          .update('k', () => cluster.sleep(9000)),
      )
      await cluster.sleep(10)
      const startedMs = cluster.now()
      const node = cluster.node('n1')
      const draining = node.close({ drain: true })
      await cluster.sleep(200)
      await Promise.all([node.close(), draining])
      expect(cluster.now() - startedMs).toBeLessThan(2000)
      expect((await draining).operations).toBe(1)
    })
  })
})

test.each([{ drain: 1 }, { drain: true, timeoutMs: 0 }, { drains: true }, null, true])(
  'close refuses the options %j, and the node stays open',
  async (options) => {
    await overSeeds([1], { nodes: 1 }, async (cluster) => {
      const node = cluster.node('n1')
      const refused = { code: 'ERR_INVALID_ARGUMENT' }
      await expect(node.close(options as never)).rejects.toMatchObject(refused)
      await node.bucket(bucketName).put('k', 'v')
    })
  },
)
