/**
 * A small storm for every test run: fixed seeds, cut short. `npm run storm` is the whole one.
 * A failure prints the line that replays it.
 */

import { describe, expect, test } from 'vitest'
import { faultNames, menu } from './menu.ts'
import { drawPlan } from './plan.ts'
import type { FaultPlan, StormPlan } from './plan.ts'
import { keepsAcknowledged, promisedOf } from './promises.ts'
import { failureLines } from './report.ts'
import { runSeed } from './run.ts'
import { keptSeeds } from './seeds.ts'

const isLongRun = process.env['COTERIE_LONG'] === '1'

/** Virtual minutes of faults for each seed. */
const minutes = 2

const plans = Array.from({ length: 1000 }, (_, i) => drawPlan(i + 1))

describe('a storm', () => {
  const count = isLongRun ? 100 : 10
  const seeds = Array.from({ length: count }, (_, i) => i + 1)

  test.each(seeds)('of seed %i leaves every promise whole', async (seed) => {
    const report = await runSeed(seed, { minutes })
    expect(failureLines(report).slice(1), `npm run storm -- --seed ${seed} --minutes 2`).toEqual([])
    expect(report.succeeded).toBeGreaterThan(0)
  })

  test.each([3, 14])('of seed %i takes the same way twice', async (seed) => {
    const [first, again] = [await runSeed(seed, { minutes }), await runSeed(seed, { minutes })]
    expect(again).toEqual(first)
    expect(first.traceHash).toMatch(/^[0-9a-f]{16}$/)
  })

  test('can be replayed without a fault of its plan', async () => {
    const { strikes } = await runSeed(2, { minutes, without: ['pause', 'crash'] })
    expect(strikes).not.toHaveProperty('pause')
    expect(strikes).not.toHaveProperty('crash')
  })
})

test('seeds that found a fault find none any more', async () => {
  for (const { seed, found } of keptSeeds) {
    const problems = failureLines(await runSeed(seed)).slice(1)
    expect(problems, `seed ${seed}, that once found: ${found}`).toEqual([])
  }
}, 300_000)

describe('the plans of 1000 seeds', () => {
  test('have every fault of the menu, each in more than a tenth of them', () => {
    const shares = faultNames.map((name) => [name, plans.filter((plan) => has(plan, name)).length])
    expect(shares.filter(([, share]) => Number(share) < 120)).toEqual([])
  })

  test('are plain data and the same each time', () => {
    for (const plan of plans.slice(0, 50)) {
      expect(JSON.parse(JSON.stringify(drawPlan(plan.seed)))).toEqual(plan)
    }
  })

  test('name fewer victims than W in each act, unless they are reckless', () => {
    for (const { mood, cluster, acts } of plans) {
      if (mood === 'reckless') continue
      for (const { victims } of acts)
        expect(victims.length).toBeLessThan(Math.min(cluster.w, cluster.nodes))
    }
  })

  test('destroy nothing but what victims have', () => {
    for (const { acts } of plans) {
      for (const { faults, victims } of acts) {
        const destroying = faults.filter(({ fault }) => menu[fault].destroys === true)
        for (const { nodes } of destroying)
          expect(victims).toEqual(expect.arrayContaining([...nodes]))
      }
    }
  })

  test('leave most promises to be checked: acknowledged writes in most, sessions in many', () => {
    const share = (isSo: (plan: StormPlan) => boolean): number => plans.filter(isSo).length / 1000
    const promises = (plan: StormPlan): string[] => promisedOf(plan, 'shared')
    expect(share(keepsAcknowledged)).toBeGreaterThan(0.85)
    expect(share((plan) => promises(plan).includes('read-your-writes'))).toBeGreaterThan(0.25)
    expect(share((plan) => promises(plan).includes('monotonic'))).toBeGreaterThan(0.2)
    expect(share((plan) => promises(plan).includes('causal'))).toBe(1)
  })

  // Seed 204693: one node at first, five later.
  test('promise an order of reads as long as R is a majority of the owners that there will be', () => {
    const drawn = plans[0]!
    const quorum = { nodes: 1, n: 5, w: 5, sloppy: false, readRepair: 'blocking' } as const
    const join = { fault: 'join', atMs: 1, forMs: 1, nodes: ['n1'], level: 1 } as const
    const promised = (r: number, faults: readonly FaultPlan[]): boolean => {
      const acts = [{ ms: 10, victims: [], faults }]
      const plan = { ...drawn, cluster: { ...drawn.cluster, ...quorum, r }, acts }
      return promisedOf(plan, 'shared').includes('monotonic')
    }
    expect(promised(1, [])).toBe(true)
    expect(promised(1, [join])).toBe(false)
    expect(promised(2, [join])).toBe(false)
    expect(promised(3, [join])).toBe(true)
  })
})

function has({ acts }: StormPlan, name: string): boolean {
  return acts.some(({ faults }) => faults.some(({ fault }) => fault === name))
}
