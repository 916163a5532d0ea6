/** Lines of `bench/results/trouble.jsonl`: what runs in trouble told. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { RunFacts } from '../run-facts.ts'
import type { Told } from './scenario.ts'

/** The file, in the folder of results. It has no measured cases, as the others there do, but timelines. */
export const troubleFile = 'trouble.jsonl'

/** One run of the program. */
export interface TroubleRun extends RunFacts {
  readonly options: {
    readonly command: string
    readonly scenario: string
    readonly mix: string
    readonly valueBytes: number
    readonly load: number
  }
  /** Of each variant of the library, what each of its runs told. */
  readonly results: readonly { readonly name: string; readonly told: readonly Told[] }[]
}

export function keepTrouble(path: string, run: TroubleRun): void {
  mkdirSync(dirname(path), { recursive: true })
  appendFileSync(path, `${JSON.stringify(run)}\n`)
}

/** All that is kept; a line that is none is told as a problem and left out. Nothing when there is no such file. */
export function readTroubles(path: string): { runs: TroubleRun[]; problems: string[] } {
  const runs: TroubleRun[] = []
  const problems: string[] = []
  for (const [index, line] of linesOf(path).entries()) {
    if (line.trim() === '') continue
    const run = parse(line)
    if (run === undefined) problems.push(`${troubleFile}, line ${index + 1}: not a run in trouble`)
    else runs.push(run)
  }
  return { runs, problems }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function parse(line: string): TroubleRun | undefined {
  try {
    const run = JSON.parse(line) as TroubleRun
    const isSound =
      typeof run.at === 'string' &&
      typeof run.options.scenario === 'string' &&
      run.results.every(({ name, told }) => typeof name === 'string' && told.every(isTold))
    return isSound ? run : undefined
  } catch {
    return undefined
  }
}

function isTold({ seconds, after }: Told): boolean {
  return [...seconds, ...after].every(
    ({ succeeded, refused, failed, p50Ms, p99Ms }) =>
      typeof (succeeded + refused + failed + p50Ms + p99Ms) === 'number',
  )
}
