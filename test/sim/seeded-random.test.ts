import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import { Trace } from '../../src/sim/trace.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

function draws(random: SeededRandom, count = 20): number[] {
  return Array.from({ length: count }, () => random.float())
}

describe('seeded randomness', () => {
  test('is the same for one seed and different for others, also beyond 32 bits', () => {
    expect(draws(new SeededRandom(7))).toEqual(draws(new SeededRandom(7)))
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]
    const streams = new Set(seeds.map((seed) => draws(new SeededRandom(seed)).join()))
    expect(streams.size).toBe(seeds.length)
  })

  test('forks by label, whatever was drawn before', () => {
    const [fresh, used] = [new SeededRandom(7), new SeededRandom(7)]
    draws(used)
    expect(draws(used.fork('n1'))).toEqual(draws(fresh.fork('n1')))
    expect(draws(fresh.fork('n1'))).not.toEqual(draws(fresh.fork('n2')))
    expect(draws(fresh.fork('a').fork('b'))).not.toEqual(draws(fresh.fork('b').fork('a')))
  })

  test('is uniform enough: each tenth of the range gets a tenth of the draws', () => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (const value of draws(new SeededRandom(3), 100_000)) {
      const tenth = Math.floor(value * 10)
      counts[tenth] = (counts[tenth] ?? 0) + 1
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  test('gives bytes of all values', () => {
    expect(new Set(new SeededRandom(3).bytes(10_000)).size).toBe(256)
  })

  test('draws nothing for what is certain', () => {
    const [a, b] = [new SeededRandom(1), new SeededRandom(1)]
    expect([a.chance(0), a.chance(1)]).toEqual([false, true])
    expect(a.float()).toBe(b.float())
  })
})

test('the trace is one line for each event and a hash that depends on each character and their order', () => {
  const clock = new VirtualClock()
  const hashOf = (...lines: string[][]): string => {
    const trace = new Trace(clock)
    for (const [node = '', kind = '', ...details] of lines) trace.note(node, kind, ...details)
    return trace.hash
  }
  const seen: string[] = []
  const trace = new Trace(clock, (line) => seen.push(line))
  trace.note('n1', 'frame', 'n2 12')
  expect(seen).toEqual(['0 n1 frame n2 12'])
  expect(trace.events).toBe(1)
  expect(trace.hash).toBe(hashOf(['n1', 'frame', 'n2 12']))
  const others = [
    hashOf(),
    hashOf(['n1', 'frame', 'n2 13']),
    hashOf(['n1', 'frame', 'n2 12'], ['n1', 'timer']),
    hashOf(['n1', 'timer'], ['n1', 'frame', 'n2 12']),
  ]
  expect(new Set([trace.hash, ...others]).size).toBe(5)
  expect(trace.hash).toMatch(/^[0-9a-f]{16}$/)
})

test('the hash is that of the lines as they are shown, whatever the time', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  const trace = new Trace(clock, (line) => seen.push(line))
  const random = new SeededRandom(1)
  for (let i = 0; i < 2000; i++) {
    // Up to twice the time below which fractions are written in full.
    clock.after(random.float() * 2 ** 24, () => trace.note('n1', 'kind', 'some', `${i} words`))
    clock.after(i / 1024, () => trace.note('n2', 'timer'))
  }
  await clock.runUntil(new Promise(() => {}))
  expect(seen).toHaveLength(4000)
  expect(seen.every((line) => / n2 timer $| n1 kind some \d+ words$/.test(line))).toBe(true)
  expect(trace.hash).toBe(hashOfLines(seen))
})

/** What the hash of a trace is, character by character. */
function hashOfLines(lines: readonly string[]): string {
  let high = 0x9e37_79b9
  let low = 0x85eb_ca6b
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) {
      low = Math.imul(low ^ line.charCodeAt(i), 0x0100_0193)
      high = Math.imul(high ^ (line.charCodeAt(i) + (low >>> 15)), 0x85eb_ca6b)
    }
    high = Math.imul(high ^ (high >>> 13), 0xc2b2_ae35)
    low = Math.imul(low ^ (low >>> 16), 0x27d4_eb2f)
  }
  return [high, low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}
