/** How a write ends, told as soon as it is certain. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteTally } from '../../src/quorum/write-tally.ts'
import type { Outcome } from '../../src/quorum/tally.ts'
import { NaiveTally, events, maskOf, options, type TallyEvent } from './kit.ts'

/** A history in short: p0 asks primary 0, f3 asks fallback 3, +0 acknowledges, -0 fails. */
function play(tally: WriteTally, history: string): Outcome[] {
  return history.split(' ').map((step) => {
    const replica = Number(step.slice(1))
    if (step.startsWith('p')) tally.asked(replica, 'primary')
    else if (step.startsWith('f')) tally.asked(replica, 'fallback')
    else if (step.startsWith('+')) tally.acknowledged(replica)
    else tally.failed(replica)
    return tally.outcome()
  })
}

const asked3 = 'p0 p1 p2'

describe('a write to three replicas that needs two', () => {
  it.each([
    ['strict', asked3, 'pending'],
    ['strict', `${asked3} +0`, 'pending'],
    ['strict', `${asked3} +0 +1`, 'reached'],
    ['strict', `${asked3} +0 +0`, 'pending'],
    ['strict', `${asked3} +0 -1`, 'pending'],
    ['strict', `${asked3} +0 -1 -2`, 'lost'],
    ['strict', `${asked3} -0 -1`, 'lost'],
    ['strict', `${asked3} -0 -0`, 'pending'],
    ['strict', `${asked3} +0 +1 -0 -1 -2`, 'reached'],
    ['strict', `${asked3} +0 -1 -2 f3`, 'lost'],
    ['strict', `${asked3} +0 -1 -2 f3 +3`, 'lost'],
    ['sloppy', `${asked3} +0 -1 -2 f3`, 'pending'],
    ['sloppy', `${asked3} +0 -1 -2 f3 +3`, 'reached'],
    ['sloppy', `${asked3} -0 -1 -2 f3 f4 +3 +4`, 'reached'],
    ['strict', `${asked3} +0 -1 -2 p1`, 'pending'],
    ['strict', `${asked3} +0 -1 -2 +2`, 'reached'],
    ['strict', `${asked3} +0 +7 +8`, 'pending'],
    ['strict', `p0`, 'lost'],
  ])('%s, after %s: %s', (mode, history, outcome) => {
    const tally = new WriteTally({ needed: 2, sloppy: mode === 'sloppy' })
    expect(play(tally, history).at(-1)).toBe(outcome)
  })
})

describe('a write', () => {
  it('is lost while nobody has been asked', () => {
    expect(new WriteTally({ needed: 1, sloppy: true }).outcome()).toBe('lost')
  })

  it('names who acknowledged, who failed, who is waited for, and who is a fallback', () => {
    const tally = new WriteTally({ needed: 2, sloppy: false })
    play(tally, 'p0 p1 p2 f3 +0 +3 -1')
    expect(tally.acknowledgedMask).toBe(maskOf(0, 3))
    expect(tally.failedMask).toBe(maskOf(1))
    expect(tally.waitingMask).toBe(maskOf(2))
    expect(tally.fallbackMask).toBe(maskOf(3))
    expect(tally.count).toBe(1)
  })

  it('takes the late acknowledgement of a replica given up, and takes it once', () => {
    const tally = new WriteTally({ needed: 3, sloppy: false })
    play(tally, 'p0 p1 p2 -1')
    expect(tally.acknowledged(1)).toBe(true)
    expect(tally.failedMask).toBe(0)
    expect(tally.acknowledged(1)).toBe(false)
    expect(tally.failed(1)).toBe(false)
    expect(tally.acknowledgedMask).toBe(maskOf(1))
  })

  it('ignores a replica that was never asked, also one whose bit would wrap round', () => {
    const tally = new WriteTally({ needed: 1, sloppy: true })
    tally.asked(0, 'primary')
    for (const stranger of [1, 30, 31, 32, -32]) {
      expect(tally.acknowledged(stranger)).toBe(false)
      expect(tally.failed(stranger)).toBe(false)
    }
    expect(tally.waitingMask).toBe(maskOf(0))
  })

  it('does not let a fallback count as a primary by being asked again in that role', () => {
    const tally = new WriteTally({ needed: 1, sloppy: false })
    expect(play(tally, 'f0 -0 p0 +0').at(-1)).toBe('lost')
  })

  it('refuses to ask a replica that has no bit', () => {
    expect(() => new WriteTally({ needed: 1, sloppy: true }).asked(31, 'primary')).toThrow(
      'out of range',
    )
  })
})

describe('over random histories, a write', () => {
  const apply = (tally: WriteTally, event: TallyEvent): boolean | undefined => {
    if (event.kind === 'asked') {
      tally.asked(event.replica, event.role)
      return undefined
    }
    return event.kind === 'failed' ? tally.failed(event.replica) : tally.acknowledged(event.replica)
  }

  it('agrees with a tally made of sets', () => {
    fc.assert(
      fc.property(options, events, (tallyOptions, history) => {
        const tally = new WriteTally(tallyOptions)
        const naive = new NaiveTally(tallyOptions)
        for (const event of history) {
          const news = apply(tally, event)
          if (event.kind === 'asked') naive.asked(event.replica, event.role)
          else {
            const state = event.kind === 'failed' ? 'failed' : 'acknowledged'
            expect(news).toBe(naive.answered(event.replica, state))
          }
          expect(tally.outcome()).toBe(naive.outcome())
        }
        expect(tally.acknowledgedMask).toBe(naive.mask('acknowledged'))
        expect(tally.waitingMask).toBe(naive.mask('waiting'))
        expect(tally.failedMask).toBe(naive.mask('failed'))
        expect(tally.fallbackMask).toBe(maskOf(...naive.fallbacks))
        expect(tally.count).toBe(naive.count())
      }),
      { numRuns: 2000 },
    )
  })

  it('stays reached, and turns back from lost only by asking or by a late answer', () => {
    fc.assert(
      fc.property(options, events, (tallyOptions, history) => {
        const tally = new WriteTally(tallyOptions)
        for (const event of history) {
          const before = tally.outcome()
          const late = event.kind === 'answered' && (tally.failedMask & maskOf(event.replica)) !== 0
          apply(tally, event)
          if (before === 'reached') expect(tally.outcome()).toBe('reached')
          if (before === 'lost' && event.kind !== 'asked' && !late)
            expect(tally.outcome()).toBe('lost')
          expect(tally.acknowledgedMask & tally.failedMask).toBe(0)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
