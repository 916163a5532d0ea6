/**
 * Every participant of every change of the ring dies at every kind of step of it, and comes back (HAZARDS F1 to F7, I1
 * to I6). The change comes about or is taken back, whole; nothing that was acknowledged is lost, nothing that was
 * deleted comes back, and no epoch has two rings. `COTERIE_LONG=1` takes 15 steps of each and 20 seeds.
 */
import { describe, expect, test } from 'vitest'
import { changes, spread, tell } from './crash-points-kit.ts'
import { isLongRun } from './kit.ts'

const points = isLongRun ? 15 : 5
const seeds = isLongRun ? 20 : 1
const cases = changes.flatMap((change) =>
  change.participants.map((name) => [change.name, name, change] as const),
)

describe('a participant that dies at one step', () => {
  test.each(cases)(
    'of %s, %s, comes back: all or nothing, and nothing is lost',
    { timeout: 3_600_000 },
    async (_, name, change) => {
      let deaths = 0
      for (let seed = 1; seed <= seeds; seed++) {
        const whole = await tell(change, seed)
        expect(whole.outcome).toBe('made')
        expect(whole.problems).toEqual([])
        for (const step of spread(points, whole.steps.get(name) ?? 0)) {
          const told = await tell(change, seed, { name, step })
          expect(told.problems, `seed ${seed}, step ${step}`).toEqual([])
          deaths += told.hasDied ? 1 : 0
        }
      }
      expect(deaths).toBe(points * seeds)
    },
  )
})
