/** Every node restarted in turn under load, as a new version of a service is rolled out: nobody is to notice. */
import { describe, expect, test } from 'vitest'
import type { Bucket } from '../../src/index.ts'
import { check, createHistory, record } from '../../src/sim/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import { bucketName, overSeeds, pick, seeds } from './kit.ts'

const nothingLeft = { operations: 0, hints: 0, dirtyPartitions: 0, solePartitions: 0 }
const keyCount = 40
const clientCount = 6

/** A client behind a load balancer: each operation goes to a node that takes requests. */
function roaming(cluster: SimCluster, serving: ReadonlySet<string>): Bucket<string> {
  const any = (): Bucket<string> => {
    const names = [...serving]
    return cluster.node(names[pick(cluster, names.length)]!).bucket<string>(bucketName)
  }
  return {
    name: bucketName,
    get: (key, options) => any().get(key, options),
    put: (key, value, options) => any().put(key, value, options),
    update: (key, change, options) => any().update(key, change, options),
    delete: (key, options) => any().delete(key, options),
    getMany: (keys, options) => any().getMany(keys, options),
    putMany: (writes, options) => any().putMany(writes, options),
    entries: (options) => any().entries(options),
    keys: (options) => any().keys(options),
  }
}

interface Outcome {
  readonly operations: number
  readonly failures: readonly string[]
  readonly slowestMs: number
}

/** Restarts each node with `close`, while clients read and write. */
async function rollingRestart(
  cluster: SimCluster,
  close: (name: string) => Promise<unknown>,
): Promise<Outcome> {
  const history = createHistory()
  const serving = new Set(cluster.names)
  const failures: string[] = []
  let operations = 0
  let slowestMs = 0
  let isOver = false
  const client = async (number: number): Promise<void> => {
    const bucket = record(roaming(cluster, serving), history)
    for (let i = 0; !isOver; i++) {
      const key = `k${pick(cluster, keyCount)}`
      const value = `${number}-${i}`
      const kind = pick(cluster, 10)
      const startedMs = cluster.now()
      operations += 1
      try {
        if (kind < 5) await bucket.get(key)
        else if (kind < 8) await bucket.put(key, value)
        else if (kind < 9) await bucket.update(key, () => value)
        else await bucket.delete(key)
      } catch (error) {
        failures.push(`at ${cluster.now()}: ${String(error)}`)
      }
      slowestMs = Math.max(slowestMs, cluster.now() - startedMs)
      await cluster.sleep(40 * cluster.random())
    }
  }
  const clients = Array.from({ length: clientCount }, (_, number) => client(number))
  await cluster.sleep(500)
  for (const name of cluster.names) {
    serving.delete(name)
    await close(name)
    await cluster.sleep(1000 * cluster.random())
    await cluster.restart(name)
    serving.add(name)
  }
  await cluster.sleep(500)
  isOver = true
  await Promise.all(clients)
  await cluster.settle()
  const final = record(cluster.node('n1').bucket<string>(bucketName), history, { final: true })
  for (let i = 0; i < keyCount; i++) await final.get(`k${i}`)
  for (const model of ['no-lost-write', 'causal'] as const) {
    const { violations, checked } = check(history, model)
    expect(
      violations.map(({ message }) => message),
      model,
    ).toEqual([])
    expect(checked.writes).toBeGreaterThan(50)
  }
  return { operations, failures, slowestMs }
}

const kinds: readonly (readonly [string, Omit<SimOptions, 'seed'>])[] = [
  ['durable', { storage: 'durable', nodes: 5 }],
  ['memory', { storage: 'memory', nodes: 5 }],
]

describe.each(kinds)('a rolling restart of five nodes with %s storage', (_, options) => {
  test('fails no request and loses nothing', async () => {
    await overSeeds(seeds(6), options, async (cluster) => {
      const left: unknown[] = []
      const { operations, failures, slowestMs } = await rollingRestart(cluster, async (name) => {
        left.push(await cluster.node(name).close({ drain: true }))
      })
      expect(failures).toEqual([])
      expect(operations).toBeGreaterThan(300)
      expect(slowestMs, 'nobody waited for a time-out').toBeLessThan(100)
      expect(left).toEqual(cluster.names.map(() => nothingLeft))
    })
  })
})
