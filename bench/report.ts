/** What a run leaves behind: a table to read, and a line of JSON to compare with later runs. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { medianOf, median, type Case, type Figures } from './cases.ts'
import { root, type BenchOptions } from './options.ts'

/** All measurements of one case, in their order; `ceiling[i]` was measured right after `ours[i]`. */
export interface Measurements {
  readonly what: Case
  readonly ours: readonly Figures[]
  /** Empty where there is nothing to compare with. */
  readonly ceiling: readonly Figures[]
}

/** The median over the pairs of our throughput ÷ the ceiling's. */
function ratioOf({ ours, ceiling }: Measurements): number | undefined {
  if (ceiling.length === 0) return undefined
  return median(ceiling.map((theirs, i) => ours[i]!.opsPerSecond / theirs.opsPerSecond))
}

const columns = ['layout', 'mix', 'bytes', 'in flight', 'ops/s', 'p50 µs', 'p99 µs', 'CPU µs/op']
const ceilingColumns = ['ceiling ops/s', 'p50 µs', 'p99 µs', 'CPU µs/op', 'ratio']

export function printTable(all: readonly Measurements[]): void {
  const rows = [[...columns, ...ceilingColumns], ...all.map(rowOf)]
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  for (const row of rows) {
    console.log(row.map((cell, column) => cell.padStart(widths[column]!)).join('  '))
  }
  console.log('\nCPU: of the client’s process + of the other replicas, for each operation')
}

function rowOf(measurements: Measurements): string[] {
  const { what, ours, ceiling } = measurements
  const ratio = ratioOf(measurements)
  const head = [what.layout, what.mix, String(what.valueBytes), String(what.inFlight)]
  const theirs =
    ratio === undefined ? [] : [...cells(medianOf(ceiling)), `${Math.round(ratio * 100)} %`]
  return [...head, ...cells(medianOf(ours)), ...theirs]
}

function cells({ opsPerSecond, p50Us, p99Us, clientCpuUs, replicaCpuUs }: Figures): string[] {
  const cpu = `${clientCpuUs.toFixed(1)} + ${replicaCpuUs.toFixed(1)}`
  return [opsPerSecond.toLocaleString('en'), String(p50Us), String(p99Us), cpu]
}

/** Appends the run to `bench/results/bench.jsonl` and returns that path. */
export function keepResults(options: BenchOptions, all: readonly Measurements[]): string {
  const folder = join(root, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'bench.jsonl')
  const results = all.map((measurements) => ({
    ...measurements.what,
    ours: medianOf(measurements.ours),
    ...(measurements.ceiling.length > 0 && { ceiling: medianOf(measurements.ceiling) }),
    ratio: ratioOf(measurements),
  }))
  const { pairs, seconds, sloppy } = options
  const about = { at: new Date().toISOString(), ...commit(), node: process.version }
  const line = { ...about, machine: machine(), options: { pairs, seconds, sloppy }, results }
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
