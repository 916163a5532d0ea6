/**
 * 40 clients on 10 keys while two nodes join and two leave: the run in which Riak lost recent writes almost every time
 * (riak_kv #1754; HAZARDS F4). `COTERIE_LONG=1` runs 510 seeds.
 */
import { expect, test } from 'vitest'
import type { Bucket, Context } from '../../src/index.ts'
import { check, createHistory, record } from '../../src/sim/index.ts'
import type { History, SimCluster } from '../../src/sim/index.ts'
import { bucketName, isLongRun, overSeeds, strict } from './kit.ts'

const clients = 40
const keys = 10
const allSeeds = Array.from({ length: isLongRun ? 510 : 5 }, (_, i) => 1000 + i)

/** Reads and writes with the context that it read, through one node, until it is told to stop. */
async function work(
  cluster: SimCluster,
  bucket: Bucket<string>,
  { client, isOver }: { client: number; isOver: () => boolean },
): Promise<number> {
  let written = 0
  for (let i = 0; !isOver(); i++) {
    const key = `k${Math.floor(cluster.random() * keys)}`
    const context: Context | undefined = await bucket.get(key).then(
      (entry) => entry.context,
      () => undefined,
    )
    if (context !== undefined) {
      const put = bucket.put(key, `${client}:${i}`, { context })
      written += await put.then(
        () => 1,
        () => 0,
      )
    }
    await cluster.sleep(20 + cluster.random() * 100)
  }
  return written
}

async function scenario(cluster: SimCluster, history: History): Promise<number> {
  let isOver = false
  const bucketOf = (client: number): Bucket<string> =>
    record(cluster.node(`n${1 + (client % 3)}`).bucket<string>(bucketName), history)
  const working = Array.from({ length: clients }, (_, client) =>
    work(cluster, bucketOf(client), { client, isOver: () => isOver }),
  )
  await cluster.sleep(1000)
  const changes = [
    cluster.add('n6'),
    cluster.node('n4').leave({ timeoutMs: 60_000 }),
    cluster.sleep(500).then(() => cluster.add('n7')),
    cluster.sleep(500).then(() => cluster.node('n5').leave({ timeoutMs: 60_000 })),
  ]
  await Promise.all(changes)
  await cluster.sleep(1000)
  isOver = true
  const written = await Promise.all(working)
  await cluster.settle()
  const last = record(cluster.node('n6').bucket<string>(bucketName), history, { final: true })
  for (let key = 0; key < keys; key++) await last.get(`k${key}`)
  return written.reduce((sum, each) => sum + each, 0)
}

test('no acknowledged write vanishes while two nodes join and two leave', async () => {
  for (const seed of allSeeds) {
    const history = createHistory()
    const options = {
      nodes: 5,
      node: { replication: strict, handoff: { bytesPerSecondMax: 4000 } },
      network: { latencyMs: 2, jitterMs: 8 },
    }
    const [written] = await overSeeds([seed], options, (cluster) => scenario(cluster, history))
    expect(written).toBeGreaterThan(500)
    for (const model of ['no-lost-write', 'causal', 'monotonic', 'read-your-writes'] as const) {
      expect(check(history, model).violations, `seed ${seed}, ${model}`).toEqual([])
    }
  }
}, 3_600_000)

test('a write keeps as many copies when one of its owners leaves while the new one is away', async () => {
  const options = { nodes: 6, node: { replication: { ...strict, w: 3 } } }
  await overSeeds([1, 2, 3], options, async (cluster) => {
    await cluster.node('n1').bucket<string>(bucketName).put('k', 'v')
    const list = cluster.node('n1').preferenceList(bucketName, 'k')
    const [leaver = '', , , ...others] = list.map(({ id }) => id)
    cluster.partition(others.slice(0, 1))
    await cluster.sleep(20_000)
    await cluster.node(leaver).leave({ timeoutMs: 60_000 })
    await cluster.crash(leaver, { lose: 'everything' })
    expect([...cluster.records(bucketName, 'k').keys()]).toHaveLength(3)
  })
})
