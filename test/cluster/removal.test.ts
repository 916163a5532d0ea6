/** Members that others take out of the ring (HAZARDS E8). */

import { expect, test } from 'vitest'
import {
  bucketName,
  crashAndSee,
  memberAt,
  outcomeOf,
  overSeeds,
  seeds,
  strict,
  until,
} from './kit.ts'

// Found by seed 101301 of the storm.
test('a removal that takes long does not put out the newcomer that took the name meanwhile', async () => {
  await overSeeds(seeds(4), { nodes: 5 }, async (cluster) => {
    await crashAndSee(cluster, 'n5')
    cluster.partition(['n1'], ['n2', 'n3', 'n4', 'n5'])
    const removing = outcomeOf(cluster.node('n1').removeMember('n5'))
    await cluster.crash('n5', { lose: 'everything' })
    await cluster.restart('n5')
    await cluster.sleep(1000 + 4000 * cluster.random())
    cluster.heal()
    expect(await removing, 'the member that was meant is gone').toHaveProperty('value')
    await until(cluster, () => {
      const stages = cluster.names.map((name) => {
        const member = memberAt(cluster, name, 'n5')
        return `${member?.status} ${member?.stage}`
      })
      return stages.every((stage) => stage === 'alive normal') ? undefined : stages.join()
    })
  })
})

test('a removal that leaves fewer than N members needs force', async () => {
  await overSeeds([1], { nodes: 3 }, async (cluster) => {
    await crashAndSee(cluster, 'n3')
    const node = cluster.node('n1')
    await expect(node.removeMember('n3')).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: expect.stringContaining('fewer than N = 3 members: add one first') as string,
      needed: 3,
      alive: 2,
    })
    expect(node.ring().epoch, 'nothing changed').toBe(cluster.node('n2').ring().epoch)
    expect(node.members()).toHaveLength(3)
    await node.removeMember('n3', { force: true })
    expect(node.members().map(({ id }) => id)).toEqual(['n1', 'n2'])
    await cluster.sleep(100)
  })
})

// Found by seed 126 of the storm.
test('a join that takes long does not put out a later process of the same node', async () => {
  const node = { replication: strict, handoff: { bytesPerSecondMax: 3000 }, timeoutMs: 2000 }
  await overSeeds(seeds(12), { nodes: 4, node }, async (cluster) => {
    const bucket = cluster.node('n1').bucket(bucketName)
    for (let i = 0; i < 60; i++) await bucket.put(`k${i}`, `${i}`.padEnd(400), { w: 'all' })
    void cluster.add('n5')
    await cluster.sleep(500)
    cluster.add('n6').catch(() => undefined)
    const restarts: string[] = []
    for (let i = 0; i < 100 && cluster.node('n1').ring().moving > 0; i++) {
      await cluster.sleep(300 + 900 * cluster.random())
      await cluster.crash('n6')
      void outcomeOf(cluster.restart('n6')).then((outcome) => {
        if ('error' in outcome && /for good/.test(outcome.error.message)) restarts.push('put out')
        if ('value' in outcome) outcome.value.once('close', () => restarts.push('closed'))
      })
    }
    await cluster.sleep(20_000)
    expect(restarts).toEqual([])
    expect(cluster.node('n6').members()).toHaveLength(6)
  })
})
