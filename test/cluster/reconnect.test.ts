/** How soon members reach each other again when the network between them is whole again. */

import { expect, test } from 'vitest'
import type { SimCluster, SimOptions } from '../../src/sim/index.ts'
import { bucketName, codeOf, outcomeOf, overSeeds, seeds, strict, until } from './kit.ts'

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

/** Some member that is not seen by all. */
function awayOf(cluster: SimCluster): string | undefined {
  for (const name of cluster.names) {
    const members = cluster.node(name).members()
    const away = members.find(({ status }) => status !== 'alive')
    if (away !== undefined) return `${name} sees ${away.id} ${away.status}`
  }
  return undefined
}

test('once one connection is through after a bridged partition, every owner answers', async () => {
  let opened = false
  const trace = (line: string): void => {
    opened ||= / (n1 open n2|n2 open n1)$/.test(line)
  }
  let cutMs = 30_000
  const codes = await overSeeds(seeds(60), { ...three, trace }, async (cluster) => {
    const bucket = cluster.node('n1').bucket(bucketName)
    await bucket.put('k', 'v', { context: null })
    await loseEachOther(cluster, (cutMs += 130))
    opened = false
    await until(cluster, () => (opened ? undefined : 'they have not met'))
    // They greet each other.
    await cluster.sleep(20)
    return codeOf(await outcomeOf(bucket.get('k', { r: 'all', timeoutMs: 1500 })))
  })
  expect(new Set(codes)).toEqual(new Set(['ok']))
})

test('a member whose copy has run for a while and is gone is seen by all again', async () => {
  await overSeeds(seeds(24), { ...three, nodes: 4 }, async (cluster) => {
    await cluster.duplicate('n4', 'copy')
    await cluster.sleep(40_000)
    await cluster.crash('copy', { lose: 'everything' })
    await until(cluster, () => awayOf(cluster))
  })
})

test('a read of all owners waits for one that starts anew, as long as nobody holds it to be dead', async () => {
  const codes = await overSeeds(seeds(60), { ...three, storage: 'durable' }, async (cluster) => {
    const bucket = cluster.node('n1').bucket(bucketName)
    await bucket.put('k', 'v', { context: null })
    await cluster.crash('n2')
    await cluster.sleep(100)
    const found = outcomeOf(bucket.get('k', { r: 'all', timeoutMs: 5_000 }))
    await cluster.restart('n2')
    return codeOf(await found)
  })
  expect(new Set(codes)).toEqual(new Set(['ok']))
})
