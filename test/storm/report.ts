/** What many seeds came to: sums, and the table of faults. */

import { faultNames } from './menu.ts'
import type { SeedReport } from './run.ts'

/** Problems of one seed that are shown. */
const shownMax = 3

/** A seed's report, with the real time that it took. */
export interface TimedReport extends SeedReport {
  readonly realMs: number
}

/** How often something occurred: in how many seeds, and in all. */
interface Occurrence {
  seeds: number
  times: number
}

/** What many seeds came to, as plain data. */
export interface StormSums {
  readonly seeds: number
  readonly failed: readonly number[]
  readonly virtualMs: number
  readonly operations: number
  readonly succeeded: number
  readonly checks: number
  readonly five: { readonly virtualMs: number; readonly realMs: number }
  readonly strikes: Readonly<Record<string, Occurrence>>
  readonly faults: Readonly<Record<string, Occurrence>>
  readonly models: Readonly<Record<string, Occurrence>>
  readonly outcomes: Readonly<Record<string, Occurrence>>
}

/** Sums over seeds. */
export class StormReport {
  readonly #failed: number[] = []
  #seeds = 0
  #virtualMs = 0
  #operations = 0
  #succeeded = 0
  #checks = 0
  readonly #five = { virtualMs: 0, realMs: 0 }
  readonly #strikes = new Map<string, Occurrence>()
  readonly #faults = new Map<string, Occurrence>()
  readonly #models = new Map<string, Occurrence>()
  readonly #outcomes = new Map<string, Occurrence>()

  get seeds(): number {
    return this.#seeds
  }

  get virtualHours(): number {
    return this.#virtualMs / 3_600_000
  }

  add(report: TimedReport): void {
    this.#seeds += 1
    this.#virtualMs += report.virtualMs
    this.#operations += report.operations
    this.#succeeded += report.succeeded
    this.#checks += report.checks
    if (report.nodes === 5) {
      this.#five.virtualMs += report.virtualMs
      this.#five.realMs += report.realMs
    }
    for (const name of faultNames) count(this.#strikes, name, report.strikes[name] ?? 0)
    for (const [name, times] of Object.entries(report.faults)) count(this.#faults, name, times)
    for (const [name, times] of Object.entries(report.outcomes)) count(this.#outcomes, name, times)
    for (const model of new Set(report.models)) {
      count(this.#models, model, report.models.filter((each) => each === model).length)
    }
    if (report.problems.length > 0) this.#failed.push(report.seed)
  }

  /** Adds what other seeds came to. */
  addSums(sums: StormSums): void {
    this.#seeds += sums.seeds
    this.#failed.push(...sums.failed)
    this.#virtualMs += sums.virtualMs
    this.#operations += sums.operations
    this.#succeeded += sums.succeeded
    this.#checks += sums.checks
    this.#five.virtualMs += sums.five.virtualMs
    this.#five.realMs += sums.five.realMs
    addAll(this.#strikes, sums.strikes)
    addAll(this.#faults, sums.faults)
    addAll(this.#models, sums.models)
    addAll(this.#outcomes, sums.outcomes)
  }

  get sums(): StormSums {
    return {
      seeds: this.#seeds,
      failed: this.failed,
      virtualMs: this.#virtualMs,
      operations: this.#operations,
      succeeded: this.#succeeded,
      checks: this.#checks,
      five: this.#five,
      strikes: Object.fromEntries(this.#strikes),
      faults: Object.fromEntries(this.#faults),
      models: Object.fromEntries(this.#models),
      outcomes: Object.fromEntries(this.#outcomes),
    }
  }

  /** The seeds that failed, in order. */
  get failed(): number[] {
    return this.#failed.toSorted((a, b) => a - b)
  }

  /** The smallest share of seeds that any fault of the menu struck in, 0 to 1. */
  get rarestShare(): number {
    return Math.min(...[...this.#strikes.values()].map(({ seeds }) => seeds / this.#seeds))
  }

  /** The tables. */
  tables(): string[] {
    return [
      ...this.#table('fault of the menu', this.#strikes),
      ...this.#table('counted by the simulator', this.#faults),
      ...this.#table('checked', this.#models),
      ...this.#table('how operations ended', this.#outcomes),
    ]
  }

  /** The figures, given how long it all took. */
  figures(realSeconds: number): string[] {
    const hours = this.virtualHours
    const ratio = (this.#virtualMs / 1000 / realSeconds).toFixed(0)
    const five = (this.#five.virtualMs / this.#five.realMs).toFixed(0)
    return [
      `${this.#seeds} seeds, ${hours.toFixed(1)} cluster-hours in ${realSeconds.toFixed(0)} s: ` +
        `${ratio} × real time; one cluster of five nodes on one core: ${five} ×`,
      `${this.#operations} operations, ${this.#succeeded} done; ${this.#checks} checks; ` +
        `${this.#failed.length} seeds failed`,
    ]
  }

  #table(title: string, rows: ReadonlyMap<string, Occurrence>): string[] {
    const lines = [...rows].map(([name, { seeds, times }]) => {
      const share = `${((100 * seeds) / this.#seeds).toFixed(1)} %`
      return `  ${name.padEnd(24)}${share.padStart(8)}${String(times).padStart(12)}`
    })
    return [`${title.padEnd(26)}${'of seeds'.padStart(8)}${'times'.padStart(10)}`, ...lines, '']
  }
}

/** A failed seed in words, with the line that replays it. */
export function failureLines({ seed, problems }: SeedReport): string[] {
  const shown = problems.slice(0, shownMax).map((problem) => `  ${problem}`)
  const more = problems.length - shown.length
  return [
    `seed ${seed} failed: npm run storm -- --seed ${seed}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ]
}

function addAll(map: Map<string, Occurrence>, more: Readonly<Record<string, Occurrence>>): void {
  for (const [name, { seeds, times }] of Object.entries(more)) {
    const occurrence = map.get(name) ?? { seeds: 0, times: 0 }
    map.set(name, { seeds: occurrence.seeds + seeds, times: occurrence.times + times })
  }
}

function count(map: Map<string, Occurrence>, name: string, times: number): void {
  const occurrence = map.get(name) ?? { seeds: 0, times: 0 }
  occurrence.times += times
  if (times > 0) occurrence.seeds += 1
  map.set(name, occurrence)
}
