/** The order of ballots, and that none is issued twice. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBallots, nextBallot, type Ballot } from '../../src/ring/register/ballot.ts'

const ballots: fc.Arbitrary<Ballot> = fc.record({
  counter: fc.integer({ min: 1, max: 3 }),
  proposer: fc.constantFrom('a/1', 'a/2', 'b/1', 'é', ''),
})

describe('ballots', () => {
  it.each([
    [1, 'a', 2, 'a', -1],
    [2, 'a', 1, 'b', 1],
    [1, 'a', 1, 'b', -1],
    [1, 'b', 1, 'a', 1],
    [1, 'a', 1, 'a', 0],
    [10, 'a', 9, 'a', 1],
  ])('(%i, %s) and (%i, %s) compare as %i', (counter, proposer, otherCounter, other, sign) => {
    const order = compareBallots({ counter, proposer }, { counter: otherCounter, proposer: other })
    expect(Math.sign(order)).toBe(sign)
  })

  it('are in one total order', () => {
    fc.assert(
      fc.property(ballots, ballots, ballots, (a, b, c) => {
        expect(Math.sign(compareBallots(a, b))).toBe(0 - Math.sign(compareBallots(b, a)))
        expect(compareBallots(a, b) === 0).toBe(
          a.counter === b.counter && a.proposer === b.proposer,
        )
        if (compareBallots(a, b) <= 0 && compareBallots(b, c) <= 0) {
          expect(compareBallots(a, c)).toBeLessThanOrEqual(0)
        }
      }),
    )
  })

  it('go above everything seen', () => {
    fc.assert(
      fc.property(ballots, fc.string(), (seen, proposer) => {
        expect(compareBallots(nextBallot(seen, proposer), seen)).toBeGreaterThan(0)
      }),
    )
    expect(nextBallot(undefined, 'a')).toEqual({ counter: 1, proposer: 'a' })
  })

  it('are not reused by a restarted proposer that remembers none of them (I5)', () => {
    const before = nextBallot(undefined, 'a/boot 1')
    const after = nextBallot(undefined, 'a/boot 2')
    expect(compareBallots(before, after)).not.toBe(0)
  })
})
