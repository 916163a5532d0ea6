/**
 * What an operation allocates on the heap of the process that coordinates it, and where: three processes over loopback
 * TCP, N = 3, R = W = 2, memory storage, 20 000 keys, values of 100 B. The engine samples what is allocated, also what
 * does not live long; memory outside its heap is not counted, and the measuring loop itself is.
 *
 *     npx tsx bench/micro/allocations.ts [put|get] [in flight, 64] [seconds, 3]
 */
import { Session, type HeapProfiler } from 'node:inspector/promises'
import { runClosedLoop } from '../closed-loop.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { foundThree } from '../members.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { makeWorkload } from '../workload.ts'

const samplingInterval = 8192
const shownMax = 20

/** Bytes by function. */
function bytesByPlace({ head }: HeapProfiler.SamplingHeapProfile): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>()
  const add = ({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): void => {
    const { functionName, url, lineNumber } = callFrame
    const file = url.split('/').slice(-2).join('/')
    const place = `${functionName || 'anonymous'} ${file}:${lineNumber + 1}`
    bytes.set(place, (bytes.get(place) ?? 0) + selfSize)
    for (const child of children) add(child)
  }
  add(head)
  return bytes
}

const mix = process.argv[2] === 'get' ? 'get' : 'put'
const inFlight = Number(process.argv[3] ?? 64)
const seconds = Number(process.argv[4] ?? 3)
const dist = `${root}dist`
ensureBuilt(dist)
const library = await loadLibrary(dist)
const { node, members } = await foundThree(library, {
  dist,
  options: { replication: { n: 3, r: 2, w: 2 } },
})
const bucket = node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
const workload = makeWorkload(bucket, {
  layout: 'tcp-n3',
  mix,
  dist: 'uniform',
  valueBytes: 100,
  inFlight,
})
await preload(workload, (key) => bucket.put(key, workload.value))
await runClosedLoop(workload, { inFlight, seconds: 2 })
const session = new Session()
session.connect()
// What the collector has taken already counts as well.
await session.post('HeapProfiler.startSampling', {
  samplingInterval,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
} as HeapProfiler.StartSamplingParameterType)
const { operations } = await runClosedLoop(workload, { inFlight, seconds })
const { profile } = await session.post('HeapProfiler.stopSampling')
const places = [...bytesByPlace(profile)].sort(([, a], [, b]) => b - a)
const total = places.reduce((sum, [, bytes]) => sum + bytes, 0)
console.log(`${mix}, ${inFlight} in flight: ${Math.round(total / operations)} B for each operation`)
for (const [place, bytes] of places.slice(0, shownMax))
  console.log(`${String(Math.round(bytes / operations)).padStart(6)} B  ${place}`)
for (const member of members) await member.close()
await node.close()
