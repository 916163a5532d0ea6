/** How things stand with a key, as any member finds out. */
import { describe, expect, test } from 'vitest'
import type { Explanation } from '../../src/index.ts'
import type { SimCluster } from '../../src/sim/index.ts'
import {
  bucketName,
  crashAndSee,
  damageOn,
  keyWhere,
  openEverywhere,
  overSeeds,
  owners,
  rareHandoff,
  seeds,
} from './kit.ts'

const five = { storage: 'durable', nodes: 5, node: { handoff: rareHandoff } } as const

function explain(cluster: SimCluster, by: string, key: string): Promise<Explanation> {
  return cluster.node(by).explain(bucketName, key, { timeoutMs: 500 })
}

function of(explanation: Explanation, id: string) {
  return explanation.replicas.find((replica) => replica.id === id)!
}

describe('an explanation', () => {
  test('tells the same as the disks, wherever it is asked for', async () => {
    await overSeeds(seeds(9), five, async (cluster) => {
      await cluster.node('n1').bucket(bucketName).put('k', 'v', { w: 'all' })
      for (const name of cluster.names) {
        const found = await explain(cluster, name, 'k')
        expect(found.owners).toEqual(owners(cluster, 'k'))
        expect(found.fallbacks).toHaveLength(2)
        expect(found.replicas.map(({ id }) => id)).toEqual([...found.owners, ...found.fallbacks])
        expect(found.converged).toBe('yes')
        expect(found.reasons).toHaveLength(1)
        const stored = cluster.records(bucketName, 'k')
        for (const { id, role, state, record, status, stage, recovering } of found.replicas) {
          const isOwner = role === 'primary'
          expect({ id, state, status, stage, recovering }).toEqual({
            id,
            state: isOwner ? 'record' : 'absent',
            status: 'alive',
            stage: 'normal',
            recovering: false,
          })
          expect(record?.clock).toBe(stored.get(id)?.clock)
          if (isOwner) expect(record).toMatchObject({ siblings: 1, tombstones: 0, expired: 0 })
        }
        expect(JSON.parse(JSON.stringify(found))).toEqual(found)
      }
    })
  })

  test('counts siblings, tombstones and what has expired', async () => {
    await overSeeds(seeds(3), five, async (cluster) => {
      const bucket = cluster.node('n1').bucket<string>(bucketName)
      await bucket.put('k', 'a', { w: 'all' })
      await bucket.put('k', 'b', { w: 'all', context: null })
      await bucket.put('k', 'c', { w: 'all', context: null, ttlMs: 100 })
      await bucket.delete('gone', { w: 'all' })
      await cluster.sleep(200)
      const [holder] = owners(cluster, 'k') as [string]
      const { record } = of(await explain(cluster, 'n2', 'k'), holder)
      expect(record).toMatchObject({ siblings: 2, tombstones: 0, expired: 1 })
      const [other] = owners(cluster, 'gone') as [string]
      const deleted = of(await explain(cluster, 'n2', 'gone'), other).record
      expect(deleted).toMatchObject({ siblings: 0, tombstones: 1, expired: 0 })
    })
  })

  test('of a key that nobody has says so', async () => {
    await overSeeds([1], five, async (cluster) => {
      const { converged, reasons } = await explain(cluster, 'n1', 'nothing')
      expect(converged).toBe('yes')
      expect(reasons).toEqual([expect.stringMatching(/^"n\d", "n\d", "n\d" have no record$/)])
    })
  })

  test('names who lacks a write and who keeps a hint for it', async () => {
    await overSeeds(seeds(9), five, async (cluster) => {
      await openEverywhere(cluster)
      const key = keyWhere(cluster, (names) => names.includes('n3'))
      await cluster.node('n1').bucket(bucketName).put(key, 'v', { w: 'all' })
      await crashAndSee(cluster, 'n3')
      await cluster.node('n1').bucket(bucketName).put(key, 'w', { w: 3 })
      const silent = await explain(cluster, 'n1', key)
      expect(silent.converged).toBe('unknown')
      expect(of(silent, 'n3')).toMatchObject({ state: 'unknown', status: 'dead' })
      expect(silent.reasons.join('\n')).toContain('"n3" did not tell what it holds')
      expect(silent.reasons.join('\n')).toContain('still keeps a hint for "n3"')
      const keepers = silent.replicas.filter(({ hintsFor }) => hintsFor.includes('n3'))
      expect(keepers.length).toBeGreaterThan(0)
      for (const { id } of keepers) cluster.block(id, 'n3')
      await cluster.restart('n3')
      const behind = await explain(cluster, 'n3', key)
      expect(behind.converged).toBe('no')
      expect(behind.reasons[0]).toBe('"n3" lacks writes that others have')
      cluster.heal()
      await cluster.settle()
      expect((await explain(cluster, 'n3', key)).converged).toBe('yes')
    })
  })

  test('tells a lost and a damaged record from one that is there', async () => {
    await overSeeds(seeds(9), five, async (cluster) => {
      await cluster.node('n1').bucket(bucketName).put('k', 'v', { w: 'all' })
      const [first, second] = owners(cluster, 'k') as [string, string]
      cluster.forget(first, bucketName, 'k')
      damageOn(cluster, second, 'k')
      const found = await explain(cluster, 'n4', 'k')
      expect(found.converged).toBe('no')
      expect(of(found, first).state).toBe('absent')
      expect(of(found, second).state).toBe('damaged')
      const words = found.reasons.join('\n')
      expect(words).toContain(`"${first}" has no record`)
      expect(words).toContain(`nobody who told keeps a hint for "${first}"`)
      expect(words).toContain(`"${second}" holds a damaged record`)
      expect(cluster.records(bucketName, 'k').get(first), 'it repairs nothing').toBeUndefined()
    })
  })

  test('in a minority ends within its time-out', async () => {
    await overSeeds(seeds(3), five, async (cluster) => {
      cluster.partition(['n1'], ['n2', 'n3', 'n4', 'n5'])
      const startedMs = cluster.now()
      const { replicas, converged } = await explain(cluster, 'n1', 'k')
      expect(cluster.now() - startedMs).toBeLessThan(600)
      expect(converged).not.toBe('no')
      const silent = replicas.filter(({ state }) => state === 'unknown').map(({ id }) => id)
      expect(silent.toSorted()).toEqual(['n2', 'n3', 'n4', 'n5'])
    })
  })
})

test.each([
  ['', 'k'],
  [7, 'k'],
  ['b', ''],
  ['b', undefined],
  ['b', '\ud800'],
  ['b', 'x'.repeat(2000)],
])('bucket %j and key %j cannot be explained', async (bucket, key) => {
  await overSeeds([1], { nodes: 1 }, async (cluster) => {
    const refused = { code: expect.stringMatching(/^ERR_(INVALID_ARGUMENT|LIMIT)$/) as string }
    const explaining = cluster.node('n1').explain(bucket as never, key as never)
    await expect(explaining).rejects.toMatchObject(refused)
  })
})
