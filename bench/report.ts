/** What a run leaves behind: a line of JSON to compare with other runs. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { keyCountOf, medianOf } from './cases.ts'
import { ratioOf, type Measurements } from './measurements.ts'
import { root, type BenchOptions } from './options.ts'
import { runFacts } from './run-facts.ts'

/** Appends the run to `bench/results/bench.jsonl`, unless nothing was measured, and tells of it in words. */
export function keepResults(
  args: readonly string[],
  options: BenchOptions,
  all: readonly Measurements[],
): string {
  const measured = all.filter(({ ours }) => ours.length > 0)
  if (measured.length === 0) return 'nothing was measured, and nothing is kept'
  const folder = join(root, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'bench.jsonl')
  const results = measured.map((measurements) => ({
    ...measurements.what,
    keyCount: keyCountOf(measurements.what),
    ours: medianOf(measurements.ours),
    ...(measurements.ceiling.length > 0 && {
      beside: measurements.yardstick,
      ceiling: medianOf(measurements.ceiling),
    }),
    ratio: ratioOf(measurements),
    ratios: measurements.ratios,
    ...(measurements.failures.length > 0 && { failures: measurements.failures }),
  }))
  const { pairs, seconds, sloppy } = options
  const command = ['npm run bench --', ...args].join(' ')
  // Ratios to different programs say nothing about each other.
  const yardstick = options.ceiling === undefined ? 'own' : basename(options.ceiling)
  const line = {
    ...runFacts(),
    options: { command, yardstick, pairs, seconds, sloppy },
    results,
  }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  return `kept in ${path}`
}
