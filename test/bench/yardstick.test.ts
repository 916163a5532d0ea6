/** What a case of the benchmark is compared with, and what is told of it. */
import { describe, expect, test } from 'vitest'
import type { Case, Figures } from '../../bench/cases.ts'
import { layoutNames, type LayoutName } from '../../bench/layouts.ts'
import { measurementsOf } from '../../bench/measurements.ts'
import { meanOf } from '../../bench/raw-lmdb.ts'
import { yardstickOf } from '../../bench/yardstick.ts'

const usual = { mix: 'put', dist: 'uniform', valueBytes: 100, inFlight: 64 } as const

const lmdbLayouts: readonly LayoutName[] = [
  'lmdb-n1-os',
  'lmdb-n1-fsync',
  'tcp-n3-lmdb-os',
  'tcp-n3-lmdb-fsync',
]

function figuresOf(opsPerSecond: number, clientCpuUs: number): Figures {
  const latencies = { p50Us: opsPerSecond / 10, p99Us: opsPerSecond, p999Us: 2 * opsPerSecond }
  return { opsPerSecond, ...latencies, clientCpuUs, replicaCpuUs: 0 }
}

describe('the yardstick', () => {
  test('is the bare ceiling for three processes in memory, lmdb for all with it, else none', () => {
    const found = layoutNames.map((layout) => [layout, yardstickOf({ ...usual, layout })])
    const expected = layoutNames.map((layout) => [
      layout,
      lmdbLayouts.includes(layout) ? 'raw lmdb' : layout === 'tcp-n3' ? 'bare ceiling' : undefined,
    ])
    expect(found).toEqual(expected)
  })

  test.each([
    [{ dist: 'zipfian' }, undefined, 'raw lmdb'],
    [{ valueBytes: 2 ** 20 }, undefined, 'raw lmdb'],
    [{ mix: 'a' }, 'bare ceiling', 'raw lmdb'],
    [{ keyCount: 20_000 }, 'bare ceiling', 'raw lmdb'],
    [{ keyCount: 1_000_000 }, undefined, 'raw lmdb'],
    [{ inFlight: 0, ratePerSecond: 1000 }, undefined, undefined],
  ] as const)('of %j is %s in memory and %s on disk', (changed, inMemory, onDisk) => {
    const what: Case = { ...usual, layout: 'tcp-n3', ...changed }
    expect(yardstickOf(what)).toBe(inMemory)
    for (const layout of lmdbLayouts) expect(yardstickOf({ ...what, layout })).toBe(onDisk)
  })

  test('is named where it failed', () => {
    const outcomes = [[{ figures: figuresOf(1, 1) }], [{ failure: 'no room' }]]
    const told = measurementsOf({ ...usual, layout: 'lmdb-n1-os' }, outcomes)
    expect(told).toMatchObject({ yardstick: 'raw lmdb', failures: ['raw lmdb: no room'] })
  })
})

describe('processes of lmdb at the same time', () => {
  test('are told at their mean, CPU time of the first apart from that of the others', () => {
    const all = [figuresOf(100, 2), figuresOf(200, 3), figuresOf(600, 4)]
    expect(meanOf(all)).toEqual({ ...figuresOf(300, 2), replicaCpuUs: 7 })
  })

  test('are what the one did where there is one', () => {
    expect(meanOf([figuresOf(100, 2)])).toEqual(figuresOf(100, 2))
  })
})
