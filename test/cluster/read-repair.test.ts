/** Reads that find replicas stale, damaged or lost bring them up to date (HAZARDS D1, D2, D6, D7, H3). */

import { describe, expect, test } from 'vitest'
import { UnavailableError } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import { hashKey } from '../../src/ring/key-hash.ts'
import { storageKeyBytes } from '../../src/replica/places.ts'
import {
  bucketName,
  codeOf,
  damageOn,
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
} from './kit.ts'

type Mode = 'blocking' | 'async' | 'off'

function three(readRepair: Mode = 'blocking'): SimOptions {
  return { nodes: 3, node: { replication: { ...strict, readRepair }, handoff: rareHandoff } }
}

/** A newer value that only n1 has; all three have the old one. */
async function writeToOneOnly(cluster: SimCluster, key: string): Promise<void> {
  const bucket = cluster.node('n1').bucket(bucketName)
  await bucket.put(key, 'old', { w: 'all' })
  lose(cluster, 'n1', 'n2')
  lose(cluster, 'n1', 'n3')
  const outcome = await outcomeOf(bucket.put(key, 'new', { timeoutMs: 150 }))
  expect(codeOf(outcome)).toBe('ERR_WRITE_UNCERTAIN')
  cluster.heal()
}

/** What a quorum read says while one of the nodes is not heard. */
async function readWithout(cluster: SimCluster, silent: string, reader: string): Promise<unknown> {
  for (const name of cluster.names) if (name !== silent) lose(cluster, silent, name)
  const entry = await cluster.node(reader).bucket(bucketName).get('k')
  cluster.heal()
  return entry.value()
}

describe('a write that is not durable yet', () => {
  test('and never will be, is read by nobody', async () => {
    const options: SimOptions = { ...three(), storage: 'durable' }
    await overSeeds(seeds(4), options, async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      await bucket.put('k', 'old', { w: 'all' })
      cluster.disk('n1').slowness = 100
      cluster.disk('n1').failSyncs(1)
      lose(cluster, 'n1', 'n2')
      lose(cluster, 'n1', 'n3')
      const put = outcomeOf(bucket.put('k', 'new', { timeoutMs: 1000 }))
      await cluster.sleep(60)
      const read = bucket.get('k', { r: 1, readRepair: 'off' })
      expect((await read).value()).toBe('old')
      expect(codeOf(await put)).toBe('ERR_WRITE_UNCERTAIN')
    })
  })
})

describe('a write that reached one of three owners', () => {
  test('once read is read by every later quorum, whichever two replicas answer', async () => {
    await overSeeds(seeds(5), three(), async (cluster) => {
      await writeToOneOnly(cluster, 'k')
      expect(await readWithout(cluster, 'n3', 'n1')).toBe('new')
      expect(await readWithout(cluster, 'n1', 'n2')).toBe('new')
      expect(await readWithout(cluster, 'n1', 'n3')).toBe('new')
    })
  })

  test('is not read by a quorum without that owner before any read saw it', async () => {
    await overSeeds(seeds(3), three(), async (cluster) => {
      await writeToOneOnly(cluster, 'k')
      expect(await readWithout(cluster, 'n1', 'n2')).toBe('old')
    })
  })

  test('may be read and then not be read when repair is off', async () => {
    await overSeeds(seeds(3), three('off'), async (cluster) => {
      await writeToOneOnly(cluster, 'k')
      expect(await readWithout(cluster, 'n3', 'n1')).toBe('new')
      await cluster.sleep(500)
      expect(await readWithout(cluster, 'n1', 'n2')).toBe('old')
    })
  })

  test('is repaired after the read when repair is async', async () => {
    await overSeeds(seeds(3), three('async'), async (cluster) => {
      await writeToOneOnly(cluster, 'k')
      expect(await readWithout(cluster, 'n3', 'n1')).toBe('new')
      await cluster.sleep(500)
      expect(await readWithout(cluster, 'n1', 'n2')).toBe('new')
    })
  })
})

/** One writer whose writes often fail half-way; quorum reads one after another, at any node. */
async function readsThatWentBack(cluster: SimCluster): Promise<number> {
  let last = 0
  let wentBack = 0
  const { names } = cluster
  for (let round = 1; round <= 40; round++) {
    for (const from of names) {
      for (const to of names) {
        const isLossy = from !== to && cluster.random() < 0.4
        if (isLossy) cluster.link(from, to, { loss: cluster.random() < 0.5 ? 1 : 0.5 })
      }
    }
    await outcomeOf(
      cluster.node('n1').bucket<number>(bucketName).put('k', round, { timeoutMs: 60 }),
    )
    for (let i = 0; i < 3; i++) {
      const reader = cluster.node(names[pick(cluster, names.length)]!).bucket<number>(bucketName)
      const read = await outcomeOf(reader.get('k', { timeoutMs: 400 }))
      if (!('value' in read)) continue
      const value = read.value.value() ?? 0
      if (value < last) wentBack += 1
      last = Math.max(last, value)
    }
    cluster.heal()
  }
  return wentBack
}

describe('quorum reads of one writer while frames are lost at random', () => {
  test('never go back in time with blocking repair', async () => {
    const wentBack = await overSeeds(seeds(12), three(), readsThatWentBack)
    expect(wentBack).toEqual(wentBack.map(() => 0))
  })

  test('go back in time now and then without repair', async () => {
    const found: number[] = []
    for (const seed of seeds(60)) {
      found.push(...(await overSeeds([seed], three('off'), readsThatWentBack)))
      // One that shows it is enough.
      if (Math.max(...found) > 0) break
    }
    expect(Math.max(...found)).toBeGreaterThan(0)
  })
})

/** Counts what reads write on any node. */
function countRepairs(cluster: SimCluster): () => number {
  let events = 0
  for (const name of cluster.names) cluster.node(name).on('read-repair', () => (events += 1))
  return () => {
    const reads = cluster.names.map((name) => cluster.node(name).stats().repair.reads)
    return events + reads.reduce((sum, count) => sum + count, 0)
  }
}

describe('a key that nobody writes', () => {
  test('is repaired by the first read and written by no later one', async () => {
    await overSeeds(seeds(3), three(), async (cluster) => {
      const repairs = countRepairs(cluster)
      await writeToOneOnly(cluster, 'k')
      for (const name of cluster.names) {
        await cluster.node(name).bucket(bucketName).get('k', { r: 'all' })
      }
      await cluster.sleep(500)
      const settled = repairs()
      expect(settled).toBeGreaterThan(0)
      for (let i = 0; i < 5; i++) {
        for (const name of cluster.names) await cluster.node(name).bucket(bucketName).get('k')
      }
      await cluster.sleep(500)
      expect(repairs()).toBe(settled)
      expectOnOwners(cluster, 'k', ['new'])
    })
  })

  test('is not written by reads when it never was', async () => {
    await overSeeds(seeds(2), three(), async (cluster) => {
      const repairs = countRepairs(cluster)
      for (const r of ['one', 'quorum', 'all'] as const) {
        const entry = await cluster.node('n2').bucket(bucketName).get('nothing', { r })
        expect(entry.found).toBe(false)
      }
      expect(repairs()).toBe(0)
    })
  })
})

describe('read repair', () => {
  test('brings all siblings and tombstones of a key, not the newest value alone', async () => {
    await overSeeds(seeds(3), three(), async (cluster) => {
      const bucket = cluster.node('n1').bucket(bucketName)
      const gone = await bucket.put('k', 'gone', { context: null })
      await bucket.put('k', 'one', { context: null })
      await bucket.put('k', 'two', { context: null })
      await bucket.delete('k', { context: gone.context, w: 'all' })
      cluster.forget('n2', bucketName, 'k')
      cluster.forget('n3', bucketName, 'k')
      const entry = await cluster.node('n3').bucket(bucketName).get('k', { r: 'all' })
      expect(inOrder(entry.siblings)).toEqual(['one', 'two'])
      await cluster.sleep(200)
      expectOnOwners(cluster, 'k', ['one', 'two'])
      expect(stored(cluster, 'k').map((view) => view?.tombstones)).toEqual([1, 1, 1])
    })
  })

  test('repairs a replica whose answer came after the read was told', async () => {
    await overSeeds(seeds(3), three(), async (cluster) => {
      const bucket = cluster.node('n1').bucket(bucketName)
      await bucket.put('k', 'v', { w: 'all' })
      cluster.forget('n2', bucketName, 'k')
      cluster.link('n2', 'n1', { latencyMs: 300 })
      for (let i = 0; i < 3; i++) await bucket.get('k')
      await cluster.sleep(2_000)
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('keeps two keys of one hash apart', async () => {
    const [one, other] = collidingKeys()
    await overSeeds(seeds(2), three(), async (cluster) => {
      const bucket = cluster.node('n1').bucket(bucketName)
      await bucket.put(one, 'first', { w: 'all' })
      await bucket.put(other, 'second', { w: 'all' })
      cluster.forget('n2', bucketName, one)
      cluster.forget('n3', bucketName, other)
      for (const name of cluster.names) {
        const reader = cluster.node(name).bucket(bucketName)
        expect((await reader.get(one, { r: 'all' })).value()).toBe('first')
        expect((await reader.get(other, { r: 'all' })).value()).toBe('second')
      }
      await cluster.sleep(200)
      expectOnOwners(cluster, one, ['first'])
      expectOnOwners(cluster, other, ['second'])
    })
  })
})

/** Two keys of the bucket with the same 32-bit hash (a birthday search). */
function collidingKeys(): [string, string] {
  const seen = new Map<number, string>()
  for (let i = 0; ; i++) {
    const key = `key-${i}`
    const hash = hashKey(storageKeyBytes(bucketName, key))
    const other = seen.get(hash)
    if (other !== undefined) return [other, key]
    seen.set(hash, key)
  }
}

describe('a damaged record', () => {
  const durable: SimOptions = { ...three(), storage: 'durable' }

  test.each(['n1', 'n2', 'n3'])('on %s counts for no quorum and is repaired', async (victim) => {
    await overSeeds(seeds(4), durable, async (cluster) => {
      await cluster.node('n1').bucket(bucketName).put('k', 'v', { w: 'all' })
      for (const reader of cluster.names) {
        const bucket = cluster.node(reader).bucket(bucketName)
        for (const r of ['one', 'quorum'] as const) {
          damageOn(cluster, victim, 'k')
          // Which replicas are asked changes from read to read: after three each was asked.
          for (let i = 0; i < 3; i++) expect((await bucket.get('k', { r })).value()).toBe('v')
          await cluster.sleep(100)
          if (r === 'quorum' || reader === victim) expectOnOwners(cluster, 'k', ['v'])
          else await cluster.node(victim).bucket(bucketName).get('k')
        }
        damageOn(cluster, victim, 'k')
        const all = await outcomeOf(bucket.get('k', { r: 'all' }))
        expect(codeOf(all)).toBe('ERR_UNAVAILABLE')
        await cluster.sleep(100)
        expect((await bucket.get('k', { r: 'all' })).value()).toBe('v')
      }
    })
  })

  test('is no "not found", also when nobody else has the key', async () => {
    await overSeeds(seeds(3), { ...durable, nodes: 5 }, async (cluster) => {
      const key = keyWhere(cluster, (names) => names.includes('n1'))
      const names = owners(cluster, key)
      await cluster.node('n1').bucket(bucketName).put(key, 'v', { w: 'all' })
      for (const name of names) damageOn(cluster, name, key)
      for (const reader of cluster.names) {
        const bucket = cluster.node(reader).bucket(bucketName)
        for (const r of [1, 2, 3]) {
          await expect(bucket.get(key, { r })).rejects.toThrow(UnavailableError)
        }
      }
    })
  })

  test('on the coordinator does not make a write reuse what was stored before', async () => {
    await overSeeds(seeds(4), durable, async (cluster) => {
      const bucket = cluster.node('n1').bucket(bucketName)
      await bucket.put('k', 'before', { w: 'all' })
      damageOn(cluster, 'n1', 'k')
      await bucket.put('k', 'after')
      const entry = await cluster.node('n2').bucket(bucketName).get('k', { r: 'all' })
      expect(inOrder(entry.siblings)).toEqual(['after', 'before'])
    })
  })
})
