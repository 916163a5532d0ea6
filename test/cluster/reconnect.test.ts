/** How soon members reach each other again when the network between them is whole again. */

import { expect, test } from 'vitest'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import { bucketName, codeOf, outcomeOf, overSeeds, seeds, strict } from './kit.ts'

const three: SimOptions = { nodes: 3, storage: 'durable', node: { replication: strict } }

/** Two of three members lose each other, each of them sees the third: none of them is dead. */
async function loseEachOther(cluster: SimCluster, ms: number): Promise<void> {
  const bucket = cluster.node('n1').bucket(bucketName)
  cluster.partition(['n1', 'n3'], ['n2', 'n3'])
  const endsMs = cluster.now() + ms
  while (cluster.now() < endsMs) {
    // Keeps them dialling.
    await outcomeOf(bucket.get('k', { r: 'all', timeoutMs: 300 }))
    await cluster.sleep(100)
  }
  cluster.heal()
}

test('half a second after a bridged partition every owner answers, whenever the last dial began', async () => {
  let cutMs = 30_000
  const codes = await overSeeds(seeds(60), three, async (cluster) => {
    const bucket = cluster.node('n1').bucket(bucketName)
    await bucket.put('k', 'v', { context: null })
    await loseEachOther(cluster, (cutMs += 130))
    await cluster.sleep(500)
    return codeOf(await outcomeOf(bucket.get('k', { r: 'all', timeoutMs: 1000 })))
  })
  expect(new Set(codes)).toEqual(new Set(['ok']))
})
