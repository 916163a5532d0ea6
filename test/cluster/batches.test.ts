/** Many operations at once, while messages are lost, members crash and the network falls apart. */

import { expect, test } from 'vitest'
import type { Context, Entry } from '../../src/index.ts'
import {
  check,
  createHistory,
  record,
  type History,
  type SimCluster,
  type SimOptions,
} from '../../src/sim/index.ts'
import { bucketName, codeOf, isUp, outcomeOf, overSeeds, pick, seeds } from './kit.ts'

const keys = Array.from({ length: 12 }, (_, i) => `k${i}`)
const clients = 4

/** Some keys, none twice. */
function someKeys(cluster: SimCluster): string[] {
  return keys.filter(() => cluster.random() < 0.5)
}

/** One client: reads and writes several keys at once, through one node and then another. */
class Client {
  readonly #cluster: SimCluster
  readonly #history: History
  readonly #name: string
  readonly #seen: Map<string, Context> = new Map()
  #written = 0
  readonly codes: Set<string> = new Set()

  constructor(cluster: SimCluster, history: History, name: string) {
    this.#cluster = cluster
    this.#history = history
    this.#name = name
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#cluster.sleep(10 + pick(this.#cluster, 80))
      const up = this.#cluster.names.filter((name) => isUp(this.#cluster, name))
      const node = this.#cluster.node(up[pick(this.#cluster, up.length)]!)
      const bucket = record(node.bucket<string>(bucketName), this.#history)
      const wanted = someKeys(this.#cluster)
      const isRead = this.#cluster.random() < 0.5
      const work: Promise<unknown> = isRead
        ? bucket.getMany(wanted).then((entries) => this.#learn(entries))
        : bucket.putMany(wanted.map((key) => this.#write(key)))
      this.codes.add(codeOf(await outcomeOf(work)))
    }
  }

  #learn(entries: ReadonlyMap<string, Entry<string>>): void {
    for (const [key, { context }] of entries) this.#seen.set(key, context)
  }

  #write(key: string): { key: string; value: string; context: Context | null | undefined } {
    const context = this.#cluster.random() < 0.2 ? null : this.#seen.get(key)
    return { key, value: `${this.#name}.${++this.#written}`, context }
  }
}

/** One trouble after the other, each for a while. */
async function troubles(cluster: SimCluster): Promise<void> {
  const name = (): string => cluster.names[pick(cluster, cluster.names.length)]!
  loseMessages(cluster)
  cluster.block(name(), name())
  await cluster.sleep(1_500)
  cluster.heal()
  const [first, ...rest] = cluster.names
  cluster.partition([first!, rest[0]!], rest.slice(1))
  await cluster.sleep(3_000)
  cluster.heal()
  await cluster.sleep(1_000)
  const victim = name()
  await cluster.crash(victim)
  await cluster.sleep(4_000)
  await cluster.restart(victim)
  await cluster.sleep(1_000)
}

async function storyOf(cluster: SimCluster): Promise<Set<string>> {
  const history = createHistory()
  let isOver = false
  const all = Array.from({ length: clients }, (_, i) => new Client(cluster, history, `c${i}`))
  const running = all.map((client) => client.run(() => isOver))
  await troubles(cluster)
  isOver = true
  await Promise.all(running)
  cluster.heal()
  await cluster.settle({ withinMs: 600_000 })
  for (const name of cluster.names) {
    const bucket = record(cluster.node(name).bucket<string>(bucketName), history, { final: true })
    await bucket.getMany(keys, { r: 'all' })
    expect(cluster.node(name).stats().operations.inFlight).toBe(0)
  }
  for (const model of ['no-lost-write', 'causal'] as const) {
    expect(check(history, model).violations).toEqual([])
  }
  expect(history.operations.length).toBeGreaterThan(500)
  return new Set(all.flatMap(({ codes }) => [...codes]))
}

const five: SimOptions = { network: { latencyMs: 1, jitterMs: 2 }, nodes: 5 }

/** On every way of the network, until it heals. */
function loseMessages(cluster: SimCluster): void {
  for (const from of cluster.names) {
    for (const to of cluster.names) {
      if (from !== to) cluster.link(from, to, { latencyMs: 1, jitterMs: 2, loss: 0.05 })
    }
  }
}

test.each(['memory', 'durable'] as const)(
  'no write is lost, and each operation ends, in %s',
  async (storage) => {
    const told = await overSeeds(
      seeds(6),
      { ...five, storage, node: { timeoutMs: 1_000 } },
      storyOf,
    )
    const codes = new Set(told.flatMap((each) => [...each]))
    expect([...codes]).toContain('ok')
    expect([...codes]).toContain('ERR_PARTIAL_WRITE')
  },
)

test('a read of many keys repairs each replica that is stale', async () => {
  await overSeeds(seeds(6), { nodes: 3 }, async (cluster) => {
    const bucket = cluster.node('n1').bucket<number>(bucketName)
    const writes = keys.map((key, i) => ({ key, value: i }))
    await bucket.putMany(writes, { w: 'all' })
    for (const key of keys.slice(0, 5)) {
      cluster.forget(cluster.names[pick(cluster, 3)]!, bucketName, key)
    }
    const entries = await bucket.getMany(keys, { r: 'all' })
    expect(keys.map((key) => entries.get(key)!.value())).toEqual(writes.map(({ value }) => value))
    await cluster.sleep(50)
    for (const key of keys) {
      const stored = [...cluster.records(bucketName, key).values()]
      const i = keys.indexOf(key)
      expect(stored.map(({ siblings }) => siblings)).toEqual([[i], [i], [i]])
    }
  })
})

test('a read of many keys finds what two replicas of three have, whichever they are', async () => {
  await overSeeds(seeds(9), { nodes: 3 }, async (cluster) => {
    const bucket = cluster.node('n1').bucket<number>(bucketName)
    await bucket.putMany(
      keys.map((key, i) => ({ key, value: i })),
      { w: 'all' },
    )
    for (const key of keys) {
      if (cluster.random() < 0.6) cluster.forget('n1', bucketName, key)
    }
    const entries = await bucket.getMany(keys)
    expect(keys.map((key) => entries.get(key)!.value())).toEqual(keys.map((_, i) => i))
    // What was forgotten is back before the read returns, so that no later one misses it.
    const again = await bucket.getMany(keys, { r: 1 })
    expect(keys.map((key) => again.get(key)!.found)).toEqual(keys.map(() => true))
  })
})

test('values too long for one answer come all the same', async () => {
  await overSeeds([1, 2], { nodes: 4 }, async (cluster) => {
    const value = 'x'.repeat(60_000)
    const writes = keys.map((key) => ({ key, value: key + value }))
    await cluster.node('n1').bucket<string>(bucketName).putMany(writes, { w: 'all' })
    for (const name of cluster.names) {
      for (const key of keys) if (pick(cluster, 3) === 0) cluster.forget(name, bucketName, key)
      const entries = await cluster.node(name).bucket<string>(bucketName).getMany(keys, { r: 3 })
      for (const key of keys) expect(entries.get(key)!.value()).toBe(key + value)
    }
  })
})
