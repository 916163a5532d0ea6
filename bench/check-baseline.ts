/** The file with the stored ratios, and of which run they are. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { StoredCase } from './check-compare.ts'
import type { Run } from './page-runs.ts'

/** Ratios hold for a machine and a version of Node.js, so that both are kept. */
export interface Baseline {
  readonly at: string
  readonly commit: string
  readonly node: string
  readonly machine: string
  readonly cases: readonly StoredCase[]
}

/** None when there is no such file. @throws {Error} for a file that is not a baseline. */
export function readBaseline(path: string): Baseline | undefined {
  if (!existsSync(path)) return undefined
  return parseBaseline(readFileSync(path, 'utf8'), path)
}

/** @param path is named in the error. @throws {Error} for a text that is not a baseline. */
export function parseBaseline(text: string, path: string): Baseline {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!isBaseline(value)) {
    throw new Error(`${path} is no baseline: it needs at, commit, node, machine, and cases, each
with a name, a ratio above 0, and a tolerance from 0 to 1`)
  }
  return value
}

/** Overwrites what was stored before. */
export function writeBaseline(path: string, run: Run, cases: readonly StoredCase[]): void {
  const { at, commit, node, machine } = run
  const baseline: Baseline = { at, commit, node, machine, cases }
  writeFileSync(path, `${JSON.stringify(baseline, undefined, 2)}\n`)
}

function isBaseline(value: unknown): value is Baseline {
  if (typeof value !== 'object' || value === null) return false
  const { at, commit, node, machine, cases } = value as Partial<Record<keyof Baseline, unknown>>
  const areTexts = [at, commit, node, machine].every((each) => typeof each === 'string')
  return areTexts && Array.isArray(cases) && cases.every(isStoredCase)
}

function isStoredCase(value: unknown): value is StoredCase {
  if (typeof value !== 'object' || value === null) return false
  const { name, ratio, tolerance } = value as Partial<Record<keyof StoredCase, unknown>>
  const isRatio = typeof ratio === 'number' && ratio > 0
  const isTolerance = typeof tolerance === 'number' && tolerance >= 0 && tolerance < 1
  return typeof name === 'string' && isRatio && isTolerance
}
