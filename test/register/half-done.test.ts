/**
 * HAZARDS I1: a read or a failed condition that is answered without finishing, or shutting out, what
 * another has begun lets two readers see two incompatible histories.
 */
import { describe, expect, it } from 'vitest'
import {
  emptyAcceptor,
  onLearn,
  onRequest,
  type AcceptorState,
} from '../../src/ring/register/acceptor.ts'
import type { Ballot } from '../../src/ring/register/ballot.ts'
import type { RegisterReply, RegisterRequest } from '../../src/ring/register/messages.ts'
import {
  Proposal,
  type ProposalDirective,
  type ProposalOutcome,
} from '../../src/ring/register/proposal.ts'
import { named, storeOf } from './kit/configurations.ts'

const base = named(4, 'abc')
const begun = named(5, 'abcd')

/** Three acceptors that know the base. */
class Members {
  readonly #states: Map<string, AcceptorState> = new Map(
    ['a', 'b', 'c'].map((id) => [id, onLearn(emptyAcceptor, base).state]),
  )

  answer(id: string, request: RegisterRequest): RegisterReply {
    const state = this.#states.get(id) ?? emptyAcceptor
    const step = onRequest(state, { id, store: storeOf(id) }, request)
    this.#states.set(id, step.state)
    return step.reply
  }

  /** Runs a proposal that reaches these members alone, and no learn request gets through. */
  run(reachable: string, options: { value?: typeof base; ballot: Ballot }): ProposalOutcome {
    const { value, ballot } = options
    const proposal = new Proposal({ base, value, ballot })
    const queue: ProposalDirective[] = [...proposal.start()]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (next.kind === 'end') return next.outcome
      if (!reachable.includes(next.to) || next.request.kind === 'learn') continue
      queue.push(...proposal.receive(next.to, this.answer(next.to, next.request)))
    }
    const last = proposal.expire().at(-1)
    if (last?.kind !== 'end') throw new Error('a proposal that expires has ended')
    return last.outcome
  }

  /** A proposal that is promised by a majority and then reaches one member only. */
  begin(id: string, ballot: Ballot): void {
    this.answer(id, { kind: 'prepare', epoch: 5, ballot })
    this.answer(id, { kind: 'accept', epoch: 5, ballot, value: begun })
  }
}

describe('a change that one of three members has voted for', () => {
  const ballot = (counter: number): Ballot => ({ counter, proposer: 'p' })

  it('is shut out by a condition that fails through the other two, until a read finishes it', () => {
    const members = new Members()
    members.begin('a', ballot(1))
    // The condition fails: it is answered from the base, which is current.
    expect(members.run('bc', { ballot: ballot(2) })).toMatchObject({ kind: 'current' })
    // The change goes no further under its own ballot.
    const late: RegisterRequest = { kind: 'accept', epoch: 5, ballot: ballot(1), value: begun }
    expect(members.answer('b', late)).toMatchObject({ kind: 'rejected' })
    // A read that sees the vote finishes the change before it tells of it …
    expect(members.run('ab', { ballot: ballot(3) })).toEqual({
      kind: 'chosen',
      configuration: begun,
      mine: false,
    })
    // … so that no later read, through whichever majority, goes back to the base.
    for (const [reachable, counter] of [
      ['bc', 4],
      ['ac', 5],
      ['ab', 6],
    ] as const) {
      const outcome = members.run(reachable, { ballot: ballot(counter) })
      expect(outcome).toMatchObject({ kind: 'chosen', configuration: begun })
    }
  })

  it('is not told of by a read that cannot finish it', () => {
    const members = new Members()
    members.begin('a', ballot(1))
    members.answer('b', { kind: 'prepare', epoch: 5, ballot: ballot(9) })
    expect(members.run('ab', { ballot: ballot(3) })).toMatchObject({ kind: 'retry' })
    expect(members.run('a', { ballot: ballot(4) })).toMatchObject({ kind: 'unreachable' })
  })

  it('gives way to a change that a majority decides without having seen it', () => {
    const members = new Members()
    const other = named(5, 'ab')
    members.begin('a', ballot(1))
    const chosen = members.run('bc', { ballot: ballot(2), value: other })
    expect(chosen).toEqual({ kind: 'chosen', configuration: other, mine: true })
    const read = members.run('ab', { ballot: ballot(3) })
    expect(read).toMatchObject({ kind: 'chosen', configuration: other })
  })
})
