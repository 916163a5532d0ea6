/**
 * The figures that membership is held to, with 20 members on virtual time. `COTERIE_LONG=1` runs
 * them in full.
 */
import { describe, expect, test } from 'vitest'
import { Cluster, percentile } from './kit/cluster.ts'
import { seeded } from './kit/random.ts'

const isLong = process.env['COTERIE_LONG'] === '1'
const gossipMs = 200

/** Milliseconds until all know of a change of n1, `Infinity` if not within `withinMs`. */
function spreadTime(cluster: Cluster, withinMs: number): number {
  const { self } = cluster.machine('n1')
  const accusation = { ...self, status: 'suspect', by: 'n2' } as const
  cluster.deliver('n1', 'n2', { kind: 'gossip', claims: [accusation] })
  const isKnown = (id: string): boolean =>
    (cluster.machine(id).member('n1')?.incarnation ?? 0) > self.incarnation
  return cluster.runUntil(() => cluster.ids.every(isKnown), withinMs)
}

test('a change reaches all 20 within 8 rounds of gossip at the 99th percentile', () => {
  const rounds: number[] = []
  for (let seed = 1; seed <= (isLong ? 1000 : 200); seed += 1) {
    const cluster = new Cluster({ seed, nodes: 20, loss: 0.05 })
    cluster.run(8000 + seed * 7)
    rounds.push(Math.ceil(spreadTime(cluster, 20_000) / gossipMs))
  }
  expect(percentile(rounds, 0.99)).toBeLessThanOrEqual(8)
})

describe('with half of all messages lost, among five (HAZARDS E5)', () => {
  const spread = (exchangeIntervalMs: number): number => {
    let missed = 0
    for (let seed = 1; seed <= 300; seed += 1) {
      const cluster = new Cluster({ seed, nodes: 5, options: { exchangeIntervalMs } })
      const random = seeded(seed)
      cluster.run(8000)
      // Full exchanges are what is under test; nothing of them is lost.
      cluster.carries = (_from, _to, { kind }): boolean => kind === 'exchange' || random() < 0.5
      if (spreadTime(cluster, 65_000) === Infinity) missed += 1
    }
    return missed
  }

  test('rumours alone die out', () => {
    expect(spread(Number.MAX_VALUE)).toBeGreaterThan(0)
  })

  test('the full exchange reaches all', () => {
    expect(spread(30_000)).toBe(0)
  })
})

test.each([
  { refusals: false, loss: 0 },
  { refusals: false, loss: 0.05 },
  { refusals: true, loss: 0.05 },
])('all see a crash within 10 s at the 99th percentile: %o', (network) => {
  const times: number[] = []
  for (let seed = 1; seed <= (isLong ? 1000 : 100); seed += 1) {
    const cluster = new Cluster({ seed, nodes: 20, ...network })
    cluster.run(15_000 + seed * 97)
    cluster.crash('n7')
    const others = cluster.ids.filter((id) => id !== 'n7')
    const isSeen = (): boolean => others.every((id) => cluster.status(id, 'n7') === 'dead')
    times.push(cluster.runUntil(isSeen, 60_000))
  }
  expect(percentile(times, 0.99)).toBeLessThanOrEqual(10_000)
})

test('nobody is declared dead falsely at 5 % loss', { timeout: 600_000 }, () => {
  const hours = isLong ? 50 : 5
  const cluster = new Cluster({ seed: 1, nodes: 20, loss: 0.05 })
  let suspected = 0
  for (let hour = 0; hour < hours; hour += 1) {
    cluster.run(3_600_000)
    expect(cluster.sights.filter(({ status }) => status === 'dead')).toEqual([])
    suspected += cluster.sights.length
    cluster.sights.length = 0
  }
  expect(suspected).toBeGreaterThan(0)
})
