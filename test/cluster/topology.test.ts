/**
 * Nodes that join, leave, are removed, cut off or restarted: who is a member, and where the data is
 * (HAZARDS E1, E6, E12, F4, F7).
 */

import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  anyNode,
  bucketName,
  crashAndSee,
  expectOnOwners,
  isUp,
  keyWhere,
  lose,
  openEverywhere,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  seeds,
  strict,
  stored,
  until,
} from './kit.ts'

const durable: SimOptions = { storage: 'durable', node: { replication: strict } }

const keys = Array.from({ length: 80 }, (_, i) => `k${i}`)

async function putAll(cluster: SimCluster): Promise<void> {
  for (const [i, key] of keys.entries()) {
    const name = cluster.names[i % cluster.names.length]!
    await cluster
      .node(isUp(cluster, name) ? name : anyNode(cluster).id)
      .bucket(bucketName)
      .put(key, i)
  }
}

/** Every value is read by a quorum, through each of the nodes in turn. */
async function expectReadable(
  cluster: SimCluster,
  options: { r?: 'quorum' | 'all' } = {},
): Promise<void> {
  const upNames = cluster.names.filter((name) => isUp(cluster, name))
  for (const [i, key] of keys.entries()) {
    const bucket = cluster.node(upNames[i % upNames.length]!).bucket(bucketName)
    expect((await bucket.get(key, options)).siblings, key).toEqual([i])
  }
}

function expectCopies(cluster: SimCluster): void {
  for (const [i, key] of keys.entries()) expectOnOwners(cluster, key, [i])
}

/** All nodes that are up see the same members, alive and normal, in the same ring. */
async function untilAgreed(cluster: SimCluster, names: readonly string[]): Promise<void> {
  await until(cluster, () => {
    const rings = new Set<string>()
    for (const name of names) {
      const node = cluster.node(name)
      const seen = node.members().map(({ id, status, stage }) => `${id} ${status} ${stage}`)
      const wanted = names.map((each) => `${each} alive normal`).toSorted()
      if (seen.join() !== wanted.join()) return `${name} sees ${seen.join()}`
      rings.add(JSON.stringify(node.ring()))
    }
    return rings.size === 1 ? undefined : 'the rings differ'
  })
}

describe('a restart of all nodes at once', () => {
  test('leaves nobody dead, and the cluster serves what it acknowledged', async () => {
    await overSeeds(seeds(6), { ...durable, nodes: 5 }, async (cluster) => {
      await putAll(cluster)
      const isGentle = cluster.random() < 0.5
      const starts = cluster.names.map(async (name) => {
        if (isGentle) await cluster.node(name).close()
        else await cluster.crash(name)
        await cluster.sleep(3000 * cluster.random())
        await cluster.restart(name)
      })
      await Promise.all(starts)
      await untilAgreed(cluster, cluster.names)
      await expectReadable(cluster)
      // What a coordinator did not get to tell the third owner, nor to hint, only reads repair.
      await expectReadable(cluster, { r: 'all' })
      await cluster.settle()
      expectCopies(cluster)
    })
  })
})

describe('a node that joins', () => {
  test('while a member is down gets in, and the member knows it when it is back', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 4 }, async (cluster) => {
      await putAll(cluster)
      await crashAndSee(cluster, 'n3')
      await cluster.add('n5')
      expect(
        cluster
          .node('n5')
          .members()
          .map(({ id }) => id),
      ).toContain('n3')
      await expectReadable(cluster)
      await cluster.restart('n3')
      await untilAgreed(cluster, cluster.names)
      await cluster.settle()
      expectCopies(cluster)
    })
  })

  test('gets its share, and each acknowledged value is read by quorums meanwhile', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 3 }, async (cluster) => {
      await putAll(cluster)
      for (const name of ['n4', 'n5']) {
        const joining = outcomeOf(cluster.add(name))
        await expectReadable(cluster)
        expect(await joining).toHaveProperty('value')
        await expectReadable(cluster)
        await cluster.settle()
      }
      await untilAgreed(cluster, cluster.names)
      expectCopies(cluster)
      const { owned, balance } = cluster.node('n4').ring()
      expect(Object.keys(owned)).toHaveLength(5)
      expect(balance).toBeGreaterThan(0.9)
    })
  })

  test('with others at the same time gets in like them', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 2 }, async (cluster) => {
      await putAll(cluster)
      await Promise.all(['n3', 'n4', 'n5', 'n6', 'n7'].map((name) => cluster.add(name)))
      await untilAgreed(cluster, cluster.names)
      await cluster.settle()
      expectCopies(cluster)
    })
  })

  test('and crashes of the rest in the middle of it lose nothing', async () => {
    // In 19 and 20, every old owner of some key crashes before it has marked what the new one needs.
    await overSeeds([...seeds(8), 19, 20], { ...durable, nodes: 4 }, async (cluster) => {
      await putAll(cluster)
      const joining = outcomeOf(cluster.add('n5'))
      await cluster.sleep(10 + 60 * cluster.random())
      const downNames = cluster.names.filter(() => cluster.random() < 0.7)
      for (const name of downNames) await cluster.crash(name)
      await joining
      for (const name of cluster.names) if (!isUp(cluster, name)) await cluster.restart(name)
      await untilAgreed(cluster, cluster.names)
      await cluster.settle()
      await expectReadable(cluster)
    })
  })
})

describe('a node that is let in and lost before it knows', () => {
  test('takes no vote away: it and the next that loses its disk come back all the same', async () => {
    await overSeeds(seeds(6), { nodes: 3, node: { replication: strict } }, async (cluster) => {
      const isLetIn = Promise.race(
        cluster.names.map((name) => once(cluster.node(name), 'ring-change')),
      )
      const joining = outcomeOf(cluster.add('n4'))
      await isLetIn
      for (const name of ['n4', 'n3']) await cluster.crash(name, { lose: 'everything' })
      expect(await joining).toHaveProperty('error')
      await cluster.sleep(1000 * cluster.random())
      await Promise.all(['n3', 'n4'].map((name) => cluster.restart(name)))
      await untilAgreed(cluster, ['n1', 'n2', 'n3', 'n4'])
    })
  })
})

describe('a node that joined and was not handed its share yet', () => {
  test('vouches for no absence from the moment it is let in, also when it dies before it knows', async () => {
    const node = { replication: strict, handoff: { bytesPerSecondMax: 1 } }
    await overSeeds(seeds(8), { nodes: 3, storage: 'durable', node }, async (cluster) => {
      await openEverywhere(cluster)
      lose(cluster, 'n1', 'n2')
      for (const key of keys) await cluster.node('n1').bucket(bucketName).put(key, key)
      await cluster.crash('n3', { lose: 'everything' })
      cluster.heal()
      // What n1 has for n3 does not get there; n2, which has nothing, lets it in.
      cluster.block('n1', 'n3')
      const isLetIn = once(cluster.node('n2'), 'ring-change')
      const starting = outcomeOf(cluster.restart('n3'))
      await isLetIn
      if (cluster.random() < 0.5) {
        await cluster.sleep(30 * cluster.random())
        await cluster.crash('n3', { lose: 'unsynced' })
        void starting.then(() => cluster.restart('n3'))
      }
      const denials: string[] = []
      for (const key of keys) {
        const read = await outcomeOf(cluster.node('n2').bucket(bucketName).get(key))
        if ('value' in read && !read.value.found) denials.push(key)
      }
      expect(denials).toEqual([])
    })
  })

  test('vouches for no absence: two owners that lack a value do not outvote the one that has it', async () => {
    const node = { replication: strict, handoff: { bytesPerSecondMax: 1 } }
    await overSeeds(seeds(4), { nodes: 3, storage: 'durable', node }, async (cluster) => {
      await openEverywhere(cluster)
      lose(cluster, 'n1', 'n3')
      lose(cluster, 'n2', 'n3')
      const bucket = cluster.node('n1').bucket(bucketName)
      for (const key of keys) await bucket.put(key, key, { timeoutMs: 300 })
      await cluster.add('n4')
      const denials: string[] = []
      for (const key of keys) {
        for (const name of ['n3', 'n4']) {
          const reader = cluster.node(name).bucket(bucketName)
          const read = await outcomeOf(reader.get(key, { timeoutMs: 200 }))
          if ('value' in read && !read.value.found) denials.push(`${key} at ${name}`)
        }
      }
      expect(denials).toEqual([])
    })
  })
})

describe('a node that leaves', () => {
  test('hands all over before it goes: every value is read by quorums at once', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 5 }, async (cluster) => {
      await putAll(cluster)
      await cluster.node('n2').leave()
      await expectReadable(cluster)
      await cluster.settle()
      await untilAgreed(cluster, ['n1', 'n3', 'n4', 'n5'])
      expectCopies(cluster)
    })
  })

  test('although its values are on it and one other only, and that one crashes then', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 4 }, async (cluster) => {
      await openEverywhere(cluster)
      const key = keyWhere(cluster, (names) => names.includes('n1') && names.includes('n2'))
      const [third] = owners(cluster, key).filter((name) => name !== 'n1' && name !== 'n2')
      cluster.block('n1', third!)
      const receipt = await cluster.node('n1').bucket(bucketName).put(key, 'v', { timeoutMs: 300 })
      expect(receipt.acknowledged.map(({ node }) => node).toSorted()).toEqual(['n1', 'n2'])
      cluster.heal()
      await cluster.node('n2').leave()
      await cluster.crash('n1', { lose: 'everything' })
      const [reader] = ['n3', 'n4'] as const
      const entry = await cluster.node(reader).bucket(bucketName).get(key, { timeoutMs: 20_000 })
      expect(entry.value()).toBe('v')
    })
  })

  test('one after the other down to one node loses nothing', async () => {
    await overSeeds(seeds(2), { ...durable, nodes: 5 }, async (cluster) => {
      await putAll(cluster)
      for (const name of ['n5', 'n1', 'n4', 'n2']) await cluster.node(name).leave()
      const bucket = cluster.node('n3').bucket(bucketName)
      for (const [i, key] of keys.entries()) {
        expect((await bucket.get(key, { r: 1 })).siblings, key).toEqual([i])
      }
    })
  })
})

describe('a dead member that is removed', () => {
  test('is replaced: each key has N copies again', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 5 }, async (cluster) => {
      await putAll(cluster)
      await crashAndSee(cluster, 'n4', { lose: 'everything' })
      await cluster.node('n1').removeMember('n4')
      await cluster.settle()
      await untilAgreed(cluster, ['n1', 'n2', 'n3', 'n5'])
      for (const key of keys) expect(owners(cluster, key)).not.toContain('n4')
      expectCopies(cluster)
    })
  })
})

describe('a member with an old ring', () => {
  test('is told the newer one by those it writes to, and the write is on the right owners', async () => {
    await overSeeds(seeds(5), { ...durable, nodes: 5 }, async (cluster) => {
      await openEverywhere(cluster)
      cluster.partition(['n5'])
      await cluster.sleep(15_000)
      await cluster.add('n6')
      await cluster.add('n7')
      expect(cluster.node('n5').ring().epoch).toBeLessThan(cluster.node('n1').ring().epoch)
      cluster.heal()
      // As soon as anybody hears it, and before gossip is sure to have told it.
      const bucket = cluster.node('n5').bucket(bucketName)
      let written = 0
      for (const [i, key] of keys.entries()) {
        const put = await outcomeOf(bucket.put(key, i, { timeoutMs: 1000 }))
        if ('value' in put) written += 1
        const primaries = owners(cluster, key)
        for (const { node, role } of 'value' in put ? put.value.acknowledged : []) {
          if (role === 'primary') expect(primaries, key).toContain(node)
        }
        if ('error' in put) await bucket.put(key, i, { timeoutMs: 30_000 }).catch(() => undefined)
        await cluster.sleep(200)
      }
      expect(written).toBeGreaterThan(40)
      expect(cluster.node('n5').ring().epoch).toBe(cluster.node('n1').ring().epoch)
      await cluster.settle()
      for (const [i, key] of keys.entries()) {
        for (const view of stored(cluster, key)) expect(view?.siblings ?? [i]).toContain(i)
      }
    })
  })
})

describe('a partition', () => {
  const shapes: readonly (readonly [string, (cluster: SimCluster) => void])[] = [
    ['into halves', (cluster) => cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])],
    ['of one node', (cluster) => cluster.partition(['n4'])],
    ['with a bridge', (cluster) => cluster.partition(['n1', 'n2', 'n3'], ['n3', 'n4', 'n5'])],
    [
      'in one direction',
      (cluster) => {
        for (const name of ['n1', 'n2', 'n3', 'n4']) cluster.block(name, 'n5')
      },
    ],
  ]

  test.each(shapes)('%s heals: all see all, and owners store the same', async (_, divide) => {
    await overSeeds(seeds(3), { nodes: 5, storage: 'durable' }, async (cluster) => {
      await openEverywhere(cluster)
      divide(cluster)
      for (let i = 0; i < 60; i++) {
        const name = cluster.names[pick(cluster, 5)]!
        const key = keys[pick(cluster, keys.length)]!
        await outcomeOf(cluster.node(name).bucket(bucketName).put(key, i, { timeoutMs: 1000 }))
        await cluster.sleep(500)
      }
      cluster.heal()
      await untilAgreed(cluster, cluster.names)
      await cluster.settle()
    })
  })
})

describe('writers while two nodes join and two leave', () => {
  test('lose no acknowledged value', async () => {
    await overSeeds(seeds(4), { ...durable, nodes: 5 }, async (cluster) => {
      await openEverywhere(cluster)
      const acknowledged = new Map<string, Set<string>>()
      let isDone = false
      const writer = async (id: number): Promise<void> => {
        for (let i = 0; !isDone; i++) {
          const upNames = ['n1', 'n2', 'n3'].filter((name) => isUp(cluster, name))
          const key = keys[pick(cluster, 10)]!
          const value = `${id}-${i}`
          const bucket = cluster.node(upNames[pick(cluster, upNames.length)]!).bucket(bucketName)
          const { error, context, siblings } = await readForUpdate(bucket, key)
          if (error) continue
          const put = await outcomeOf(bucket.put(key, value, { context, timeoutMs: 500 }))
          const values = acknowledged.get(key) ?? new Set<string>()
          acknowledged.set(key, values)
          for (const seen of siblings) values.delete(seen as string)
          if ('value' in put) values.add(value)
          await cluster.sleep(10 + 20 * cluster.random())
        }
      }
      const writers = [1, 2, 3, 4].map(writer)
      await cluster.add('n6')
      await cluster.node('n4').leave()
      await cluster.add('n7')
      await cluster.node('n5').leave()
      await cluster.sleep(1000)
      isDone = true
      await Promise.all(writers)
      await cluster.settle()
      for (const [key, values] of acknowledged) {
        const { siblings } = await cluster.node('n1').bucket(bucketName).get(key, { r: 'all' })
        for (const value of values) expect(siblings, key).toContain(value)
      }
    })
  })
})

async function readForUpdate(
  bucket: ReturnType<ReturnType<SimCluster['node']>['bucket']>,
  key: string,
): Promise<{ error: boolean; context: string; siblings: readonly unknown[] }> {
  const read = await outcomeOf(bucket.get(key, { timeoutMs: 500 }))
  if ('error' in read) return { error: true, context: '', siblings: [] }
  const { context, siblings } = read.value
  return { error: false, context: context.toString(), siblings }
}
