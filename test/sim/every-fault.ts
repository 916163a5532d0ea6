/** A scenario in which each kind of fault that the simulator has takes effect. */

import type { CoterieNode } from '../../src/node/coterie-node.ts'
import { StoreError } from '../../src/base/errors.ts'
import { dirtyPartition } from '../../src/replica/places.ts'
import { bridge, halves, majoritiesRing, simulate } from '../../src/sim/index.ts'
import type { SimCluster, SimResult, TraceListener } from '../../src/sim/index.ts'

/** Runs it. The value tells how each operation ended. */
export function everyFault(seed: number, trace?: TraceListener): Promise<SimResult<string>> {
  const network = { latencyMs: 1, jitterMs: 3, loss: 0.005, duplicate: 0.01, delay: 0.005 }
  return simulate(
    {
      seed,
      storage: 'durable',
      network: { ...network, corrupt: 0.001, reorder: true },
      zones: ['a', 'b', 'c'],
      ...(trace === undefined ? {} : { trace }),
    },
    async (cluster) => {
      const outcomes: string[] = []
      let isOver = false
      const clients = Promise.all(
        cluster.names.map((name) => client(cluster, name, outcomes, () => isOver)),
      )
      for (const faults of [ofNetwork, ofProcesses, ofDisks, ofClocks, ofIdentity]) {
        await faults(cluster)
        cluster.heal()
        await cluster.sleep(2000)
      }
      isOver = true
      await clients
      return outcomes.join(' ')
    },
  )
}

async function client(
  cluster: SimCluster,
  name: string,
  outcomes: string[],
  isOver: () => boolean,
): Promise<void> {
  for (let i = 0; !isOver(); i++) {
    await cluster.sleep(cluster.random() * 100)
    const key = `k${Math.floor(cluster.random() * 20)}`
    outcomes.push(await outcomeOf(() => operate(cluster.node(name), key, i)))
  }
}

async function operate(node: CoterieNode, key: string, i: number): Promise<unknown> {
  const bucket = node.bucket<number>('b')
  const options = { timeoutMs: 1000 }
  if (i % 5 === 0) return bucket.delete(key, options)
  if (i % 2 === 0) return bucket.get(key, options)
  return bucket.put(key, i, { ...options, ttlMs: 60_000 })
}

/** The trouble of the world is an outcome; anything else fails the simulation. */
async function outcomeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'ok'
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
}

async function ofNetwork(cluster: SimCluster): Promise<void> {
  const { names } = cluster
  for (const shape of [halves, bridge, majoritiesRing]) {
    cluster.partition(...shape(names))
    await cluster.sleep(1500)
  }
  cluster.heal()
  cluster.clog('n1', 'n2')
  cluster.block('n3', 'n4')
  await cluster.sleep(25_000)
  cluster.unclog('n1', 'n2')
  cluster.heal()
  cluster.link('n1', 'n2', { latencyMs: 200 })
  await cluster.sleep(500)
  for (const name of names) {
    if (name !== 'n1') cluster.reset('n1', name)
  }
}

async function ofProcesses(cluster: SimCluster): Promise<void> {
  const service = await cluster.service('n2', ({ node, sleep }) => ({
    async count(): Promise<void> {
      await sleep(5)
      await node.bucket<number>('counts').put('c', 1)
    },
  }))
  await cluster.crash('n1', { lose: 'nothing' })
  cluster.pause('n2')
  const call = outcomeOf(() => service.call((counts) => counts.count(), { timeoutMs: 5000 }))
  await cluster.crash('n3', { silent: true })
  await cluster.sleep(1000)
  cluster.resume('n2')
  await call
  await cluster.restart('n1')
  await cluster.restart('n3')
  await cluster.crash('n2', { lose: 'everything' })
  await cluster.restart('n2')
}

async function ofDisks(cluster: SimCluster): Promise<void> {
  const backup = cluster.saveDisk('n1')
  const disk = cluster.disk('n4')
  disk.failReads(3)
  disk.failWrites(3)
  await cluster.sleep(1000)
  disk.capacityBytes = disk.bytes
  await cluster.sleep(1000)
  disk.capacityBytes = Infinity
  disk.failSyncs(1)
  for (const { partition, key } of cluster.disk('n5').entries()) {
    if (partition < dirtyPartition) cluster.disk('n5').flipBit(partition, key, 77)
  }
  for (let i = 0; i < 20; i++) cluster.forget('n3', 'b', `k${i}`)
  await cluster.sleep(1000)
  await cluster.restart('n4')
  for (let i = 0; i < 4; i++) {
    cluster.disk('n5').slowness = 100
    await cluster.sleep(500)
    await cluster.crash('n5', { lose: 'some' })
    cluster.disk('n5').slowness = 1
    await cluster.restart('n5')
  }
  await cluster.crash('n1')
  cluster.restoreDisk('n1', backup)
  await cluster.restart('n1')
}

async function ofClocks(cluster: SimCluster): Promise<void> {
  cluster.skewClock('n1', 3_600_000)
  cluster.driftClock('n2', 100_000)
  cluster.freezeClock('n3')
  await cluster.sleep(2000)
  cluster.skewClock('n1', -3_600_000)
  await cluster.sleep(1000)
}

async function ofIdentity(cluster: SimCluster): Promise<void> {
  const twin = await cluster.duplicate('n5', 'n5-copy')
  await outcomeOf(() => twin.bucket('b').put('k1', 'of the copy', { timeoutMs: 1000 }))
  await cluster.sleep(1000)
  await cluster.crash('n5-copy')
  await cluster.restart('n5')
  await cluster.add('n6')
}
