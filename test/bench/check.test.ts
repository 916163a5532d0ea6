/** The guard against getting slower: what it stores, what it lets pass, and how it ends. */
import { describe, expect, it } from 'vitest'
import { parseBaseline } from '../../bench/check-baseline.ts'
import {
  compare,
  exitCodeOf,
  storedCases,
  tableLines,
  type StoredCase,
} from '../../bench/check-compare.ts'
import { parseRuns, type Run } from '../../bench/page-runs.ts'

const name = 'tcp-n3, put, 100 B, 64 in flight'
const stored: StoredCase = { name, ratio: 0.6, tolerance: 0.2 }

function runOf(result: { readonly ratio?: number; readonly ratios?: readonly number[] }): Run {
  const about = { layout: 'tcp-n3', mix: 'put', valueBytes: 100, inFlight: 64 }
  const results = [{ ...about, ours: { opsPerSecond: 1 }, ...result }]
  return parseRuns(JSON.stringify({ at: '2026-01-01', results }), 'a').runs[0]!
}

describe('a stored case', () => {
  it.each([
    ['15 % when the pairs are not told', undefined, 0.15],
    ['15 % when the pairs lie closer together', [0.59, 0.6, 0.61], 0.15],
    ['15 % when there is one pair', [0.6], 0.15],
    ['the spread of the pairs beyond that', [0.48, 0.6, 0.63], 0.25],
    ['50 % at most', [0.2, 0.6, 0.9], 0.5],
  ])('tolerates %s', (_, ratios, tolerance) => {
    const run = runOf({ ratio: 0.6, ...(ratios && { ratios }) })
    expect(storedCases(run, [name])).toEqual([{ name, ratio: 0.6, tolerance }])
  })

  it('is none without a ratio, or of a case that is not asked for', () => {
    expect(storedCases(runOf({}), [name])).toEqual([])
    expect(storedCases(runOf({ ratio: 0.6 }), ['another'])).toEqual([])
  })
})

describe('a run beside another yardstick than the own', () => {
  it('has nothing to store', () => {
    const run = runOf({ ratio: 0.6 })
    const beside = (yardstick: string): Run => ({ ...run, options: [`yardstick ${yardstick}`] })
    expect(storedCases(beside('own'), [name])).toHaveLength(1)
    expect(storedCases(beside('ceiling.mjs'), [name])).toEqual([])
  })
})

describe('a measured ratio', () => {
  it.each([
    [0.49, 'fine', 0],
    [0.47, 'lower', 1],
    [0.72, 'fine', 0],
    [0.73, 'higher', 0],
    [undefined, 'unknown', 2],
  ] as const)('of %s beside 0.6 ± 20 %% is %s: exit code %i', (ratio, verdict, code) => {
    const all = compare([stored], runOf(ratio === undefined ? {} : { ratio }))
    expect(all).toMatchObject([{ name, stored: 0.6, measured: ratio, verdict }])
    expect(exitCodeOf(all)).toBe(code)
  })

  it('of a case that is not stored is not taken for fine', () => {
    const all = compare([], runOf({ ratio: 0.6 }))
    expect(all).toMatchObject([{ name, stored: undefined, measured: 0.6, verdict: 'unknown' }])
    expect(exitCodeOf(all)).toBe(2)
  })

  it('that fell outweighs one that is missing', () => {
    const all = compare([{ ...stored, name: 'another' }, stored], runOf({ ratio: 0.1 }))
    expect(all.map(({ verdict }) => verdict)).toEqual(['unknown', 'lower'])
    expect(exitCodeOf(all)).toBe(1)
  })

  it('stands in a table', () => {
    expect(tableLines(compare([stored], runOf({ ratio: 0.3 })))).toEqual([
      'case                              stored  lowest  measured  verdict',
      'tcp-n3, put, 100 B, 64 in flight    60 %    48 %      30 %  LOWER',
    ])
  })
})

describe('a file of stored ratios', () => {
  const about = { at: '2026-01-01', commit: 'a', node: 'v20', machine: 'b' }

  it('is read', () => {
    const text = JSON.stringify({ ...about, cases: [stored] })
    expect(parseBaseline(text, 'x.json').cases).toEqual([stored])
  })

  it.each([
    ['{', 'x.json is not JSON'],
    ['[]', 'x.json is no baseline'],
    [JSON.stringify({ ...about, cases: [{ ...stored, ratio: 0 }] }), 'x.json is no baseline'],
    [JSON.stringify({ ...about, cases: [{ ...stored, tolerance: 1 }] }), 'x.json is no baseline'],
  ])('is refused in words: %s', (text, problem) => {
    expect(() => parseBaseline(text, 'x.json')).toThrow(problem)
  })
})
