/**
 * What the hash trees cost of the throughput of puts: the same cluster with anti-entropy as it is by default and
 * without it, in turn, each time in fresh processes. N = 3, W = 2, memory storage, values of 100 B, 64 in flight; three
 * processes over loopback TCP, or three nodes in one. Told are puts per second of each pair, and the ratios' median.
 *
 *     npx tsx bench/micro/tree-cost.ts [--pairs 7] [--seconds 4] [--layout tcp-n3] [--interval 60000]
 *
 * By default a round begins every minute: a measurement that is shorter, and begins after less than that, sees only
 * what each write pays. `--interval` makes rounds more frequent, in milliseconds.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { CoterieNode } from '../../src/index.ts'
import { answerOf } from '../answer.ts'
import { median } from '../cases.ts'
import { runClosedLoop } from '../closed-loop.ts'
import { assertUndisturbed } from '../disturbed.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { foundThree, isSettled, until, type SharedOptions } from '../members.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { makeWorkload } from '../workload.ts'

const inFlight = 64
const warmUpSeconds = 1.5

/** What one measurement is told. */
interface Orders {
  readonly dist: string
  readonly layout: 'tcp-n3' | 'memory-n3'
  readonly seconds: number
  readonly antiEntropy: { readonly enabled: boolean; readonly intervalMs: number }
}

/** What it tells: puts per second, and how many partitions were compared meanwhile. */
interface Answer {
  readonly perSecond: number
  readonly comparisons: number
}

/** Three nodes, the first of which is to be used. */
async function start({ dist, layout, antiEntropy }: Orders) {
  const library = await loadLibrary(dist)
  const options: SharedOptions = { antiEntropy, replication: { n: 3, r: 2, w: 2 } }
  if (layout === 'tcp-n3') {
    const { node, members } = await foundThree(library, { dist, options })
    const close = async (): Promise<void> => {
      for (const member of members) await member.close()
      await node.close()
    }
    return { library, node, close }
  }
  const network = library.memoryNetwork()
  const nodes: CoterieNode[] = []
  for (let i = 0; i < 3; i++) {
    const seeds = nodes.slice(0, 1).map(({ address }) => address)
    const transport = library.memoryTransport(network)
    nodes.push(await library.createNode({ ...options, seeds, transport }))
  }
  const close = async (): Promise<void> => {
    for (const node of nodes) await node.close()
  }
  return { library, node: nodes[0]!, close }
}

async function measure(orders: Orders): Promise<Answer> {
  const { library, node, close } = await start(orders)
  await until('the cluster stands', () => isSettled(node, 3))
  const bucket = node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
  const { layout, seconds } = orders
  const what = { layout, mix: 'put', dist: 'uniform', valueBytes: 100, inFlight } as const
  const workload = makeWorkload(bucket, what)
  await preload(workload, (key) => bucket.put(key, workload.value))
  await runClosedLoop(workload, { inFlight, seconds: warmUpSeconds })
  const before = node.stats().antiEntropy.comparisons
  const { opsPerSecond } = await runClosedLoop(workload, { inFlight, seconds })
  assertUndisturbed(node)
  const comparisons = node.stats().antiEntropy.comparisons - before
  await close()
  return { perSecond: Math.round(opsPerSecond), comparisons }
}

/** In a fresh process. */
async function measureApart(orders: Orders): Promise<Answer> {
  const child = fork(fileURLToPath(import.meta.url), ['measure', JSON.stringify(orders)])
  try {
    return await answerOf<Answer>(child)
  } finally {
    if (child.connected) child.disconnect()
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '4' },
      layout: { type: 'string', default: 'tcp-n3' },
      interval: { type: 'string', default: '60000' },
      library: { type: 'string', default: `${root}dist` },
    },
  })
  const layout = values.layout === 'memory-n3' ? 'memory-n3' : 'tcp-n3'
  const orders = { dist: values.library, layout, seconds: Number(values.seconds) } as const
  ensureBuilt(orders.dist)
  const intervalMs = Number(values.interval)
  const ratios: number[] = []
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    const measured: Answer[] = []
    // The order turns around, so that neither is always the later one.
    const order = pair % 2 === 0 ? [true, false] : [false, true]
    for (const enabled of order)
      measured.push(await measureApart({ ...orders, antiEntropy: { enabled, intervalMs } }))
    const [on, off] = pair % 2 === 0 ? measured : measured.toReversed()
    const ratio = on!.perSecond / off!.perSecond
    ratios.push(ratio)
    console.log(
      `on ${on!.perSecond}/s (${on!.comparisons} partitions compared), off ${off!.perSecond}/s: ` +
        ratio.toFixed(3),
    )
  }
  console.log(
    `${layout}, a round every ${intervalMs} ms, on ÷ off: median ${median(ratios).toFixed(3)}`,
  )
}

if (process.argv[2] === 'measure')
  process.send?.(await measure(JSON.parse(process.argv[3]!) as Orders))
else await main()
