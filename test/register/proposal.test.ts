/** One proposal against members whose answers the test writes. */
import { describe, expect, it } from 'vitest'
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import type { Ballot } from '../../src/ring/register/ballot.ts'
import type {
  AcceptedValue,
  RegisterReply,
  RegisterRequest,
} from '../../src/ring/register/messages.ts'
import {
  Proposal,
  type ProposalDirective,
  type ProposalOutcome,
} from '../../src/ring/register/proposal.ts'
import { configuration, member, named } from './kit/configurations.ts'

const base = named(4, 'abc')
const value = named(5, 'abd')
const ballot: Ballot = { counter: 5, proposer: 'p' }
const higher: Ballot = { counter: 7, proposer: 'q' }

const promised = (accepted?: AcceptedValue): RegisterReply => ({
  kind: 'promised',
  epoch: 5,
  ballot,
  accepted,
})
const accepted: RegisterReply = { kind: 'accepted', epoch: 5, ballot }
const rejected: RegisterReply = { kind: 'rejected', epoch: 5, promised: higher }
const prepare: RegisterRequest = { kind: 'prepare', epoch: 5, ballot }
const accept: RegisterRequest = { kind: 'accept', epoch: 5, ballot, value }

function begin(options: { on?: RingConfiguration; read?: boolean } = {}): Proposal {
  const from = options.on ?? base
  const proposal = new Proposal({ base: from, value: options.read ? undefined : value, ballot })
  proposal.start()
  return proposal
}

/** A proposal with the promises of a and b, in its second phase. */
function voting(): Proposal {
  const proposal = begin()
  proposal.receive('a', promised())
  proposal.receive('b', promised())
  return proposal
}

function sends(directives: readonly ProposalDirective[]): [string, RegisterRequest][] {
  return directives.flatMap((each) => (each.kind === 'send' ? [[each.to, each.request]] : []))
}

function outcome(directives: readonly ProposalDirective[]): ProposalOutcome | undefined {
  const last = directives.at(-1)
  return last?.kind === 'end' ? last.outcome : undefined
}

describe('a proposal', () => {
  it('asks every member of its base, and nobody else, for a promise', () => {
    expect(sends(new Proposal({ base, value, ballot }).start())).toEqual([
      ['a', prepare],
      ['b', prepare],
      ['c', prepare],
    ])
  })

  it('asks every member for a vote once a majority has promised', () => {
    const proposal = begin()
    expect(proposal.receive('a', promised())).toEqual([])
    expect(sends(proposal.receive('b', promised()))).toEqual([
      ['a', accept],
      ['b', accept],
      ['c', accept],
    ])
    expect(proposal.receive('c', promised())).toEqual([])
  })

  it('is chosen by a majority of votes, and tells old and new members', () => {
    const proposal = voting()
    expect(proposal.receive('c', accepted)).toEqual([])
    const directives = proposal.receive('a', accepted)
    const learn = { kind: 'learn', configuration: value }
    expect(sends(directives)).toEqual(['a', 'b', 'c', 'd'].map((to) => [to, learn]))
    expect(outcome(directives)).toEqual({ kind: 'chosen', configuration: value, mine: true })
  })

  it('asks all members with one request in each phase, so that it is packed once', () => {
    const proposal = new Proposal({ base, value, ballot })
    const behind: RegisterReply = { kind: 'behind', epoch: 3 }
    const learned: RegisterReply = { kind: 'learned', epoch: 4 }
    const asked = [
      [...proposal.start(), ...proposal.receive('a', learned)],
      [...proposal.receive('a', behind), ...proposal.receive('b', behind)],
      [...proposal.receive('a', promised()), ...proposal.receive('b', promised())],
      [...proposal.receive('a', accepted), ...proposal.receive('b', accepted)],
    ].map((directives) => sends(directives).map(([, request]) => request))
    expect(asked.map((requests) => requests.length)).toEqual([4, 2, 3, 4])
    expect(asked.map((requests) => new Set(requests).size)).toEqual([1, 1, 1, 1])
  })

  it('asks no member that is joining, and tells it what is chosen', () => {
    const joining = { ...member('d'), stage: 'joining' as const }
    const proposal = new Proposal({
      base: configuration(4, [...named(4, 'abc').members, joining]),
      value,
      ballot,
    })
    expect(sends(proposal.start()).map(([to]) => to)).toEqual(['a', 'b', 'c'])
    expect(proposal.receive('d', promised())).toEqual([])
    for (const from of ['a', 'b']) proposal.receive(from, promised())
    proposal.receive('a', accepted)
    expect(sends(proposal.receive('b', accepted)).map(([to]) => to)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('counts no member twice and no stranger at all', () => {
    const proposal = begin()
    for (const from of ['a', 'a', 'd', 'a']) {
      expect(proposal.receive(from, promised())).toEqual([])
    }
  })

  it('counts no vote for another ballot, another epoch, or another phase', () => {
    const proposal = voting()
    proposal.receive('a', accepted)
    const stale: RegisterReply[] = [
      promised(),
      { kind: 'accepted', epoch: 5, ballot: { ...ballot, counter: 4 } },
      { kind: 'accepted', epoch: 4, ballot },
      { kind: 'rejected', epoch: 4, promised: higher },
      { kind: 'rejected', epoch: 5, promised: { counter: 4, proposer: 'q' } },
      { kind: 'stranger', epoch: 4 },
      { kind: 'superseded', configuration: base },
      { kind: 'behind', epoch: 4 },
      { kind: 'learned', epoch: 3 },
    ]
    for (const reply of [...stale, ...stale]) {
      expect(proposal.receive('b', reply)).toEqual([])
      expect(proposal.receive('c', reply)).toEqual([])
    }
    expect(outcome(proposal.receive('b', accepted))).toMatchObject({ kind: 'chosen' })
  })

  it('does nothing after its end', () => {
    const proposal = voting()
    proposal.receive('a', accepted)
    proposal.receive('b', accepted)
    expect(proposal.receive('c', accepted)).toEqual([])
    expect(proposal.failed('c', accept)).toEqual([])
    expect(proposal.expire()).toEqual([])
  })

  it('that does not follow its base is a mistake of ours', () => {
    expect(() => new Proposal({ base, value: named(6, 'a'), ballot })).toThrow('follows its base')
    const foreign = { ...value, cluster: 'f'.repeat(32) }
    expect(() => new Proposal({ base, value: foreign, ballot })).toThrow('follows its base')
  })
})

describe('a proposal that finds a vote', () => {
  const older: AcceptedValue = { ballot: { counter: 2, proposer: 'q' }, value: named(5, 'ab') }
  const newer: AcceptedValue = { ballot: { counter: 3, proposer: 'q' }, value: named(5, 'bc') }

  it.each([
    [older, newer],
    [newer, older],
  ])('proposes the value of the highest ballot in place of its own', (first, second) => {
    const proposal = begin()
    proposal.receive('a', promised(first))
    const requests = sends(proposal.receive('b', promised(second)))
    expect(requests[0]).toEqual(['a', { ...accept, value: newer.value }])
    proposal.receive('a', accepted)
    expect(outcome(proposal.receive('b', accepted))).toEqual({
      kind: 'chosen',
      configuration: newer.value,
      mine: false,
    })
  })

  it('finishes it also when it only reads', () => {
    const proposal = begin({ read: true })
    proposal.receive('a', promised(older))
    expect(sends(proposal.receive('b', promised()))).toHaveLength(3)
    proposal.receive('a', accepted)
    const directives = proposal.receive('c', accepted)
    expect(outcome(directives)).toMatchObject({ kind: 'chosen', configuration: older.value })
  })

  it('is certain that its own value was not sent when it then fails', () => {
    const proposal = begin()
    proposal.receive('a', promised(older))
    proposal.receive('b', promised())
    expect(outcome(proposal.expire())).toMatchObject({ kind: 'unreachable', uncertain: false })
  })
})

describe('a read', () => {
  it('confirms its base when a majority has promised and none of it has voted', () => {
    const proposal = begin({ read: true })
    proposal.receive('a', promised())
    const directives = proposal.receive('b', promised())
    expect(directives).toEqual([{ kind: 'end', outcome: { kind: 'current', configuration: base } }])
  })
})

describe('a proposal that comes too late', () => {
  it('ends with the newer configuration, in either phase', () => {
    const newer = named(8, 'xyz')
    for (const proposal of [begin(), voting()]) {
      const reply: RegisterReply = { kind: 'superseded', configuration: newer }
      expect(outcome(proposal.receive('c', reply))).toEqual({
        kind: 'superseded',
        configuration: newer,
      })
    }
  })
})

describe('a member that is behind', () => {
  it('is taught the base and asked again once it has learned it', () => {
    const learn = { kind: 'learn', configuration: base }
    for (const [proposal, request] of [
      [begin(), prepare],
      [voting(), accept],
    ] as const) {
      expect(sends(proposal.receive('c', { kind: 'behind', epoch: 2 }))).toEqual([['c', learn]])
      expect(sends(proposal.receive('c', { kind: 'learned', epoch: 4 }))).toEqual([['c', request]])
    }
  })
})

describe('a proposal against a higher ballot', () => {
  it('goes on while a majority can still be had', () => {
    const proposal = begin()
    expect(proposal.receive('a', rejected)).toEqual([])
    proposal.receive('b', promised())
    const requests = sends(proposal.receive('c', promised()))
    expect(requests.map(([to]) => to)).toEqual(['b', 'c'])
  })

  it('ends in a retry above the highest ballot seen', () => {
    const highest: Ballot = { counter: 9, proposer: 'r' }
    const proposal = begin()
    proposal.receive('a', { ...rejected, promised: highest })
    expect(outcome(proposal.receive('b', rejected))).toEqual({
      kind: 'retry',
      seen: highest,
      uncertain: false,
    })
  })

  it('says that its value may still be chosen, once that was sent', () => {
    const proposal = voting()
    proposal.receive('c', accepted)
    proposal.receive('a', rejected)
    expect(outcome(proposal.receive('b', rejected))).toMatchObject({
      kind: 'retry',
      uncertain: true,
    })
  })

  it('ends in a retry at once in a cluster of two', () => {
    const proposal = begin({ on: named(4, 'ab') })
    expect(outcome(proposal.receive('a', rejected))).toMatchObject({ kind: 'retry' })
  })

  it('keeps the vote of a member whose rejection of a repeated request overtook it', () => {
    const proposal = voting()
    proposal.receive('a', rejected)
    proposal.receive('a', accepted)
    expect(outcome(proposal.receive('b', accepted))).toMatchObject({ kind: 'chosen' })
  })
})

describe('a proposal without enough members', () => {
  it('ends as soon as that is certain, with nothing changed', () => {
    const proposal = begin()
    proposal.receive('a', promised())
    expect(proposal.failed('b', prepare)).toEqual([])
    expect(outcome(proposal.failed('c', prepare))).toEqual({
      kind: 'unreachable',
      needed: 2,
      answered: 1,
      uncertain: false,
    })
  })

  it('counts an emptied storage under the name of a member as missing', () => {
    const proposal = begin()
    expect(proposal.receive('a', { kind: 'stranger', epoch: 5 })).toEqual([])
    expect(outcome(proposal.receive('b', { kind: 'stranger', epoch: 5 }))).toEqual({
      kind: 'unreachable',
      needed: 2,
      answered: 0,
      uncertain: false,
    })
  })

  it('is uncertain when its time is over after the first vote was asked for', () => {
    const proposal = voting()
    proposal.receive('a', accepted)
    expect(outcome(proposal.expire())).toEqual({
      kind: 'unreachable',
      needed: 2,
      answered: 1,
      uncertain: true,
    })
  })

  it('takes the reply of a member given up, and forgets failures of the first phase', () => {
    const proposal = begin()
    proposal.failed('a', prepare)
    proposal.receive('a', promised())
    proposal.failed('c', prepare)
    proposal.receive('b', promised())
    proposal.failed('a', accept)
    proposal.receive('b', accepted)
    expect(proposal.failed('c', prepare)).toEqual([])
    expect(outcome(proposal.receive('c', accepted))).toMatchObject({ kind: 'chosen' })
  })
})
