/**
 * What it costs that a node does not own every key: N = 3, R = W = 2, memory storage, 20 000 keys, over loopback TCP.
 * With three members the node that is measured owns a copy of each key and coordinates every write; with a fourth one
 * it owns three of four, and sends the other writes to an owner. The fourth process shares the processors with the
 * others: compare two versions of the library by its figures, not three members with four.
 *
 *     npx tsx bench/micro/fourth-member.ts [--bytes 100] [--seconds 2] [--rounds 3] [--library DIR]
 */
import { parseArgs } from 'node:util'
import { median } from '../cases.ts'
import { runClosedLoop } from '../closed-loop.ts'
import { cpuUs } from '../cluster.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { foundThree, isSettled, until } from '../members.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { makeWorkload, type Workload } from '../workload.ts'

const inFlight = 64
const warmUpSeconds = 1
/** What the fourth member gained is given up by the others in this time. */
const calmMs = 2_000

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    library: { type: 'string', default: `${root}dist` },
  },
})
const valueBytes = Number(values.bytes)
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

ensureBuilt(values.library)
const library = await loadLibrary(values.library)
const { node, members, start } = await foundThree(library, {
  dist: values.library,
  options: { replication: { n: 3, r: 2, w: 2 } },
})
const bucket = node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })

function workloadOf(mix: 'put' | 'get'): Workload {
  return makeWorkload(bucket, { layout: 'tcp-n3', mix, dist: 'uniform', valueBytes, inFlight })
}

async function measure(count: number): Promise<void> {
  for (const mix of ['put', 'get'] as const) {
    const workload = workloadOf(mix)
    await runClosedLoop(workload, { inFlight, seconds: warmUpSeconds })
    const runs: { perSecond: number; p99Ms: number; cpuUs: number }[] = []
    for (let round = 0; round < rounds; round++) {
      const before = cpuUs()
      const { operations, opsPerSecond, p99Us } = await runClosedLoop(workload, {
        inFlight,
        seconds,
      })
      const cpu = (cpuUs() - before) / operations
      runs.push({ perSecond: opsPerSecond, p99Ms: p99Us / 1000, cpuUs: cpu })
    }
    const perSecond = Math.round(median(runs.map((run) => run.perSecond)))
    const p99Ms = median(runs.map((run) => run.p99Ms)).toFixed(1)
    const cpu = median(runs.map((run) => run.cpuUs)).toFixed(1)
    console.log(`${count} members, ${mix}: ${perSecond}/s, p99 ${p99Ms} ms, ${cpu} µs of CPU here`)
  }
}

const first = workloadOf('put')
await preload(first, (key) => bucket.put(key, first.value))
await measure(3)
const fourth = await start('n4')
await until('the fourth member stands', () => isSettled(node, 4))
await new Promise((resolve) => setTimeout(resolve, calmMs))
await measure(4)
for (const member of [...members, fourth]) await member.kill()
await node.close()
