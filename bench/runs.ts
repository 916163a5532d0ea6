/** One measurement of a case, of ours or of the bare ceiling, each in processes of its own. */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { answerOf, aroundMsMax, aroundMsMaxOf } from './answer.ts'
import { keyCountOf, type Case, type Figures } from './cases.ts'
import { errorOf } from './disturbed.ts'
import type { BenchOptions } from './options.ts'
import type { ClientAnswer, ClientOrders } from './process.ts'
import { withScratch } from './scratch.ts'

const run = promisify(execFile)

/** The case by the built library. */
export function measureOurs(what: Case, options: BenchOptions): Promise<Figures> {
  const { dist, sloppy, seconds, data } = options
  return withScratch(data, async (scratch) => {
    const orders: ClientOrders = { role: 'client', dist, what, sloppy, seconds, scratch }
    const child = fork(new URL('./process.ts', import.meta.url), [JSON.stringify(orders)])
    const exited = once(child, 'exit')
    const msMax = aroundMsMaxOf(keyCountOf(what)) + seconds * 2000
    const answer = await answerOf<ClientAnswer>(child, msMax)
    child.disconnect()
    await exited
    if ('failure' in answer) throw errorOf(answer)
    return answer.figures
  })
}

/** What the ceiling prints for a case. */
interface CeilingLine {
  readonly ops: number
  readonly p50us: number
  readonly p99us: number
  readonly p999us?: number
  readonly coordCpuUs: number
  readonly repCpuUs: number
}

/** The same case by the bare program of the same shape, a file for plain Node. */
export async function measureCeiling(
  what: Case,
  ceiling: string,
  { seconds }: BenchOptions,
): Promise<Figures> {
  const { mix, valueBytes, inFlight } = what
  const itsMix = mix === 'c' ? 'get' : mix
  const load = [`mix=${itsMix}`, `vs=${valueBytes}`, `c=${inFlight}`, 'dist=u']
  const args = [ceiling, ...load, 'rounds=1', `secs=${seconds}`]
  const { stdout } = await run(process.execPath, args, { timeout: aroundMsMax + seconds * 2000 })
  const line = JSON.parse(stdout) as CeilingLine
  return {
    opsPerSecond: line.ops,
    p50Us: line.p50us,
    p99Us: line.p99us,
    ...(line.p999us !== undefined && { p999Us: line.p999us }),
    clientCpuUs: line.coordCpuUs,
    replicaCpuUs: line.repCpuUs,
  }
}
