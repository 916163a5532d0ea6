/** Stamps of last-write-wins buckets under clocks that lie (HAZARDS A9). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HybridClock } from '../../src/versions/hybrid-clock.ts'

const hourMs = 3_600_000
const noon = 1_700_000_000_000
const stampOf = (wallMs: number): number => wallMs * 1024

describe('the stamp of a write', () => {
  it.each([
    ['follows a clock that runs', [noon, noon + 1, noon + 2], [0, 1024, 2048]],
    ['counts on while the clock stands still', [noon, noon, noon], [0, 1, 2]],
    ['counts on when the clock jumps back an hour', [noon, noon - hourMs, noon - 1], [0, 1, 2]],
    [
      'jumps ahead with the clock',
      [noon, noon + hourMs, noon],
      [0, stampOf(hourMs), stampOf(hourMs) + 1],
    ],
    ['takes no fractions', [noon + 0.75, noon + 0.9], [0, 1]],
  ])('%s', (_, wall, stamps) => {
    const clock = new HybridClock(500)
    expect(wall.map((wallMs) => clock.next(wallMs, 0) - stampOf(noon))).toEqual(stamps)
  })

  it('is above all that the write replaces, though that comes from a clock an hour ahead', () => {
    const clock = new HybridClock(500)
    const above = stampOf(noon + hourMs)
    expect(clock.next(noon, above)).toBe(above + 1)
    expect(clock.next(noon, above + 1)).toBe(above + 2)
  })

  it('of another key is not dragged along by that', () => {
    const clock = new HybridClock(500)
    clock.next(noon, stampOf(noon + hourMs))
    expect(clock.next(noon, 0)).toBe(stampOf(noon) + 1)
  })

  it('is above 0 where the clock shows 0, as in a simulation', () => {
    expect(new HybridClock(500).next(0, 0)).toBe(1)
  })

  it('stays a safe integer at the end of its range', () => {
    const clock = new HybridClock(500)
    expect(clock.next(noon, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
    expect(clock.next(1e15, 0)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('grows, whatever the clock does and whoever is heard', () => {
    const walls = fc.integer({ min: noon - hourMs, max: noon + hourMs })
    fc.assert(
      fc.property(fc.array(fc.tuple(walls, walls), { maxLength: 30 }), (events) => {
        const clock = new HybridClock(500)
        let latest = 0
        for (const [wallMs, heardMs] of events) {
          if (clock.observe(wallMs, stampOf(heardMs))) latest = Math.max(latest, stampOf(heardMs))
          const stamp = clock.next(wallMs, 0)
          expect(stamp).toBeGreaterThan(latest)
          latest = stamp
        }
      }),
    )
  })
})

describe('a stamp heard from a peer', () => {
  it.each([
    ['from the past changes nothing', -hourMs, true, 0],
    ['a little ahead is followed', 400, true, stampOf(400) + 1],
    ['at the bound is followed', 500, true, stampOf(500) + 1],
    ['beyond the bound is not', 501, false, 0],
    ['an hour ahead is not', hourMs, false, 0],
  ])('%s', (_, aheadMs, followed, next) => {
    const clock = new HybridClock(500)
    expect(clock.observe(noon, stampOf(noon + aheadMs))).toBe(followed)
    expect(clock.next(noon, 0) - stampOf(noon)).toBe(next)
  })
})
