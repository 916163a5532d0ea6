/** The arithmetic and the small parts of the machine, each by itself. */
import { describe, expect, test } from 'vitest'
import { Dissemination, retransmitLimit } from '../../src/membership/dissemination.ts'
import { LocalHealth } from '../../src/membership/local-health.ts'
import { ProbeRound } from '../../src/membership/probe-round.ts'
import { Relays, relaysMax } from '../../src/membership/relays.ts'
import {
  confirmationsWanted,
  Suspicion,
  suspicionMinMs,
  suspicionTimeoutMs,
} from '../../src/membership/suspicion.ts'
import { claim } from './kit/claims.ts'

describe('suspicion', () => {
  test.each([
    { members: 1, ms: 4000 },
    { members: 3, ms: 4000 },
    { members: 10, ms: 4000 },
    { members: 20, ms: 5204 },
    { members: 100, ms: 8000 },
    { members: 1000, ms: 12_000 },
  ])('lasts at least $ms ms among $members members', ({ members, ms }) => {
    const size = { members, multiplier: 4, probeIntervalMs: 1000 }
    expect(Math.floor(suspicionMinMs(size))).toBe(ms)
  })

  test.each([
    { members: 2, multiplier: 4, wanted: 0 },
    { members: 3, multiplier: 4, wanted: 0 },
    { members: 4, multiplier: 4, wanted: 2 },
    { members: 20, multiplier: 4, wanted: 2 },
    { members: 7, multiplier: 8, wanted: 0 },
    { members: 8, multiplier: 8, wanted: 6 },
    { members: 20, multiplier: 1, wanted: 0 },
  ])('of $multiplier among $members wants $wanted more accusers', ({ wanted, ...size }) => {
    expect(confirmationsWanted(size)).toBe(wanted)
  })

  test.each([
    { wanted: 3, confirmations: 0, ms: 30_000 },
    { wanted: 3, confirmations: 1, ms: 16_000 },
    { wanted: 3, confirmations: 2, ms: 7_810 },
    { wanted: 3, confirmations: 3, ms: 2_000 },
    { wanted: 3, confirmations: 4, ms: 2_000 },
    { wanted: 0, confirmations: 0, ms: 2_000 },
  ])('ends after $ms ms with $confirmations of $wanted confirmations', ({ ms, ...counts }) => {
    expect(suspicionTimeoutMs({ minMs: 2_000, maxMs: 30_000, ...counts })).toBe(ms)
  })

  test('counts each accuser once, and only as many as matter', () => {
    const suspicion = new Suspicion({ now: 0, accuser: 'b', minMs: 2, maxMs: 9, wanted: 2 })
    const confirmed = ['b', 'c', 'c', 'd', 'e'].map((by) => suspicion.confirm(by))
    expect(confirmed).toEqual([false, true, false, true, false])
    expect(suspicion.deadline).toBe(2)
    suspicion.extend(100)
    expect(suspicion.deadline).toBe(102)
  })
})

test('local health stays between 0 and its maximum', () => {
  const health = new LocalHealth(8)
  health.adjust(-1)
  expect(health.multiplier).toBe(1)
  health.adjust(20)
  expect([health.score, health.multiplier]).toEqual([7, 8])
  health.adjust(-1)
  expect(health.score).toBe(6)
})

describe('dissemination', () => {
  const limits = { claims: 2, transmissions: 2 }
  const ids = (rumours: Dissemination, receiver = 'z'): string =>
    rumours
      .take(receiver, limits)
      .map(({ id }) => id)
      .join('')

  test('takes the least sent first, of these the newest, and each only so often', () => {
    const rumours = new Dissemination()
    for (const id of ['a', 'b', 'c']) rumours.spread(claim(`${id} alive@1`))
    expect([1, 2, 3, 4].map(() => ids(rumours))).toEqual(['cb', 'ac', 'ba', ''])
    expect(rumours.size).toBe(0)
  })

  test('news about a member takes the place of what was under way', () => {
    const rumours = new Dissemination()
    rumours.spread(claim('a dead@1'))
    ids(rumours)
    rumours.spread(claim('a alive@2'))
    expect(rumours.take('z', limits)).toEqual([claim('a alive@2')])
    expect(rumours.size).toBe(1)
  })

  test('tells nobody about himself', () => {
    const rumours = new Dissemination()
    rumours.spread(claim('a alive@1'))
    rumours.spread(claim('b alive@1'))
    expect(ids(rumours, 'b')).toBe('a')
  })

  test.each([
    { members: 2, times: 4 },
    { members: 9, times: 4 },
    { members: 10, times: 8 },
    { members: 99, times: 8 },
    { members: 100, times: 12 },
  ])('passes a claim on $times times among $members', ({ members, times }) => {
    expect(retransmitLimit({ members, multiplier: 4 })).toBe(times)
  })
})

describe('a probe round', () => {
  const round = (): ProbeRound =>
    new ProbeRound({ target: claim('b alive@1'), sequence: 7, indirectAt: 500, endsAt: 1000 })

  test('asks helpers after the time-out and ends after the interval', () => {
    const probe = round()
    expect([probe.isIndirectDue(499), probe.isIndirectDue(500)]).toEqual([false, true])
    expect(probe.isOver(2000)).toBe(false)
    probe.askedHelpers(500, ['c', 'd'])
    expect([probe.isOver(999), probe.isOver(1000)]).toEqual([false, true])
  })

  test('gives helpers their whole time when they are asked late', () => {
    const probe = round()
    probe.askedHelpers(700, ['c'])
    expect(probe.nextAt).toBe(1200)
  })

  test('is shorter when the direct way is known not to work', () => {
    const probe = round()
    probe.skipDirect(100)
    expect(probe.isIndirectDue(100)).toBe(true)
    probe.askedHelpers(100, ['c'])
    expect(probe.nextAt).toBe(600)
  })

  test.each([
    { from: 'b', sequence: 7, answers: true },
    { from: 'c', sequence: 7, answers: true },
    { from: 'e', sequence: 7, answers: false },
    { from: 'b', sequence: 6, answers: false },
  ])('ack $sequence from $from answers it: $answers', ({ answers, ...ack }) => {
    const probe = round()
    probe.askedHelpers(500, ['c', 'd'])
    expect(probe.isAnsweredBy(ack)).toBe(answers)
  })

  test.each([
    { helpers: [], nacks: [], delta: 1 },
    { helpers: ['c', 'd'], nacks: [], delta: 2 },
    { helpers: ['c', 'd'], nacks: ['c'], delta: 1 },
    { helpers: ['c', 'd'], nacks: ['c', 'd', 'c', 'x'], delta: 0 },
  ])('without an answer, $nacks of $helpers cost $delta of health', (row) => {
    const probe = round()
    probe.askedHelpers(500, row.helpers)
    for (const from of row.nacks) probe.nacked({ from, sequence: 7 })
    expect(probe.healthDelta).toBe(row.delta)
  })
})

test('relays are answered by their target alone, and are limited', () => {
  const relays = new Relays()
  const relay = { requester: 'b', requestSequence: 3, target: 'c', nackAt: 400 }
  expect(relays.nextAt).toBe(Infinity)
  relays.add(1, relay)
  expect(relays.answered({ from: 'd', sequence: 1 })).toBeUndefined()
  expect(relays.answered({ from: 'c', sequence: 1 })).toEqual(relay)
  expect(relays.answered({ from: 'c', sequence: 1 })).toBeUndefined()
  for (let n = 0; n < relaysMax; n += 1) expect(relays.add(n, relay)).toBe(true)
  expect(relays.add(relaysMax, relay)).toBe(false)
  expect([relays.expired(399).length, relays.expired(400).length]).toEqual([0, relaysMax])
})
