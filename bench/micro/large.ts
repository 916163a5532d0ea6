/**
 * What values of megabytes do to everything else: three processes, N = 3, R = W = 2, some large puts and gets in
 * flight, and beside them a put of 100 bytes at a time. Told for each process: how late its event loop was, how
 * long heartbeats (membership messages) took to reach it, from the call that sent them to the call that got them;
 * how long the small puts took; and, on Linux, how much CPU time the event loop spent from one look at its timers
 * to the next: that is the delay of a process that has a processor to itself, however busy the machine is.
 *
 *     npx tsx bench/micro/large.ts [value bytes, 8388608] [in flight, 4] [seconds, 10]
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { bytesCodec, createNode, tcpTransport, type CoterieNode } from '../../src/index.ts'
import type { Connection, ConnectionHandler, Transport } from '../../src/ports/transport.ts'
import { frameType } from '../../src/rpc/frame.ts'

/** What one process tells of the time that was measured. */
interface Report {
  readonly name: string
  readonly loop: readonly number[]
  readonly turns: readonly number[]
  readonly heartbeats: readonly number[]
  readonly small?: readonly number[]
  readonly largePuts?: number
  readonly largeGets?: number
  readonly failed?: number
}

const heartbeats: number[] = []
const stampBytes = 8

/** Milliseconds that every process of this machine agrees on. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** TCP, with the time at which it was sent behind each cast. */
function stampingTransport(): Transport {
  const inner = tcpTransport()
  const stamp = new Float64Array(1)
  const stampView = new Uint8Array(stamp.buffer)
  const sending = (connection: Connection): Connection => ({
    get remote() {
      return connection.remote
    },
    get queuedBytes() {
      return connection.queuedBytes
    },
    send(bytes, start, end) {
      if (bytes[start] !== frameType.cast) return connection.send(bytes, start, end)
      const stamped = new Uint8Array(end - start + stampBytes)
      stamped.set(bytes.subarray(start, end))
      stamp[0] = nowMs()
      stamped.set(stampView, end - start)
      return connection.send(stamped, 0, stamped.length)
    },
    close: () => connection.close(),
  })
  const receiving = (handler: ConnectionHandler): ConnectionHandler => ({
    frameBytesMax: (firstByte) => handler.frameBytesMax(firstByte) + stampBytes,
    open: () => handler.open(),
    frame(bytes, start, end) {
      if (bytes[start] !== frameType.cast) return handler.frame(bytes, start, end)
      stampView.set(bytes.subarray(end - stampBytes, end))
      heartbeats.push(nowMs() - stamp[0]!)
      handler.frame(bytes, start, end - stampBytes)
    },
    close: (error) => handler.close(error),
  })
  return {
    listen: (accept) => inner.listen((connection) => receiving(accept(sending(connection)))),
    connect: (address, handler) => sending(inner.connect(address, receiving(handler))),
    close: () => inner.close(),
  }
}

function start(seeds: readonly string[]): Promise<CoterieNode> {
  return createNode({
    seeds,
    transport: stampingTransport(),
    membership: { probeIntervalMs: 250, probeTimeoutMs: 240 },
    limits: { valueBytesMax: 8 * 1024 * 1024, siblingsMax: 2 },
    timeoutMs: 30_000,
  })
}

/** CPU time of this thread so far, in milliseconds; NaN where the system does not tell. */
function threadCpuMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    return Number.NaN
  }
}

/** Measures until the returned function is called. */
function measure(): () => Pick<Report, 'loop' | 'turns' | 'heartbeats'> {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  heartbeats.length = 0
  const turns: number[] = []
  let before = threadCpuMs()
  const looking = setInterval(() => {
    const now = threadCpuMs()
    turns.push(now - before)
    before = now
  }, 1)
  return () => {
    loop.disable()
    clearInterval(looking)
    const ms = (nanoseconds: number): number => nanoseconds / 1e6
    const parts = [50, 99, 99.9].map((part) => ms(loop.percentile(part)))
    return {
      loop: [...parts, ms(loop.max)],
      turns: quantiles(turns),
      heartbeats: quantiles(heartbeats),
    }
  }
}

function quantiles(samples: readonly number[]): number[] {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
  return [at(0.5), at(0.99), at(0.999), at(1)]
}

/** A process that owns copies and does nothing else. */
async function stand(name: string, seed: string): Promise<void> {
  const node = await start([seed])
  process.send?.('up')
  await once(process, 'message')
  const measured = measure()
  await once(process, 'message')
  process.send?.({ name, ...measured() } satisfies Report)
  await once(process, 'message')
  await node.close()
  process.disconnect?.()
}

/** Puts and gets of the large value, so many at once, until the time is over. */
async function load(node: CoterieNode, shape: { bytes: number; inFlight: number; endMs: number }) {
  const bucket = node.bucket<Uint8Array>('large', { codec: bytesCodec() })
  const value = new Uint8Array(shape.bytes).fill(7)
  const counts = { largePuts: 0, largeGets: 0, failed: 0 }
  const worker = async (number: number): Promise<void> => {
    const key = `large ${number}`
    while (performance.now() < shape.endMs) {
      await bucket.put(key, value).then(
        () => (counts.largePuts += 1),
        () => (counts.failed += 1),
      )
      await bucket.get(key).then(
        () => (counts.largeGets += 1),
        () => (counts.failed += 1),
      )
    }
  }
  await Promise.all(Array.from({ length: shape.inFlight }, (_, i) => worker(i)))
  return counts
}

/** A put of 100 bytes every 20 ms, whatever became of those before. */
async function small(node: CoterieNode, endMs: number): Promise<number[]> {
  const bucket = node.bucket<Uint8Array>('small', { codec: bytesCodec() })
  const value = new Uint8Array(100)
  const samples: number[] = []
  const under: Promise<unknown>[] = []
  for (let i = 0, dueMs = performance.now(); dueMs < endMs; i++, dueMs += 20) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())))
    const sinceMs = dueMs
    under.push(
      bucket.put(`small ${i % 100}`, value).then(
        () => samples.push(performance.now() - sinceMs),
        () => samples.push(Number.POSITIVE_INFINITY),
      ),
    )
  }
  await Promise.all(under)
  return quantiles(samples)
}

async function drive(bytes: number, inFlight: number, seconds: number): Promise<void> {
  const node = await start([])
  const others: ChildProcess[] = []
  for (const name of ['second', 'third']) {
    const child = fork(new URL(import.meta.url), ['stand', name, node.address])
    await once(child, 'message')
    others.push(child)
  }
  await load(node, { bytes, inFlight, endMs: performance.now() + 1000 })
  for (const child of others) child.send('measure')
  const measured = measure()
  const beganMs = performance.now()
  const endMs = beganMs + seconds * 1000
  const [counts, smallMs] = await Promise.all([
    load(node, { bytes, inFlight, endMs }),
    small(node, endMs),
  ])
  const took = (performance.now() - beganMs) / 1000
  const reports: Report[] = [{ name: 'first (drives)', ...measured() }]
  for (const child of others) {
    child.send('tell')
    reports.push(((await once(child, 'message')) as [Report])[0])
  }
  const line = (title: string, numbers: readonly number[]): void =>
    console.log(`${title.padEnd(44)}${numbers.map((ms) => ms.toFixed(1).padStart(9)).join('')}`)
  console.log(
    `${'milliseconds'.padEnd(44)}${['p50', 'p99', 'p99.9', 'max'].map((title) => title.padStart(9)).join('')}`,
  )
  for (const { name, loop, turns, heartbeats: late } of reports) {
    line(`${name}: CPU time of a turn`, turns)
    line(`${name}: event loop delay`, loop)
    line(`${name}: heartbeats that arrive`, late)
  }
  line('a put of 100 B beside them', smallMs)
  const { largePuts, largeGets, failed } = counts
  console.log(
    `${bytes} B, ${inFlight} in flight: ${(largePuts / took).toFixed(1)} puts/s, ` +
      `${(largeGets / took).toFixed(1)} gets/s, ${failed} failed`,
  )
  for (const child of others) child.send('end')
  await node.close()
}

if (process.argv[2] === 'stand') {
  await stand(process.argv[3]!, process.argv[4]!)
} else {
  const [bytes = 8 * 1024 * 1024, inFlight = 4, seconds = 10] = process.argv.slice(2).map(Number)
  await drive(bytes, inFlight, seconds)
}
