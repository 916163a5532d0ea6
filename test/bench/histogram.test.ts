/** The histogram of the benchmark, held against a sorted list of all that was recorded. */
import { describe, expect, test } from 'vitest'
import { Histogram } from '../../bench/histogram.ts'

const shares = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1]
/** Half of the width of a bucket, as a part of what lies in it. */
const precision = 1 / 2048

/** Numbers of 0 to 1, the same each time. */
function chances(seed: number): () => number {
  let x = seed
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return (x + 1) / 2 ** 32
  }
}

function filled(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  return histogram
}

function expectQuantiles(histogram: Histogram, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b)
  for (const q of shares) {
    const exact = sorted[Math.min(Math.floor(sorted.length * q), sorted.length - 1)]!
    const off = Math.abs(histogram.quantile(q) - exact)
    expect(off, `quantile ${q}: ${histogram.quantile(q)} for ${exact}`).toBeLessThanOrEqual(
      exact * precision,
    )
  }
  expect(histogram.max).toBe(sorted.at(-1))
  expect(histogram.count).toBe(values.length)
}

const next = chances(7)
const lists: readonly (readonly [string, readonly number[]])[] = [
  ['one number', [42.5]],
  ['two numbers far apart', [0.002, 200_000_000]],
  ['powers of two', Array.from({ length: 37 }, (_, i) => 2 ** (i - 10))],
  ['just below powers of two', Array.from({ length: 37 }, (_, i) => 2 ** (i - 9) * (1 - 2 ** -30))],
  ['evenly spread numbers', Array.from({ length: 50_000 }, () => next() * 1000)],
  ['a long tail', Array.from({ length: 50_000 }, () => 20 / next())],
  ['sizes of all kinds', Array.from({ length: 50_000 }, () => 2 ** (next() * 37 - 9.5))],
]

test.each(lists)('quantiles of %s are those of the sorted list to three digits', (_, values) => {
  expectQuantiles(filled(values), values)
})

test('merged histograms are as one that has recorded all', () => {
  const [one, other] = [lists[4]![1], lists[5]![1]]
  const merged = filled(one)
  merged.merge(filled(other))
  expectQuantiles(merged, [...one, ...other])
})

test('merging with an empty one changes nothing, either way', () => {
  const values = [3, 1, 2]
  const whole = filled(values)
  whole.merge(new Histogram())
  expectQuantiles(whole, values)
  const empty = new Histogram()
  empty.merge(whole)
  expectQuantiles(empty, values)
})

describe('the borders', () => {
  test('an empty one tells 0', () => {
    const empty = new Histogram()
    expect([empty.count, empty.max, ...shares.map((q) => empty.quantile(q))]).toEqual(
      Array(shares.length + 2).fill(0),
    )
  })

  test('what is too small or too large is counted at the border, and the greatest stays exact', () => {
    const histogram = filled([0, 1e-9, 1e12])
    expect(histogram.count).toBe(3)
    expect(histogram.max).toBe(1e12)
    expect(histogram.quantile(0)).toBeCloseTo(2 ** -10, 5)
    expect(histogram.quantile(1) / 2 ** 28).toBeCloseTo(1, 3)
  })

  test('no quantile is above the greatest', () => {
    const histogram = filled([1000.0001, 1000.0002])
    expect(histogram.quantile(1)).toBeLessThanOrEqual(1000.0002)
  })
})
