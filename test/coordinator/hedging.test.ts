/** When a read asks one replica more, and whom it asks first. */
import { describe, expect, test } from 'vitest'
import { Hedging, patienceMs } from '../../src/coordinator/hedging.ts'
import { leastInFlight, powerOfTwo, roundRobin } from '../../src/coordinator/replica-choices.ts'
import type { ReplicaLoad } from '../../src/ports/replica-choice.ts'
import { PeerLoad } from '../../src/rpc/peer-load.ts'

function told(latencies: (i: number) => number, count = 2000): Hedging {
  const hedging = new Hedging()
  for (let i = 0; i < count; i++) hedging.took(latencies(i))
  return hedging
}

describe('the delay of a hedge', () => {
  test('is long until enough is known', () => {
    expect(told(() => 1, 127).afterMs).toBe(patienceMs)
  })

  test('is longer than 95 of 100 reads take, and not by much', () => {
    const { afterMs } = told((i) => 1 + (i % 100) / 100)
    expect(afterMs).toBeGreaterThanOrEqual(1.95)
    expect(afterMs).toBeLessThan(2.6)
  })

  test('does not follow three reads of a hundred that take long', () => {
    expect(told((i) => (i % 33 === 0 ? 100 : 1)).afterMs).toBeLessThan(1.4)
  })

  test('follows a network that becomes slower, or quicker, within a thousand reads', () => {
    const hedging = told(() => 2)
    for (let i = 0; i < 1000; i++) hedging.took(20)
    expect(hedging.afterMs).toBeGreaterThanOrEqual(20)
    for (let i = 0; i < 1000; i++) hedging.took(2)
    expect(hedging.afterMs).toBeLessThan(4)
  })

  test('never exceeds what any read waits', () => {
    expect(told(() => 4000).afterMs).toBe(patienceMs)
  })
})

describe('the budget of hedges', () => {
  test('is 2 % of the reads, and ten at once', () => {
    const hedging = new Hedging()
    const asked = (): boolean => hedging.mayAsk()
    expect(Array.from({ length: 12 }, asked).filter(Boolean)).toHaveLength(10)
    let hedges = 0
    for (let i = 0; i < 10_000; i++) {
      hedging.counted()
      if (hedging.mayAsk()) hedges += 1
    }
    expect(hedges).toBeGreaterThan(195)
    expect(hedges).toBeLessThanOrEqual(200)
  })
})

const load = (about: Partial<ReplicaLoad>): ReplicaLoad => ({
  id: 'x',
  isNear: true,
  inFlight: 0,
  latencyMs: 1,
  ...about,
})

describe('the choice of a replica', () => {
  const turns = Array.from({ length: 100 }, (_, i) => i)

  test.each([roundRobin(), leastInFlight(), powerOfTwo()])(
    '$name favours none of equals',
    (rule) => {
      for (const count of [2, 3, 4]) {
        const equals = Array.from({ length: count }, () => load({}))
        const chosen = turns.map((turn) => rule.choose(equals, turn))
        for (let i = 0; i < count; i++) {
          const share = chosen.filter((each) => each === i).length
          expect(share).toBeGreaterThanOrEqual(Math.floor(100 / count) - 1)
        }
      }
    },
  )

  test.each([
    ['the quicker one', { latencyMs: 1 }, { latencyMs: 10 }],
    ['the one with less to do', { inFlight: 1 }, { inFlight: 9 }],
    ['the near one', { latencyMs: 3 }, { latencyMs: 1, isNear: false }],
    ['a far one that is much quicker', { latencyMs: 1, isNear: false }, { latencyMs: 5 }],
    ['one of which nothing is known', { latencyMs: 0 }, { latencyMs: 1 }],
  ])('power-of-two takes %s', (_, better, worse) => {
    for (const turn of turns) {
      expect(powerOfTwo().choose([load(better), load(worse)], turn)).toBe(0)
      expect(powerOfTwo().choose([load(worse), load(better)], turn)).toBe(1)
    }
  })

  test('power-of-two compares each of many with each other', () => {
    const many = Array.from({ length: 5 }, (_, i) => load({ latencyMs: i + 1 }))
    const chosen = new Set(Array.from({ length: 1000 }, (_, i) => powerOfTwo().choose(many, i)))
    expect(chosen).toEqual(new Set([0, 1, 2, 3]))
  })
})

describe('the load of a peer', () => {
  const slowAfter = (passes: number): number => {
    const peer = new PeerLoad('x', { size: 0 })
    peer.answeredAfter(1)
    for (let i = 0; i < 3; i++) peer.answeredAfter(10)
    for (let i = 0; i < passes; i++) peer.passedOver()
    return peer.latencyMs
  }

  test('notices a slow answer at once', () => {
    expect(slowAfter(0)).toBeGreaterThan(8)
  })

  test('is forgotten slowly while it is not asked, so that it is asked again', () => {
    expect(slowAfter(500)).toBeGreaterThan(2)
    expect(slowAfter(1500)).toBeLessThan(1)
  })
})
