/** The tape of the benchmark: which keys it uses how often, and how often it reads. */
import { describe, expect, test } from 'vitest'
import { makeTape, tapeLengthOf, type Distribution } from '../../bench/tape.ts'

/** Of all these cases, which have few keys. */
const tapeLength = tapeLengthOf(1)

const keyOf = (entry: number): number => (entry < 0 ? ~entry : entry)

/** Compared as bytes: a list of numbers of this length takes seconds. */
const bytesOf = ({ buffer }: Int32Array): Buffer => Buffer.from(buffer)

/** How often each key is used, the most used first. */
function usesOf(tape: Int32Array, keyCount: number): { key: number; uses: number }[] {
  const uses = Array.from({ length: keyCount }, () => 0)
  for (const entry of tape) uses[keyOf(entry)]! += 1
  return uses.map((count, key) => ({ key, uses: count })).toSorted((a, b) => b.uses - a.uses)
}

/** The part that the key of each rank has of all uses, exactly. */
function zipfianShares(keyCount: number): number[] {
  const weights = Array.from({ length: keyCount }, (_, rank) => (rank + 1) ** -0.99)
  const sum = weights.reduce((all, weight) => all + weight, 0)
  return weights.map((weight) => weight / sum)
}

const distributions: readonly Distribution[] = ['uniform', 'zipfian']

describe.each(distributions)('%s', (distribution) => {
  test.each([1, 2, 3, 128, 20_000])('uses keys below %i alone', (keyCount) => {
    const tape = makeTape({ keyCount, distribution, readShare: 0.5 })
    expect(tape).toHaveLength(tapeLength)
    expect(tape.every((entry) => keyOf(entry) >= 0 && keyOf(entry) < keyCount)).toBe(true)
  })

  test('is the same each time', () => {
    const options = { keyCount: 1000, distribution, readShare: 0.5 }
    expect(Buffer.compare(bytesOf(makeTape(options)), bytesOf(makeTape(options)))).toBe(0)
  })

  test('uses the same keys whatever part of it reads', () => {
    const keysAt = (readShare: number): Buffer =>
      bytesOf(makeTape({ keyCount: 1000, distribution, readShare }).map(keyOf))
    expect(Buffer.compare(keysAt(0), keysAt(0.95))).toBe(0)
  })

  test.each([0, 0.5, 0.95, 1])('a part of %f reads, of the most used key as well', (readShare) => {
    const tape = makeTape({ keyCount: 128, distribution, readShare })
    const hot = usesOf(tape, 128)[0]!.key
    const ofHot = tape.filter((entry) => keyOf(entry) === hot)
    expect(tape.filter((entry) => entry >= 0).length / tapeLength).toBeCloseTo(readShare, 2)
    expect(ofHot.filter((entry) => entry >= 0).length / ofHot.length).toBeCloseTo(readShare, 1)
  })
})

test.each([
  [1, 2 ** 18],
  [20_000, 2 ** 18],
  [2 ** 18, 2 ** 18],
  [2 ** 18 + 1, 2 ** 19],
  [1_000_000, 2 ** 20],
  [10_000_000, 2 ** 22],
])('of %i keys there are %i entries', (keyCount, length) => {
  expect(tapeLengthOf(keyCount)).toBe(length)
})

test('of very many keys uniform uses as many as chance has it, from all over', () => {
  const keyCount = 1_000_000
  const tape = makeTape({ keyCount, distribution: 'uniform', readShare: 1 })
  const isUsed = new Uint8Array(keyCount)
  for (const key of tape) isUsed[key] = 1
  const usedOf = (part: Uint8Array): number =>
    part.reduce((sum, each) => sum + each, 0) / part.length
  const expected = 1 - Math.exp(-tape.length / keyCount)
  expect(usedOf(isUsed.subarray(0, keyCount / 2))).toBeCloseTo(expected, 1)
  expect(usedOf(isUsed.subarray(keyCount / 2))).toBeCloseTo(expected, 1)
})

test('uniform uses all keys alike', () => {
  const uses = usesOf(makeTape({ keyCount: 64, distribution: 'uniform', readShare: 1 }), 64)
  const expected = tapeLength / 64
  expect(uses[0]!.uses).toBeLessThan(expected * 1.1)
  expect(uses.at(-1)!.uses).toBeGreaterThan(expected * 0.9)
})

describe('zipfian', () => {
  const keyCount = 20_000
  const uses = usesOf(makeTape({ keyCount, distribution: 'zipfian', readShare: 1 }), keyCount)
  const shares = zipfianShares(keyCount)
  const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0)

  test('the two most used keys have the part of the law', () => {
    expect(uses[0]!.uses / tapeLength / shares[0]!).toBeCloseTo(1, 1)
    expect(uses[1]!.uses / tapeLength / shares[1]!).toBeCloseTo(1, 1)
  })

  test.each([10, 100, 1000, 10_000])('the %i most used keys have about that part', (count) => {
    const used = sum(uses.slice(0, count).map((each) => each.uses)) / tapeLength
    expect(Math.abs(used - sum(shares.slice(0, count)))).toBeLessThan(0.03)
  })

  test('keys that are used much do not lie side by side', () => {
    const hot = uses.slice(0, 100).map(({ key }) => key)
    expect(Math.min(...hot)).toBeLessThan(keyCount * 0.1)
    expect(Math.max(...hot)).toBeGreaterThan(keyCount * 0.9)
    const pairs = hot.filter((key) => hot.includes(key + 1)).length
    expect(pairs).toBeLessThan(10)
  })
})
