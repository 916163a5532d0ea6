/** Handing off what is kept for others: changing, damaged and whole partitions at a time (HAZARDS C4, C7, F5). */

import { describe, test, expect } from 'vitest'
import type { NodeOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  damageOn,
  expectOnOwners,
  overSeeds,
  pick,
  rareHandoff,
  seeds,
  until,
} from './kit.ts'

const three: SimOptions = { nodes: 3, storage: 'durable' }

function withHandoff(
  handoff: NonNullable<NodeOptions['handoff']>,
  node: NodeOptions = {},
): SimOptions {
  return { ...three, node: { ...node, handoff } }
}

function hintsOf(cluster: SimCluster, name: string): number {
  return cluster.node(name).stats().handoff.hints
}

function hintsIn(cluster: SimCluster): number {
  return cluster.names.reduce((sum, name) => sum + hintsOf(cluster, name), 0)
}

describe('delivery', () => {
  test('of what changes meanwhile ends with the newest value everywhere', async () => {
    await overSeeds(seeds(4), three, async (cluster) => {
      await crashAndSee(cluster, 'n3')
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      await bucket.put('k', 0)
      cluster.link('n3', 'n1', { latencyMs: 50, duplicate: 0.5, reorder: true })
      const back = cluster.restart('n3')
      for (let i = 1; i <= 30; i++) {
        await bucket.put('k', i)
        await cluster.sleep(7)
      }
      await back
      await cluster.settle()
      expectOnOwners(cluster, 'k', [30])
    })
  })

  test('gets what is damaged anew from another owner, and sends it, without a read', async () => {
    await overSeeds(seeds(2), withHandoff({ intervalMs: 2000 }), async (cluster) => {
      await crashAndSee(cluster, 'n3')
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      for (let i = 0; i < 80; i++) await bucket.put(`k${i}`, i)
      for (let i = 0; i < 40; i++) damageOn(cluster, 'n1', `k${i}`)
      await cluster.restart('n3')
      await cluster.settle({ withinMs: 30_000 })
      for (let i = 0; i < 80; i++) expectOnOwners(cluster, `k${i}`, [i])
    })
  })

  test('waits while an owner that may have it does not answer', async () => {
    await overSeeds(seeds(2), withHandoff({ intervalMs: 2000 }), async (cluster) => {
      await crashAndSee(cluster, 'n3')
      await cluster.node('n1').bucket<number>(bucketName).put('k', 1)
      damageOn(cluster, 'n1', 'k')
      await crashAndSee(cluster, 'n2')
      await cluster.restart('n3')
      await cluster.sleep(10_000)
      expect(hintsOf(cluster, 'n1')).toBe(1)
      await cluster.restart('n2')
      await cluster.settle({ withinMs: 30_000 })
      expectOnOwners(cluster, 'k', [1])
    })
  })

  test('gives up what every owner has lost, and says so', async () => {
    await overSeeds(seeds(2), withHandoff({ intervalMs: 2000 }), async (cluster) => {
      const errors: string[] = []
      const node = cluster.node('n1')
      node.on('background-error', ({ task, error }) => errors.push(`${task}: ${error.message}`))
      await crashAndSee(cluster, 'n3')
      await node.bucket<number>(bucketName).put('k', 1)
      await cluster.sleep(1000)
      damageOn(cluster, 'n1', 'k')
      damageOn(cluster, 'n2', 'k')
      await cluster.restart('n3')
      await until(cluster, () => (hintsIn(cluster) === 0 ? undefined : 'hints are left'), 10_000)
      expect(errors.join()).toContain('handoff: a record kept for "n3" is damaged')
    })
  })

  test('keeps on disk what it knows, also after writes have failed', async () => {
    await overSeeds(seeds(4), withHandoff({ intervalMs: 2000 }), async (cluster) => {
      await crashAndSee(cluster, 'n3')
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      for (let i = 0; i < 20; i++) {
        if (i % 3 === 0) cluster.disk('n1').failWrites(pick(cluster, 2))
        await bucket.put(`k${i}`, i).catch(() => undefined)
      }
      cluster.disk('n1').failWrites(0)
      await cluster.restart('n3')
      cluster.disk('n1').failWrites(3)
      await cluster.sleep(200)
      cluster.disk('n1').failWrites(0)
      await cluster.settle({ withinMs: 30_000 })
      await cluster.crash('n1')
      await cluster.restart('n1')
      expect(hintsOf(cluster, 'n1')).toBe(0)
    })
  })

  test('of a whole partition gets what is damaged anew, although no hint has room', async () => {
    const handoff = { bytesMax: 50_000, bytesPerTargetMax: 1, intervalMs: 2000 }
    const options = withHandoff(handoff, { partitions: 2 })
    await overSeeds(seeds(2), options, async (cluster) => {
      await crashAndSee(cluster, 'n3')
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      for (let i = 0; i < 200; i++) await bucket.put(`k${i}`, i)
      expect(cluster.node('n1').stats().handoff).toMatchObject({ hints: 0, dirtyPartitions: 2 })
      for (let i = 0; i < 200; i += 10) damageOn(cluster, 'n1', `k${i}`)
      await cluster.restart('n3')
      await cluster.settle({ withinMs: 30_000 })
      for (let i = 0; i < 200; i++) expectOnOwners(cluster, `k${i}`, [i])
    })
  })

  test('waits for the periodic round only when nothing tells that the member is back', async () => {
    await overSeeds(seeds(3), withHandoff(rareHandoff), async (cluster) => {
      await crashAndSee(cluster, 'n3')
      await cluster.node('n1').bucket(bucketName).put('k', 'v')
      await cluster.restart('n3')
      await cluster.settle({ withinMs: 10_000 })
      await until(cluster, () => (hintsIn(cluster) === 0 ? undefined : 'hints are left'), 1000)
      expectOnOwners(cluster, 'k', ['v'])
    })
  })
})
