/**
 * Reads what `report.ts` has kept: one run a line. Tolerant of fields that are missing or new, because old lines stay
 * and new ones tell more; a line without the few fields that everything hangs on is told as a problem and left out.
 * Checks shapes only, never the meaning of a figure.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyCountOf, median } from './cases.ts'
import { troubleFile } from './trouble/kept.ts'

/** The figures of one side of a case by their names: `opsPerSecond`, `p50Us`, …, and whatever came later. */
export type FigureMap = Readonly<Record<string, number>>

/** What a case was loaded with. */
export interface Load {
  /** `in flight`: so many closed loops at once. `offered/s`: requests at a fixed rate. */
  readonly kind: 'in flight' | 'offered/s'
  readonly amount: number
}

/** One measured case of a run. */
export interface Result {
  /** Or the name of another store. */
  readonly layout: string
  readonly mix: string
  readonly valueBytes: number | undefined
  readonly load: Load
  /** What else tells the case apart, such as `dist zipfian`. The usual way is not told. */
  readonly others: readonly string[]
  readonly ours: FigureMap
  /** What `ceiling` was measured with: the bare ceiling where the line does not tell. */
  readonly beside: string
  readonly ceiling: FigureMap | undefined
  /** Our throughput ÷ the ceiling's, or ÷ the other store's. */
  readonly ratio: number | undefined
  /** The ratio of each pair; empty where the line does not tell them. */
  readonly ratios: readonly number[]
}

/** One run of the benchmark. */
export interface Run {
  /** What coterie was measured beside. */
  readonly beside: 'ceiling' | 'stores'
  /** When it ended, in ISO 8601. */
  readonly at: string
  readonly commit: string
  /** Whether the sources had changes beside that commit. */
  readonly changed: boolean
  readonly node: string
  readonly machine: string
  /** In words, such as `pairs 5`. */
  readonly options: readonly string[]
  readonly results: readonly Result[]
}

/** Runs in time order, and a sentence with file and line for each line that was left out. */
export interface RunsRead {
  readonly runs: readonly Run[]
  readonly problems: readonly string[]
}

/** Of old lines, which had no other yardstick. */
export const bareCeiling = 'bare ceiling'

type Fields = Readonly<Record<string, unknown>>

/** Reads every `.jsonl` of a folder, but for the one that has timelines; none when there is no such folder. */
export function readRuns(folder: string): RunsRead {
  const read = resultFiles(folder).map((name) =>
    parseRuns(readFileSync(join(folder, name), 'utf8'), name),
  )
  return {
    runs: read.flatMap(({ runs }) => runs).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    problems: read.flatMap(({ problems }) => problems),
  }
}

function resultFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl') && name !== troubleFile)
      .toSorted()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** @param file is named in the problems. Empty lines count, but are no problem. */
export function parseRuns(text: string, file: string): RunsRead {
  const runs: Run[] = []
  const problems: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const read = parseRun(line)
    if (typeof read === 'string') problems.push(`${file}, line ${index + 1}: ${read}`)
    else runs.push(read)
  }
  return { runs, problems }
}

/** The run, or in words what is wrong with the line. */
function parseRun(line: string): Run | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return `not JSON: ${(error as Error).message}`
  }
  if (!isFields(value)) return 'not an object'
  const { at, commit, changed, node, machine, options, stores, results } = value
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return '"at" is not a date'
  if (!Array.isArray(results)) return '"results" is not a list'
  const isStrict = isFields(options) && options['sloppy'] === false
  const read = results.map((result) => parseResult(result, isStrict ? ['owners alone'] : []))
  const problem = read.findIndex((result) => typeof result === 'string')
  if (problem !== -1) return `result ${problem + 1}: ${read[problem] as string}`
  return {
    beside: 'stores' in value ? 'stores' : 'ceiling',
    at: new Date(at).toISOString(),
    commit: typeof commit === 'string' ? commit : 'unknown',
    changed: changed === true,
    node: typeof node === 'string' ? node : 'unknown',
    machine: machineWords(machine),
    options: [options, stores].flatMap((each) => (isFields(each) ? wordsOf(each) : [])),
    results: read as Result[],
  }
}

/** @param ofRun tells all cases of the run apart from those of others. */
function parseResult(value: unknown, ofRun: readonly string[]): Result | string {
  if (!isFields(value)) return 'not an object'
  const { mix, valueBytes, beside, ceiling, ratio, ratios } = value
  const layout = value['layout'] ?? value['store']
  if (typeof layout !== 'string') return '"layout" is not a text'
  if (typeof mix !== 'string') return '"mix" is not a text'
  const ours = figuresOf('store' in value ? withoutCase(value) : value['ours'])
  if (ours?.['opsPerSecond'] === undefined) return '"opsPerSecond" is not a number'
  const pairs = Array.isArray(ratios) ? ratios.filter(isNumber) : []
  return {
    layout,
    mix,
    valueBytes: isNumber(valueBytes) ? valueBytes : undefined,
    load: loadOf(value),
    others: [...othersOf(value), ...keysOf(value), ...ofRun],
    ours,
    beside: typeof beside === 'string' ? beside : bareCeiling,
    ceiling: figuresOf(ceiling),
    ratio: isNumber(ratio) ? ratio : pairs.length > 0 ? median(pairs) : undefined,
    ratios: pairs,
  }
}

/** The figures of another store stand beside the numbers of its case. */
function withoutCase(fields: Fields): Fields {
  const ofCase = new Set(['inFlight', 'valueBytes', 'ratio'])
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !ofCase.has(name)))
}

/** Numbers alone; other fields of a side say nothing that can be drawn. */
function figuresOf(value: unknown): FigureMap | undefined {
  if (!isFields(value)) return undefined
  return Object.fromEntries(
    Object.entries(value).filter((entry) => isNumber(entry[1])),
  ) as FigureMap
}

function loadOf(fields: Fields): Load {
  const rate = Object.entries(fields).find(([name, value]) => isRate(name) && isNumber(value))
  if (rate !== undefined && rate[1] !== 0) return { kind: 'offered/s', amount: Number(rate[1]) }
  return { kind: 'in flight', amount: Number(fields['inFlight'] ?? 0) }
}

function isRate(name: string): boolean {
  return /^(?:offered|rate)|Rate$/.test(name)
}

/** Texts and flags that are new tell cases apart; new numbers are taken for figures. */
function othersOf(fields: Fields): string[] {
  const known = new Set(['layout', 'store', 'mix', 'beside'])
  const found = Object.entries(fields).filter(
    ([name, value]) => !known.has(name) && (typeof value === 'string' || value === true),
  )
  return wordsOf(Object.fromEntries(found)).filter((words) => words !== 'dist uniform')
}

/** Nothing for as many keys as are usual. */
function keysOf({ keyCount, valueBytes }: Fields): string[] {
  if (!isNumber(keyCount) || !isNumber(valueBytes)) return []
  const isUsual = keyCount === keyCountOf({ valueBytes })
  return isUsual ? [] : [`${keyCount.toLocaleString('en')} keys`]
}

function wordsOf(fields: Fields): string[] {
  const told = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
  return told.map(([name, value]) => `${plainName(name)} ${plainValue(value)}`).toSorted()
}

function plainName(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase()
}

function plainValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.map(plainValue).join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function machineWords(value: unknown): string {
  if (!isFields(value)) return 'unknown'
  const { cpu, cores, memoryGib } = value
  const parts = [
    typeof cpu === 'string' ? cpu : undefined,
    isNumber(cores) ? `${cores} cores` : undefined,
    isNumber(memoryGib) ? `${memoryGib} GiB of memory` : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(', ') || 'unknown'
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
