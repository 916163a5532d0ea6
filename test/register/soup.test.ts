/** The register in a soup of messages: one chosen configuration for each epoch, whatever happens. */
import { describe, expect, it } from 'vitest'
import { Violation } from './kit/chain.ts'
import { Soup, type Faults } from './kit/soup.ts'

const SEEDS = 6000
const STEPS = 500

/** The first seed at which the watch notices something, with what it noticed. */
function firstViolation(faults: Faults): { seed: number; message: string } | undefined {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      new Soup({ seed, steps: STEPS, wipes: true, faults }).run()
    } catch (error) {
      if (error instanceof Violation) return { seed, message: error.message }
      throw error
    }
  }
  return undefined
}

describe('among concurrent proposers, lost and repeated messages, crashes and changing members', () => {
  it(`at most one configuration is chosen for each epoch, over ${SEEDS} seeds`, () => {
    expect(firstViolation({})).toBeUndefined()
  })

  it('changes keep being chosen once the trouble is over, if no storage was lost', () => {
    let epochs = 0
    for (let seed = 1; seed <= 500; seed++) {
      const soup = new Soup({ seed, steps: STEPS, wipes: false })
      soup.run()
      epochs += soup.chain.length - 1
      expect(soup.settle(), `seed ${seed}`).toBe(true)
    }
    expect(epochs / 500).toBeGreaterThan(1.5)
  })
})

describe('the watch notices', () => {
  it.each<[string, Faults]>([
    [
      'an acceptor that forgets its promise in a crash (I2)',
      { reread: (state) => ({ ...state, promised: state.accepted?.ballot }) },
    ],
    [
      'an acceptor that forgets its vote in a crash (I2)',
      { reread: (state) => ({ ...state, accepted: undefined }) },
    ],
    [
      'an acceptor that does not look at its promise',
      { lookedAt: (state) => ({ ...state, promised: undefined }) },
    ],
    [
      'a proposer that ignores what others voted for',
      {
        heard: (reply) => (reply.kind === 'promised' ? { ...reply, accepted: undefined } : reply),
      },
    ],
    ['a proposer that reuses its ballots after a restart (I5)', { sameProposer: true }],
    ['an emptied storage that votes on under its old identity (I2, I3)', { sameStore: true }],
  ])('%s', (_, faults) => {
    expect(firstViolation(faults)).toBeDefined()
  })
})
