/**
 * Weeks of deletes and rewrites, with members that crash and come back: nothing that was deleted comes back, and in the
 * end no tombstone is left (HAZARDS P8).
 */

import { expect, test } from 'vitest'
import type { Bucket, NodeOptions } from '../../src/index.ts'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import { bucketName, codeOf, isLongRun, isUp, outcomeOf, overSeeds, pick, strict } from './kit.ts'

const hourMs = 3_600_000
const days = isLongRun ? 30 : 1
const keys = Array.from({ length: 60 }, (_, i) => `k${i}`)
const graceMs = 2 * hourMs

/** Everything is slower than usual: so much time passes in few events. */
const slow: NodeOptions = {
  replication: strict,
  membership: { probeIntervalMs: 30_000, gossipIntervalMs: 30_000 },
  handoff: { intervalMs: 120_000 },
  antiEntropy: { intervalMs: 600_000, verifyIntervalMs: 24 * hourMs },
  tombstones: { graceMs, intervalMs: hourMs / 2 },
}
const options: SimOptions = {
  nodes: 4,
  storage: 'durable',
  node: slow,
  virtualMsMax: 40 * 24 * hourMs,
}

/** What one key may hold: the value written last, or none; more than one thing after a write that may have failed. */
class Expectation {
  readonly #possible = new Map<string, Set<string>>(keys.map((key) => [key, new Set([''])]))

  wrote(key: string, value: string, isCertain: boolean): void {
    if (isCertain) this.#possible.set(key, new Set([value]))
    else this.#possible.get(key)!.add(value)
  }

  allows(key: string, values: readonly string[]): boolean {
    const possible = this.#possible.get(key)!
    return values.length === 0 ? possible.has('') : values.every((value) => possible.has(value))
  }
}

async function work(cluster: SimCluster, expected: Expectation, turn: number): Promise<void> {
  const up = cluster.names.filter((name) => isUp(cluster, name))
  const bucket: Bucket<string> = cluster.node(up[pick(cluster, up.length)]!).bucket(bucketName)
  const key = keys[pick(cluster, keys.length)]!
  const read = await outcomeOf(bucket.get(key))
  if ('error' in read) return
  const { siblings, context } = read.value
  expect(expected.allows(key, siblings), `${key} holds ${siblings.join()} in turn ${turn}`).toBe(
    true,
  )
  const value = cluster.random() < 0.6 ? '' : `v${turn}`
  const written =
    value === '' ? bucket.delete(key, { context }) : bucket.put(key, value, { context })
  expected.wrote(key, value, codeOf(await outcomeOf(written)) === 'ok')
}

test(
  `nothing comes back in ${days} days of deletes, rewrites, crashes and restarts`,
  { timeout: 600_000 },
  async () => {
    await overSeeds([1], options, async (cluster) => {
      const expected = new Expectation()
      let down: string | undefined
      const endMs = cluster.now() + days * 24 * hourMs
      for (let turn = 0; cluster.now() < endMs; turn++) {
        await cluster.sleep(pick(cluster, hourMs / 3))
        await work(cluster, expected, turn)
        if (down === undefined && cluster.random() < 0.05) {
          down = cluster.names[pick(cluster, 4)]!
          await cluster.crash(down, { lose: 'unsynced' })
        } else if (down !== undefined && cluster.random() < 0.2) {
          await cluster.restart(down)
          down = undefined
        }
      }
      if (down !== undefined) await cluster.restart(down)
      const reaped = (): number =>
        cluster.names.reduce((sum, name) => sum + cluster.node(name).stats().tombstones.reaped, 0)
      expect(reaped()).toBeGreaterThan(0)
      await cluster.sleep(3 * graceMs)
      for (const key of keys) {
        const { siblings } = await cluster
          .node('n1')
          .bucket<string>(bucketName)
          .get(key, { r: 'all' })
        expect(expected.allows(key, siblings), `${key} holds ${siblings.join()}`).toBe(true)
        for (const record of cluster.records(bucketName, key).values())
          expect(record.tombstones, key).toBe(0)
      }
    })
  },
)
