/**
 * The yardstick of layouts with LMDB: the package `lmdb` used directly, in as many processes as the layout has nodes,
 * each with a database and closed loops of its own, all at the same time and on the same disk.
 *
 * What is told of several processes is their mean. Each put of coterie is written by all of them, so that the rate of
 * one of them is what the machine allows; a get asks two of three only, for which the mean is a low measure.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { answerOf, aroundMsMax, aroundMsMaxOf } from './answer.ts'
import { keyCountOf, type Case, type Figures } from './cases.ts'
import { errorOf, type ToldError } from './disturbed.ts'
import { layouts } from './layouts.ts'
import type { BenchOptions } from './options.ts'
import type { RawAnswer, RawOrders } from './raw-lmdb-process.ts'
import { withScratch } from './scratch.ts'

/** The same case by the package alone, in fresh processes and directories. */
export function measureRawLmdb(what: Case, options: BenchOptions): Promise<Figures> {
  const { durability, size } = layouts[what.layout]
  if (durability === undefined) throw new Error(`${what.layout} keeps nothing on disk`)
  const { seconds, data } = options
  return withScratch(data, async (scratch) => {
    const children = Array.from({ length: size }, (_, i) =>
      start({ what, durability, seconds, file: join(scratch, `raw-${i + 1}.mdb`) }),
    )
    const exits = children.map((child) => once(child, 'exit'))
    try {
      return meanOf(await measureAtOnce(children, what, seconds))
    } finally {
      for (const child of children) if (child.connected) child.disconnect()
      await Promise.all(exits)
    }
  })
}

function start(orders: RawOrders): ChildProcess {
  return fork(new URL('./raw-lmdb-process.ts', import.meta.url), [JSON.stringify(orders)])
}

async function measureAtOnce(
  children: readonly ChildProcess[],
  what: Case,
  seconds: number,
): Promise<Figures[]> {
  const preloadMsMax = aroundMsMaxOf(keyCountOf(what))
  for (const ready of await answersOf<'ready' | ToldError>(children, preloadMsMax)) {
    if (ready !== 'ready') throw errorOf(ready)
  }
  const answers = answersOf<RawAnswer>(children, aroundMsMax + seconds * 2000)
  for (const child of children) child.send('go')
  return (await answers).map((answer) => {
    if ('failure' in answer) throw errorOf(answer)
    return answer.figures
  })
}

function answersOf<T>(children: readonly ChildProcess[], msMax: number): Promise<T[]> {
  return Promise.all(children.map((child) => answerOf<T>(child, msMax)))
}

/** What one process did, at the mean; CPU time of the first one, and of all others together. */
export function meanOf(all: readonly Figures[]): Figures {
  const mean = (name: 'opsPerSecond' | 'p50Us' | 'p99Us' | 'p999Us'): number =>
    all.reduce((sum, figures) => sum + (figures[name] ?? 0), 0) / all.length
  const [first, ...others] = all
  return {
    opsPerSecond: mean('opsPerSecond'),
    p50Us: mean('p50Us'),
    p99Us: mean('p99Us'),
    p999Us: mean('p999Us'),
    clientCpuUs: first?.clientCpuUs ?? 0,
    replicaCpuUs: others.reduce((sum, { clientCpuUs }) => sum + clientCpuUs, 0),
  }
}
