/** What operations promise, and what they say when they cannot keep it (HAZARDS A7, D3, D8, D9; promises P10, P14). */

import { describe, expect, test } from 'vitest'
import type { Receipt } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import {
  bucketName,
  codeOf,
  crashAndSee,
  expectOnOwners,
  keyWhere,
  lose,
  openEverywhere,
  outcomeOf,
  overSeeds,
  owners,
  pick,
  rareHandoff,
  seeds,
  strict,
} from './kit.ts'

const five: SimOptions = { nodes: 5, storage: 'durable', node: { handoff: rareHandoff } }

/** Deadlines pass up to two ticks late; a read sets two of them. */
const latenessMaxMs = 40

/** A key of n1 and two others that are not n5. */
function keyOfFirst(cluster: SimCluster): string {
  return keyWhere(cluster, (names) => names.includes('n1') && !names.includes('n5'))
}

async function crashOwners(cluster: SimCluster, key: string, count: number): Promise<string[]> {
  const victims = owners(cluster, key)
    .filter((name) => name !== 'n1')
    .slice(0, count)
  for (const name of victims) await crashAndSee(cluster, name)
  return victims
}

/** Everybody named in the receipt stores the value in the role it names; for who is hinted, somebody keeps a hint. */
function expectTrue(
  cluster: SimCluster,
  key: string,
  receipt: Receipt,
  options: { value: unknown; durable: boolean },
): void {
  const primaries = owners(cluster, key)
  const records = cluster.records(bucketName, key)
  for (const { node, role, durable } of receipt.acknowledged) {
    expect(records.get(node)?.siblings, node).toContain(options.value)
    expect(role, node).toBe(primaries.includes(node) ? 'primary' : 'fallback')
    expect(durable, node).toBe(options.durable)
  }
  const names = receipt.acknowledged.map(({ node }) => node)
  expect(new Set(names).size).toBe(names.length)
  for (const target of receipt.hinted) expect(primaries).toContain(target)
  const hints = cluster.names.map((name) => {
    return names.includes(name) ? cluster.node(name).stats().handoff.hints : 0
  })
  if (receipt.hinted.length > 0) expect(Math.max(...hints)).toBeGreaterThanOrEqual(1)
}

describe('with owners known to be down', () => {
  test.each([
    ['strict', 0, 'ok'],
    ['strict', 1, 'ok'],
    ['strict', 2, 'ERR_UNAVAILABLE'],
    ['sloppy', 0, 'ok'],
    ['sloppy', 1, 'ok'],
    ['sloppy', 2, 'ok'],
  ] as const)('%s quorums with %i of 3 owners down: %s', async (kind, down, expected) => {
    await overSeeds(seeds(3), five, async (cluster) => {
      const key = keyOfFirst(cluster)
      const victims = await crashOwners(cluster, key, down)
      const options = { sloppy: kind === 'sloppy' }
      for (const name of ['n1', 'n5']) {
        const bucket = cluster.node(name).bucket(bucketName)
        const put = await outcomeOf(bucket.put(key, name, options))
        expect(codeOf(put)).toBe(expected)
        expect(codeOf(await outcomeOf(bucket.get(key, options)))).toBe(expected)
        if ('error' in put) {
          expect(put.error).toMatchObject({ needed: 2, alive: 1 })
          expect(cluster.records(bucketName, key).size).toBe(0)
        } else {
          expectTrue(cluster, key, put.value, { value: name, durable: true })
          expect(put.value.hinted.toSorted()).toEqual(victims.toSorted())
          expect(put.value.acknowledged.length).toBeGreaterThanOrEqual(2)
        }
      }
    })
  })

  test('a receipt of memory storage says that nothing is durable', async () => {
    await overSeeds(seeds(2), { nodes: 3 }, async (cluster) => {
      const receipt = await cluster.node('n1').bucket(bucketName).put('k', 'v', { w: 'all' })
      expect(receipt.acknowledged).toHaveLength(3)
      expect(receipt.hinted).toEqual([])
      expectTrue(cluster, 'k', receipt, { value: 'v', durable: false })
    })
  })
})

describe('with owners that nobody knows to be down', () => {
  test('a strict write is uncertain, and what it left surfaces when they are back', async () => {
    await overSeeds(seeds(3), five, async (cluster) => {
      const key = keyOfFirst(cluster)
      await openEverywhere(cluster)
      const victims = owners(cluster, key).filter((name) => name !== 'n1')
      for (const name of victims) await cluster.crash(name, { silent: true })
      const bucket = cluster.node('n1').bucket(bucketName)
      const put = await outcomeOf(bucket.put(key, 'v', { sloppy: false, timeoutMs: 400 }))
      expect(put).toMatchObject({
        error: { code: 'ERR_WRITE_UNCERTAIN', needed: 2, acknowledged: 1 },
      })
      for (const name of victims) await cluster.restart(name)
      await cluster.settle()
      expectOnOwners(cluster, key, ['v'])
    })
  })

  test('a sloppy write goes on to fallbacks as soon as a connection breaks', async () => {
    await overSeeds(seeds(3), five, async (cluster) => {
      const key = keyOfFirst(cluster)
      await openEverywhere(cluster)
      for (const name of owners(cluster, key)) if (name !== 'n1') await cluster.crash(name)
      const receipt = await cluster.node('n1').bucket(bucketName).put(key, 'v')
      expectTrue(cluster, key, receipt, { value: 'v', durable: true })
      expect(receipt.acknowledged.some(({ role }) => role === 'fallback')).toBe(true)
    })
  })
})

describe('the deadline', () => {
  test('ends reads and writes of any node, whoever is silent', async () => {
    await overSeeds(seeds(3), five, async (cluster) => {
      const key = keyOfFirst(cluster)
      await openEverywhere(cluster)
      for (const name of cluster.names) if (name !== 'n1' && name !== 'n5') cluster.pause(name)
      for (const name of ['n1', 'n5']) {
        const bucket = cluster.node(name).bucket(bucketName)
        for (const sloppy of [false, true]) {
          const startedMs = cluster.now()
          const options = { sloppy, w: 'all', timeoutMs: 300 } as const
          const put = outcomeOf(bucket.put(key, 1, options))
          const get = outcomeOf(bucket.get(key, { sloppy, r: 'all', timeoutMs: 300 }))
          expect(['ERR_WRITE_UNCERTAIN', 'ERR_UNAVAILABLE']).toContain(codeOf(await put))
          expect(['ERR_TIMEOUT', 'ERR_UNAVAILABLE']).toContain(codeOf(await get))
          expect(cluster.now() - startedMs).toBeLessThanOrEqual(300 + latenessMaxMs)
        }
      }
      for (const name of cluster.names) cluster.resume(name)
    })
  })
})

describe('a replica that misbehaves', () => {
  const three: SimOptions = { nodes: 3, storage: 'durable' }
  const quirks: readonly (readonly [string, (cluster: SimCluster) => void])[] = [
    ['whose disk fails to write', (cluster) => cluster.disk('n3').failWrites(100)],
    ['that hangs', (cluster) => cluster.pause('n3')],
    ['that answers after the deadline', (cluster) => cluster.link('n3', 'n1', { latencyMs: 900 })],
    [
      'that answers twice and out of order',
      (cluster) => cluster.link('n3', 'n1', { duplicate: 1, jitterMs: 30, reorder: true }),
    ],
    ['whose answers are lost', (cluster) => lose(cluster, 'n3', 'n1')],
    ['whose disk is 1000 times slower', (cluster) => (cluster.disk('n3').slowness = 1000)],
  ]

  test.each(quirks)('%s fails no quorum of the others', async (_, disturb) => {
    await overSeeds(seeds(3), three, async (cluster) => {
      await openEverywhere(cluster)
      disturb(cluster)
      const bucket = cluster.node('n1').bucket<number>(bucketName)
      for (let i = 0; i < 5; i++) {
        await bucket.put('k', i, { timeoutMs: 500 })
        expect((await bucket.get('k', { timeoutMs: 500 })).value()).toBe(i)
      }
      cluster.heal()
      cluster.resume('n3')
      cluster.disk('n3').failWrites(0)
      cluster.disk('n3').slowness = 1
      // What the slow disk still had to read.
      await cluster.sleep(1000)
      await cluster.settle()
      expectOnOwners(cluster, 'k', [4])
    })
  })
})

describe('lost replies', () => {
  test('make a write uncertain, never failed for sure, and it is there once', async () => {
    await overSeeds(seeds(4), { nodes: 3 }, async (cluster) => {
      await openEverywhere(cluster)
      lose(cluster, 'n2', 'n1')
      lose(cluster, 'n3', 'n1')
      const bucket = cluster.node('n1').bucket(bucketName)
      const put = await outcomeOf(bucket.put('k', 'v', { context: null, timeoutMs: 200 }))
      expect(codeOf(put)).toBe('ERR_WRITE_UNCERTAIN')
      cluster.heal()
      const entry = await cluster.node('n2').bucket(bucketName).get('k')
      expect(entry.siblings).toEqual(['v'])
      await cluster.settle()
      expectOnOwners(cluster, 'k', ['v'])
    })
  })

  test('of the coordinator of a forwarded write do not make two of it', async () => {
    const network = { duplicate: 0.3, jitterMs: 5, reorder: true }
    await overSeeds(seeds(8), { nodes: 6, network }, async (cluster) => {
      await openEverywhere(cluster)
      const key = keyWhere(cluster, (names) => !names.includes('n6'))
      for (const name of owners(cluster, key))
        cluster.link(name, 'n6', { loss: 0.5, duplicate: 0.3 })
      const bucket = cluster.node('n6').bucket<number>(bucketName)
      const acknowledged: number[] = []
      for (let i = 0; i < 30; i++) {
        const put = await outcomeOf(bucket.put(key, i, { context: null, timeoutMs: 100 }))
        if ('value' in put) acknowledged.push(i)
      }
      cluster.heal()
      await cluster.settle()
      const { siblings } = await bucket.get(key, { r: 'all' })
      expect(new Set(siblings).size).toBe(siblings.length)
      for (const value of acknowledged) expect(siblings).toContain(value)
    })
  })
})

/** Faults of every kind while clients work; each operation is timed and counted. */
async function ledgerOfStorm(cluster: SimCluster): Promise<{ late: string[]; counts: number[] }> {
  const late: string[] = []
  const outcomes = new Map<string, number>()
  let begun = 0
  let ended = 0
  const run = async (what: string, operation: Promise<unknown>, limitMs: number): Promise<void> => {
    begun += 1
    const startedMs = cluster.now()
    const code = codeOf(await outcomeOf(operation))
    ended += 1
    outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
    const tookMs = cluster.now() - startedMs
    if (tookMs > limitMs + latenessMaxMs) late.push(`${what} ${code} took ${tookMs} ms`)
  }
  const working: Promise<void>[] = []
  for (let round = 0; round < 150; round++) {
    await disturb(cluster, round)
    for (let i = 0; i < 4; i++) {
      const name = cluster.names[pick(cluster, cluster.names.length)]!
      if (name === 'n4' && round >= 60 && round < 90) continue
      // Nothing that runs on a stopped node can end in time.
      if (name === 'n5' && round >= 90 && round < 103) continue
      const bucket = cluster.node(name).bucket(bucketName)
      const key = `k${pick(cluster, 10)}`
      const options = { timeoutMs: 400, sloppy: cluster.random() < 0.5 }
      const isPut = cluster.random() < 0.5
      const operation = isPut ? bucket.put(key, round, options) : bucket.get(key, options)
      working.push(run(`${name} ${isPut ? 'put' : 'get'} ${key}`, operation, 400))
    }
    await cluster.sleep(100 * cluster.random())
  }
  cluster.heal()
  await Promise.all(working)
  await cluster.sleep(6000)
  for (const name of cluster.names) {
    expect(cluster.node(name).stats().operations.inFlight, `in flight at ${name}`).toBe(0)
  }
  const ok = outcomes.get('ok') ?? 0
  return { late, counts: [begun, ended, ok] }
}

/** Every link loses, doubles and reorders frames. */
function degrade(cluster: SimCluster): void {
  const quality = { loss: 0.2, duplicate: 0.2, jitterMs: 10, reorder: true }
  for (const from of cluster.names) {
    for (const to of cluster.names) if (from !== to) cluster.link(from, to, quality)
  }
}

async function disturb(cluster: SimCluster, round: number): Promise<void> {
  if (round % 30 === 10) cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
  if (round % 30 === 20) cluster.heal()
  if (round % 30 === 20 || round === 0) degrade(cluster)
  if (round === 60) await cluster.crash('n4')
  if (round === 90) await cluster.restart('n4')
  if (round === 100) cluster.pause('n5')
  if (round === 103) cluster.resume('n5')
}

test('each operation ends exactly once and in time under loss, doubles, partitions and crashes', async () => {
  const options: SimOptions = { nodes: 5, storage: 'durable', node: { timeoutMs: 400 } }
  const ledgers = await overSeeds(seeds(4), options, async (cluster) => {
    await openEverywhere(cluster)
    return ledgerOfStorm(cluster)
  })
  for (const { late, counts } of ledgers) {
    expect(late).toEqual([])
    const [begun, ended, ok] = counts
    expect(ended).toBe(begun)
    expect(ok).toBeGreaterThan(100)
  }
})

test('strict quorums without a minority lose no acknowledged write over partitions', async () => {
  const options: SimOptions = { nodes: 5, node: { replication: strict } }
  await overSeeds(seeds(3), options, async (cluster) => {
    const acknowledged = new Map<string, number>()
    for (let round = 0; round < 12; round++) {
      if (round % 4 === 1) cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      if (round % 4 === 3) cluster.heal()
      for (const name of cluster.names) {
        const key = `k${pick(cluster, 20)}-${name}`
        const put = outcomeOf(
          cluster.node(name).bucket(bucketName).put(key, round, { timeoutMs: 300 }),
        )
        if ('value' in (await put)) acknowledged.set(key, round)
      }
    }
    cluster.heal()
    await cluster.settle()
    for (const [key, round] of acknowledged) {
      const entry = await cluster.node('n3').bucket<number>(bucketName).get(key)
      expect(Math.max(...entry.siblings), key).toBeGreaterThanOrEqual(round)
    }
  })
})
