/** What a comparison leaves behind: a table to read, and a line of JSON to compare with later runs. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { median } from '../cases.ts'
import { root } from '../options.ts'
import { failuresOf, figuresOf, ratiosOf, type RowOutcomes } from '../rounds.ts'
import { runFacts } from '../run-facts.ts'
import type { Form } from './forms.ts'
import type { Figures } from './loops.ts'
import type { OtherName, OthersOptions } from './options.ts'

/** One form with so many operations in flight. */
interface Load {
  readonly form: Form
  readonly inFlight: number
}

/** All measurements of one form that succeeded, in their order. */
export interface Measurements extends Load {
  readonly figures: readonly Figures[]
  /** coterie's throughput ÷ the form's, of each round in which both were measured; empty for coterie itself. */
  readonly ratios: readonly number[]
  /** Why others did not succeed. */
  readonly failures: readonly string[]
}

/** Those of a row, in which coterie is the first. */
export function measurementsOf(
  loads: readonly Load[],
  outcomes: RowOutcomes<Figures>,
): Measurements[] {
  return loads.map((load, i) => ({
    ...load,
    figures: figuresOf(outcomes[i]!),
    ratios: i === 0 ? [] : ratiosOf(outcomes[0]!, outcomes[i]!),
    failures: failuresOf(outcomes[i]!),
  }))
}

/** Versions of the stores that were measured. */
export type Versions = Readonly<Partial<Record<OtherName, string>>>

/** The median over the pairs. */
export function ratioOf({ ratios }: Measurements): number | undefined {
  return ratios.length === 0 ? undefined : median(ratios)
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
  if (figures.length === 0) {
    return [form.store, form.says, form.mix, String(inFlight), 'failed', '', '', '']
  }
  const { opsPerSecond, p50Us, p99Us } = medianOf(figures)
  const ratio = ratioOf(measurements)?.toFixed(2) ?? ''
  const rate = opsPerSecond.toLocaleString('en')
  return [form.store, form.says, form.mix, inFlight, rate, p50Us, p99Us, ratio].map(String)
}

/** What failed, and why, as sentences. */
export function troublesOf(all: readonly Measurements[]): string[] {
  return all.flatMap(({ form, inFlight, failures }) => {
    const name = `${form.store}, ${form.says}, ${form.mix}, ${inFlight} in flight`
    return failures.map((reason) => `${name}: failed: ${reason}`)
  })
}

/** The median of each figure by itself. */
function medianOf(all: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => Math.round(median(all.map((each) => each[name])))
  return { opsPerSecond: of('opsPerSecond'), p50Us: of('p50Us'), p99Us: of('p99Us') }
}

/** Appends the run to `bench/results/others.jsonl`, unless nothing was measured, and tells of it in words. */
export function keepResults(
  { valueBytes, pairs, seconds, diskRoot }: OthersOptions,
  versions: Versions,
  all: readonly Measurements[],
): string {
  const measured = all.filter(({ figures }) => figures.length > 0)
  if (measured.length === 0) return 'nothing was measured, and nothing is kept'
  const folder = join(root, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'others.jsonl')
  const results = measured.map((measurements) => {
    const { form, inFlight, figures, failures } = measurements
    const { store, mix, name } = form
    const ratio = ratioOf(measurements)
    const failed = failures.length > 0 && { failures }
    const onDisk = diskRoot !== undefined && { fsync: true }
    return { store, form: name, ...onDisk, mix, inFlight, ...medianOf(figures), ratio, ...failed }
  })
  const options = { valueBytes, pairs, seconds }
  const line = { ...runFacts(), stores: versions, options, results }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
  return `kept in ${path}`
}
