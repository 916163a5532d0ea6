/**
 * What it costs to move data: three processes over loopback TCP, N = 3, memory storage, records of 1 KB; a fourth one
 * joins and takes a quarter of all copies, and leaves again. Told are:
 *
 * - the bytes of records that the others sent for that, and how many in a second, from the beginning of the change of
 *   owners to its end, with no load;
 * - with an open loop (half reads, half writes) at a part of what a closed one reached with four members in the same
 *   run, which goes on while the node joins: p99 of the operations that were due before that, while owners changed, and
 *   after that, with four members, which share the processors as they do during the transfer; and the ratios. One join
 *   before them warms up, in all four processes: what runs only while owners change has to be compiled, and where a
 *   processor is shared that takes it from the others.
 *
 *     npx tsx bench/micro/transfer.ts [--megabytes 400] [--pairs 3] [--load 0.5] [--limit MiB/s] [--library DIR]
 *
 * `--limit` is `handoff.bytesPerSecondMax` of each sender, `none` for no limit; without it the library's default holds.
 */
import { parseArgs } from 'node:util'
import type { Bucket, CoterieNode } from '../../src/index.ts'
import { median } from '../cases.ts'
import { runClosedLoop } from '../closed-loop.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { foundThree, isSettled, until, type Member, type Standing } from '../members.ts'
import { runOpenLoop } from '../open-loop.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { makeWorkload, type Workload } from '../workload.ts'
import { describeLimit, readLimit } from './limit.ts'

const valueBytes = 1024
const inFlight = 64
const capacitySeconds = 3
/** The loop's part that is not counted, the one before the join that is, and more than the whole of it lasts. */
const settlingMs = 1_000
const quietMs = 3_000
const loadedSecondsMax = 120
/** What a change does to operations may begin before this process hears of it. */
const marginMs = 200
/** How long the loop goes on with four members, and how much of that is not counted. */
const afterMs = 4_000
const calmingMs = 1_000
const mb = 1e6

/** The cluster, what it holds, and the fourth node, which is not a member yet. */
interface Setting extends Standing {
  readonly newcomer: Member
  readonly workload: Workload
}

/** One change of owners. */
interface Transfer {
  readonly beganMs: number
  readonly endedMs: number
  readonly bytes: number
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '400' },
      pairs: { type: 'string', default: '3' },
      load: { type: 'string', default: '0.5' },
      limit: { type: 'string' },
      library: { type: 'string', default: `${root}dist` },
    },
  })
  return {
    megabytes: Number(values.megabytes),
    pairs: Number(values.pairs),
    load: Number(values.load),
    handoff: readLimit(values.limit),
    dist: values.library,
  }
}

async function fill(bucket: Bucket<Uint8Array>, megabytes: number): Promise<void> {
  const value = Buffer.alloc(valueBytes, 7)
  const count = Math.round((megabytes * mb) / valueBytes)
  const keys = Array.from({ length: count }, (_, i) => `bulk-${String(i).padStart(11, '0')}`)
  await preload({ keys, value }, (key) => bucket.put(key, value))
}

/** Bytes of records sent so far for changes of owners and absent members, by all that are named. */
async function sentBytes(node: CoterieNode, members: readonly Member[]): Promise<number> {
  const all = [node.stats(), ...(await Promise.all(members.map((member) => member.stats())))]
  return all.reduce((sum, { handoff }) => sum + handoff.sentBytes, 0)
}

/** Has the fourth node join. */
async function join({ node, newcomer, members }: Setting): Promise<Transfer> {
  const before = await sentBytes(node, members)
  const coming = newcomer.come()
  await until('owners change', () => node.ring().moving > 0)
  const beganMs = performance.now()
  await until('the transfer ends', () => node.ring().moving === 0)
  const endedMs = performance.now()
  await coming
  return { beganMs, endedMs, bytes: (await sentBytes(node, members)) - before }
}

async function leave({ node, newcomer, members }: Setting): Promise<void> {
  await settled(node, members)
  await newcomer.depart()
  await until('the member is gone', () => isSettled(node, members.length + 1))
  await settled(node, members)
}

/** Until nobody gives anything back any more that others own now. */
async function settled(node: CoterieNode, members: readonly Member[]): Promise<void> {
  let before = -1
  await until('strays are given back', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const all = [node.stats(), ...(await Promise.all(members.map((member) => member.stats())))]
    const now = all.reduce((sum, { transition }) => sum + transition.givenBack, 0)
    const isSame = now === before
    before = now
    return isSame
  })
}

function perSecond({ beganMs, endedMs, bytes }: Transfer): number {
  return (bytes / mb / (endedMs - beganMs)) * 1000
}

function describe(transfer: Transfer): string {
  const seconds = (transfer.endedMs - transfer.beganMs) / 1000
  const rate = perSecond(transfer).toFixed(0)
  return `${(transfer.bytes / mb).toFixed(0)} MB in ${seconds.toFixed(1)} s, ${rate} MB/s`
}

async function measureIdle(setting: Setting, rounds: number): Promise<void> {
  const all: number[] = []
  for (let round = 0; round < rounds; round++) {
    const transfer = await join(setting)
    all.push(perSecond(transfer))
    console.log(`idle: ${describe(transfer)}`)
    await leave(setting)
  }
  console.log(`idle, median: ${median(all).toFixed(0)} MB/s`)
}

/** An open loop that goes on until it is ended, and what became of each of its operations. */
class Load {
  /** By number; an operation that failed took for ever. */
  readonly #latenciesMs: Float32Array
  readonly #ratePerSecond: number
  readonly #beganMs = performance.now()
  readonly #ending: Promise<unknown>
  #isOver = false

  constructor(workload: Workload, ratePerSecond: number) {
    this.#ratePerSecond = ratePerSecond
    this.#latenciesMs = new Float32Array(ratePerSecond * loadedSecondsMax)
    this.#ending = runOpenLoop(workload, {
      ratePerSecond,
      seconds: loadedSecondsMax,
      isOver: () => this.#isOver,
      onEnded: (dueMs, ending, ms) => {
        const latencyMs = ending === 'succeeded' ? ms : Number.POSITIVE_INFINITY
        this.#latenciesMs[Math.round((dueMs / 1000) * ratePerSecond)] = latencyMs
      },
    })
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#ending
  }

  /** Sorted, of what was due in between. */
  latenciesMs(fromMs: number, toMs: number): Float32Array {
    const at = (ms: number): number =>
      Math.round(((ms - this.#beganMs) / 1000) * this.#ratePerSecond)
    return this.#latenciesMs.slice(at(fromMs), at(toMs)).sort()
  }
}

function quantile(sorted: Float32Array, part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? 0
}

function describeLoad(sorted: Float32Array): string {
  const [p50, p99, max] = [0.5, 0.99, 1 - Number.EPSILON].map((part) =>
    quantile(sorted, part).toFixed(2),
  )
  const failed = sorted.length - sorted.findLastIndex((ms) => ms !== Number.POSITIVE_INFINITY) - 1
  return `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${sorted.length} operations, ${failed} failed)`
}

const pause = async (ms: number): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

/** p99 with a transfer under way ÷ p99 without: before it, and after it. */
interface Ratios {
  readonly before: number
  readonly after: number
}

async function measurePair(setting: Setting, ratePerSecond: number): Promise<Ratios> {
  const load = new Load(setting.workload, ratePerSecond)
  await pause(settlingMs)
  const fromMs = performance.now()
  await pause(quietMs)
  const toMs = performance.now()
  const transfer = await join(setting)
  await pause(afterMs)
  await load.end()
  const quiet = load.latenciesMs(fromMs, toMs)
  const moving = load.latenciesMs(transfer.beganMs - marginMs, transfer.endedMs)
  const { endedMs } = transfer
  const after = load.latenciesMs(endedMs + calmingMs, endedMs + afterMs)
  console.log(`three members:  ${describeLoad(quiet)}`)
  console.log(`transfer:       ${describeLoad(moving)}; ${describe(transfer)}`)
  console.log(`four members:   ${describeLoad(after)}`)
  await leave(setting)
  const p99 = quantile(moving, 0.99)
  return { before: p99 / quantile(quiet, 0.99), after: p99 / quantile(after, 0.99) }
}

/** With all four members: they share the processors then, as during the transfer. */
async function capacityOf({ workload, node }: Setting): Promise<number> {
  await until('the fourth member stands', () => isSettled(node, 4))
  await runClosedLoop(workload, { inFlight, seconds: capacitySeconds })
  const { opsPerSecond } = await runClosedLoop(workload, { inFlight, seconds: capacitySeconds })
  return opsPerSecond
}

function tell(what: string, ratios: readonly number[]): void {
  const all = ratios.map((ratio) => ratio.toFixed(2)).join(', ')
  console.log(`${what}: ${all}; median ${median(ratios).toFixed(2)}`)
}

async function measureLoaded(setting: Setting, pairs: number, load: number): Promise<void> {
  const ratePerSecond = Math.round(capacity * load)
  console.log(`capacity ${Math.round(capacity)}/s, open loop at ${ratePerSecond}/s`)
  console.log('to warm up:')
  await measurePair(setting, ratePerSecond)
  const ratios: Ratios[] = []
  for (let pair = 1; pair <= pairs; pair++) {
    console.log(`pair ${pair}:`)
    ratios.push(await measurePair(setting, ratePerSecond))
  }
  tell(
    'p99 under transfer ÷ that of three members',
    ratios.map(({ before }) => before),
  )
  tell(
    'p99 under transfer ÷ that of four members',
    ratios.map(({ after }) => after),
  )
}

const { megabytes, pairs, load, handoff, dist } = readArguments()
ensureBuilt(dist)
const library = await loadLibrary(dist)
const standing = await foundThree(library, {
  dist,
  options: { handoff, replication: { n: 3, r: 2, w: 2 } },
})
const bucket = standing.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
const workload = makeWorkload(bucket, {
  layout: 'tcp-n3',
  mix: 'a',
  dist: 'uniform',
  valueBytes,
  inFlight,
})
await preload(workload, (key) => bucket.put(key, workload.value))
await fill(bucket, megabytes)
const limit = describeLimit(handoff)
console.log(`${megabytes} MB of records on each of three nodes; limit of each sender: ${limit}`)
const newcomer = await standing.start('n4')
const setting = { ...standing, workload, newcomer }
const capacity = await capacityOf(setting)
await leave(setting)
await measureIdle(setting, pairs)
await measureLoaded(setting, pairs, load)
await newcomer.kill()
for (const member of standing.members) await member.close()
await standing.node.close()
