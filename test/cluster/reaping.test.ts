/** Tombstones go when nothing older is left, and never sooner (HAZARDS B1 to B5, B8). */

import { describe, expect, test } from 'vitest'
import type { NodeOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  isUp,
  keyWhere,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  rareHandoff,
  seeds,
  strict,
} from './kit.ts'

const graceMs = 20_000
const intervalMs = 5_000
/** A scan, the grace period, and a scan. */
const reapedAfterMs = graceMs + 2 * intervalMs + 2_000
const tombstones: NonNullable<NodeOptions['tombstones']> = { graceMs, intervalMs }
/** Nothing but hints, and the scans for tombstones, brings owners together. */
const quiet: NonNullable<NodeOptions['antiEntropy']> = { enabled: false }

function cluster(nodes: number, node: NodeOptions = {}, more: SimOptions = {}): SimOptions {
  return {
    nodes,
    node: { replication: strict, tombstones, antiEntropy: quiet, timeoutMs: 2_000, ...node },
    storage: 'durable',
    ...more,
  }
}

/** How many tombstones all members store of a key. */
function tombstonesOf(cluster: SimCluster, key: string): number {
  const records = [...cluster.records(bucketName, key).values()]
  return records.reduce((sum, record) => sum + record.tombstones, 0)
}

async function found(cluster: SimCluster, key: string): Promise<boolean> {
  const name = cluster.names.find((each) => isUp(cluster, each))!
  return (await cluster.node(name).bucket(bucketName).get(key, { r: 'all' })).found
}

async function putAndDelete(cluster: SimCluster, key: string, node = 'n1'): Promise<void> {
  const bucket = cluster.node(node).bucket<string>(bucketName)
  await bucket.put(key, 'v')
  await bucket.delete(key)
}

describe('a tombstone', () => {
  test('goes within the grace period and two scans, from all owners, and not before', async () => {
    await overSeeds(seeds(6), cluster(5), async (cluster) => {
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
      for (const key of keys) await putAndDelete(cluster, key)
      await cluster.node('n1').bucket(bucketName).put('kept', 'v')
      await cluster.sleep(graceMs - 1_000)
      for (const key of keys) expect(tombstonesOf(cluster, key), key).toBe(3)
      await cluster.sleep(reapedAfterMs - graceMs + 1_000)
      for (const key of keys) {
        expect(tombstonesOf(cluster, key), key).toBe(0)
        expect(cluster.records(bucketName, key).size, key).toBe(0)
        expect(await found(cluster, key)).toBe(false)
      }
      expect(await found(cluster, 'kept')).toBe(true)
      const reaped = cluster.names.map((name) => cluster.node(name).stats().tombstones.reaped)
      expect(reaped.reduce((sum, each) => sum + each)).toBe(3 * keys.length)
    })
  })

  test('stays while an owner is away with the value, for however long; then nothing comes back', async () => {
    await overSeeds(seeds(9), cluster(4, { handoff: rareHandoff }), async (cluster) => {
      const key = keyWhere(cluster, (owners) => !owners.includes('n1'))
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      await bucket.put(key, 'v', { w: 'all' })
      const away = owners(cluster, key)[1 + pick(cluster, 2)]
      await crashAndSee(cluster, away!, { lose: 'nothing' })
      await bucket.delete(key)
      await cluster.sleep(10 * graceMs)
      expect(tombstonesOf(cluster, key)).toBe(2)
      await cluster.restart(away!)
      await cluster.sleep(10 * graceMs)
      expect(await found(cluster, key)).toBe(false)
      expect(tombstonesOf(cluster, key)).toBe(0)
    })
  })

  test('stays while a member that stands in holds the value for an owner', async () => {
    const sloppy: NodeOptions = { replication: { sloppy: true } }
    await overSeeds(seeds(6), cluster(4, sloppy), async (cluster) => {
      const key = keyWhere(cluster, (owners) => owners.includes('n1') && owners.includes('n2'))
      const [owner] = owners(cluster, key).filter((name) => name !== 'n1' && name !== 'n2')
      const standIn = ['n3', 'n4'].find((name) => name !== owner)!
      await crashAndSee(cluster, owner!, { lose: 'nothing' })
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      await bucket.put(key, 'v', { w: 'all' })
      expect(cluster.records(bucketName, key).get(standIn)?.siblings).toEqual(['v'])
      cluster.block(standIn, owner!)
      await cluster.restart(owner!)
      await cluster.sleep(10_000)
      await bucket.delete(key, { w: 'all', sloppy: false })
      await cluster.sleep(5 * graceMs)
      expect(tombstonesOf(cluster, key)).toBe(3)
      cluster.heal()
      await cluster.sleep(3 * graceMs)
      expect(cluster.records(bucketName, key).size).toBe(0)
      expect(await found(cluster, key)).toBe(false)
    })
  })

  test('stays while any member is stopped, and goes when it runs again', async () => {
    await overSeeds(seeds(6), cluster(5), async (cluster) => {
      const key = keyWhere(cluster, (owners) => !owners.includes('n5') && owners[0] !== 'n1')
      await putAndDelete(cluster, key)
      await cluster.sleep(intervalMs + 2_000)
      cluster.pause('n5')
      await cluster.sleep(5 * graceMs)
      expect(tombstonesOf(cluster, key)).toBe(3)
      cluster.resume('n5')
      await cluster.sleep(2 * graceMs)
      expect(cluster.records(bucketName, key).size).toBe(0)
    })
  })

  test('that is written over before its time is no tombstone any more, and goes after the next deletion', async () => {
    await overSeeds(seeds(6), cluster(5), async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      await putAndDelete(cluster, 'k')
      await cluster.sleep(graceMs - 2_000)
      await bucket.put('k', 'again')
      await cluster.sleep(3 * graceMs)
      expect((await bucket.get('k')).siblings).toEqual(['again'])
      const old = await bucket.get('k')
      await bucket.delete('k', { context: old.context })
      await cluster.sleep(reapedAfterMs + intervalMs)
      expect(cluster.records(bucketName, 'k').size).toBe(0)
      await bucket.put('k', 'anew', { context: old.context })
      await bucket.put('k', 'beside', { context: null })
      await cluster.sleep(1_000)
      expect((await bucket.get('k', { r: 'all' })).siblings.toSorted()).toEqual(['anew', 'beside'])
    })
  })

  test('goes also when everybody is started again before its time', async () => {
    await overSeeds(seeds(6), cluster(3), async (cluster) => {
      for (let i = 0; i < 20; i++) await putAndDelete(cluster, `k${i}`)
      await cluster.sleep(graceMs - 1_000)
      for (const name of cluster.names) await cluster.crash(name, { lose: 'unsynced' })
      await Promise.all(cluster.names.map((name) => cluster.restart(name)))
      await cluster.sleep(2 * reapedAfterMs)
      for (let i = 0; i < 20; i++) {
        expect(tombstonesOf(cluster, `k${i}`)).toBe(0)
        expect(await found(cluster, `k${i}`)).toBe(false)
      }
    })
  })

  test('that is reaped in part comes back as a tombstone, and goes in the end', async () => {
    const comparing: NodeOptions = { antiEntropy: { intervalMs: 5_000 } }
    await overSeeds(seeds(9), cluster(4, comparing), async (cluster) => {
      for (let i = 0; i < 20; i++) await putAndDelete(cluster, `k${i}`)
      await cluster.sleep(graceMs)
      const [one, other] = ['n1', 'n2', 'n3', 'n4'].toSorted(() => cluster.random() - 0.5)
      cluster.link(one!, other!, { loss: 0.4 })
      cluster.link(other!, one!, { loss: 0.4 })
      await cluster.sleep(graceMs)
      await cluster.crash(one!, { lose: 'unsynced' })
      cluster.heal()
      await cluster.restart(one!)
      await cluster.sleep(4 * reapedAfterMs)
      for (let i = 0; i < 20; i++) {
        expect(tombstonesOf(cluster, `k${i}`)).toBe(0)
        expect(await found(cluster, `k${i}`)).toBe(false)
      }
    })
  })

  test('goes also when a member joins and another one leaves meanwhile', async () => {
    await overSeeds(seeds(6), cluster(4), async (cluster) => {
      for (let i = 0; i < 30; i++) await putAndDelete(cluster, `k${i}`)
      await cluster.sleep(graceMs - 1_000)
      await cluster.add('n5')
      await cluster.sleep(graceMs / 2)
      await cluster.node('n1').leave()
      await cluster.sleep(4 * reapedAfterMs)
      for (let i = 0; i < 30; i++) {
        const holders = [...cluster.records(bucketName, `k${i}`).keys()]
        expect(
          holders.filter((name) => name !== 'n1'),
          `holders of k${i}`,
        ).toEqual([])
        expect(await found(cluster, `k${i}`)).toBe(false)
      }
    })
  })

  test('goes although a newcomer that gave up has the value; when that one comes again, it begins empty', async () => {
    await overSeeds(seeds(6), cluster(4), async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      const joining = cluster.add('n5').catch(() => undefined)
      let key = ''
      for (let i = 0; key === ''; i++) {
        await outcomeOf(bucket.put(`k${i}`, 'v', { w: 'all' }))
        if (cluster.records(bucketName, `k${i}`).has('n5')) key = `k${i}`
      }
      await cluster.crash('n5', { lose: 'nothing' })
      await joining
      await cluster.sleep(40_000)
      expect(
        cluster
          .node('n1')
          .members()
          .map(({ id }) => id),
      ).not.toContain('n5')
      await bucket.delete(key, { w: 'all' })
      await cluster.sleep(2 * reapedAfterMs)
      expect(tombstonesOf(cluster, key)).toBe(0)
      for (let i = 0; i < 3; i++) await cluster.restart('n5').catch(() => undefined)
      await cluster.sleep(2 * reapedAfterMs)
      expect(await found(cluster, key)).toBe(false)
      expect(cluster.records(bucketName, key).size).toBe(0)
    })
  })

  test('is what an expired value becomes that nobody reads; then it goes', async () => {
    const comparing: NodeOptions = { antiEntropy: { intervalMs: 2_000 } }
    await overSeeds(seeds(3), cluster(4, comparing), async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      for (let i = 0; i < 20; i++) await bucket.put(`k${i}`, 'v', { ttlMs: 30_000 })
      await bucket.put('k0', 'beside', { context: null })
      await cluster.sleep(30_000 + 2 * reapedAfterMs)
      for (let i = 1; i < 20; i++) expect(cluster.records(bucketName, `k${i}`).size).toBe(0)
      expect((await bucket.get('k0')).siblings).toEqual(['beside'])
    })
  })

  test('is explained: what it waits for, and when it may go', async () => {
    await overSeeds(seeds(3), cluster(4), async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      const explain = async (by = 'n1') =>
        (await cluster.node(by).explain(bucketName, 'k', { timeoutMs: 500 })).tombstone
      await bucket.put('k', 'v', { w: 'all' })
      expect(await explain()).toBeUndefined()
      const [reaper, other] = owners(cluster, 'k')
      await bucket.delete('k', { w: 'all' })
      expect(await explain()).toEqual({
        reaper,
        confirmedAtMs: 0,
        mayGoAtMs: 0,
        waitsFor: [`a scan by "${reaper}", which asks all members to confirm`],
      })
      await cluster.sleep(intervalMs + 2_000)
      const confirmed = await explain(other)
      expect(confirmed?.mayGoAtMs).toBe(confirmed!.confirmedAtMs + graceMs)
      expect(confirmed?.waitsFor).toHaveLength(1)
      const away = cluster.names.find((name) => name !== 'n1' && name !== reaper)!
      await cluster.crash(away, { lose: 'nothing' })
      expect((await explain())?.waitsFor).toContain(`"${away}" does not answer`)
      await cluster.restart(away)
      await cluster.sleep(2 * reapedAfterMs)
      expect(await explain()).toBeUndefined()
    })
  })
})
