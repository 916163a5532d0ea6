/** The report of the benchmark: what it makes of kept lines: old, new, foreign and broken. */
import { describe, expect, it } from 'vitest'
import { linearScale, logScale, type Plot } from '../../bench/page-axes.ts'
import { pageOf } from '../../bench/page-document.ts'
import { caseName, duration, groupsOf, short } from '../../bench/page-groups.ts'
import { historyPictures, spread } from '../../bench/page-history.ts'
import { markup } from '../../bench/page-markup.ts'
import { parseRuns, readRuns } from '../../bench/page-runs.ts'

const figures = { opsPerSecond: 1000, p50Us: 10, p99Us: 90 }
const put = { layout: 'tcp-n3', mix: 'put', valueBytes: 100, inFlight: 64, ours: figures }
const compared = { ...put, ceiling: { ...figures, opsPerSecond: 2000 }, ratio: 0.5 }

function lineOf(results: readonly unknown[], at = '2026-01-02T03:04:05Z'): string {
  return JSON.stringify({ at, commit: 'abcdef0123', results })
}

function runOf(results: readonly unknown[], at?: string): ReturnType<typeof parseRuns>['runs'] {
  return parseRuns(lineOf(results, at), 'a.jsonl').runs
}

describe('a kept line', () => {
  it('is read without the fields that say where it was measured', () => {
    const [run] = runOf([put])
    expect(run).toMatchObject({ commit: 'abcdef0123', node: 'unknown', machine: 'unknown' })
    expect(run?.results).toMatchObject([{ ours: figures, ceiling: undefined, ratio: undefined }])
  })

  it('takes new texts for a part of the case, and new numbers of a side for figures', () => {
    const ours = { ...figures, p999Us: 400, note: 'x' }
    const [run] = runOf([{ ...put, dist: 'zipfian', samples: 3, ours }])
    expect(run?.results.map(caseName)).toEqual(['tcp-n3, put, 100 B, dist zipfian, 64 in flight'])
    expect(run?.results[0]?.ours).toEqual({ ...figures, p999Us: 400 })
  })

  it('names the same case with and without a word on the usual distribution', () => {
    const [old, next] = [runOf([put]), runOf([{ ...put, dist: 'uniform' }])]
    expect(caseName(old[0]!.results[0]!)).toBe(caseName(next[0]!.results[0]!))
  })

  it('of a run in which owners alone count is another case', () => {
    const line = { at: '2026-01-01', options: { sloppy: false }, results: [put] }
    const [run] = parseRuns(JSON.stringify(line), 'a.jsonl').runs
    expect(caseName(run!.results[0]!)).toBe('tcp-n3, put, 100 B, owners alone, 64 in flight')
  })

  it('of another number of keys than is usual is another case', () => {
    const names = [20_000, 1_000_000].map((keyCount) =>
      caseName(runOf([{ ...put, keyCount }])[0]!.results[0]!),
    )
    expect(names).toEqual([
      'tcp-n3, put, 100 B, 64 in flight',
      'tcp-n3, put, 100 B, 1,000,000 keys, 64 in flight',
    ])
  })

  it('of an open loop has its rate for a load', () => {
    const [run] = runOf([{ ...put, inFlight: 0, ratePerSecond: 20_000 }])
    expect(run?.results[0]?.load).toEqual({ kind: 'offered/s', amount: 20_000 })
  })

  it('of other stores has its figures beside the numbers of the case', () => {
    const result = { store: 'redis', form: 'each', mix: 'put', inFlight: 64, ...figures, ratio: 2 }
    const line = { at: '2026-01-01', stores: { redis: '7.0' }, results: [result] }
    const { runs, problems } = parseRuns(JSON.stringify(line), 'others.jsonl')
    expect(problems).toEqual([])
    expect(runs).toMatchObject([
      { beside: 'stores', options: ['redis 7.0'], results: [{ layout: 'redis', ours: figures }] },
    ])
    expect(pageOf({ runs, problems })).toContain('2.00 ×')
  })

  it.each([
    ['{"at":', 'a.jsonl, line 2: not JSON'],
    ['7', 'a.jsonl, line 2: not an object'],
    ['{"results":[]}', 'a.jsonl, line 2: "at" is not a date'],
    ['{"at":"2026-01-01"}', 'a.jsonl, line 2: "results" is not a list'],
    [lineOf([put, { ...put, mix: 1 }]), 'a.jsonl, line 2: result 2: "mix" is not a text'],
    [lineOf([{ ...put, ours: {} }]), 'line 2: result 1: "opsPerSecond" is not a number'],
  ])('that is wrong is told by file and line, and hides no other: %s', (wrong, problem) => {
    const { runs, problems } = parseRuns(`${lineOf([put])}\n${wrong}\n\n`, 'a.jsonl')
    expect(runs).toHaveLength(1)
    expect(problems).toEqual([expect.stringContaining(problem)])
  })

  it('is not there in a folder that does not exist', () => {
    expect(readRuns('no/such/folder')).toEqual({ runs: [], problems: [] })
  })
})

describe('the page', () => {
  it('says that there is nothing yet', () => {
    expect(pageOf({ runs: [], problems: [] })).toContain('There are no results yet')
  })

  it('draws the ratio, and lists what was left out', () => {
    const page = pageOf({ runs: runOf([compared]), problems: ['a.jsonl, line 3: not JSON'] })
    expect(page).toContain('>50 %</text>')
    expect(page).toContain('<li>a.jsonl, line 3: not JSON</li>')
  })

  it('names another yardstick than the bare ceiling wherever it stands, and no case by it', () => {
    const lmdb = { ...compared, layout: 'lmdb-n1-os', beside: 'raw lmdb' }
    const runs = runOf([{ ...compared, beside: 'bare ceiling' }, lmdb])
    const page = pageOf({ runs, problems: [] })
    expect(page.match(/<figcaption>lmdb-n1-os, put, 100 B, beside raw lmdb</g)).toHaveLength(2)
    expect(page.match(/<figcaption>tcp-n3, put, 100 B</g)).toHaveLength(3)
    expect(page).toContain('ratio to raw lmdb')
    expect(page).toContain('<title>raw lmdb, 64 in flight: 2,000 operations/s')
    expect(page).toContain('<td class="text">raw lmdb</td>')
    expect(runs[0]?.results.map(caseName)).toEqual([
      'tcp-n3, put, 100 B, 64 in flight',
      'lmdb-n1-os, put, 100 B, 64 in flight',
    ])
    expect(caseName(runOf([compared])[0]!.results[0]!)).toBe('tcp-n3, put, 100 B, 64 in flight')
  })

  it('escapes what comes from the file, and asks for nothing from outside', () => {
    const evil = '<script src="https://x.example"></script>\'"&'
    const ours = { ...figures, [evil]: 1 }
    const line = { at: '2026-01-01', commit: evil, node: evil, options: { [evil]: evil } }
    const results = [{ ...compared, layout: evil, mix: evil, ours, [evil]: evil }]
    const machine = { cpu: evil, cores: 2, memoryGib: 4 }
    const text = JSON.stringify({ ...line, machine, results })
    const page = pageOf({ ...parseRuns(text, 'a'), problems: [evil] })
    expect(page).toContain('&lt;script src=&quot;')
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(/i)
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('draws figures that are zero', () => {
    const zero = { opsPerSecond: 0, p50Us: 0, p99Us: 0 }
    const runs = runOf([{ ...put, ours: zero, ceiling: zero, ratio: 0 }])
    expect(pageOf({ runs, problems: [] })).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('draws cases without any latency', () => {
    const runs = runOf([{ ...put, ours: { opsPerSecond: 5 } }])
    expect(pageOf({ runs, problems: [] })).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('draws a run without cases', () => {
    expect(pageOf({ runs: runOf([]), problems: [] })).toContain('All figures')
  })

  it('gives each group of cases a history of its own, and none to those without a ratio', () => {
    const runs = [...runOf([compared]), ...runOf([compared, { ...put, mix: 'get' }], '2026-01-03')]
    const pictures = historyPictures(runs)
    expect(pictures).toHaveLength(1)
    expect(pictures[0]?.source.match(/class="mark"/g)).toHaveLength(2)
  })
})

describe('the pieces of a picture', () => {
  const plot: Plot = { width: 100, height: 120, left: 0, right: 100, top: 10, bottom: 110 }

  it.each([
    [0.93, [0, 0.25, 0.5, 0.75, 1]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 25, 50, 75, 100]],
  ])('a linear scale up to %d has round lines', (max, ticks) => {
    const scale = linearScale(plot, max)
    expect(scale.ticks).toEqual(ticks)
    expect([scale.y(0), scale.y(ticks.at(-1)!)]).toEqual([110, 10])
  })

  it('a logarithmic scale has 1, 2 and 5 of each decade, or the decades of a wide range', () => {
    expect(logScale(plot, { min: 60, max: 900 }).ticks).toEqual([50, 100, 200, 500, 1000])
    expect(logScale(plot, { min: 3, max: 90_000 }).ticks).toEqual([10, 100, 1000, 10_000, 100_000])
    expect(logScale(plot, { min: 60, max: 900 }).y(1000)).toBe(10)
  })

  it('labels of lines that end close together are moved apart, in their order', () => {
    const ys = spread([100, 101, 99, 230, 239, 240])
    const sorted = [2, 0, 1, 3, 4, 5].map((i) => ys[i]!)
    const gaps = sorted.slice(1).map((y, i) => y - sorted[i]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(13)
    expect(Math.max(...ys)).toBeLessThanOrEqual(240)
  })

  it('loads of one group rise, whatever their order in the file', () => {
    const [run] = runOf([256, 16, 64].map((inFlight) => ({ ...put, inFlight })))
    const [group] = groupsOf(run!.results)
    expect(group?.results.map(({ load }) => load.amount)).toEqual([16, 64, 256])
  })

  it.each([
    [0, '0', '0 µs'],
    [9.5, '9.5', '9.5 µs'],
    [999, '999', '999 µs'],
    [999.6, '1 k', '1 ms'],
    [119_480, '119 k', '119 ms'],
    [999_600, '1 M', '1 s'],
  ])('%d is shortened', (value, count, time) => {
    expect([short(value), duration(value)]).toEqual([count, time])
  })

  it('markup escapes all but markup', () => {
    const inner = markup`<b>${'<i>'}</b>`
    expect(markup`${inner}${['&', [undefined, 1.23456]]}`.source).toBe('<b>&lt;i&gt;</b>&amp;1.235')
  })
})
