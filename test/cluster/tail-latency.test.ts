/** Reads beside a slow replica, and with answers that are late now and then (HAZARDS H7). */

import { expect, test } from 'vitest'
import { roundRobin } from '../../src/index.ts'
import type { NodeOptions } from '../../src/index.ts'
import { simulate } from '../../src/sim/index.ts'
import type { SimCluster } from '../../src/sim/index.ts'
import { bucketName } from './kit.ts'

interface Reads {
  /** How long each took, ascending. */
  readonly tookMs: readonly number[]
  readonly p99: number
  /** Hedges, as a share of the reads. */
  readonly hedged: number
}

const reads = 8000

/** Four clients read through n1, one key after the other. */
async function readMuch(
  trouble: (cluster: SimCluster) => void,
  { seed = 1, ...replication }: NodeOptions['replication'] & { seed?: number } = {},
): Promise<Reads> {
  const options = {
    seed,
    nodes: 3,
    network: { latencyMs: 1, jitterMs: 0.5 },
    node: { replication: { sloppy: false, ...replication } },
  }
  const { value } = await simulate(options, async (cluster) => {
    const bucket = cluster.node('n1').bucket<number>(bucketName)
    for (let i = 0; i < 50; i++) await bucket.put(`k${i}`, i, { w: 'all' })
    const tookMs: number[] = []
    const readSome = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const beganMs = cluster.now()
        await bucket.get(`k${i % 50}`)
        tookMs.push(cluster.now() - beganMs)
      }
    }
    await readSome(500)
    trouble(cluster)
    await readSome(500)
    tookMs.length = 0
    const { hedged } = cluster.node('n1').stats().operations
    await Promise.all([1, 2, 3, 4].map(() => readSome(reads / 4)))
    tookMs.sort((a, b) => a - b)
    const quantile = (q: number): number => tookMs[Math.floor(q * reads)]!
    const hedges = cluster.node('n1').stats().operations.hedged - hedged
    return { tookMs, p99: quantile(0.99), hedged: hedges / reads }
  })
  return value
}

const slow = (cluster: SimCluster): void => {
  for (const [from, to] of [
    ['n1', 'n2'],
    ['n2', 'n1'],
  ] as const) {
    cluster.link(from, to, { latencyMs: 10, jitterMs: 5 })
  }
}

test('a replica ten times as slow hardly shows, and costs less than 2 % more requests', async () => {
  const healthy = await readMuch(() => undefined)
  const beside = await readMuch(slow)
  expect(beside.p99).toBeLessThanOrEqual(2 * healthy.p99)
  expect(beside.hedged).toBeLessThanOrEqual(0.02)
  const inTurn = await readMuch(slow, { replicaChoice: roundRobin() })
  expect(inTurn.p99).toBeGreaterThan(5 * healthy.p99)
})

test('a rule of the service that throws, or answers nonsense, fails no read', async () => {
  const answers: (() => number)[] = [
    () => 7,
    () => Number.NaN,
    () => -1,
    () => {
      throw new Error('no idea')
    },
  ]
  let asked = 0
  const choose = (): number => answers[asked++ % answers.length]!()
  const replication = { replicaChoice: { name: 'broken', choose } }
  await simulate({ nodes: 3, node: { replication } }, async (cluster) => {
    const node = cluster.node('n1')
    const told: string[] = []
    node.on('background-error', ({ task }) => told.push(task))
    const bucket = node.bucket<number>(bucketName)
    await bucket.put('k', 1, { w: 'all' })
    for (let i = 0; i < 20; i++) expect((await bucket.get('k')).value()).toBe(1)
    expect(told).toEqual([
      'replica-choice',
      'replica-choice',
      'replica-choice',
      'replica-choice',
      'replica-choice',
    ])
    expect(node.stats().operations.inFlight).toBe(0)
  })
})

test('one answer of a hundred that is 100 ms late is not waited for', async () => {
  const late = (cluster: SimCluster): void => {
    for (const name of ['n2', 'n3']) {
      cluster.link(name, 'n1', { latencyMs: 1, jitterMs: 0.5, delay: 0.01, delayMs: 100 })
    }
  }
  const tookMs: number[] = []
  for (const seed of [1, 2, 3, 4]) {
    const run = await readMuch(late, { seed })
    expect(run.hedged).toBeLessThanOrEqual(0.02 + 10 / reads)
    tookMs.push(...run.tookMs)
  }
  tookMs.sort((a, b) => a - b)
  // Waited for, it takes the way there and back, and the delay: 102 ms at the least.
  expect(tookMs[Math.floor(0.999 * tookMs.length)]).toBeLessThan(102 / 3)
})
