/**
 * Puts and gets of the built library beside the yardstick, a bare program of the same shape, on the machine of the
 * moment. The two alternate, so that both see the same noise; medians are told.
 *
 *     npm run bench -- --help
 */
import { existsSync } from 'node:fs'
import { casesOf, type Case, type Figures } from './cases.ts'
import { ensureBuilt } from './library.ts'
import { readOptions, usage, type BenchOptions } from './options.ts'
import { keepResults, printTable, type Measurements } from './report.ts'
import { measureCeiling, measureOurs } from './runs.ts'

async function measureAll(options: BenchOptions): Promise<Measurements[]> {
  const hasCeiling = existsSync(options.ceiling)
  if (!hasCeiling) {
    console.log(`No yardstick at ${options.ceiling}: our figures stand alone (see --ceiling).\n`)
  }
  const all = casesOf(options).map((what) => ({
    what,
    ours: [] as Figures[],
    ceiling: [] as Figures[],
  }))
  for (let pair = 1; pair <= options.pairs; pair++) {
    for (const { what, ours, ceiling } of all) {
      ours.push(await measureOurs(what, options))
      if (hasCeiling && isComparable(what)) ceiling.push(await measureCeiling(what, options))
    }
    if (process.stderr.isTTY) process.stderr.write(`${pair} of ${options.pairs} rounds\r`)
  }
  return all
}

/** The yardstick has three processes; there is none for nodes in one process. */
function isComparable({ layout }: Case): boolean {
  return layout === 'tcp-n3'
}

const options = readOptions(process.argv.slice(2))
if (options === 'help') {
  console.log(usage)
} else {
  ensureBuilt(options.dist)
  const all = await measureAll(options)
  printTable(all)
  console.log(`\nkept in ${keepResults(options, all)}`)
}
