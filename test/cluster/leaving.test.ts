/** What a node that leaves takes with it: nothing that anybody was promised (HAZARDS C2, promise P1). */

import { describe, expect, test } from 'vitest'
import {
  bucketName,
  expectOnOwners,
  isUp,
  keyWhere,
  outcomeOf,
  overSeeds,
  owners,
  seeds,
} from './kit.ts'

describe('a node that leaves', () => {
  test('loses nothing that it acknowledges on its way out, when one copy is enough', async () => {
    await overSeeds(seeds(6), { storage: 'durable', nodes: 4 }, async (cluster) => {
      const bucket = cluster.node('n2').bucket<string>(bucketName, { w: 1, r: 1, sloppy: true })
      const leaving = cluster.node('n2').leave()
      const acknowledged: string[] = []
      for (let i = 0; isUp(cluster, 'n2'); i++) {
        const put = outcomeOf(bucket.put(`x${i}`, 'v', { timeoutMs: 500 }))
        void put.then((outcome) => 'value' in outcome && acknowledged.push(`x${i}`))
        await cluster.sleep(1 + 4 * cluster.random())
      }
      await leaving
      await cluster.sleep(1000)
      const others = cluster.node('n1').bucket<string>(bucketName)
      for (const key of acknowledged) {
        expect((await others.get(key, { r: 'all' })).siblings, key).toEqual(['v'])
      }
      expect(acknowledged.length).toBeGreaterThan(10)
    })
  })

  test('waits for the writes that it coordinates, and hands over what they leave to be done', async () => {
    await overSeeds(seeds(6), { storage: 'durable', nodes: 5 }, async (cluster) => {
      const key = keyWhere(cluster, (names) => names.includes('n2'))
      const deaf = owners(cluster, key).filter((name) => name !== 'n2')
      for (const name of deaf) cluster.block('n2', name)
      const put = cluster.node('n2').bucket(bucketName).put(key, 'v', { w: 1, timeoutMs: 3000 })
      await put
      const leaving = cluster.node('n2').leave({ timeoutMs: 60_000 })
      await cluster.sleep(2500)
      cluster.heal()
      await leaving
      await cluster.settle()
      expectOnOwners(cluster, key, ['v'])
    })
  })
})
