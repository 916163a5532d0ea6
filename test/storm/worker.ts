/** A process that runs seeds one after the other, as `main.ts` tells it. */

import { runSeed } from './run.ts'
import type { PlanOptions } from './plan.ts'
import type { TimedReport } from './report.ts'

/** What the process is told to run. */
export interface Job extends PlanOptions {
  readonly seed: number
}

process.on('message', (job: Job) => {
  void run(job).then((report) => process.send?.(report))
})

async function run({ seed, ...options }: Job): Promise<TimedReport> {
  const startedMs = performance.now()
  const report = await runSeed(seed, options)
  return { ...report, realMs: performance.now() - startedMs }
}
