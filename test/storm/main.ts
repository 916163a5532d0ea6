/**
 * The storm from the command line: `npm run storm -- [options]`.
 *
 *     --seed N          run this one seed and tell what was found
 *     --trace           with --seed: print each event, in the columns of src/sim/trace.ts
 *     --seeds N         run so many seeds, from --from on; without both, 500 from 1 on
 *     --from N          the first of them
 *     --minutes M       virtual minutes of faults in each seed, instead of drawn ones
 *     --without a,b     leave these faults of the menu out
 *     --theme NAME      leave the seeds out that are about something else
 *     --log FILE        a long run in pieces, each appended to the file; goes on where the file ends,
 *                       and tells of all that is in it
 *     --workers N       processes, default 2
 *     --until-failure   stop at the first seed that fails
 *     --verbose         tell of each seed; with --seed: print the plan
 *
 * Ends with code 1 when a seed fails.
 */

import { parseArgs } from 'node:util'
import { runCrew } from './crew.ts'
import { LongRun, Pieces } from './long-run.ts'
import type { Span } from './long-run.ts'
import { drawPlan } from './plan.ts'
import type { PlanOptions } from './plan.ts'
import { failureLines, StormReport } from './report.ts'
import type { TimedReport } from './report.ts'
import { runSeed } from './run.ts'
import type { Job } from './worker.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    without: { type: 'string', default: '' },
    theme: { type: 'string' },
    log: { type: 'string' },
    workers: { type: 'string', default: '2' },
    'until-failure': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})

const options: PlanOptions = {
  minutes: values.minutes === undefined ? undefined : Number(values.minutes),
  without: values.without.split(',').filter((name) => name !== ''),
}

/** Several lines at once. */
function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function runOne(seed: number): Promise<boolean> {
  if (values.verbose) print([JSON.stringify(drawPlan(seed, options), undefined, 1)])
  const trace = values.trace ? (line: string): void => print([line]) : undefined
  const startedMs = performance.now()
  const report = await runSeed(seed, { ...options, trace })
  const sum = new StormReport()
  sum.add({ ...report, realMs: performance.now() - startedMs })
  const isWell = report.problems.length === 0
  if (values.verbose) print(sum.tables())
  print([
    ...report.problems,
    ...sum.figures((performance.now() - startedMs) / 1000),
    `seed ${seed}: ${isWell ? 'all is well' : 'failed'}; trace ${report.traceHash}`,
  ])
  return isWell
}

function* jobs(first: number, count: number): Generator<Job, undefined> {
  for (let seed = first; seed < first + count; seed++)
    if (values.theme === undefined || drawPlan(seed).theme === values.theme)
      yield { ...options, seed }
  return undefined
}

/**
 * Whether all of the seeds were run.
 * @param add takes each report as it comes
 */
async function runMany(
  { from, count }: Span,
  add: (report: TimedReport) => void,
): Promise<boolean> {
  let isGoing = true
  const done = (report: TimedReport): boolean => {
    add(report)
    const isWell = report.problems.length === 0
    if (!isWell) print(failureLines(report))
    else if (values.verbose) print([`seed ${report.seed}: ${Math.round(report.realMs)} ms`])
    return (isGoing = isWell || !values['until-failure'])
  }
  await runCrew({ workers: Number(values.workers), jobs: jobs(from, count), done })
  return isGoing
}

async function runOnce(seeds: Span): Promise<boolean> {
  const startedMs = performance.now()
  const sum = new StormReport()
  await runMany(seeds, (report) => sum.add(report))
  return tell(sum, (performance.now() - startedMs) / 1000)
}

/** Fills one piece after the other with one crew: a new one would compile everything again. */
async function runLong(run: LongRun, seeds: Span): Promise<boolean> {
  let isGoing = true
  for (let left = run.left(seeds); isGoing && left.count > 0; left = run.left(seeds)) {
    const pieces = new Pieces(run, left)
    isGoing = await runMany(left, (report) => pieces.add(report))
  }
  const { report, realSeconds } = run.total()
  return tell(report, realSeconds)
}

function tell(sum: StormReport, seconds: number): boolean {
  print(['', ...sum.tables(), ...sum.figures(seconds)])
  if (sum.failed.length > 0) print([`failed: ${sum.failed.join(', ')}`])
  return sum.failed.length === 0
}

function run(): Promise<boolean> {
  if (values.seed !== undefined) return runOne(Number(values.seed))
  const seeds = { from: Number(values.from), count: Number(values.seeds) }
  return values.log === undefined ? runOnce(seeds) : runLong(new LongRun(values.log), seeds)
}

process.exitCode = (await run()) ? 0 : 1
