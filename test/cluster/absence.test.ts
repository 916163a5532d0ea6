/**
 * Members that were away, or lost their disks, while owners changed: what they lack counts for no read (HAZARDS D4,
 * F6).
 */
import { expect, test } from 'vitest'
import { simulate } from '../../src/sim/index.ts'
import type { SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  codeOf,
  outcomeOf,
  overSeeds,
  owners,
  seeds,
  strict,
  until,
  untilAtRest,
  untilSeen,
} from './kit.ts'

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`)

test('an owner that was away while its partitions went and came back does not stand alone', async () => {
  const options: Omit<SimOptions, 'seed'> = {
    nodes: 4,
    storage: 'durable',
    node: { replication: strict, handoff: { bytesPerSecondMax: 2000 }, timeoutMs: 2000 },
  }
  await overSeeds(seeds(3), options, async (cluster) => {
    const keys = keysOf(200)
    const first = new Map(keys.map((key) => [key, owners(cluster, key)]))
    await cluster.crash('n4')
    await untilSeen(cluster, 'n4', 'dead')
    await cluster.add('n5')
    await untilAtRest(cluster, ['n1', 'n2', 'n3', 'n5'])
    const mine = keys.filter(
      (key) => first.get(key)!.includes('n4') && !owners(cluster, key).includes('n4'),
    )
    for (const key of mine) {
      await cluster.node('n1').bucket(bucketName).put(key, key.padEnd(400), { w: 'all' })
    }
    await cluster.node('n5').leave({ timeoutMs: 600_000 })
    await untilAtRest(cluster, ['n1', 'n2', 'n3'])
    expect(mine.every((key) => owners(cluster, key).includes('n4'))).toBe(true)
    const node = await cluster.restart('n4')
    const { epoch } = cluster.node('n1').ring()
    await until(cluster, () => (node.ring().epoch === epoch ? undefined : 'n4 is behind'))
    expect(node.stats().transition.lacking).toBeGreaterThan(0)
    for (const key of mine) {
      const got = await outcomeOf(node.bucket(bucketName).get(key, { r: 1 }))
      if ('value' in got) expect(got.value.found).toBe(true)
    }
  })
})

const six: Omit<SimOptions, 'seed'> = {
  nodes: 6,
  storage: 'durable',
  node: {
    partitions: 64,
    replication: strict,
    timeoutMs: 2000,
    antiEntropy: { enabled: false },
  },
}

/** What the join of nx does to the keys: looked at in a run of its own. */
async function movedByJoin(
  seed: number,
  keys: readonly string[],
): Promise<{ mine: string[]; stays: string; loses: string; sleeps: string }> {
  const { value } = await simulate({ ...six, seed }, async (cluster) => {
    const before = new Map(keys.map((key) => [key, owners(cluster, key)]))
    await cluster.add('nx')
    await untilAtRest(cluster, cluster.names)
    const moved = keys.filter((key) => owners(cluster, key).includes('nx'))
    const stays = owners(cluster, moved[0]!).find((name) => name !== 'nx')!
    const [loses, sleeps] = before.get(moved[0]!)!.filter((name) => name !== stays)
    const mine = moved.filter((key) => {
      const now = owners(cluster, key)
      return (
        [loses, sleeps, stays].every((name) => before.get(key)!.includes(name!)) &&
        now.includes(stays)
      )
    })
    return { mine, stays, loses: loses!, sleeps: sleeps! }
  })
  return value
}

test('that an owner whose disk was lost has nothing to hand over makes nobody whole', async () => {
  const keys = keysOf(400)
  const { mine, stays, loses, sleeps } = await movedByJoin(1, keys)
  expect(mine.length).toBeGreaterThan(3)
  await overSeeds([1], six, async (cluster) => {
    const bucket = (name: string) => cluster.node(name).bucket(bucketName)
    await cluster.crash(stays)
    await untilSeen(cluster, stays, 'dead')
    for (const key of mine) await bucket(sleeps).put(key, 'acknowledged', { w: 2 })
    await cluster.crash(sleeps)
    await untilSeen(cluster, sleeps, 'dead')
    await cluster.crash(loses, { lose: 'everything' })
    await cluster.restart(stays)
    await cluster.restart(loses)
    await cluster.sleep(10_000)
    await cluster.add('nx')
    await untilAtRest(
      cluster,
      cluster.names.filter((name) => name !== sleeps),
    )
    await cluster.sleep(5000)
    for (const key of mine)
      expect(codeOf(await outcomeOf(bucket('nx').get(key)))).toBe('ERR_UNAVAILABLE')
    await cluster.restart(sleeps)
    await cluster.settle()
    for (const key of mine) expect((await bucket('nx').get(key)).value()).toBe('acknowledged')
  })
})

test('a member that is down with a new disk is not taken for a newcomer that gave up', async () => {
  const options = { ...six, node: { ...six.node, handoff: { bytesPerSecondMax: 200 } } }
  await overSeeds(seeds(3), options, async (cluster) => {
    const bucket = cluster.node('n2').bucket(bucketName)
    for (const key of keysOf(100)) await bucket.put(key, 'x'.repeat(400), { w: 'all' })
    cluster.add('nx').catch(() => undefined)
    await until(cluster, () => (cluster.node('n2').ring().moving > 0 ? undefined : 'owners stay'))
    await cluster.crash('n3', { lose: 'everything' })
    await cluster.restart('n3')
    await cluster.crash('n3')
    await cluster.sleep(40_000)
    const ids = cluster
      .node('n2')
      .members()
      .map(({ id }) => id)
    expect(ids).toContain('n3')
    expect(ids).toContain('nx')
  })
})
