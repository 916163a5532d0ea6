/** Opening and closing clusters again and again: quick, and nothing of them stays. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createNode, memoryNetwork, memoryTransport, type CoterieNode } from '../../../src/index.ts'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A hundred times five nodes, or a thousand times with COTERIE_LONG=1. */
const cycles = process.env['COTERIE_LONG'] === '1' ? 1_000 : 100
const warmUp = 20

async function five(): Promise<{ nodes: CoterieNode[]; upMs: number; upCpuMs: number }> {
  const network = memoryNetwork()
  const startedMs = performance.now()
  const before = process.cpuUsage()
  const nodes: CoterieNode[] = []
  for (let i = 1; i <= 5; i++) {
    const seeds = network.addresses().slice(0, 1)
    const transport = memoryTransport(network)
    nodes.push(await createNode({ id: `n${i}`, seeds, transport }))
  }
  const { user, system } = process.cpuUsage(before)
  return { nodes, upMs: performance.now() - startedMs, upCpuMs: (user + system) / 1000 }
}

/** What keeps the process alive, by kind. */
function handles(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

function heapMiB(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** Slope of the best line through the points, by least squares, per step. */
function slope(points: readonly number[]): number {
  const middle = (points.length - 1) / 2
  const mean = points.reduce((a, b) => a + b, 0) / points.length
  const above = points.reduce((sum, y, x) => sum + (x - middle) * (y - mean), 0)
  const below = points.reduce((sum, _, x) => sum + (x - middle) ** 2, 0)
  return above / below
}

const title = `${cycles} clusters of five nodes, one after the other, leave no handle and no memory`

test(title, { timeout: 900_000 }, async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const handlesBefore = handles()
  const ups: number[] = []
  const cpus: number[] = []
  const closes: number[] = []
  const heap: number[] = []
  for (let i = -warmUp; i < cycles; i++) {
    const { nodes, upMs, upCpuMs } = await five()
    await nodes[0]!.bucket('b').put('k', i)
    expect((await nodes[4]!.bucket('b').get('k')).value()).toBe(i)
    const closingMs = performance.now()
    await Promise.all(nodes.map((node) => node.close()))
    if (i < 0) continue
    ups.push(upMs)
    cpus.push(upCpuMs)
    closes.push(performance.now() - closingMs)
    if (i % (cycles / 20) === 0) heap.push(heapMiB())
  }
  const quantile = (times: number[], q: number): string =>
    times.sort((a, b) => a - b)[Math.floor((times.length - 1) * q)]!.toFixed(1)
  const perCycleKiB = (slope(heap) / (cycles / 20)) * 1024
  console.log(
    `five nodes up in ${quantile(ups, 0)} / ${quantile(ups, 0.5)} / ${quantile(ups, 0.99)} ms (least, median, p99), ` +
      `${quantile(cpus, 0)} / ${quantile(cpus, 0.5)} ms of CPU; ` +
      `closed in ${quantile(closes, 0.5)} / ${quantile(closes, 0.99)} ms; ` +
      `heap ${heap[0]!.toFixed(1)} → ${heap.at(-1)!.toFixed(1)} MiB, ${perCycleKiB.toFixed(2)} KiB per cycle`,
  )
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
  // The runner's own time-outs come and go; those of the nodes would be more with each cluster.
  for (const [kind, count] of handles()) {
    expect(count, kind).toBeLessThanOrEqual((handlesBefore.get(kind) ?? 0) + 1)
  }
  // Of the process, whatever else the machine does; the quickest, for the first ones of a process are slow.
  expect(cpus[0]).toBeLessThan(100)
  // A cluster that stayed would be several hundred KiB; what is left is the engine's, and levels off.
  expect(perCycleKiB).toBeLessThan(cycles >= 1_000 ? 4 : 32)
})
