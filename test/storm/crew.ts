/** Worker processes that share the seeds of a run: each takes the next one when it is done. */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { compileProgram } from './plain-program.ts'
import type { TimedReport } from './report.ts'
import type { Job } from './worker.ts'

/**
 * A storm makes kilobytes of garbage for each event, nearly all of it gone at once: with more room
 * for new objects they are looked through less often. What a seed does not use the next one may:
 * code is kept, else a twentieth of the time goes into compiling it again. Errors tell their place in
 * the sources.
 */
const workerFlags = [
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
  '--no-flush-bytecode',
  '--enable-source-maps',
]

/** What a crew does. */
export interface CrewOptions {
  readonly workers: number
  readonly jobs: Iterator<Job, undefined>
  /** Told of each report, in the order in which they come. Returns whether to go on. */
  readonly done: (report: TimedReport) => boolean
}

/** Resolves when there are no jobs left, or when told not to go on. */
export async function runCrew({ workers, jobs, done }: CrewOptions): Promise<void> {
  let isGoing = true
  const next = (): Job | undefined => {
    const job = isGoing ? jobs.next() : undefined
    return job?.done === false ? job.value : undefined
  }
  const heard = (report: TimedReport): void => {
    if (isGoing) isGoing = done(report)
  }
  const { path, remove } = await compileProgram('test/storm/worker.ts')
  try {
    await Promise.all(Array.from({ length: workers }, () => work(path, next, heard)))
  } finally {
    remove()
  }
}

/** One worker, from its first job to its last. */
function work(
  path: string,
  next: () => Job | undefined,
  heard: (report: TimedReport) => void,
): Promise<void> {
  const first = next()
  if (first === undefined) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const child = fork(path, { execArgv: workerFlags })
    let isEnded = false
    const goOn = (job: Job | undefined): void => {
      if (job !== undefined) return void child.send(job)
      isEnded = true
      end(child)
      resolve()
    }
    child.on('message', (report: TimedReport) => {
      heard(report)
      goOn(next())
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (!isEnded) reject(new Error(`a worker ended with code ${code}`))
    })
    goOn(first)
  })
}

function end(child: ChildProcess): void {
  child.disconnect()
}
