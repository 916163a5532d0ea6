/** How a read ends, told as soon as it is certain. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReadTally, type ReadAnswer } from '../../src/quorum/read-tally.ts'
import type { Outcome } from '../../src/quorum/tally.ts'
import { NaiveTally, events, maskOf, options, type TallyEvent } from './kit.ts'

const ANSWERS: Readonly<Record<string, ReadAnswer>> = {
  r: 'record',
  a: 'absent',
  e: 'recovering',
  d: 'damaged',
}

/** A history in short: p0 and f3 ask, r0 record, a0 absent, e0 recovering ("empty"), d0 damaged, -0
 *  failed. */
function play(tally: ReadTally, history: string): Outcome[] {
  return history.split(' ').map((step) => {
    const replica = Number(step.slice(1))
    const answer = ANSWERS[step.slice(0, 1)]
    if (answer !== undefined) tally.answered(replica, answer)
    else if (step.startsWith('-')) tally.failed(replica)
    else tally.asked(replica, step.startsWith('p') ? 'primary' : 'fallback')
    return tally.outcome()
  })
}

const asked3 = 'p0 p1 p2'

describe('a read of three replicas that needs two', () => {
  it.each([
    ['strict', asked3, 'pending'],
    ['strict', `${asked3} r0 r1`, 'reached'],
    ['strict', `${asked3} r0 a1`, 'reached'],
    ['strict', `${asked3} a0 a1`, 'reached'],
    ['strict', `${asked3} r0 r0`, 'pending'],
    ['strict', `${asked3} r0 e1`, 'pending'],
    ['strict', `${asked3} r0 e1 d2`, 'lost'],
    ['strict', `${asked3} e0 e1`, 'lost'],
    ['strict', `${asked3} d0 d1`, 'lost'],
    ['strict', `${asked3} d0 r1 a2`, 'reached'],
    ['strict', `${asked3} -0 -1`, 'lost'],
    ['strict', `${asked3} -0 -1 r2 a1`, 'reached'],
    ['strict', `${asked3} -0 -1 f3 f4 r3 r4`, 'lost'],
    ['sloppy', `${asked3} -0 -1 f3 r2 r3`, 'reached'],
    ['sloppy', `${asked3} -0 -1 f3 r2 a3`, 'reached'],
    ['sloppy', `${asked3} -0 -1 f3 r2 e3`, 'lost'],
    ['strict', `${asked3} r0 r1 -0 -2`, 'reached'],
  ])('%s, after %s: %s', (mode, history, outcome) => {
    const tally = new ReadTally({ needed: 2, sloppy: mode === 'sloppy' })
    expect(play(tally, history).at(-1)).toBe(outcome)
  })
})

describe('a read', () => {
  it('does not take "not found" from one replica that is still being filled (D4)', () => {
    const tally = new ReadTally({ needed: 1, sloppy: true })
    expect(play(tally, 'p0 p1 e0')).toEqual(['pending', 'pending', 'pending'])
    expect(play(tally, 'r1')).toEqual(['reached'])
  })

  it.each([1, 2, 3])('with R = %i counts no damaged replica, in either mode (H3)', (needed) => {
    for (const sloppy of [true, false]) {
      const tally = new ReadTally({ needed, sloppy })
      play(tally, 'p0 p1 p2 d0 r1')
      expect(tally.count).toBe(1)
      expect(tally.outcome()).toBe(['reached', 'pending', 'lost'][needed - 1])
    }
  })

  it('names each kind of answer, who failed, who is waited for, and who is a fallback', () => {
    const tally = new ReadTally({ needed: 2, sloppy: false })
    play(tally, 'p0 p1 p2 p3 p4 p5 f30 r0 a1 e2 d3 -4 r30')
    expect(tally.recordMask).toBe(maskOf(0, 30))
    expect(tally.absentMask).toBe(maskOf(1))
    expect(tally.recoveringMask).toBe(maskOf(2))
    expect(tally.damagedMask).toBe(maskOf(3))
    expect(tally.failedMask).toBe(maskOf(4))
    expect(tally.waitingMask).toBe(maskOf(5))
    expect(tally.fallbackMask).toBe(maskOf(30))
    expect(tally.count).toBe(2)
  })

  it('keeps the first answer of a replica that answers twice', () => {
    const tally = new ReadTally({ needed: 1, sloppy: false })
    play(tally, 'p0 d0')
    expect(tally.answered(0, 'record')).toBe(false)
    expect(tally.recordMask).toBe(0)
    expect(tally.outcome()).toBe('lost')
  })

  it('refuses to ask a replica that has no bit', () => {
    expect(() => new ReadTally({ needed: 1, sloppy: true }).asked(-1, 'primary')).toThrow(
      'out of range',
    )
  })
})

describe('over random histories, a read', () => {
  const apply = (tally: ReadTally, event: TallyEvent): boolean | undefined => {
    if (event.kind === 'asked') {
      tally.asked(event.replica, event.role)
      return undefined
    }
    if (event.kind === 'failed') return tally.failed(event.replica)
    return tally.answered(event.replica, event.answer)
  }

  it('agrees with a tally made of sets', () => {
    fc.assert(
      fc.property(options, events, (tallyOptions, history) => {
        const tally = new ReadTally(tallyOptions)
        const naive = new NaiveTally(tallyOptions)
        for (const event of history) {
          const news = apply(tally, event)
          if (event.kind === 'asked') naive.asked(event.replica, event.role)
          else {
            const state = event.kind === 'failed' ? 'failed' : event.answer
            expect(news).toBe(naive.answered(event.replica, state))
          }
          expect(tally.outcome()).toBe(naive.outcome())
        }
        expect(tally.recordMask).toBe(naive.mask('record'))
        expect(tally.absentMask).toBe(naive.mask('absent'))
        expect(tally.recoveringMask).toBe(naive.mask('recovering'))
        expect(tally.damagedMask).toBe(naive.mask('damaged'))
        expect(tally.waitingMask).toBe(naive.mask('waiting'))
        expect(tally.failedMask).toBe(naive.mask('failed'))
        expect(tally.fallbackMask).toBe(maskOf(...naive.fallbacks))
        expect(tally.count).toBe(naive.count())
      }),
      { numRuns: 2000 },
    )
  })

  it('stays reached', () => {
    fc.assert(
      fc.property(options, events, (tallyOptions, history) => {
        const tally = new ReadTally(tallyOptions)
        for (const event of history) {
          const before = tally.outcome()
          apply(tally, event)
          if (before === 'reached') expect(tally.outcome()).toBe('reached')
        }
      }),
      { numRuns: 1000 },
    )
  })
})
