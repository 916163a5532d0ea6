import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LongRun, Pieces } from './long-run.ts'
import type { TimedReport } from './report.ts'

let folder: string
let run: LongRun

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-long-run-'))
  run = new LongRun(join(folder, 'run.jsonl'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function reportOf(seed: number): TimedReport {
  const counts = { nodes: 3, virtualMs: 10, events: 1, operations: 2, succeeded: 1, checks: 1 }
  const rest = { problems: [], models: [], strikes: {}, faults: {}, outcomes: {} }
  return { seed, traceHash: '', realMs: 1, ...counts, ...rest }
}

test('a piece is kept when all of its seeds and of those before it are in', () => {
  const pieces = new Pieces(run, { from: 1000, count: 600 })
  const add = (first: number, end: number): void => {
    for (let seed = first; seed < end; seed++) pieces.add(reportOf(seed))
  }
  add(1001, 1510)
  expect(run.left({ from: 1000, count: 600 })).toEqual({ from: 1000, count: 600 })
  pieces.add(reportOf(1000))
  expect(run.left({ from: 1000, count: 600 })).toEqual({ from: 1500, count: 100 })
  expect(run.total().report.sums).toMatchObject({ seeds: 500, operations: 1000 })
  add(1510, 1600)
  expect(run.left({ from: 1000, count: 600 })).toEqual({ from: 1600, count: 0 })
  expect(run.total().report.seeds).toBe(600)
})

test('what is left ends where a piece of another run begins', () => {
  const other = new Pieces(run, { from: 50, count: 10 })
  for (let seed = 50; seed < 60; seed++) other.add(reportOf(seed))
  expect(run.left({ from: 1, count: 100 })).toEqual({ from: 1, count: 49 })
  expect(run.left({ from: 50, count: 51 })).toEqual({ from: 60, count: 41 })
  expect(run.left({ from: 1, count: 20 })).toEqual({ from: 1, count: 20 })
})
