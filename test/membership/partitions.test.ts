/**
 * What broken networks, stalls and restarts do to the views of a cluster (HAZARDS E1, E4, E9, E12).
 */
import { describe, expect, test } from 'vitest'
import type { Claim } from '../../src/membership/claim.ts'
import { Cluster, percentile } from './kit/cluster.ts'
import { seeded } from './kit/random.ts'

type Carries = (from: string, to: string) => boolean

const bridge: Carries = (from, to) => {
  const side = (id: string): number => (id === 'n3' ? 0 : id < 'n3' ? 1 : 2)
  return side(from) === 0 || side(to) === 0 || side(from) === side(to)
}
const ring: Carries = (from, to) =>
  [1, 4].includes(Math.abs(Number(from.slice(1)) - Number(to.slice(1))))

describe('with five members, for five minutes', () => {
  test.each<{ shape: string; carries: Carries }>([
    { shape: 'one link that carries one way', carries: (a, b) => !(a === 'n1' && b === 'n2') },
    { shape: 'two halves and a bridge', carries: bridge },
    { shape: 'a ring, where each hears two neighbours', carries: ring },
  ])('$shape makes nobody suspect', ({ carries }) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const cluster = new Cluster({ seed, nodes: 5 })
      cluster.run(10_000)
      cluster.carries = carries
      cluster.sights.length = 0
      cluster.run(300_000)
      expect(cluster.sights, `seed ${seed}`).toEqual([])
    }
  })

  test.each<{ shape: string; carries: Carries }>([
    { shape: 'only sends', carries: (_, to) => to !== 'n1' },
    { shape: 'only hears', carries: (from) => from !== 'n1' },
  ])('a node that $shape dies alone, kills nobody, and comes back', ({ carries }) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const cluster = new Cluster({ seed, nodes: 5 })
      cluster.run(10_000)
      cluster.carries = carries
      cluster.run(300_000)
      const killed = cluster.sights.filter(({ by, member, status }) => {
        return status === 'dead' && by !== 'n1' && member !== 'n1'
      })
      expect(killed, `seed ${seed}`).toEqual([])
      expect(cluster.status('n2', 'n1'), `seed ${seed}`).toBe('dead')
      cluster.carries = (): boolean => true
      expect(cluster.runUntil(() => cluster.allAlive(), 60_000)).toBeLessThan(60_000)
    }
  })
})

describe('after a partition in which each side buried the other', () => {
  test.each([
    { nodes: 2, side: 1, minutes: 2 },
    { nodes: 3, side: 1, minutes: 2 },
    { nodes: 5, side: 2, minutes: 2 },
    { nodes: 20, side: 10, minutes: 2 },
    { nodes: 20, side: 1, minutes: 5 },
  ])('$side of $nodes come together within two exchanges', ({ nodes, side, minutes }) => {
    for (let seed = 1; seed <= 100 / nodes; seed += 1) {
      const cluster = new Cluster({ seed, nodes, loss: 0.01 })
      const near = new Set(cluster.ids.slice(0, side))
      const far = cluster.ids.filter((id) => !near.has(id))
      cluster.run(5000)
      cluster.carries = (from, to): boolean => near.has(from) === near.has(to)
      cluster.run(minutes * 60_000)
      const buried = [...near].every((a) => far.every((b) => cluster.status(a, b) === 'dead'))
      expect(buried, `seed ${seed}`).toBe(true)
      cluster.carries = (): boolean => true
      const took = cluster.runUntil(() => cluster.allAlive(), 120_000)
      expect(took, `seed ${seed}`).toBeLessThan(62_000)
    }
  })
})

test.each([3, 5, 20])('a stalled node of %i kills nobody and returns (HAZARDS E4)', (nodes) => {
  for (const stallMs of [5000, 10_000, 30_000]) {
    for (let seed = 1; seed <= 10; seed += 1) {
      const cluster = new Cluster({ seed, nodes })
      cluster.run(20_000 + seed * 37)
      cluster.sights.length = 0
      cluster.stall('n2', stallMs)
      cluster.run(stallMs)
      const took = cluster.runUntil(() => cluster.allAlive(), 60_000)
      cluster.run(60_000)
      const others = cluster.sights.filter(({ member }) => member !== 'n2')
      expect(others, `seed ${seed}`).toEqual([])
      expect(took, `seed ${seed}`).toBeLessThan(10_000)
    }
  }
})

describe('a restart of all nodes at once leaves nobody dead (HAZARDS E1)', () => {
  const restart = (seed: number, forgotten: boolean): number => {
    const random = seeded(seed)
    const cluster = new Cluster({ seed, nodes: 5, loss: 0.05 })
    cluster.run(3000)
    for (const id of cluster.ids) cluster.crash(id)
    const remembered = (id: string): Claim => {
      const life = cluster.machine(id).self
      const incarnation = life.incarnation + (forgotten ? Math.floor(random() * 100) : 0)
      return { ...life, incarnation, status: random() < 0.5 ? 'dead' : 'alive' }
    }
    cluster.run(1000)
    for (const id of cluster.ids) {
      const claims = cluster.ids.filter((other) => other !== id).map(remembered)
      cluster.restart(id, forgotten ? { incarnation: 1, claims } : { claims })
    }
    return cluster.runUntil(() => cluster.allAlive(), 120_000)
  }

  test.each([
    { memory: 'durable incarnations', forgotten: false },
    { memory: 'incarnations that start at 1 against dead@100', forgotten: true },
  ])('with $memory, 1000 seeds', ({ forgotten }) => {
    const times = Array.from({ length: 1000 }, (_, index) => restart(index + 1, forgotten))
    expect(percentile(times, 0.99)).toBeLessThan(5000)
    expect(percentile(times, 1)).toBeLessThan(62_000)
  })
})

test('a link that flaps 1000 times wears nothing out (HAZARDS E9)', () => {
  const cluster = new Cluster({ seed: 9, nodes: 5 })
  const cut: Carries = (from, to) => from !== 'n1' && to !== 'n1'
  for (let flap = 0; flap < 1000; flap += 1) {
    cluster.carries = cut
    cluster.run(12_000)
    cluster.carries = (): boolean => true
    cluster.run(8000)
  }
  expect(cluster.runUntil(() => cluster.allAlive(), 60_000)).toBeLessThan(60_000)
  const killed = cluster.sights.filter(({ by, member, status }) => {
    return status === 'dead' && by !== 'n1' && member !== 'n1'
  })
  expect(killed).toEqual([])
  expect(cluster.machine('n2').claims()).toHaveLength(5)
  expect(cluster.sent / (5 * 20_000)).toBeLessThan(20)
})

test('a copied identity is reported once and refuted everywhere (HAZARDS A5)', () => {
  const cluster = new Cluster({ seed: 1, nodes: 4 })
  cluster.run(5000)
  const twin: Claim = { ...cluster.machine('n1').self, boot: 'twin' }
  cluster.deliver('n3', 'n2', { kind: 'gossip', claims: [twin] })
  cluster.run(60_000)
  expect(cluster.duplicates('n1')).toHaveLength(1)
  expect(cluster.persisted('n1')).toBe(2)
  expect(cluster.machine('n4').member('n1')).toEqual(cluster.machine('n1').self)
})
