/**
 * Guards against getting slower: measures a few cases with the bench and compares their ratios to the ceiling with
 * the stored ones (see `check-compare.ts` for how much noise is allowed).
 *
 * Exit code 0: no ratio fell. 1: one did. 2: nothing could be compared, because there is no ceiling program, no
 * baseline, or no measurement. With `--advise` always 0, but for options that make no sense: a shared machine that is
 * busy must not fail a build.
 *
 *     npm run bench:check -- --help
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { readBaseline, writeBaseline, type Baseline } from './check-baseline.ts'
import { compare, exitCodeOf, storedCases, tableLines } from './check-compare.ts'
import { readOptions, root } from './options.ts'
import { commitWords, dateWords, percent } from './page-groups.ts'
import { parseRuns, type Run } from './page-runs.ts'

const usage = `npm run bench:check -- [options]

  --quick         3 pairs of 0.4 s instead of 5 pairs of 1 s
  --advise        say the same, but always end with 0
  --store         measure nothing: store the ratios of the newest kept run that has the guarded cases
  --ceiling FILE  the yardstick program, as for npm run bench
`

const cases = ['--layout', 'tcp-n3', '--bytes', '100', '--in-flight', '64', '--mix', 'put,get']
/** As `caseName` gives them. */
const guarded = ['put', 'get'].map((mix) => `tcp-n3, ${mix}, 100 B, 64 in flight`)
const resultsPath = join(root, 'bench', 'results', 'bench.jsonl')
const baselinePath = join(root, 'bench', 'results', 'baseline.json')

interface CheckOptions {
  readonly quick: boolean
  readonly ceiling: string | undefined
}

/** Returns the exit code. @throws {Error} that says why nothing could be compared. */
function check({ quick, ceiling }: CheckOptions): number {
  const length = quick ? ['--pairs', '3', '--seconds', '0.4'] : ['--pairs', '5', '--seconds', '1']
  const yardstick = ceiling === undefined ? [] : ['--ceiling', ceiling]
  const benchArgs = [...cases, ...length, ...yardstick]
  requireCeiling(benchArgs)
  const baseline = readBaseline(baselinePath)
  if (baseline === undefined)
    throw new Error(`There is no baseline at ${shown(baselinePath)}. ${howToStore}`)
  const run = measure(benchArgs)
  const comparisons = compare(baseline.cases, run)
  console.log(`\nRatio to the ceiling, beside the run of ${aboutBaseline(baseline)}:\n`)
  for (const line of tableLines(comparisons)) console.log(line)
  for (const note of notesOf(baseline, run)) console.log(`\n${note}`)
  return exitCodeOf(comparisons)
}

const howToStore = `Measure one on a quiet machine and store it:
npm run bench -- ${cases.join(' ')}
npm run bench:check -- --store`

function requireCeiling(benchArgs: readonly string[]): void {
  const options = readOptions(benchArgs)
  const ceiling = options === 'help' ? undefined : options.ceiling
  if (ceiling === undefined || existsSync(ceiling)) return
  throw new Error(
    `There is no ceiling program at ${shown(ceiling)}, so there is no ratio (see --ceiling).`,
  )
}

/** Runs the bench, which prints its own table, and returns the run that it appended. */
function measure(benchArgs: readonly string[]): Run {
  const before = existsSync(resultsPath) ? readFileSync(resultsPath).length : 0
  const main = join(root, 'bench', 'main.ts')
  const { status } = spawnSync(process.execPath, [...process.execArgv, main, ...benchArgs], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`The bench ended with ${status}: nothing to compare.`)
  const added = readFileSync(resultsPath).subarray(before).toString()
  const { runs, problems } = parseRuns(added, `what was added to ${shown(resultsPath)}`)
  const run = runs.at(-1)
  if (run === undefined)
    throw new Error(`The bench has kept no run that can be read. ${problems.join('\n')}`)
  return run
}

function aboutBaseline({ at, commit }: Baseline): string {
  return `${dateWords(at)}, commit ${commit.slice(0, 7)}`
}

function notesOf(baseline: Baseline, { machine, node }: Run): string[] {
  const isElsewhere = baseline.machine !== machine || baseline.node !== node
  if (!isElsewhere) return []
  return [
    `Stored with ${baseline.machine}, Node.js ${baseline.node}; measured with ${machine}, Node.js ${node}:
ratios differ a little between machines, too.`,
  ]
}

/** @throws {Error} when no kept run has the guarded cases. */
function store(): void {
  const text = existsSync(resultsPath) ? readFileSync(resultsPath, 'utf8') : ''
  const { runs } = parseRuns(text, shown(resultsPath))
  const run = runs.findLast((each) => storedCases(each, guarded).length === guarded.length)
  if (run === undefined) {
    throw new Error(`No run in ${shown(resultsPath)} has a ratio for each of:
${guarded.join('\n')}
${howToStore}`)
  }
  const stored = storedCases(run, guarded)
  writeBaseline(baselinePath, run, stored)
  console.log(
    `stored in ${shown(baselinePath)}: the run of ${dateWords(run.at)}, commit ${commitWords(run)}`,
  )
  for (const { name, ratio, tolerance } of stored) {
    console.log(
      `${name}: ${percent(ratio)}, and ${percent(ratio * (1 - tolerance))} at least to pass`,
    )
  }
}

function shown(path: string): string {
  return relative(process.cwd(), path)
}

function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      advise: { type: 'boolean', default: false },
      store: { type: 'boolean', default: false },
      ceiling: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  try {
    if (values.store) store()
    const code = values.store ? 0 : check({ quick: values.quick, ceiling: values.ceiling })
    return values.advise ? 0 : code
  } catch (error) {
    console.error((error as Error).message)
    return values.advise ? 0 : 2
  }
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 2
}
