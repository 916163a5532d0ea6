/**
 * A long run in a file that it appends to: one line for each piece of it, what its seeds came to. So it can be stopped
 * and goes on later, also on another commit, and all of it can be added up.
 */

import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { StormReport } from './report.ts'
import type { StormSums, TimedReport } from './report.ts'

/** Seeds of one piece: about as many are lost when the run is stopped. */
const pieceSeeds = 250

/** Seeds that follow each other. */
export interface Span {
  readonly from: number
  readonly count: number
}

/** One line of the file. */
interface Piece extends StormSums {
  /** What the sources were, `+` for changed since. */
  readonly commit: string
  readonly node: string
  readonly from: number
  readonly realSeconds: number
}

/** The long run that a file keeps. */
export class LongRun {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** The first seeds of the span that no piece has, up to the next one that some piece has. */
  left(span: Span): Span {
    const end = span.from + span.count
    let next = span.from
    for (const { from, seeds } of this.#pieces().toSorted((a, b) => a.from - b.from)) {
      if (from > next) return { from: next, count: Math.min(from, end) - next }
      next = Math.max(next, from + seeds)
    }
    return { from: next, count: Math.max(0, end - next) }
  }

  append(piece: { sums: StormSums; from: number; realSeconds: number }): void {
    const { sums, from, realSeconds } = piece
    const line: Piece = { commit: commit(), node: process.version, from, realSeconds, ...sums }
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`)
  }

  /** All pieces together. */
  total(): { report: StormReport; realSeconds: number } {
    const report = new StormReport()
    const pieces = this.#pieces()
    for (const piece of pieces) report.addSums(piece)
    return { report, realSeconds: pieces.reduce((sum, piece) => sum + piece.realSeconds, 0) }
  }

  #pieces(): Piece[] {
    if (!existsSync(this.#path)) return []
    const lines = readFileSync(this.#path, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Piece)
  }
}

/**
 * The pieces of a run that is under way: each is appended as soon as all of its seeds and of those
 * before it are in.
 */
export class Pieces {
  readonly #run: LongRun
  readonly #end: number
  /** Of pieces that are not appended, by their first seeds. */
  readonly #reports = new Map<number, StormReport>()
  #from: number
  #startedMs = performance.now()

  constructor(run: LongRun, { from, count }: Span) {
    this.#run = run
    this.#from = from
    this.#end = from + count
  }

  add(report: TimedReport): void {
    const at = report.seed - ((report.seed - this.#from) % pieceSeeds)
    const sum = this.#reports.get(at) ?? new StormReport()
    this.#reports.set(at, sum)
    sum.add(report)
    for (let next = this.#complete(); next !== undefined; next = this.#complete())
      this.#append(next)
  }

  /** The next piece, if it is whole. */
  #complete(): StormReport | undefined {
    const seeds = Math.min(pieceSeeds, this.#end - this.#from)
    const next = this.#reports.get(this.#from)
    return next?.seeds === seeds ? next : undefined
  }

  #append({ sums, seeds }: StormReport): void {
    const nowMs = performance.now()
    const realSeconds = Math.round((nowMs - this.#startedMs) / 1000)
    this.#run.append({ sums, from: this.#from, realSeconds })
    this.#reports.delete(this.#from)
    this.#from += seeds
    this.#startedMs = nowMs
  }
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const isChanged = git('status', '--porcelain', 'src', 'test/storm/*.ts') !== ''
  return `${git('rev-parse', '--short=7', 'HEAD')}${isChanged ? '+' : ''}`
}
