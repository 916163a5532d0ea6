/** Writes for owners that are away reach them later, whatever happens in between (HAZARDS C1 to C7). */

import { describe, expect, test } from 'vitest'
import type { Bucket, NodeOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  expectOnOwners,
  keyWhere,
  lose,
  outcomeOf,
  overSeeds,
  pick,
  seeds,
  stored,
  untilSeen,
} from './kit.ts'

const keys = Array.from({ length: 60 }, (_, i) => `k${i}`)

/** Puts one after the other on nodes that are up. All must succeed, unless the network loses frames. */
async function load(
  cluster: SimCluster,
  names: readonly string[],
  puts: number,
  network: 'sound' | 'lossy' = 'sound',
): Promise<void> {
  for (let i = 0; i < puts; i++) {
    const name = names[pick(cluster, names.length)]!
    const key = keys[pick(cluster, keys.length)]!
    const put = cluster.node(name).bucket(bucketName).put(key, `${i} by ${name}`.padEnd(40))
    if (network === 'sound') await put
    else await outcomeOf(put)
    await cluster.sleep(500)
  }
}

/** All owners of all keys store the same. */
function expectConverged(cluster: SimCluster): void {
  for (const key of keys) {
    const [first, ...others] = stored(cluster, key)
    for (const other of others) expect(other, key).toEqual(first)
  }
}

const durable: SimOptions = { nodes: 5, storage: 'durable' }

function withHandoff(handoff: NodeOptions['handoff'], more: SimOptions = {}): SimOptions {
  return { ...durable, ...more, node: { ...more.node, handoff: handoff ?? {} } }
}

describe('an owner that is away', () => {
  test('gets all it missed in ten minutes without a read, although a holder restarts', async () => {
    await overSeeds(seeds(2), durable, async (cluster) => {
      await load(cluster, cluster.names, 40)
      await crashAndSee(cluster, 'n5', { silent: true })
      const others = ['n1', 'n2', 'n3', 'n4']
      await load(cluster, others, 600)
      await cluster.crash('n2', { lose: 'unsynced' })
      await cluster.restart('n2')
      await load(cluster, others, 600)
      await cluster.restart('n3')
      await cluster.restart('n5')
      await cluster.settle()
      expectConverged(cluster)
    })
  })

  test('gets it when it flaps and the network loses, doubles and reorders frames', async () => {
    const network = { loss: 0.05, duplicate: 0.2, jitterMs: 20, reorder: true }
    await overSeeds(seeds(3), { ...durable, network }, async (cluster) => {
      for (let i = 0; i < 4; i++) {
        await crashAndSee(cluster, 'n5', { silent: i % 2 === 0 })
        await load(cluster, ['n1', 'n2', 'n3', 'n4'], 20, 'lossy')
        await cluster.restart('n5')
        // Whoever crashes right after it coordinated a write takes the duty to hint with it: n5 writes nothing.
        await cluster.sleep(3000)
      }
      await cluster.settle()
      expectConverged(cluster)
    })
  })

  test('gets it from a holder that restarted, without any traffic', async () => {
    await overSeeds(seeds(3), durable, async (cluster) => {
      const key = keyWhere(cluster, (names) => names.includes('n1') && names.includes('n5'))
      await crashAndSee(cluster, 'n5')
      await cluster.node('n1').bucket(bucketName).put(key, 'v')
      await cluster.crash('n1', { lose: 'unsynced' })
      await cluster.restart('n5')
      await cluster.sleep(20_000)
      await cluster.restart('n1')
      await cluster.settle()
      expectOnOwners(cluster, key, ['v'])
    })
  })

  test('keeps its hint until it acknowledged, and then no longer', async () => {
    await overSeeds(seeds(3), withHandoff({ intervalMs: 1000 }, { nodes: 3 }), async (cluster) => {
      await crashAndSee(cluster, 'n3')
      await cluster.node('n1').bucket(bucketName).put('k', 'v')
      expect(hintsOf(cluster, 'n1')).toBe(1)
      lose(cluster, 'n3', 'n1')
      cluster.block('n2', 'n3')
      await Promise.race([cluster.restart('n3'), cluster.sleep(10_000)])
      await cluster.sleep(30_000)
      const atTarget = cluster.records(bucketName, 'k').get('n3')
      expect(hintsOf(cluster, 'n1')).toBe(1)
      cluster.heal()
      await cluster.settle()
      expect(hintsOf(cluster, 'n1')).toBe(0)
      expectOnOwners(cluster, 'k', ['v'])
      expect(atTarget === undefined || atTarget.siblings[0] === 'v').toBe(true)
    })
  })
})

function hintsOf(cluster: SimCluster, name: string): number {
  return cluster.node(name).stats().handoff.hints
}

describe('a third replica that fails after the write was acknowledged', () => {
  const fast = withHandoff({ intervalMs: 2000 }, { nodes: 3, node: { timeoutMs: 1000 } })

  /** The bucket at n1, opened on every node: else the first write asks them all for its policy. */
  async function opened(cluster: SimCluster): Promise<Bucket<unknown>> {
    for (const name of cluster.names) await cluster.node(name).bucket(bucketName).get('k')
    return cluster.node('n1').bucket(bucketName)
  }

  test('leaves a hint when its answer never comes', async () => {
    await overSeeds(seeds(3), fast, async (cluster) => {
      const bucket = await opened(cluster)
      lose(cluster, 'n1', 'n3')
      const receipt = await bucket.put('k', 'v')
      expect(receipt.hinted).toEqual([])
      expect(hintsOf(cluster, 'n1')).toBe(0)
      await cluster.sleep(1100)
      expect(hintsOf(cluster, 'n1')).toBe(1)
      cluster.heal()
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('leaves a hint when it crashes before it answers', async () => {
    await overSeeds(seeds(3), fast, async (cluster) => {
      const bucket = await opened(cluster)
      cluster.link('n1', 'n3', { latencyMs: 200 })
      await bucket.put('k', 'v')
      await cluster.crash('n3')
      await cluster.sleep(500)
      expect(hintsOf(cluster, 'n1')).toBe(1)
      await cluster.restart('n3')
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('leaves a hint when the coordinator is closed before it answers', async () => {
    await overSeeds(seeds(3), fast, async (cluster) => {
      const bucket = await opened(cluster)
      lose(cluster, 'n1', 'n3')
      await bucket.put('k', 'v', { timeoutMs: 60_000 })
      await cluster.node('n1').close()
      cluster.heal()
      await cluster.restart('n1')
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('leaves a hint when its disk fails', async () => {
    await overSeeds(seeds(3), fast, async (cluster) => {
      const bucket = await opened(cluster)
      cluster.disk('n3').failWrites(1)
      const receipt = await bucket.put('k', 'v')
      expect(receipt.acknowledged.map(({ node }) => node)).not.toContain('n3')
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })
})

describe('the quota of hints', () => {
  const tiny = { bytesPerTargetMax: 600, bytesMax: 1000, intervalMs: 1000 }

  test('is never exceeded, fails no write, and what is over it converges all the same', async () => {
    await overSeeds(seeds(3), withHandoff(tiny), async (cluster) => {
      await crashAndSee(cluster, 'n4')
      await crashAndSee(cluster, 'n5')
      const names = ['n1', 'n2', 'n3']
      let largest = 0
      let dirty = 0
      for (const name of names) {
        const node = cluster.node(name)
        node.on('hint-stored', () => {
          largest = Math.max(largest, node.stats().handoff.bytes)
          dirty = Math.max(dirty, node.stats().handoff.dirtyPartitions)
        })
      }
      await load(cluster, names, 120)
      expect(largest).toBeGreaterThan(300)
      expect(largest).toBeLessThanOrEqual(1000)
      expect(dirty).toBeGreaterThan(0)
      await Promise.all([cluster.restart('n4'), cluster.restart('n5')])
      await cluster.settle()
      expectConverged(cluster)
    })
  })

  test('counts what a key has grown to since it was hinted', async () => {
    await overSeeds(seeds(2), withHandoff(tiny, { nodes: 3 }), async (cluster) => {
      await crashAndSee(cluster, 'n3')
      const bucket = cluster.node('n1').bucket(bucketName)
      await bucket.put('k', 'small')
      await bucket.put('k', 'x'.repeat(200))
      const grown = cluster.node('n1').stats().handoff
      expect(grown).toMatchObject({ hints: 1, dirtyPartitions: 0 })
      expect(grown.bytes).toBeGreaterThan(200)
      await bucket.put('k', 'x'.repeat(2000))
      const over = cluster.node('n1').stats().handoff
      expect(over).toMatchObject({ hints: 0, bytes: 0, dirtyPartitions: 1 })
      await cluster.restart('n3')
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['x'.repeat(2000)])
    })
  })

  test('ends with the window, also over a restart: later writes mark partitions', async () => {
    const handoff = { windowMs: 60_000, intervalMs: 1000 }
    await overSeeds(seeds(3), withHandoff(handoff, { nodes: 3 }), async (cluster) => {
      await crashAndSee(cluster, 'n3', { silent: true })
      await cluster.node('n1').bucket(bucketName).put('early', 1)
      await cluster.restart('n1')
      await untilSeen(cluster, 'n3', 'dead')
      await cluster.sleep(30_000)
      await cluster.node('n1').bucket(bucketName).put('in time', 2)
      expect(cluster.node('n1').stats().handoff).toMatchObject({ hints: 2, dirtyPartitions: 0 })
      await cluster.sleep(60_000)
      await cluster.node('n1').bucket(bucketName).put('late', 3)
      expect(cluster.node('n1').stats().handoff).toMatchObject({ hints: 2, dirtyPartitions: 1 })
      await cluster.restart('n3')
      await cluster.settle()
      for (const [i, key] of ['early', 'in time', 'late'].entries()) {
        expectOnOwners(cluster, key, [i + 1])
      }
    })
  })
})

describe('a hint that is the only copy', () => {
  /** One owner for each key: what is written while it is down is nowhere but with the holder. */
  const single = withHandoff(
    { intervalMs: 2000 },
    { nodes: 4, node: { replication: { n: 1, r: 1, w: 1 } } },
  )

  /** Writes a key of n4, which is down, at n1, which is no owner. */
  async function onlyAtHolder(cluster: SimCluster): Promise<string> {
    const key = keyWhere(cluster, ([owner]) => owner === 'n4')
    await crashAndSee(cluster, 'n4')
    const receipt = await cluster.node('n1').bucket(bucketName).put(key, 'v')
    expect(receipt.acknowledged).toEqual([{ node: 'n1', role: 'fallback', durable: true }])
    expect(receipt.hinted).toEqual(['n4'])
    expect([...cluster.records(bucketName, key).keys()]).toEqual(['n1'])
    return key
  }

  /** The owner has it, nobody keeps hints, and the holder needs no copy any more. */
  async function expectDelivered(cluster: SimCluster, key: string): Promise<void> {
    await cluster.settle()
    expectOnOwners(cluster, key, ['v'])
  }

  test('reaches the owner that comes back, and is then forgotten by the holder', async () => {
    await overSeeds(seeds(3), single, async (cluster) => {
      const key = await onlyAtHolder(cluster)
      await cluster.restart('n4')
      await expectDelivered(cluster, key)
      expect([...cluster.records(bucketName, key).keys()]).toEqual(['n4'])
    })
  })

  test('reaches the new owner when the old one is removed', async () => {
    await overSeeds(seeds(3), single, async (cluster) => {
      const key = await onlyAtHolder(cluster)
      await cluster.node('n2').removeMember('n4')
      await expectDelivered(cluster, key)
    })
  })

  test('reaches the owner whose disk was replaced', async () => {
    await overSeeds(seeds(3), single, async (cluster) => {
      const key = await onlyAtHolder(cluster)
      await cluster.crash('n4', { lose: 'everything' })
      await cluster.restart('n4')
      await expectDelivered(cluster, key)
    })
  })

  test('reaches the new owner when the old one comes back only to leave', async () => {
    await overSeeds(seeds(3), single, async (cluster) => {
      const key = await onlyAtHolder(cluster)
      cluster.block('n1', 'n4')
      cluster.block('n4', 'n1')
      const node = await cluster.restart('n4')
      await cluster.sleep(5000)
      await node.leave()
      await expectDelivered(cluster, key)
      expect(
        cluster
          .node('n2')
          .members()
          .map(({ id }) => id),
      ).toEqual(['n1', 'n2', 'n3'])
    })
  })

  test('goes to another holder when its holder leaves while the owner is down', async () => {
    await overSeeds(seeds(3), single, async (cluster) => {
      const key = await onlyAtHolder(cluster)
      await cluster.node('n1').leave()
      await cluster.restart('n4')
      await expectDelivered(cluster, key)
    })
  })

  test('goes to another holder when it is over the quota', async () => {
    const handoff = { intervalMs: 2000, bytesMax: 1, bytesPerTargetMax: 1 }
    const options = { ...single, node: { ...single.node, handoff } }
    await overSeeds(seeds(2), options, async (cluster) => {
      const key = keyWhere(cluster, ([owner]) => owner === 'n4')
      await crashAndSee(cluster, 'n4')
      await cluster.node('n1').bucket(bucketName).put(key, 'v')
      expect(cluster.node('n1').stats().handoff).toMatchObject({ hints: 0, dirtyPartitions: 1 })
      await cluster.node('n1').leave()
      await cluster.restart('n4')
      await expectDelivered(cluster, key)
    })
  })
})
