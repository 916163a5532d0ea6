/**
 * One of three processes of a cluster. `drive` offers three times what the cluster gets done, and does not wait for it,
 * then stops, and tells what became of it; `stand` owns copies and tells what memory it took.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createNode, type CoterieNode, type LimitOptions } from '../../../src/index.ts'

export interface OverloadReport {
  readonly offered: number
  readonly done: number
  /** Operations that ended with an error, by its code. */
  readonly failed: Readonly<Record<string, number>>
  /** What the node itself counted: operations that it refused before any work, and those that ended with an error. */
  readonly refused: number
  readonly failedCounted: number
  /** Of those that were done, milliseconds. */
  readonly p99Ms: number
  readonly maxMs: number
  /** Operations per second that were done. */
  readonly goodput: number
  readonly inFlightAfterwards: number
  readonly afterwards: Afterwards
  /** Most memory of each process above what it had before, MiB. */
  readonly growthMiB: readonly number[]
}

/** How a modest closed loop fares after it: the first round of puts that all succeed, or the last of all. */
export interface Afterwards {
  readonly puts: number
  readonly failed: number
  /** Keys of that round whose values are read back. */
  readonly there: number
}

const mib = 1024 * 1024
const value = 'x'.repeat(1000)
const keys = 2_000
const roundPuts = 500
/** A machine that is busy otherwise may hold the event loop up for a moment: only a refusal that lasts is a fault. */
const settlingMaxMs = 15_000

/** Most memory since it was called, above what there was then. */
function watchMemory(): () => number {
  const before = process.memoryUsage().rss
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20)
  return () => {
    clearInterval(timer)
    return (most - before) / mib
  }
}

async function stand(seed: string): Promise<void> {
  const node = await createNode({ seeds: [seed] })
  process.send?.('up')
  await once(process, 'message')
  const growth = watchMemory()
  await once(process, 'message')
  process.send?.(growth())
  await once(process, 'message')
  await node.close()
  process.disconnect?.()
}

/** Puts with a bounded number in flight, until the code that runs is compiled. */
async function warmUp(node: CoterieNode, seconds: number): Promise<void> {
  const bucket = node.bucket<string>('b')
  const beganMs = performance.now()
  const inFlight = 512
  const worker = async (number: number): Promise<void> => {
    for (let i = number; performance.now() - beganMs < seconds * 1000; i += inFlight) {
      await bucket
        .put(`k${i % keys}`, value)
        .catch(() => new Promise((resolve) => setTimeout(resolve, 10)))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => worker(i)))
}

/** Calls `act` for each number below `roundPuts`, with a modest number in flight. @returns how many failed */
async function round(act: (number: number) => Promise<unknown>): Promise<number> {
  let next = 0
  let failed = 0
  const worker = async (): Promise<void> => {
    while (next < roundPuts) {
      await act(next++).catch(() => (failed += 1))
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return failed
}

/** Each round writes keys of its own, so that what is read back was written after the overload. */
async function recover(node: CoterieNode): Promise<Afterwards> {
  const bucket = node.bucket<string>('b')
  const beganMs = performance.now()
  for (let rounds = 1; ; rounds++) {
    const keyOf = (number: number): string => `round-${rounds}-${number}`
    const failed = await round((number) => bucket.put(keyOf(number), keyOf(number)))
    if (failed > 0 && performance.now() - beganMs < settlingMaxMs) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      continue
    }
    let there = 0
    await round(async (number) => {
      const entry = await bucket.get(keyOf(number))
      if (entry.value() === keyOf(number)) there += 1
    })
    return { puts: roundPuts, failed, there }
  }
}

/** A turn offers for so long at most, whatever the machine bears: later than this, the looks at the lag are too few. */
const turnMsMax = 150

/** Puts three times as many as were done in the turn before, and 50 at least, whatever becomes of them. */
async function overwhelm(node: CoterieNode, seconds: number) {
  const bucket = node.bucket<string>('b')
  const latencies: number[] = []
  const failed: Record<string, number> = {}
  const beganMs = performance.now()
  let offered = 0
  let ended = 0
  let doneBefore = 0
  while (performance.now() - beganMs < seconds * 1000) {
    const due = offered + Math.max(50, 3 * (latencies.length - doneBefore))
    doneBefore = latencies.length
    const turnEndMs = performance.now() + turnMsMax
    for (let nowMs = 0; offered < due && nowMs < turnEndMs; offered++) {
      nowMs = performance.now()
      const startMs = nowMs
      bucket.put(`k${offered % keys}`, value).then(
        () => {
          ended += 1
          latencies.push(performance.now() - startMs)
        },
        ({ code = 'none' }: { code?: string }) => {
          ended += 1
          failed[code] = (failed[code] ?? 0) + 1
        },
      )
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  const goodput = latencies.length / seconds
  while (ended < offered) await new Promise((resolve) => setTimeout(resolve, 10))
  const sorted = latencies.toSorted((a, b) => a - b)
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0
  return { offered, done: latencies.length, failed, p99Ms, maxMs: sorted.at(-1) ?? 0, goodput }
}

async function drive(limits: LimitOptions): Promise<OverloadReport> {
  const node = await createNode({ limits })
  const others: ChildProcess[] = []
  for (let i = 0; i < 2; i++) {
    const child = fork(new URL(import.meta.url), ['stand', node.address])
    await once(child, 'message')
    others.push(child)
  }
  await warmUp(node, 2)
  for (const child of others) child.send('watch')
  const growth = watchMemory()
  const overload = await overwhelm(node, 3)
  const growthMiB = [growth()]
  for (const child of others) {
    child.send('tell')
    growthMiB.push(((await once(child, 'message')) as [number])[0])
  }
  const { inFlight, refused, failed: failedCounted } = node.stats().operations
  const afterwards = await recover(node)
  for (const child of others) child.send('end')
  await node.close()
  return {
    ...overload,
    afterwards,
    growthMiB,
    refused,
    failedCounted,
    inFlightAfterwards: inFlight,
  }
}

if (process.argv[2] === 'stand') {
  await stand(process.argv[3]!)
} else {
  console.log(JSON.stringify(await drive(JSON.parse(process.argv[3]!) as LimitOptions)))
}
