/** The benchmark of troubles: what it makes of operations, and of what it kept. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pageOf } from '../../bench/page-document.ts'
import { readRuns } from '../../bench/page-runs.ts'
import {
  keepTrouble,
  readTroubles,
  troubleFile,
  type TroubleRun,
} from '../../bench/trouble/kept.ts'
import { readOptions } from '../../bench/trouble/options.ts'
import type { Told } from '../../bench/trouble/scenario.ts'
import { linesOf, summaryOf } from '../../bench/trouble/story.ts'
import { Timeline, type Span } from '../../bench/trouble/timeline.ts'

function span(about: Partial<Span> = {}): Span {
  return { succeeded: 100, refused: 0, failed: 0, p50Ms: 1, p99Ms: 2, p999Ms: 3, ...about }
}

function told(about: Partial<Told> = {}): Told {
  return {
    capacityPerSecond: 200,
    ratePerSecond: 100,
    seconds: [span(), span(), span()],
    after: [],
    endedAfterMs: 0,
    rssMib: [10, 10, 10],
    thirds: [span(), span({ p99Ms: 8 }), span({ p99Ms: 3 })],
    whole: span({ succeeded: 300 }),
    hedgedShare: 0.01,
    ...about,
  }
}

function runOf(about: Partial<TroubleRun['options']> = {}, each: Told = told()): TroubleRun {
  const machine = { cpu: 'a processor', cores: 2, memoryGib: 8 }
  return {
    at: '2026-01-02T03:04:05Z',
    commit: 'abcdef0123',
    changed: false,
    node: 'v20',
    machine,
    options: { command: 'x', scenario: 'slowed', mix: 'a', valueBytes: 100, load: 0.25, ...about },
    results: [{ name: 'coterie', told: [each] }],
  }
}

describe('a timeline', () => {
  test('counts each operation in the second in which it was due', () => {
    const timeline = new Timeline()
    timeline.ended(999, 'succeeded', 5_000)
    timeline.ended(1000, 'refused', 0)
    timeline.ended(2001, 'failed', 7)
    timeline.ended(2002, 'succeeded', 10)
    const counts = timeline
      .seconds()
      .map(({ succeeded, refused, failed }) => [succeeded, refused, failed])
    expect(counts).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [1, 0, 1],
    ])
  })

  test('has the latencies of what succeeded, of one second and of several', () => {
    const timeline = new Timeline()
    for (let i = 0; i < 99; i++) timeline.ended(i, 'succeeded', 1)
    timeline.ended(1500, 'succeeded', 100)
    timeline.ended(1500, 'failed', 9_000)
    expect(timeline.span(0, 1).p99Ms).toBeCloseTo(1, 2)
    expect(timeline.span(1, 2).p50Ms).toBe(100)
    expect(timeline.span(0, 2)).toMatchObject({ succeeded: 100, failed: 1, p99Ms: 100 })
  })

  test('of seconds in which nothing was due has zeros', () => {
    const timeline = new Timeline()
    timeline.ended(2500, 'succeeded', 1)
    expect(timeline.seconds()[1]).toMatchObject({ succeeded: 0, p99Ms: 0 })
  })
})

describe('the options', () => {
  test.each([
    [['slow'], 'the scenario: "slow" is none of'],
    [['slowed', 'killed'], 'give one of'],
    [['slowed', '--load', '0'], '--load takes a number above 0'],
    [['slowed', '--seconds', '2'], '--seconds takes a whole number from 6'],
    [['slowed', '--mix', 'b'], '--mix: "b" is none of put, get, a'],
  ])('%j are refused', (args, words) => {
    expect(() => readOptions(args)).toThrow(words)
  })

  test('offer three times the capacity for an overload, a part of it else', () => {
    expect(readOptions(['overload'])).toMatchObject({ load: 3, seconds: 30 })
    expect(readOptions(['killed', '--load', '0.5'])).toMatchObject({ load: 0.5 })
  })
})

describe('what is told', () => {
  test('has a line for each second, and those after an overload', () => {
    const lines = linesOf('coterie', told({ after: [span({ refused: 7 })], endedAfterMs: 12 }))
    expect(lines.filter((line) => /^ +\d+ +100 /.test(line))).toHaveLength(3)
    expect(lines.find((line) => /^ +\+0 /.test(line))).toContain('7')
    expect(lines.join('\n')).toContain('all had ended 12 ms after the last was due')
  })

  test('of a slow replica is its p99 beside that of before', () => {
    const variant = { name: 'coterie', dist: '', told: [told()] }
    expect(summaryOf('slowed', [variant])).toContain('p99 in trouble ÷ before: 4.00')
  })

  test('of an overload is how long it took to be as usual', () => {
    const bad = span({ p99Ms: 50 })
    const after = [span({ refused: 1 }), bad, ...Array.from({ length: 8 }, () => span())]
    const overloaded = told({ after, endedAfterMs: 500, rssMib: [20, 20, 30] })
    const lines = summaryOf('overload', [{ name: 'coterie', dist: '', told: [overloaded] }])
    expect(lines[0]).toContain('0.50')
    expect(lines[1]).toContain('1.50')
    expect(lines[2]).toContain('2.50')
  })

  test('of hedging are the medians of both variants', () => {
    const slow = told({ whole: span({ p999Ms: 100 }) })
    const variants = [[told(), told(), slow], [slow]].map((all) => ({
      name: '',
      dist: '',
      told: all,
    }))
    expect(summaryOf('late', variants)[0]).toContain('100.00 ms ÷ 3.00 ms = 33.3')
  })
})

describe('the kept file', () => {
  test('is read again, without lines that are no runs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coterie-trouble-'))
    try {
      const path = join(folder, troubleFile)
      expect(readTroubles(path)).toEqual({ runs: [], problems: [] })
      writeFileSync(path, '{"at":"2026"}\nnonsense\n')
      keepTrouble(path, runOf())
      const { runs, problems } = readTroubles(path)
      expect(runs).toEqual([runOf()])
      expect(problems).toEqual(
        [1, 2].map((line) => `${troubleFile}, line ${line}: not a run in trouble`),
      )
      // It has no measured cases: the reader of those leaves it alone.
      expect(readRuns(folder)).toEqual({ runs: [], problems: [] })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('is drawn: of each scenario the newest run', () => {
    const runs = [
      runOf({ command: 'old' }),
      runOf({ command: 'new' }),
      runOf({ scenario: 'killed' }),
    ]
    const page = pageOf({ runs: [], problems: [] }, runs)
    expect(page).not.toContain('<code>old</code>')
    expect(page).toContain('<code>new</code>')
    expect(page.match(/<svg /g)).toHaveLength(4)
    expect(page).not.toMatch(/NaN|Infinity/)
  })
})
