/**
 * A long run in a file that it appends to: one line for each piece of it, what its seeds came to. So it can be stopped
 * and goes on later, also on another commit, and all of it can be added up.
 */

import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { StormReport } from './report.ts'
import type { StormSums } from './report.ts'

/** Seeds of one piece: what is lost at most when the run is stopped. */
export const pieceSeeds = 250

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

  /** The first seed from `first` on that no piece has. */
  next(first: number): number {
    return this.#pieces()
      .toSorted((a, b) => a.from - b.from)
      .reduce(
        (next, { from, seeds }) => (from <= next ? Math.max(next, from + seeds) : next),
        first,
      )
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

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const isChanged = git('status', '--porcelain', 'src', 'test/storm/*.ts') !== ''
  return `${git('rev-parse', '--short=7', 'HEAD')}${isChanged ? '+' : ''}`
}
