/** Values with a time to live, on clocks that differ: what has expired once has expired for all (HAZARDS B6). */

import { describe, expect, test } from 'vitest'
import { lww, merge, type BucketOptions, type NodeOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  expectOnOwners,
  inOrder,
  keyWhere,
  lose,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  rareHandoff,
  seeds,
  strict,
  stored,
  untilSeen,
} from './kit.ts'

type Mode = 'blocking' | 'async' | 'off'

function cluster(nodes: number, readRepair: Mode = 'blocking', more: SimOptions = {}): SimOptions {
  const node: NodeOptions = { replication: { ...strict, readRepair }, handoff: rareHandoff }
  return { nodes, node, ...more }
}

/** Whether a node finds the key. */
async function finds(cluster: SimCluster, name: string, key = 'k'): Promise<boolean> {
  return (await cluster.node(name).bucket(bucketName).get(key)).found
}

/** A value that lives for 10 s on a right clock. */
async function putMortal(cluster: SimCluster, key = 'k', ttlMs = 10_000): Promise<void> {
  await cluster.node('n1').bucket(bucketName).put(key, 'v', { ttlMs, w: 'all' })
}

/** Tombstones on each owner, and no value: ended for all. */
function expectEnded(cluster: SimCluster, key = 'k'): void {
  expectOnOwners(cluster, key, [])
  expect(stored(cluster, key).map((view) => view?.tombstones)).toEqual([1, 1, 1])
}

describe('a value with a time to live', () => {
  test('is there for its time, and then for no kind of operation; its context still covers it', async () => {
    await overSeeds(seeds(3), cluster(5), async (cluster) => {
      const bucket = cluster.node('n2').bucket<string>(bucketName)
      const { context } = await bucket.put('k', 'v', { ttlMs: 10_000 })
      await cluster.sleep(9_900)
      expect((await bucket.get('k')).siblings).toEqual(['v'])
      await cluster.sleep(200)
      for (const name of cluster.names) {
        const entry = await cluster.node(name).bucket(bucketName).get('k')
        expect([entry.found, entry.siblings, entry.value()]).toEqual([false, [], undefined])
        expect(entry.context.toString()).toBe(context.toString())
      }
      expect((await bucket.getMany(['k', 'none'])).get('k')?.found).toBe(false)
      await bucket.update('k', (siblings) => `after ${siblings.length}`)
      expect((await bucket.get('k')).siblings).toEqual(['after 0'])
      await cluster.sleep(60_000)
      expect((await bucket.get('k')).siblings).toEqual(['after 0'])
    })
  })

  test('gives way to others beside it, and is no winner among the latest', async () => {
    await overSeeds(seeds(2), cluster(3), async (cluster) => {
      const open = <V>(name: string, options: BucketOptions<V>) =>
        cluster.node('n1').bucket<V>(name, options)
      const plain = open<number>('plain', {})
      const sums = open<number>('sums', { conflicts: merge((a, b) => Math.max(a, b)) })
      const latest = open<number>('latest', { conflicts: lww() })
      for (const bucket of [plain, sums, latest]) {
        await bucket.put('k', 1, { context: null })
        await bucket.put('k', 2, { context: null, ttlMs: 10_000 })
      }
      expect(inOrder((await plain.get('k')).siblings)).toEqual([1, 2])
      expect((await sums.get('k')).value()).toBe(2)
      expect((await latest.get('k')).value()).toBe(2)
      await cluster.sleep(10_100)
      expect((await plain.get('k')).siblings).toEqual([1])
      expect((await sums.get('k')).value()).toBe(1)
      // The latest write won, and then it ended: what it won against does not come back.
      expect((await latest.get('k')).found).toBe(false)
      await latest.put('k', 3)
      expect((await latest.get('k')).value()).toBe(3)
    })
  })

  test('gets it from the bucket, unless the write says other; each write has its own', async () => {
    await overSeeds(seeds(2), cluster(3), async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>('sessions', { ttlMs: 10_000 })
      await bucket.put('short', 'v')
      await bucket.put('long', 'v', { ttlMs: 60_000 })
      await bucket.putMany([{ key: 'many', value: 'v' }])
      await bucket.put('updated', 'v')
      await bucket.put('once long', 'v', { ttlMs: 60_000 })
      await cluster.sleep(9_000)
      await bucket.update('updated', () => 'w')
      await bucket.update('once long', () => 'w')
      const found = async () => {
        const entries = await bucket.getMany(['short', 'long', 'many', 'updated', 'once long'])
        return [...entries.values()].map((entry) => entry.found)
      }
      expect(await found()).toEqual([true, true, true, true, true])
      await cluster.sleep(1_100)
      expect(await found()).toEqual([false, true, false, true, true])
      await cluster.sleep(9_000)
      expect(await found()).toEqual([false, true, false, false, false])
    })
  })

  test('goes through a node that owns no copy, with the time that its client gave', async () => {
    await overSeeds(seeds(2), cluster(5), async (cluster) => {
      const key = keyWhere(cluster, (names) => !names.includes('n1'))
      await cluster.node('n1').bucket(bucketName).put(key, 'v', { ttlMs: 10_000 })
      expect(await finds(cluster, 'n1', key)).toBe(true)
      await cluster.sleep(10_100)
      expect(await finds(cluster, 'n1', key)).toBe(false)
      await cluster.sleep(100)
      expectEnded(cluster, key)
    })
  })
})

describe('once a read found it expired', () => {
  test('no clock that is behind brings it back, and every owner has a tombstone', async () => {
    await overSeeds(seeds(3), cluster(5), async (cluster) => {
      await putMortal(cluster)
      cluster.skewClock('n1', 30_000)
      for (const name of ['n2', 'n3', 'n4', 'n5']) cluster.skewClock(name, -30_000)
      expect(await finds(cluster, 'n2')).toBe(true)
      expect(await finds(cluster, 'n1')).toBe(false)
      for (const name of cluster.names) expect(await finds(cluster, name)).toBe(false)
      await cluster.sleep(100)
      expectEnded(cluster)
      expect(cluster.node('n1').stats().repair.expired).toBe(1)
    })
  })

  test('as many owners have the tombstone as a later quorum needs to meet it, before the read tells', async () => {
    await overSeeds(seeds(6), cluster(3), async (cluster) => {
      await putMortal(cluster)
      await cluster.sleep(10_100)
      const reader = cluster.names[pick(cluster, 3)]!
      expect(await finds(cluster, reader)).toBe(false)
      const copies = stored(cluster, 'k').filter((view) => view?.tombstones === 1)
      expect(copies.length).toBeGreaterThanOrEqual(2)
    })
  })

  test('it is written once, and by no later read', async () => {
    await overSeeds(seeds(2), cluster(3), async (cluster) => {
      await putMortal(cluster)
      await cluster.sleep(10_100)
      expect(await finds(cluster, 'n1')).toBe(false)
      await cluster.sleep(100)
      const written = () => cluster.names.map((name) => cluster.node(name).stats().repair.reads)
      const before = written()
      for (const name of cluster.names) expect(await finds(cluster, name)).toBe(false)
      await cluster.sleep(100)
      expect(written()).toEqual(before)
    })
  })

  test('an owner that was away gets the tombstone with its hint, whatever its clock says', async () => {
    const options = cluster(5, 'blocking', { storage: 'durable' })
    await overSeeds(seeds(3), options, async (cluster) => {
      const key = keyWhere(cluster, (names) => names.includes('n1') && !names.includes('n5'))
      await putMortal(cluster, key)
      const away = owners(cluster, key).find((name) => name !== 'n1')!
      cluster.skewClock(away, -60_000)
      await crashAndSee(cluster, away)
      await cluster.sleep(10_000)
      expect(await finds(cluster, 'n1', key)).toBe(false)
      await cluster.restart(away)
      await cluster.settle()
      expectEnded(cluster, key)
      expect(await finds(cluster, away, key)).toBe(false)
    })
  })

  test('an owner with a copy from before, or with none, is repaired with the tombstone', async () => {
    const options = cluster(3, 'blocking', { storage: 'durable' })
    await overSeeds(seeds(3), options, async (cluster) => {
      await putMortal(cluster)
      await cluster.crash('n2')
      const before = cluster.saveDisk('n2')
      await cluster.restart('n2')
      await untilSeen(cluster, 'n2', 'alive')
      await cluster.sleep(10_100)
      expect(await finds(cluster, 'n1')).toBe(false)
      await cluster.crash('n2')
      cluster.restoreDisk('n2', before)
      for (const name of cluster.names) cluster.skewClock(name, -60_000)
      await cluster.restart('n2')
      await untilSeen(cluster, 'n2', 'alive')
      expect(await finds(cluster, 'n2')).toBe(false)
      await cluster.sleep(100)
      expectEnded(cluster)
      cluster.forget('n3', bucketName, 'k')
      const bucket = cluster.node('n3').bucket(bucketName)
      expect((await bucket.get('k', { r: 'all' })).found).toBe(false)
      await cluster.sleep(100)
      expectEnded(cluster)
    })
  })

  test('restarts, and a node that joins, know of it although all clocks go back', async () => {
    const options = cluster(3, 'blocking', { storage: 'durable' })
    await overSeeds(seeds(2), options, async (cluster) => {
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
      for (const key of keys) await putMortal(cluster, key)
      await cluster.sleep(10_100)
      for (const key of keys) expect(await finds(cluster, 'n1', key)).toBe(false)
      await cluster.sleep(100)
      for (const name of cluster.names) {
        cluster.skewClock(name, -3_600_000)
        await cluster.crash(name, { lose: 'unsynced' })
      }
      await Promise.all(['n1', 'n2', 'n3'].map((name) => cluster.restart(name)))
      await cluster.sleep(5_000)
      await cluster.add('n4')
      cluster.skewClock('n4', -3_600_000)
      await cluster.settle()
      for (const key of keys) {
        for (const name of cluster.names) expect(await finds(cluster, name, key)).toBe(false)
        expectEnded(cluster, key)
      }
    })
  })

  test('so it is on both sides of a partition once that heals, with stand-ins and hints in between', async () => {
    const options: SimOptions = { nodes: 5, storage: 'durable' }
    await overSeeds(seeds(3), options, async (cluster) => {
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
      const [left, right] = [cluster.node('n1'), cluster.node('n5')].map((node) =>
        node.bucket(bucketName),
      )
      for (const key of keys) await left!.put(key, 'v', { ttlMs: 90_000, w: 'all' })
      cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      await cluster.sleep(30_000)
      // One side still writes, by stand-ins where owners are cut off; the other finds what it has expired.
      for (const key of keys.slice(10)) await left!.put(key, 'w', { ttlMs: 20_000 })
      for (const name of ['n3', 'n4', 'n5']) cluster.skewClock(name, 120_000)
      for (const key of keys) expect((await right!.get(key)).found).toBe(false)
      cluster.heal()
      await cluster.settle()
      for (const name of ['n3', 'n4', 'n5']) cluster.skewClock(name, -120_000)
      for (const key of keys.slice(0, 10)) {
        for (const name of cluster.names) expect(await finds(cluster, name, key)).toBe(false)
        expectEnded(cluster, key)
      }
      // What was written beside that end is another value, with a time of its own.
      for (const key of keys.slice(10)) expect(await finds(cluster, 'n4', key)).toBe(true)
      await cluster.sleep(20_000)
      for (const key of keys.slice(10)) expect(await finds(cluster, 'n1', key)).toBe(false)
      for (const key of keys.slice(10)) expect(await finds(cluster, 'n4', key)).toBe(false)
      await cluster.settle()
    })
  })

  test('a member that leaves hands it over', async () => {
    await overSeeds(seeds(2), cluster(4), async (cluster) => {
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
      for (const key of keys) await putMortal(cluster, key)
      await cluster.sleep(10_100)
      for (const key of keys) expect(await finds(cluster, 'n1', key)).toBe(false)
      for (const name of cluster.names) cluster.skewClock(name, -3_600_000)
      await cluster.node('n4').leave()
      await cluster.settle()
      for (const key of keys) {
        for (const name of ['n1', 'n2', 'n3']) expect(await finds(cluster, name, key)).toBe(false)
        expectEnded(cluster, key)
      }
    })
  })

  test('by R = 1 it may come back for a moment; without repair as long as clocks differ', async () => {
    const seen = async (readRepair: Mode): Promise<boolean[][]> =>
      overSeeds(seeds(3), cluster(3, readRepair), async (cluster) => {
        await putMortal(cluster)
        cluster.skewClock('n1', 30_000)
        expect(await finds(cluster, 'n1')).toBe(false)
        const first = await cluster.node('n2').bucket(bucketName).get('k', { r: 1 })
        await cluster.sleep(1_000)
        return [first.found, await finds(cluster, 'n2')]
      })
    expect(await seen('off')).toEqual(seeds(3).map(() => [true, true]))
    for (const [, later] of await seen('async')) expect(later).toBe(false)
  })
})

/** Whether each read of a round found the value; clocks differ by up to a minute, and drift. */
async function flaps(cluster: SimCluster): Promise<number> {
  const bucketAt = (name: string) => cluster.node(name).bucket<number>(bucketName)
  for (const name of cluster.names) {
    cluster.skewClock(name, (cluster.random() - 0.5) * 60_000)
    cluster.driftClock(name, (cluster.random() - 0.5) * 100_000)
  }
  let flapped = 0
  for (let round = 1; round <= 10; round++) {
    await outcomeOf(bucketAt('n1').put('k', round, { ttlMs: 20_000, timeoutMs: 500 }))
    let last = 0
    let isGone = false
    for (let i = 0; i < 15; i++) {
      const name = cluster.names[pick(cluster, cluster.names.length)]!
      const other = cluster.names[pick(cluster, cluster.names.length)]!
      if (cluster.random() < 0.2 && name !== other) lose(cluster, name, other)
      if (cluster.random() < 0.3) cluster.heal()
      if (cluster.random() < 0.05) {
        await cluster.crash(other)
        await cluster.restart(other)
      }
      const read = await outcomeOf(bucketAt(name).get('k', { timeoutMs: 500 }))
      if ('value' in read) {
        const value = read.value.value() ?? 0
        if (value === round && isGone) flapped += 1
        if (last === round && value === 0) isGone = true
        last = value
      }
      await cluster.sleep(3_000)
    }
    cluster.heal()
  }
  return flapped
}

describe('reads one after another, at nodes whose clocks are far apart, with frames lost and restarts', () => {
  test('never find again what one did not find any more', async () => {
    const options = cluster(3, 'blocking', { storage: 'durable' })
    const flapped = await overSeeds(seeds(12), options, flaps)
    expect(flapped).toEqual(flapped.map(() => 0))
  })

  test('do so without repair', async () => {
    const options = cluster(3, 'off', { storage: 'durable' })
    expect(Math.max(...(await overSeeds(seeds(6), options, flaps)))).toBeGreaterThan(0)
  })
})
