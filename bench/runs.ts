/** One measurement of a case, of ours or of the yardstick, each in processes of its own. */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Case, Figures } from './cases.ts'
import type { BenchOptions } from './options.ts'
import type { ClientAnswer, ClientOrders } from './process.ts'

const run = promisify(execFile)

export async function measureOurs(what: Case, options: BenchOptions): Promise<Figures> {
  const { dist, sloppy, seconds } = options
  const orders: ClientOrders = { role: 'client', dist, what, sloppy, seconds }
  const child = fork(new URL('./process.ts', import.meta.url), [JSON.stringify(orders)])
  const exited = once(child, 'exit')
  const failed = exited.then(([code]) => Promise.reject(new Error(`the client ended with ${code}`)))
  const [figures] = (await Promise.race([once(child, 'message'), failed])) as [ClientAnswer]
  child.disconnect()
  await exited
  return figures
}

/** What the yardstick prints for a case. */
interface CeilingLine {
  readonly ops: number
  readonly p50us: number
  readonly p99us: number
  readonly coordCpuUs: number
  readonly repCpuUs: number
}

/** The same case by the bare program of the same shape. */
export async function measureCeiling(what: Case, options: BenchOptions): Promise<Figures> {
  const { mix, valueBytes, inFlight } = what
  const load = [`mix=${mix}`, `vs=${valueBytes}`, `c=${inFlight}`, 'dist=u']
  const args = [options.ceiling, ...load, 'rounds=1', `secs=${options.seconds}`]
  const { stdout } = await run(process.execPath, args)
  const line = JSON.parse(stdout) as CeilingLine
  return {
    opsPerSecond: line.ops,
    p50Us: line.p50us,
    p99Us: line.p99us,
    clientCpuUs: line.coordCpuUs,
    replicaCpuUs: line.repCpuUs,
  }
}
