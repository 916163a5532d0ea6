/**
 * What a scan costs: `node --expose-gc --import tsx bench/micro/scan.ts [keys]`. Three nodes in one process, N = 3,
 * R = 2, values of 100 B in memory, 1024 partitions: keys per second, and the memory that the process takes more than
 * before, garbage included (peak), and what of it lives (looked at sixteen times in the course of the scan).
 */

import {
  bytesCodec,
  createNode,
  memoryNetwork,
  memoryTransport,
  type Bucket,
  type CoterieNode,
} from '../../src/index.ts'
import { preload } from '../preload.ts'

const count = Number(process.argv[2] ?? 100_000)
const looks = 16
const mib = 1024 * 1024

function bytesInUse(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function collect(): void {
  globalThis.gc?.()
}

async function fill(bucket: Bucket<Uint8Array>): Promise<void> {
  const value = new Uint8Array(100).fill(7)
  const keys = Array.from({ length: count }, (_, i) => `key-${String(i).padStart(9, '0')}`)
  await preload({ keys, value }, (key) => bucket.put(key, value))
}

interface Measured {
  readonly keys: number
  readonly perSecond: number
  /** Of all three nodes together, and of the collector. */
  readonly cpuMicrosPerKey: number
  readonly peakMiB: number
  readonly liveMiB: number
  readonly pages: number
}

async function measure(node: CoterieNode, scan: AsyncIterable<unknown>): Promise<Measured> {
  collect()
  const before = bytesInUse()
  const pagesBefore = node.stats().operations.scanPages
  let keys = 0
  let peak = before
  let live = before
  let pausedMs = 0
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  for await (const _ of scan) {
    keys += 1
    if (keys % 1000 === 0) peak = Math.max(peak, bytesInUse())
    if (keys % Math.ceil(count / looks) !== 0) continue
    const lookMs = performance.now()
    collect()
    live = Math.max(live, bytesInUse())
    pausedMs += performance.now() - lookMs
  }
  const ms = performance.now() - startMs - pausedMs
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    keys,
    perSecond: Math.round((keys * 1000) / ms),
    cpuMicrosPerKey: Math.round((user + system) / keys),
    peakMiB: Math.round((peak - before) / mib),
    liveMiB: Math.round((live - before) / mib),
    pages: node.stats().operations.scanPages - pagesBefore,
  }
}

const network = memoryNetwork()
const nodes: CoterieNode[] = []
for (const id of ['a', 'b', 'c']) {
  const seeds = network.addresses().slice(0, 1)
  nodes.push(await createNode({ id, seeds, transport: memoryTransport(network) }))
}
const buckets = nodes.map((node) => node.bucket<Uint8Array>('b', { codec: bytesCodec() }))
const startMs = performance.now()
await fill(buckets[0]!)
console.log(`${count} puts in ${Math.round(performance.now() - startMs)} ms`)
for (const what of ['keys', 'entries', 'keys', 'entries'] as const) {
  const measured = await measure(nodes[1]!, buckets[1]![what]())
  console.log(what.padEnd(8), JSON.stringify(measured))
}
await Promise.all(nodes.map((node) => node.close()))
