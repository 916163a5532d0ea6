/**
 * Scans of clusters in trouble: while members come, go, crash or are cut off, and of replicas that differ, each key
 * that is there all the time comes exactly once (HAZARDS D1, D4, E6, H3).
 */
import { describe, expect, test } from 'vitest'
import type { Bucket, ScanOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  anyNode,
  bucketName,
  codeOf,
  crashAndSee,
  damageOn,
  expectOnOwners,
  isUp,
  memberAt,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  seeds,
  strict,
} from './kit.ts'

const durable: SimOptions = {
  storage: 'durable',
  nodes: 5,
  node: { partitions: 32, replication: strict },
}
const keys = Array.from({ length: 120 }, (_, i) => `k${i}`)

async function putAll(cluster: SimCluster): Promise<void> {
  const bucket = anyNode(cluster).bucket<number>(bucketName)
  for (const [i, key] of keys.entries()) await bucket.put(key, i, { w: 'all' })
}

function expectEachOnce(found: readonly string[]): void {
  const stable = found.filter((key) => key.startsWith('k'))
  expect(stable.toSorted()).toEqual(keys.toSorted())
  expect(new Set(found).size, 'no key comes twice').toBe(found.length)
}

/** Lists everything, some time for each key; goes on from the cursor when a scan ends with an error. */
async function walk(
  cluster: SimCluster,
  open: () => Bucket<number>,
  { msPerKey = 0, ...options }: ScanOptions & { msPerKey?: number } = {},
): Promise<{ found: string[]; failures: string[] }> {
  const found: string[] = []
  const failures: string[] = []
  let after: string | undefined
  for (let tries = 0; tries < 200; tries++) {
    const bucket = open()
    const scan = tries % 2 === 0 ? bucket.entries({ ...options, after }) : undefined
    const ended = await outcomeOf(
      (async () => {
        for await (const { key, siblings } of scan ?? []) {
          found.push(key)
          if (key.startsWith('k')) expect(`k${siblings.join()}`).toBe(key)
          after = scan!.cursor
          if (msPerKey > 0) await cluster.sleep(msPerKey)
        }
        const listing = scan === undefined ? bucket.keys({ ...options, after }) : undefined
        for await (const key of listing ?? []) {
          found.push(key)
          after = listing!.cursor
          if (msPerKey > 0) await cluster.sleep(msPerKey)
        }
      })(),
    )
    if ('value' in ended) return { found, failures }
    if (!['ERR_UNAVAILABLE', 'ERR_TIMEOUT', 'ERR_CLOSED'].includes(codeOf(ended))) throw ended.error
    failures.push(codeOf(ended))
    await cluster.sleep(200)
  }
  throw new Error(`a scan did not end: ${failures.join()}`)
}

/** A bucket of some node that is up, another one each time. */
function roaming(cluster: SimCluster): () => Bucket<number> {
  return () => {
    const up = cluster.names.filter((name) => isUp(cluster, name))
    return cluster.node(up[pick(cluster, up.length)]!).bucket<number>(bucketName)
  }
}

/** Writes and deletes keys `w…` until it is stopped. */
function writer(cluster: SimCluster): { stop(): Promise<void> } {
  let isOn = true
  const running = (async () => {
    while (isOn) {
      const key = `w${pick(cluster, 40)}`
      const write = async (): Promise<unknown> => {
        // A node that is about to be down gives no bucket any more.
        const bucket = roaming(cluster)()
        return cluster.random() < 0.4 ? bucket.delete(key) : bucket.put(key, 1)
      }
      await outcomeOf(write())
      await cluster.sleep(5)
    }
  })()
  return {
    stop: async () => {
      isOn = false
      await running
    },
  }
}

describe('while the ring changes', () => {
  test('members join and leave: each key once, and no scan fails', async () => {
    await overSeeds(seeds(12), { ...durable, nodes: 4 }, async (cluster) => {
      await putAll(cluster)
      const writing = writer(cluster)
      const stays = (): Bucket<number> => cluster.node('n1').bucket<number>(bucketName)
      const epochBefore = cluster.node('n1').ring().epoch
      let isScanning = true
      const scanning = walk(cluster, stays, { msPerKey: 60, timeoutMs: 20_000 }).finally(() => {
        isScanning = false
      })
      await cluster.add('n5')
      await cluster.node('n2').leave()
      expect(isScanning, 'the ring changed during the scan').toBe(true)
      expect(cluster.node('n1').ring().epoch).toBeGreaterThan(epochBefore + 1)
      await cluster.add('n6')
      const { found, failures } = await scanning
      await writing.stop()
      expectEachOnce(found)
      expect(failures).toEqual([])
    })
  })

  test('the scanning node is a newcomer that is still being filled', async () => {
    await overSeeds(seeds(9), { ...durable, nodes: 4 }, async (cluster) => {
      await putAll(cluster)
      const node = await cluster.add('n5')
      const { found } = await walk(cluster, () => node.bucket(bucketName))
      expectEachOnce(found)
    })
  })

  test('a newcomer that is still being filled counts for nothing, also with R = 1', async () => {
    const node = { ...durable.node, handoff: { bytesPerSecondMax: 2_000 } }
    await overSeeds(seeds(6), { ...durable, nodes: 4, node }, async (cluster) => {
      await putAll(cluster)
      const joining = outcomeOf(cluster.add('n5'))
      const isIn = (): boolean =>
        cluster.names
          .slice(0, 4)
          .every((name) => cluster.node(name).ring().owned['n5'] !== undefined)
      while (!isIn()) await cluster.sleep(20)
      for (const name of ['n1', 'n2', 'n3', 'n4']) {
        const { found } = await walk(cluster, () => cluster.node(name).bucket(bucketName), { r: 1 })
        expectEachOnce(found)
      }
      await joining
    })
  })

  test('and members crash and come back, also without what was not synced', async () => {
    await overSeeds(seeds(12), durable, async (cluster) => {
      await putAll(cluster)
      const writing = writer(cluster)
      const scanning = walk(cluster, roaming(cluster), { msPerKey: 40, timeoutMs: 1_000 })
      for (let i = 0; i < 4; i++) {
        const victim = cluster.names[pick(cluster, cluster.names.length)]!
        await cluster.crash(victim)
        await cluster.sleep(2000 * cluster.random())
        await cluster.restart(victim)
        await cluster.sleep(1000 * cluster.random())
        if (i === 1) await outcomeOf(cluster.add('n6'))
      }
      const { found } = await scanning
      await writing.stop()
      expectEachOnce(found)
    })
  })
})

describe('while the network is partitioned', () => {
  test('fewer than R owners: ERR_UNAVAILABLE, and the cursor leads on when it heals', async () => {
    await overSeeds(seeds(6), durable, async (cluster) => {
      await putAll(cluster)
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      const scan = bucket.keys({ timeoutMs: 1_000 })
      const found: string[] = []
      for (let i = 0; i < 20; i++) found.push((await scan.next()).value!)
      cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      for (const gone of ['n3', 'n4', 'n5']) await untilDead(cluster, 'n1', gone)
      const ended = await outcomeOf(
        (async () => {
          for await (const key of scan) found.push(key)
        })(),
      )
      const { cursor } = scan
      expect(codeOf(ended)).toBe('ERR_UNAVAILABLE')
      expect(codeOf(await outcomeOf(bucket.keys({ after: cursor }).next()))).toBe('ERR_UNAVAILABLE')
      cluster.heal()
      await cluster.sleep(10_000)
      for await (const key of cluster.node('n4').bucket(bucketName).keys({ after: cursor })) {
        found.push(key)
      }
      expectEachOnce(found)
    })
  })

  test('one owner of each key is enough for a scan with R = 1', async () => {
    await overSeeds(seeds(3), { ...durable, nodes: 3 }, async (cluster) => {
      await putAll(cluster)
      cluster.partition(['n1'], ['n2', 'n3'])
      await untilDead(cluster, 'n1', 'n2')
      await untilDead(cluster, 'n1', 'n3')
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      expectEachOnce((await walk(cluster, () => bucket, { r: 1 })).found)
      expect(codeOf(await outcomeOf(bucket.keys().next()))).toBe('ERR_UNAVAILABLE')
    })
  })

  test('a silent owner is replaced long before the deadline', async () => {
    await overSeeds(seeds(3), { ...durable, nodes: 3 }, async (cluster) => {
      await putAll(cluster)
      cluster.pause('n2')
      const before = cluster.now()
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      expectEachOnce((await walk(cluster, () => bucket)).found)
      expect(cluster.now() - before).toBeLessThan(3_000)
      cluster.resume('n2')
    })
  })
})

/** Waits until `observer` holds the member to be dead. */
async function untilDead(cluster: SimCluster, observer: string, id: string): Promise<void> {
  while (memberAt(cluster, observer, id)?.status !== 'dead') await cluster.sleep(100)
}

describe('replicas that differ', () => {
  test('records that an owner lost, or that are damaged, come once and are repaired', async () => {
    await overSeeds(seeds(6), durable, async (cluster) => {
      await putAll(cluster)
      for (const key of keys.slice(0, 30)) {
        const victims = owners(cluster, key)
        const victim = victims[pick(cluster, victims.length)]!
        if (cluster.random() < 0.5) cluster.forget(victim, bucketName, key)
        else damageOn(cluster, victim, key)
      }
      for (const open of [roaming(cluster), roaming(cluster)]) {
        expectEachOnce((await walk(cluster, open, { r: 'all' })).found)
      }
      for (const [i, key] of keys.entries()) expectOnOwners(cluster, key, [i])
    })
  })

  test('a delete or a value that one owner missed: what the others have counts', async () => {
    await overSeeds(seeds(6), { ...durable, nodes: 3 }, async (cluster) => {
      await putAll(cluster)
      await crashAndSee(cluster, 'n3', { lose: 'nothing' })
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      await bucket.delete('k7')
      await bucket.put('k8', 88)
      await cluster.crash('n2', { lose: 'nothing' })
      await cluster.restart('n3')
      await cluster.sleep(5_000)
      const scan = cluster.node('n3').bucket<number>(bucketName).entries()
      const found = new Map<string, readonly number[]>()
      for await (const { key, siblings } of scan) found.set(key, siblings)
      expect(found.size).toBe(keys.length - 1)
      expect(found.has('k7')).toBe(false)
      expect(found.get('k8')).toEqual([88])
    })
  })
})

test('values whose time has passed are not listed, and end for all', async () => {
  await overSeeds(seeds(3), { ...durable, nodes: 3 }, async (cluster) => {
    const bucket = cluster.node('n1').bucket<number>(bucketName)
    for (const [i, key] of keys.entries()) {
      await bucket.put(key, i, { w: 'all', ttlMs: i % 2 === 0 ? 1_000 : 1_000_000 })
    }
    await cluster.sleep(2_000)
    const open = (): Bucket<number> => cluster.node('n2').bucket(bucketName)
    const { found } = await walk(cluster, open)
    expect(found.toSorted()).toEqual(keys.filter((_, i) => i % 2 !== 0).toSorted())
    for await (const key of open().keys()) expect(found).toContain(key)
    expect(cluster.node('n2').stats().repair.expired).toBe(keys.length / 2)
    await cluster.settle()
    expect(cluster.records(bucketName, 'k0').get('n3')?.tombstones).toBe(1)
  })
})

test('the same seed gives the same scan', async () => {
  const run = async (): Promise<string[]> => {
    const [value] = await overSeeds([7], durable, async (cluster) => {
      await putAll(cluster)
      const { found } = await walk(cluster, roaming(cluster))
      return [...found, String(cluster.now())]
    })
    return value!
  }
  expect(await run()).toEqual(await run())
})
