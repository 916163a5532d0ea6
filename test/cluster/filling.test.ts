/** An owner that is being filled counts for no quorum, whether it has something of a key or nothing (HAZARDS D4). */
import { expect, test } from 'vitest'
import { simulate } from '../../src/sim/index.ts'

const strict = { n: 3, r: 1, w: 3, sloppy: false } as const
const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)

test('what an owner got while it was being filled does not stand alone', async () => {
  const options = {
    nodes: 3,
    storage: 'memory',
    node: { replication: strict, handoff: { bytesPerSecondMax: 400 } },
  } as const
  await simulate({ ...options, seed: 5 }, async (cluster) => {
    const bucket = (name: string): ReturnType<ReturnType<typeof cluster.node>['bucket']> =>
      cluster.node(name).bucket('b')
    for (const key of keys) await bucket('n1').put(key, `old of ${key}`.padEnd(200))
    await cluster.crash('n3', { lose: 'everything' })
    await cluster.sleep(30_000)
    await cluster.restart('n3')
    let met = 0
    for (const key of keys) {
      if (cluster.records('b', key).has('n3')) continue
      const put = await bucket('n3')
        .put(key, 'new')
        .catch(() => undefined)
      if (put === undefined) continue
      const { siblings } = await bucket('n3').get(key)
      expect(siblings).toHaveLength(2)
      met += 1
    }
    expect(met).toBeGreaterThan(5)
  })
})
