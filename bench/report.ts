/** What a run leaves behind: a line of JSON to compare with other runs. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { keyCountOf, medianOf } from './cases.ts'
import { ratioOf, ratiosOf, type Measurements } from './measurements.ts'
import { root, type BenchOptions } from './options.ts'

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
  const about = { at: new Date().toISOString(), ...commit(), node: process.version }
  const line = {
    ...about,
    machine: machine(),
    options: { command, yardstick, pairs, seconds, sloppy },
    results,
  }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  return path
}

function commit(): { commit: string; changed: boolean } {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root }).toString().trim()
  try {
    return { commit: git('rev-parse', 'HEAD'), changed: git('status', '--short', 'src') !== '' }
  } catch {
    return { commit: 'unknown', changed: true }
  }
}

function machine(): { cpu: string; cores: number; memoryGib: number } {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
  }
}
