/** HAZARDS I7: proposers that compete all get their change through, in bounded time. */
import { describe, expect, it } from 'vitest'
import { nextBallot, type Ballot } from '../../src/ring/register/ballot.ts'
import { backoffMs } from '../../src/ring/register/backoff.ts'
import {
  emptyAcceptor,
  onLearn,
  onRequest,
  type AcceptorState,
} from '../../src/ring/register/acceptor.ts'
import type { RegisterReply, RegisterRequest } from '../../src/ring/register/messages.ts'
import { Proposal, type ProposalDirective } from '../../src/ring/register/proposal.ts'
import { configuration, member, storeOf } from './kit/configurations.ts'
import { seededRandom, type SeededRandom } from './kit/seeded-random.ts'

const ACCEPTORS = ['a', 'b', 'c', 'd', 'e']
const DEADLINE_MS = 5000

/**
 * Five members on virtual time, and rivals that each want one change. A vote takes longer than a
 * promise, because it is made durable with its value: the setting in which two rivals that retry at
 * once shut each other out for ever.
 */
class Contest {
  now = 0
  readonly done: Set<string> = new Set()
  readonly #random: SeededRandom
  readonly #wait: (attempt: number, random: number) => number
  #agenda: { at: number; run: () => void }[] = []
  readonly #states: Map<string, AcceptorState>
  #mark = 1

  constructor(seed: number, wait: (attempt: number, random: number) => number) {
    this.#random = seededRandom(seed)
    this.#wait = wait
    const members = ACCEPTORS.map((id) => member(id))
    const first = onLearn(emptyAcceptor, configuration(1, members)).state
    this.#states = new Map(ACCEPTORS.map((id) => [id, first]))
  }

  run(rivals: readonly string[]): void {
    for (const rival of rivals) this.#propose(rival, { failures: 0 })
    while (this.#agenda.length > 0 && this.now < DEADLINE_MS) {
      this.#agenda.sort((left, right) => left.at - right.at)
      const next = this.#agenda.shift()!
      this.now = next.at
      next.run()
    }
  }

  #propose(rival: string, { failures, seen }: { failures: number; seen?: Ballot }): void {
    const [newest] = [...this.#states.values()].sort(
      (left, right) => right.chosen!.epoch - left.chosen!.epoch,
    )
    const base = newest!.chosen!
    const members = base.members.map(({ id, store }) => member(id, store, ++this.#mark))
    const value = configuration(base.epoch + 1, members)
    const proposal = new Proposal({ base, value, ballot: nextBallot(seen, rival) })
    this.#follow(rival, { proposal, failures, directives: proposal.start() })
  }

  #follow(
    rival: string,
    run: { proposal: Proposal; failures: number; directives: readonly ProposalDirective[] },
  ): void {
    const { proposal, failures, directives } = run
    for (const directive of directives) {
      if (directive.kind === 'send') {
        const travelMs = (directive.request.kind === 'accept' ? 8 : 1) + this.#random.float()
        this.#later(travelMs, () => {
          const reply = this.#answer(directive.to, directive.request)
          this.#later(1 + 4 * this.#random.float(), () => {
            const next = proposal.receive(directive.to, reply)
            this.#follow(rival, { proposal, failures, directives: next })
          })
        })
      } else if (directive.outcome.kind === 'chosen' && directive.outcome.mine) {
        this.done.add(rival)
      } else if (directive.outcome.kind === 'retry') {
        const { seen } = directive.outcome
        const waitMs = this.#wait(failures + 1, this.#random.float())
        this.#later(waitMs, () => this.#propose(rival, { failures: failures + 1, seen }))
      } else {
        this.#later(0, () => this.#propose(rival, { failures: 0 }))
      }
    }
  }

  #answer(id: string, request: RegisterRequest): RegisterReply {
    const state = this.#states.get(id)!
    const step = onRequest(state, { id, store: storeOf(id) }, request)
    this.#states.set(id, step.state)
    return step.reply
  }

  #later(delayMs: number, run: () => void): void {
    this.#agenda.push({ at: this.now + delayMs, run })
  }
}

describe('the wait after a lost attempt', () => {
  it.each([
    [1, 0, 0],
    [1, 0.5, 12.5],
    [2, 0.5, 25],
    [3, 0.5, 50],
    [7, 0.5, 800],
    [8, 0.5, 1000],
    [2000, 0.5, 1000],
  ])('number %i with chance %f is %f ms', (attempt, random, expected) => {
    expect(backoffMs(attempt, random)).toBe(expected)
  })

  const rivals = Array.from({ length: 8 }, (_, index) => `rival ${index}`)

  it(`lets each of eight rivals through within ${DEADLINE_MS} ms, over 100 seeds`, () => {
    for (let seed = 1; seed <= 100; seed++) {
      const contest = new Contest(seed, backoffMs)
      contest.run(rivals)
      expect([...contest.done].sort(), `seed ${seed}`).toEqual(rivals)
    }
  })

  it('is what lets them through: those that retry at once get nowhere', () => {
    const contest = new Contest(1, () => 0)
    contest.run(rivals)
    expect(contest.done.size).toBeLessThan(rivals.length)
  })
})
