/**
 * Whether a run is slower than the stored one, judged by its ratios to the ceiling. Ratios, not operations/s: both
 * programs see the same machine at the same moment, so that the ratio moves far less than either.
 *
 * Still it moves, so that a case has a tolerance: the lowest ratio that passes is the stored one less that part of it.
 * The tolerance is the spread over the pairs of the stored run, (highest − lowest) ÷ median: a new median that is lower
 * than the stored one by more than all the stored pairs lie apart is hardly chance. It is 15 % at least, because a few
 * pairs of one moment do not show how moments differ, or when the run does not tell its pairs (`ratios`); and 50 % at
 * most, because a guard beyond that guards nothing.
 */
import { caseName, percent } from './page-groups.ts'
import type { Run } from './page-runs.ts'

const toleranceMin = 0.15
const toleranceMax = 0.5

/** What is stored of one case. */
export interface StoredCase {
  /** As `caseName` gives it. */
  readonly name: string
  readonly ratio: number
  /** Part of the ratio by which it may fall: 0.15 is 15 %. */
  readonly tolerance: number
}

/** One line of the table. */
export interface Comparison {
  readonly name: string
  readonly stored: number | undefined
  /** The lowest ratio that passes. */
  readonly lowest: number | undefined
  readonly measured: number | undefined
  /** `unknown`: one of the two is missing. */
  readonly verdict: 'fine' | 'higher' | 'lower' | 'unknown'
}

/**
 * What to store of a run: the named cases. A case that it does not have, or without a ratio, is left out, and so is all
 * of a run beside another yardstick than the suite's own: its ratios say nothing about those.
 */
export function storedCases(run: Run, names: readonly string[]): StoredCase[] {
  if (run.options.some((words) => /^yardstick (?!own$)/.test(words))) return []
  return run.results.flatMap((result) => {
    const { ratio, ratios } = result
    const name = caseName(result)
    if (ratio === undefined || !names.includes(name)) return []
    return { name, ratio: rounded(ratio), tolerance: rounded(toleranceOf(ratio, ratios)) }
  })
}

function toleranceOf(ratio: number, ratios: readonly number[]): number {
  const spread = ratios.length < 2 ? 0 : (Math.max(...ratios) - Math.min(...ratios)) / ratio
  return Math.min(toleranceMax, Math.max(toleranceMin, spread))
}

function rounded(value: number): number {
  return Number(value.toFixed(3))
}

/** Every case that is stored or measured, the stored ones first. */
export function compare(stored: readonly StoredCase[], run: Run): Comparison[] {
  const measured = new Map(run.results.map((result) => [caseName(result), result.ratio]))
  const isStored = new Set(stored.map(({ name }) => name))
  const added = [...measured].filter(([name]) => !isStored.has(name))
  return [
    ...stored.map((one) => compareCase(one, measured.get(one.name))),
    ...added.map(([name, ratio]) => ({
      name,
      stored: undefined,
      lowest: undefined,
      measured: ratio,
      verdict: 'unknown' as const,
    })),
  ]
}

function compareCase(
  { name, ratio, tolerance }: StoredCase,
  measured: number | undefined,
): Comparison {
  const lowest = ratio * (1 - tolerance)
  const known = { name, stored: ratio, lowest, measured }
  if (measured === undefined) return { ...known, verdict: 'unknown' }
  if (measured < lowest) return { ...known, verdict: 'lower' }
  return { ...known, verdict: measured > ratio * (1 + tolerance) ? 'higher' : 'fine' }
}

/** 1 when a ratio fell; else 2 when something could not be compared, for then nothing guards it; else 0. */
export function exitCodeOf(all: readonly Comparison[]): 0 | 1 | 2 {
  if (all.some(({ verdict }) => verdict === 'lower')) return 1
  return all.length === 0 || all.some(({ verdict }) => verdict === 'unknown') ? 2 : 0
}

/** The lines of the table, the head first. */
export function tableLines(all: readonly Comparison[]): string[] {
  const rows = [
    ['case', 'stored', 'lowest', 'measured', 'verdict'],
    ...all.map(({ name, stored, lowest, measured, verdict }) => [
      name,
      ...[stored, lowest, measured].map((ratio) => (ratio === undefined ? '–' : percent(ratio))),
      verdictWords[verdict],
    ]),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 || i === 4 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

const verdictWords: Readonly<Record<Comparison['verdict'], string>> = {
  fine: 'fine',
  higher: 'higher than stored: time for --store',
  lower: 'LOWER',
  unknown: 'not compared',
}
