/** What a comparison leaves behind: a table to read, and a line of JSON to compare with later runs. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { median } from '../cases.ts'
import { root } from '../options.ts'
import { runFacts } from '../run-facts.ts'
import type { Form } from './forms.ts'
import type { Figures } from './loops.ts'
import type { OtherName, OthersOptions } from './options.ts'

/** All measurements of one form, in their order. */
export interface Measurements {
  readonly form: Form
  readonly inFlight: number
  readonly figures: readonly Figures[]
  /** `ours[i]` was measured in the same round as `figures[i]`; empty for coterie itself. */
  readonly ours: readonly Figures[]
}

/** Versions of the stores that were measured. */
export type Versions = Readonly<Partial<Record<OtherName, string>>>

/** The median over the pairs of coterie's throughput ÷ the other's. */
export function ratioOf({ figures, ours }: Measurements): number | undefined {
  if (ours.length === 0) return undefined
  return median(ours.map((mine, i) => mine.opsPerSecond / figures[i]!.opsPerSecond))
}

/** The rows of the table, the head first, all cells as wide as their column. */
export function tableOf(all: readonly Measurements[]): string[] {
  const head = ['store', 'form', 'mix', 'in flight', 'ops/s', 'p50 µs', 'p99 µs', 'coterie ÷ other']
  const rows = [head, ...all.map(rowOf)]
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const padded = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
  return rows.map((row) => row.map(padded).join('  ').trimEnd())
}

function rowOf(measurements: Measurements): string[] {
  const { form, inFlight, figures } = measurements
  const { opsPerSecond, p50Us, p99Us } = medianOf(figures)
  const ratio = ratioOf(measurements)?.toFixed(2) ?? ''
  const rate = opsPerSecond.toLocaleString('en')
  return [form.store, form.says, form.mix, inFlight, rate, p50Us, p99Us, ratio].map(String)
}

/** The median of each figure by itself. */
function medianOf(all: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => Math.round(median(all.map((each) => each[name])))
  return { opsPerSecond: of('opsPerSecond'), p50Us: of('p50Us'), p99Us: of('p99Us') }
}

/** Appends the run to `bench/results/others.jsonl` and returns that path. */
export function keepResults(
  { valueBytes, pairs, seconds }: OthersOptions,
  versions: Versions,
  all: readonly Measurements[],
): string {
  const folder = join(root, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'others.jsonl')
  const results = all.map((measurements) => {
    const { form, inFlight, figures } = measurements
    const { store, mix, name } = form
    return { store, form: name, mix, inFlight, ...medianOf(figures), ratio: ratioOf(measurements) }
  })
  const options = { valueBytes, pairs, seconds }
  const line = { ...runFacts(), stores: versions, options, results }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  return path
}
