/**
 * Puts and gets of the built library beside a yardstick, on the machine of the moment: a bare program of the same
 * shape, or the package `lmdb` alone for layouts that use it. The two alternate, so that both see the same noise;
 * medians are told.
 *
 *     npm run bench -- --help
 */
import { existsSync } from 'node:fs'
import { compileProgram, type PlainProgram } from '../test/storm/plain-program.ts'
import { casesOf, type Case, type Figures } from './cases.ts'
import { layouts } from './layouts.ts'
import { ensureBuilt } from './library.ts'
import { measurementsOf, type Measurements } from './measurements.ts'
import { readOptions, usage, type BenchOptions } from './options.ts'
import { measureRawLmdb } from './raw-lmdb.ts'
import { keepResults } from './report.ts'
import { measureRounds } from './rounds.ts'
import { measureCeiling, measureOurs } from './runs.ts'
import { isInMemory } from './scratch.ts'
import { printTable } from './table.ts'
import { yardstickOf } from './yardstick.ts'

async function measureAll(
  cases: readonly Case[],
  options: BenchOptions,
  ceiling: string,
): Promise<Measurements[]> {
  const rows = cases.map((what) => [
    () => measureOurs(what, options),
    ...yardstickMeasures(what, options, ceiling),
  ])
  const outcomes = await measureRounds(rows, options.pairs, (round) => {
    if (process.stderr.isTTY) process.stderr.write(`${round} of ${options.pairs} rounds\r`)
  })
  return cases.map((what, i) => measurementsOf(what, outcomes[i]!))
}

/** One, or none where there is nothing to compare with. */
function yardstickMeasures(
  what: Case,
  options: BenchOptions,
  ceiling: string,
): (() => Promise<Figures>)[] {
  switch (yardstickOf(what)) {
    case 'bare ceiling':
      return [() => measureCeiling(what, ceiling, options)]
    case 'raw lmdb':
      return [() => measureRawLmdb(what, options)]
    case undefined:
      return []
  }
}

/** The suite's own bare ceiling, compiled, unless another one is given. */
async function ceilingOf({ ceiling }: BenchOptions): Promise<PlainProgram> {
  if (ceiling === undefined) return compileProgram('bench/ceiling/main.ts')
  if (!existsSync(ceiling)) throw new Error(`--ceiling: there is no file ${ceiling}`)
  return { path: ceiling, remove: () => undefined }
}

function warn(cases: readonly Case[], { data }: BenchOptions): void {
  const hasFsync = cases.some(({ layout }) => layouts[layout].durability === 'fsync')
  if (hasFsync && isInMemory(data)) {
    console.log(`${data} is in memory: to wait for the disk costs nothing there (see --data).\n`)
  }
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  if (options === 'help') {
    console.log(usage)
    return
  }
  ensureBuilt(options.dist)
  const cases = casesOf(options)
  warn(cases, options)
  const { path, remove } = await ceilingOf(options)
  const all = await measureAll(cases, options, path).finally(remove)
  printTable(all)
  if (options.keep) console.log(`\n${keepResults(args, options, all)}`)
  if (all.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}
