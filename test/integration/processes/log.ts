/** What a round came across: what went wrong, and how often what happened. */
import { StoreError } from '../../../src/index.ts'
import { ProcessLostError } from './member.ts'

/** How operations may end while faults are about. */
const expectedCodes: ReadonlySet<string> = new Set([
  'ERR_UNAVAILABLE',
  'ERR_WRITE_UNCERTAIN',
  'ERR_TIMEOUT',
  'ERR_LIMIT',
  'ERR_CLOSED',
])

/** More than these help nobody. */
const problemsMax = 50

export class Log {
  /** What went wrong, in words, oldest first. */
  readonly problems: string[] = []
  readonly faults: Map<string, number> = new Map()
  readonly outcomes: Map<string, number> = new Map()
  /** Writes that the storages refused, by node. */
  readonly refused: Map<string, number> = new Map()
  readonly #startMs = performance.now()

  found(problem: string): void {
    if (this.problems.length >= problemsMax) return
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1)
    this.problems.push(`[${seconds} s] ${problem}`)
  }

  struck(fault: string): void {
    count(this.faults, fault)
  }

  writeRefused(id: string): void {
    count(this.refused, id)
  }

  /** Counts how an operation ended. An error that no fault explains is a find. */
  ended(what: string, error?: unknown): void {
    count(this.outcomes, outcomeName(error))
    if (error === undefined || error instanceof ProcessLostError) return
    if (error instanceof StoreError && expectedCodes.has(error.code)) return
    if (error instanceof StoreError && error.code === 'ERR_STORAGE' && this.refused.size > 0) return
    this.found(`${what} ended with ${describe(error)}`)
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function outcomeName(error: unknown): string {
  if (error === undefined) return 'ok'
  if (error instanceof StoreError) return error.code
  return error instanceof ProcessLostError ? 'process lost' : 'other'
}

function describe(error: unknown): string {
  if (error instanceof StoreError) return `${error.code}: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Figures as `name 3, other 4`, the largest first. */
export function figures(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  return sorted.map(([name, times]) => `${name} ${times}`).join(', ') || 'none'
}
