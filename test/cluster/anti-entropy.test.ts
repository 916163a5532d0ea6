/** Owners come together although nobody reads and no hint is kept (HAZARDS G1 to G5, H3, P9). */

import { describe, expect, test } from 'vitest'
import type { NodeOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  codeOf,
  damageOn,
  expectOnOwners,
  lose,
  openEverywhere,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  rareHandoff,
  seeds,
  stored,
  until,
} from './kit.ts'

const quick: NonNullable<NodeOptions['antiEntropy']> = {
  intervalMs: 2_000,
  verifyIntervalMs: 4_000,
}

function three(more: SimOptions = {}): SimOptions {
  return { nodes: 3, storage: 'durable', ...more, node: { antiEntropy: quick, ...more.node } }
}

async function putMany(cluster: SimCluster, count: number): Promise<string[]> {
  const bucket = cluster.node('n1').bucket(bucketName)
  const keys = Array.from({ length: count }, (_, i) => `k${i}`)
  for (let i = 0; i < count; i += 200) {
    const some = keys.slice(i, i + 200)
    await Promise.all(some.map((key) => bucket.put(key, `value of ${key}`, { w: 'all' })))
  }
  return keys
}

type Count = 'comparisons' | 'differing' | 'repaired' | 'mended'

function sum(cluster: SimCluster, count: Count): number {
  const counts = cluster.names.map((name) => cluster.node(name).stats().antiEntropy[count])
  return counts.reduce((total, each) => total + each, 0)
}

/** Counts the bytes of requests, answers and records; what membership says is left out. */
function meter(): { bytes: number; readonly trace: (line: string) => void } {
  const counted = {
    bytes: 0,
    trace: (line: string): void => {
      const [, , kind, , frame, bytes] = line.trim().split(/\s+/)
      if (kind === 'send' && frame !== 'cast') counted.bytes += Number(bytes)
    },
  }
  return counted
}

describe('what one owner forgot', () => {
  test('comes back without a read', async () => {
    await overSeeds(seeds(5), three(), async (cluster) => {
      await putMany(cluster, 50)
      cluster.forget('n2', bucketName, 'k7')
      await cluster.settle({ withinMs: 30_000 })
      expectOnOwners(cluster, 'k7', ['value of k7'])
      expect(sum(cluster, 'repaired')).toBe(1)
    })
  })

  test('comes back within ten minutes with default options', async () => {
    const options: SimOptions = { nodes: 5, storage: 'durable' }
    await overSeeds(seeds(3), options, async (cluster) => {
      await putMany(cluster, 20)
      const [, second] = owners(cluster, 'k3')
      cluster.forget(second!, bucketName, 'k3')
      await cluster.settle({ withinMs: 600_000 })
      expectOnOwners(cluster, 'k3', ['value of k3'])
    })
  })

  test('stays away where anti-entropy is off', async () => {
    const options = three({ node: { antiEntropy: { ...quick, enabled: false } } })
    await overSeeds(seeds(1), options, async (cluster) => {
      await putMany(cluster, 20)
      cluster.forget('n2', bucketName, 'k7')
      const outcome = await outcomeOf(cluster.settle({ withinMs: 60_000 }))
      expect(codeOf(outcome)).toBe('Error')
    })
  })

  test('is a hundred records among thousands, of all owners: little else travels', async () => {
    const counted = meter()
    const options = three({ trace: counted.trace, node: { partitions: 128 } })
    await overSeeds([1], options, async (cluster) => {
      const keys = await putMany(cluster, 4_000)
      await cluster.sleep(20_000)
      expect(sum(cluster, 'repaired')).toBe(0)
      for (let i = 0; i < 100; i++) cluster.forget(`n${(i % 3) + 1}`, bucketName, keys[i * 40]!)
      counted.bytes = 0
      await cluster.settle({ withinMs: 30_000 })
      await cluster.sleep(2_000)
      expect(sum(cluster, 'repaired')).toBe(100)
      // All records together take 600 kB.
      expect(counted.bytes).toBeLessThan(150_000)
    })
  })
})

describe('what one owner forgot of many partitions', () => {
  test('comes back for sixteen of them at a time, not for one after the other', async () => {
    const options = three({
      node: { partitions: 64, antiEntropy: { ...quick, intervalMs: 5_000 } },
    })
    await overSeeds(seeds(2), options, async (cluster) => {
      const keys = await putMany(cluster, 640)
      for (const key of keys) cluster.forget('n2', bucketName, key)
      const missing = (): string | undefined => {
        const count = keys.length - sum(cluster, 'repaired')
        return count > 0 ? `${count} records are not back` : undefined
      }
      await until(cluster, missing, 12_000)
      for (const key of keys) expectOnOwners(cluster, key, [`value of ${key}`])
    })
  })
})

describe('different records', () => {
  test('of concurrent writes that missed each other become one with both values', async () => {
    const options = three({ node: { handoff: rareHandoff, replication: { sloppy: false } } })
    await overSeeds(seeds(3), options, async (cluster) => {
      await putMany(cluster, 20)
      await openEverywhere(cluster)
      cluster.partition(['n1'], ['n2'], ['n3'])
      const puts = ['n1', 'n2', 'n3'].map((name) =>
        outcomeOf(
          cluster.node(name).bucket(bucketName).put('k1', `of ${name}`, { timeoutMs: 200 }),
        ),
      )
      for (const put of puts) expect(codeOf(await put)).not.toBe('ok')
      cluster.heal()
      await cluster.sleep(30_000)
      expectOnOwners(cluster, 'k1', ['of n1', 'of n2', 'of n3'])
    })
  })

  test('where one owner alone has a deletion become the deletion', async () => {
    const options = three({ storage: 'memory', node: { handoff: rareHandoff } })
    await overSeeds(seeds(2), options, async (cluster) => {
      await putMany(cluster, 5)
      lose(cluster, 'n1', 'n2')
      lose(cluster, 'n1', 'n3')
      await outcomeOf(cluster.node('n1').bucket(bucketName).delete('k2', { timeoutMs: 100 }))
      cluster.heal()
      await cluster.sleep(20_000)
      expectOnOwners(cluster, 'k2', [])
    })
  })
})

describe('an idle cluster', () => {
  test('repairs nothing and says next to nothing', async () => {
    const counted = meter()
    const options = three({ nodes: 5, trace: counted.trace, node: { antiEntropy: {} } })
    await overSeeds([1, 2], options, async (cluster) => {
      await putMany(cluster, 500)
      await cluster.sleep(60_000)
      counted.bytes = 0
      await cluster.sleep(1_800_000)
      expect(sum(cluster, 'comparisons')).toBeGreaterThan(100)
      expect(sum(cluster, 'repaired') + sum(cluster, 'differing')).toBe(0)
      expect(counted.bytes / 1_800 / 5).toBeLessThan(20)
    })
  })

  test('knows when it was compared', async () => {
    await overSeeds([1], three(), async (cluster) => {
      await putMany(cluster, 20)
      await cluster.sleep(20_000)
      for (const name of cluster.names) {
        const { comparedAtMs, rounds, progress } = cluster.node(name).stats().antiEntropy
        expect(cluster.now() - comparedAtMs).toBeLessThan(10_000)
        expect(rounds).toBeGreaterThan(5)
        expect(progress).toBe(1)
      }
    })
  })
})

describe('a damaged record', () => {
  test('comes anew from another owner, and nobody loses his own for it', async () => {
    await overSeeds(seeds(5), three(), async (cluster) => {
      await putMany(cluster, 30)
      damageOn(cluster, 'n1', 'k4')
      damageOn(cluster, 'n3', 'k5')
      await cluster.settle({ withinMs: 30_000 })
      expectOnOwners(cluster, 'k4', ['value of k4'])
      expectOnOwners(cluster, 'k5', ['value of k5'])
      await cluster.sleep(2_000)
      expect(sum(cluster, 'mended') + sum(cluster, 'repaired')).toBe(2)
    })
  })

  test('that nobody else has stays damaged and is not overwritten by nothing', async () => {
    await overSeeds(seeds(2), three(), async (cluster) => {
      await putMany(cluster, 10)
      damageOn(cluster, 'n1', 'k4')
      cluster.forget('n2', bucketName, 'k4')
      cluster.forget('n3', bucketName, 'k4')
      await cluster.sleep(30_000)
      const records = cluster.records(bucketName, 'k4')
      expect([...records].map(([name, { clock }]) => [name, clock])).toEqual([['n1', 'damaged']])
    })
  })
})

describe('while writes go on', () => {
  test('none of them is repaired on its way', async () => {
    const options = three({ network: { latencyMs: 20, jitterMs: 60 } })
    await overSeeds(seeds(3), options, async (cluster) => {
      const keys = await putMany(cluster, 100)
      const endMs = cluster.now() + 60_000
      const write = async (name: string): Promise<void> => {
        const bucket = cluster.node(name).bucket(bucketName)
        for (let i = 0; cluster.now() < endMs; i++) {
          await bucket.put(keys[pick(cluster, keys.length)]!, `${name} ${i}`)
          await cluster.sleep(pick(cluster, 20))
        }
      }
      await Promise.all(['n1', 'n2', 'n3', 'n1', 'n2', 'n3'].map(write))
      expect(sum(cluster, 'differing')).toBeGreaterThan(0)
      expect(sum(cluster, 'repaired')).toBe(0)
      await cluster.settle({ withinMs: 30_000 })
    })
  })

  test('a member joins and nothing is lost', async () => {
    await overSeeds(seeds(3), three({ nodes: 4 }), async (cluster) => {
      const keys = await putMany(cluster, 200)
      cluster.forget('n2', bucketName, 'k150')
      const joining = cluster.add('n5')
      const bucket = cluster.node('n3').bucket(bucketName)
      for (let i = 0; i < 100; i++) {
        await bucket.put(keys[i]!, `again ${i}`)
        await cluster.sleep(50)
      }
      await joining
      await cluster.settle({ withinMs: 120_000 })
      for (const [i, key] of keys.entries()) {
        const value = i < 100 ? `again ${i}` : `value of ${key}`
        expect((await bucket.get(key)).siblings, key).toEqual([value])
      }
    })
  })
})

describe('after a crash', () => {
  test('what the disk lost comes back without a read', async () => {
    const options = three({ node: { handoff: rareHandoff } })
    await overSeeds(seeds(3), options, async (cluster) => {
      const keys = await putMany(cluster, 60)
      const before = cluster.saveDisk('n3')
      const bucket = cluster.node('n1').bucket(bucketName)
      for (const key of keys) await bucket.put(key, `new ${key}`, { w: 'all' })
      await cluster.crash('n3')
      cluster.restoreDisk('n3', before)
      await cluster.restart('n3')
      await cluster.settle({ withinMs: 60_000 })
      for (const key of keys) expectOnOwners(cluster, key, [`new ${key}`])
    })
  })

  test('a partition marked because the hints were too many is compared first', async () => {
    const options = three({ node: { handoff: { ...rareHandoff, bytesPerTargetMax: 200 } } })
    await overSeeds(seeds(2), options, async (cluster) => {
      await cluster.crash('n3')
      await cluster.sleep(10_000)
      const bucket = cluster.node('n1').bucket(bucketName)
      for (let i = 0; i < 40; i++) await bucket.put(`k${i}`, i)
      await cluster.restart('n3')
      await cluster.sleep(60_000)
      for (let i = 0; i < 40; i++) {
        const views = stored(cluster, `k${i}`)
        expect(views.map((view) => view?.siblings)).toEqual([[i], [i], [i]])
      }
    })
  })
})
