/** What a run leaves behind: a line of JSON to compare with other runs. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { keyCountOf, medianOf } from './cases.ts'
import { ratioOf, ratiosOf, type Measurements } from './measurements.ts'
import { root, type BenchOptions } from './options.ts'
import { runFacts } from './run-facts.ts'

/** Appends the run to `bench/results/bench.jsonl` and returns that path. */
export function keepResults(
  args: readonly string[],
  options: BenchOptions,
  all: readonly Measurements[],
): string {
  const folder = join(root, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'bench.jsonl')
  const results = all.map((measurements) => ({
    ...measurements.what,
    keyCount: keyCountOf(measurements.what.valueBytes),
    ours: medianOf(measurements.ours),
    ...(measurements.ceiling.length > 0 && { ceiling: medianOf(measurements.ceiling) }),
    ratio: ratioOf(measurements),
    ratios: ratiosOf(measurements),
  }))
  const { pairs, seconds, sloppy } = options
  const command = ['npm run bench --', ...args].join(' ')
  // Ratios to different yardsticks say nothing about each other.
  const yardstick = options.ceiling === undefined ? 'own' : basename(options.ceiling)
  const line = {
    ...runFacts(),
    options: { command, yardstick, pairs, seconds, sloppy },
    results,
  }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  return path
}
