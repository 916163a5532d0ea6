/** Concurrent values stay, replaced ones go, deleted ones stay deleted (HAZARDS A1 to A4, A9, B1). */

import { describe, expect, test } from 'vitest'
import { lww, merge } from '../../src/index.ts'
import type { Bucket, Context } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  expectOnOwners,
  inOrder,
  isUp,
  keyWhere,
  openEverywhere,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  seeds,
  strict,
  stored,
} from './kit.ts'

const three: SimOptions = { nodes: 3, node: { replication: strict } }
const durable: SimOptions = { ...three, storage: 'durable' }

describe('two clients that never read each other', () => {
  test('leave at most two siblings, the last value of each', async () => {
    await overSeeds(seeds(3), { ...three, nodes: 5 }, async (cluster) => {
      const clients = ['n1', 'n4'].map((name) => cluster.node(name).bucket<string>(bucketName))
      const contexts: (Context | null)[] = [null, null]
      for (let i = 0; i < 50; i++) {
        for (const [c, client] of clients.entries()) {
          const receipt = await client.put('k', `${c}:${i}`, { context: contexts[c] ?? null })
          contexts[c] = receipt.context
          const { siblings } = await client.get('k')
          expect(siblings.length).toBeLessThanOrEqual(2)
        }
      }
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['0:49', '1:49'])
    })
  })
})

describe('plain puts', () => {
  test('one after the other through one node leave one value', async () => {
    await overSeeds(seeds(3), { ...three, nodes: 5 }, async (cluster) => {
      for (const name of ['n1', 'n5']) {
        const key = `by ${name}`
        for (let i = 1; i <= 100; i++) await cluster.node(name).bucket(bucketName).put(key, i)
        await cluster.settle()
        expectOnOwners(cluster, key, [100])
      }
    })
  })

  test('through any node leave one value when each is stored everywhere before the next', async () => {
    await overSeeds(seeds(3), { ...three, nodes: 5 }, async (cluster) => {
      for (let i = 1; i <= 100; i++) {
        const name = cluster.names[pick(cluster, 5)]!
        await cluster.node(name).bucket(bucketName).put('k', i, { w: 'all' })
      }
      expectOnOwners(cluster, 'k', [100])
    })
  })
})

describe('a coordinator that forgot its copy', () => {
  test.each(['blind', 'plain', 'contextual'] as const)(
    'keeps all values over %s puts',
    async (kind) => {
      await overSeeds(seeds(4), three, async (cluster) => {
        const bucket = cluster.node('n1').bucket<number>(bucketName)
        const expected = new Set<number>()
        let context: Context | null = null
        for (let i = 0; i < 12; i++) {
          const known = context
          const receipt = await bucket.put('k', i, {
            w: 'all',
            ...(kind === 'plain' ? {} : { context: kind === 'blind' ? null : known }),
          })
          if (kind === 'contextual') expected.clear()
          expected.add(i)
          context = receipt.context
          cluster.forget('n1', bucketName, 'k')
        }
        await bucket.get('k', { r: 'all' })
        await cluster.settle()
        expectOnOwners(cluster, 'k', [...expected])
      })
    },
  )
})

/** What a client did, and which values each write may have replaced: an account of its own, without clocks. */
class Account {
  readonly acknowledged = new Set<string>()
  readonly replaced = new Set<string>()
  #next = 0

  /** One write: blind, plain, or with what a read found. */
  async write(cluster: SimCluster, name: string, key: string): Promise<void> {
    const bucket = cluster.node(name).bucket<string>(bucketName)
    const value = `${name}-${this.#next++}`
    if (cluster.random() < 0.5) {
      const put = await outcomeOf(bucket.put(key, value, { context: null }))
      if ('value' in put) this.acknowledged.add(value)
      return
    }
    const read = await outcomeOf(bucket.get(key))
    if (!('value' in read)) return
    for (const seen of read.value.siblings) this.replaced.add(seen)
    const put = await outcomeOf(bucket.put(key, value, { context: read.value.context }))
    if ('value' in put) this.acknowledged.add(value)
  }

  /** Acknowledged values that are gone although nobody replaced them. */
  lost(found: readonly string[]): string[] {
    return [...this.acknowledged].filter((value) => {
      return !found.includes(value) && !this.replaced.has(value)
    })
  }
}

/** What all owners together have. A read of all repairs what only reads can: a disk that went back in time. */
async function finalValues(cluster: SimCluster, key: string): Promise<readonly string[]> {
  const bucket = cluster.node('n1').bucket<string>(bucketName)
  const { siblings } = await bucket.get(key, { r: 'all' })
  await cluster.settle()
  expectOnOwners(cluster, key, siblings)
  return siblings
}

describe('no acknowledged value is lost', () => {
  test('when nodes crash and lose what was not synced', async () => {
    await overSeeds(seeds(10), durable, async (cluster) => {
      const account = new Account()
      for (let round = 0; round < 40; round++) {
        const name = cluster.names[pick(cluster, 3)]!
        if (!isUp(cluster, name)) await cluster.restart(name)
        const writing = account.write(cluster, name, 'k')
        const victim = cluster.names[pick(cluster, 3)]!
        await cluster.sleep(6 * cluster.random())
        if (cluster.random() < 0.3 && isUp(cluster, victim)) await cluster.crash(victim)
        await writing
        for (const each of cluster.names) {
          if (!isUp(cluster, each) && cluster.random() < 0.6) await cluster.restart(each)
        }
      }
      for (const name of cluster.names) if (!isUp(cluster, name)) await cluster.restart(name)
      expect(account.acknowledged.size).toBeGreaterThan(5)
      expect(account.lost(await finalValues(cluster, 'k'))).toEqual([])
    })
  })

  test('when a node comes back on an older disk and writes at once', async () => {
    await overSeeds(seeds(10), durable, async (cluster) => {
      const account = new Account()
      for (let i = 0; i < 3; i++) await account.write(cluster, 'n1', 'k')
      for (let round = 0; round < 4; round++) {
        const victim = cluster.names[pick(cluster, 3)]!
        const disk = cluster.saveDisk(victim)
        for (let i = 0; i < 4; i++) await account.write(cluster, victim, 'k')
        await cluster.sleep(20)
        await cluster.crash(victim)
        cluster.restoreDisk(victim, disk)
        await cluster.restart(victim)
        for (let i = 0; i < 3; i++) await account.write(cluster, victim, 'k')
      }
      // One old copy at a time is no loss: each value was on two disks.
      expect(account.lost(await finalValues(cluster, 'k'))).toEqual([])
    })
  })

  test('when a coordinator forgets records now and then', async () => {
    await overSeeds(seeds(10), durable, async (cluster) => {
      const account = new Account()
      for (let round = 0; round < 30; round++) {
        const name = cluster.names[pick(cluster, 3)]!
        await account.write(cluster, name, 'k')
        // Everybody has it before one forgets it: else more copies were lost than quorums bear.
        await cluster.settle()
        cluster.forget(cluster.names[pick(cluster, 3)]!, bucketName, 'k')
        if (cluster.random() < 0.5)
          await cluster.node(name).bucket(bucketName).get('k', { r: 'all' })
        else await account.write(cluster, name, 'k')
        await cluster.node(name).bucket(bucketName).get('k', { r: 'all' })
      }
      expect(account.lost(await finalValues(cluster, 'k'))).toEqual([])
    })
  })
})

describe('writers on both sides of a partition', () => {
  test('find all their values as siblings after it', async () => {
    await overSeeds(seeds(4), { nodes: 5 }, async (cluster) => {
      await openEverywhere(cluster)
      const key = keyWhere(cluster, (names) => names.includes('n1') && names.includes('n3'))
      await cluster.node('n1').bucket(bucketName).put(key, 'before', { w: 'all' })
      cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      await cluster.sleep(30_000)
      const sides = ['n1', 'n3'].map((name) => cluster.node(name).bucket<string>(bucketName))
      for (let i = 0; i < 5; i++) {
        for (const [side, bucket] of sides.entries()) {
          await bucket.put(key, `${side}:${i}`, i === 0 ? {} : { context: null })
        }
      }
      cluster.heal()
      await cluster.settle()
      const values = [0, 1].flatMap((side) => [0, 1, 2, 3, 4].map((i) => `${side}:${i}`))
      expectOnOwners(cluster, key, values)
    })
  })

  test('agree in a merge bucket on the union, byte for byte', async () => {
    await overSeeds(seeds(3), { nodes: 5 }, async (cluster) => {
      const union = merge<string[]>((a, b) => [...new Set([...a, ...b])].toSorted())
      const open = (name: string): Bucket<string[]> =>
        cluster.node(name).bucket<string[]>(bucketName, { conflicts: union })
      for (const name of cluster.names) await open(name).get('k')
      cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      await cluster.sleep(30_000)
      for (const name of cluster.names) {
        for (let i = 0; i < 3; i++) {
          await open(name).update('k', (found) => [...(found[0] ?? []), `${name}-${i}`])
        }
      }
      cluster.heal()
      await cluster.settle()
      const all = cluster.names.flatMap((name) => [0, 1, 2].map((i) => `${name}-${i}`))
      for (const name of cluster.names) {
        expect((await open(name).get('k')).value()?.toSorted()).toEqual(all)
      }
      expect(new Set(stored(cluster, 'k').map((view) => JSON.stringify(view))).size).toBe(1)
    })
  })

  test('agree in a last-write-wins bucket on one value', async () => {
    await overSeeds(seeds(3), { nodes: 5 }, async (cluster) => {
      const open = (name: string): Bucket<string> =>
        cluster.node(name).bucket<string>(bucketName, { conflicts: lww() })
      for (const name of cluster.names) await open(name).get('k')
      cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      await cluster.sleep(30_000)
      for (let i = 0; i < 5; i++) for (const name of cluster.names) await open(name).put('k', name)
      cluster.heal()
      await cluster.settle()
      const views = stored(cluster, 'k')
      expect(views[0]?.siblings).toHaveLength(1)
      expect(new Set(views.map((view) => JSON.stringify(view))).size).toBe(1)
    })
  })
})

test('clocks that are wrong by an hour let no later causal write of a last-write-wins bucket vanish', async () => {
  await overSeeds(seeds(4), durable, async (cluster) => {
    const skews = [3_600_000, -3_600_000, 0]
    for (const [i, name] of cluster.names.entries()) cluster.skewClock(name, skews[i]!)
    const open = (name: string): Bucket<number> =>
      cluster.node(name).bucket<number>(bucketName, { conflicts: lww() })
    for (let i = 1; i <= 40; i++) {
      const bucket = open(cluster.names[pick(cluster, 3)]!)
      const { context } = await bucket.get('k')
      // With the context it read, or without one at a node that has what went before.
      await bucket.put('k', i, cluster.random() < 0.7 ? { context } : {})
      for (const name of cluster.names) expect((await open(name).get('k')).value()).toBe(i)
    }
  })
})

describe('a deleted key', () => {
  /** Repairs of every kind in an order of chance. */
  async function repairInAnyOrder(cluster: SimCluster, key: string): Promise<void> {
    for (let i = 0; i < 12; i++) {
      const name = cluster.names[pick(cluster, cluster.names.length)]!
      if (!isUp(cluster, name)) await cluster.restart(name)
      const dice = cluster.random()
      if (dice < 0.2) await cluster.sleep(3000)
      else if (dice < 0.3) await cluster.restart(name)
      const read = await cluster
        .node(name)
        .bucket(bucketName)
        .get(key, { r: 1 + pick(cluster, 3) })
      if (dice > 0.5) expect([read.found, read.siblings]).toEqual([false, []])
    }
  }

  test('stays deleted when an owner was away, whatever repairs it first', async () => {
    const options: SimOptions = { ...durable, nodes: 5 }
    await overSeeds(seeds(6), options, async (cluster) => {
      const key = keyWhere(cluster, (names) => names.includes('n1'))
      const [away] = owners(cluster, key).filter((name) => name !== 'n1')
      await cluster.node('n1').bucket(bucketName).put(key, 'v', { w: 'all' })
      await crashAndSee(cluster, away!)
      await cluster.node('n1').bucket(bucketName).delete(key)
      await cluster.crash('n1')
      await cluster.restart(away!)
      await cluster.restart('n1')
      const quorum = await cluster.node('n1').bucket(bucketName).get(key)
      expect(quorum.found).toBe(false)
      await cluster.settle()
      await repairInAnyOrder(cluster, key)
      await cluster.settle()
      expectOnOwners(cluster, key, [])
      expect(stored(cluster, key).map((view) => view?.tombstones)).toEqual([1, 1, 1])
    })
  })

  test('keeps what was written beside the delete, and a new value after it', async () => {
    await overSeeds(seeds(4), three, async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      const { context } = await bucket.put('k', 'old', { w: 'all' })
      await cluster.node('n2').bucket(bucketName).put('k', 'beside', { context: null, w: 'all' })
      await bucket.delete('k', { context, w: 'all' })
      expect((await bucket.get('k', { r: 'all' })).siblings).toEqual(['beside'])
      await bucket.delete('k', { w: 'all' })
      expect((await bucket.get('k', { r: 'all' })).found).toBe(false)
      await cluster.node('n3').bucket(bucketName).put('k', 'new', { w: 'all' })
      await cluster.settle()
      expect(inOrder((await bucket.get('k', { r: 'all' })).siblings)).toEqual(['new'])
    })
  })

  test('is not brought back by a hint with the old value', async () => {
    const options: SimOptions = { ...durable, node: { handoff: { intervalMs: 1000 } } }
    await overSeeds(seeds(4), options, async (cluster) => {
      const bucket = cluster.node('n1').bucket(bucketName)
      await crashAndSee(cluster, 'n3')
      await bucket.put('k', 'v')
      await cluster.crash('n1')
      await cluster.restart('n3')
      // n1 holds a hint with the value; meanwhile it is deleted.
      await cluster.node('n3').bucket(bucketName).get('k', { r: 2 })
      await cluster.node('n2').bucket(bucketName).delete('k')
      await cluster.restart('n1')
      await cluster.settle()
      expectOnOwners(cluster, 'k', [])
    })
  })
})
