/**
 * What it costs to move data: three processes over loopback TCP, N = 3, memory storage, records of 1 KB; a fourth one
 * joins and takes a quarter of all copies, and leaves again. Told are:
 *
 * - the bytes of records that the others sent for that, and how many in a second, from the beginning of the change of
 *   owners to its end, with no load;
 * - with an open loop (half reads, half writes) at a part of what a closed one reached in the same run: p99 of the
 *   operations without a transfer and with one under way, in turn, and their ratio. One pair before them warms up.
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
import { runOpenLoop } from '../open-loop.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { makeWorkload, type Measured, type Workload } from '../workload.ts'
import { describeLimit, readLimit } from './limit.ts'
import { found, isSettled, until, type Founded, type Member } from './members.ts'

/** Without the one that comes and goes. */
const memberCount = 3
const valueBytes = 1024
const inFlight = 64
const capacitySeconds = 3
const quietSeconds = 3
/** Longer than any transfer: the loop ends with it. */
const loadedSecondsMax = 120
const mb = 1e6

/** The cluster, and what it holds. */
interface Setting extends Founded {
  readonly members: readonly Member[]
  readonly workload: Workload
}

/** One change of owners. */
interface Transfer {
  readonly ms: number
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

/** Has a fourth node join, and `meanwhile` done from the beginning of the transfer on. */
async function join(
  { node, start, members }: Setting,
  meanwhile: (isOver: () => boolean) => Promise<void>,
): Promise<Transfer & { readonly newcomer: Member }> {
  const before = await sentBytes(node, members)
  let endedMs: number | undefined
  const starting = start(`n${Date.now()}`)
  await until('owners change', () => node.ring().moving > 0)
  const beganMs = performance.now()
  const watching = until('the transfer ends', () => node.ring().moving === 0).then(
    () => (endedMs = performance.now()),
  )
  await meanwhile(() => endedMs !== undefined)
  const ms = (await watching) - beganMs
  const newcomer = await starting
  return { newcomer, ms, bytes: (await sentBytes(node, members)) - before }
}

async function leave({ node, members }: Setting, newcomer: Member): Promise<void> {
  await settled(node, members)
  await newcomer.leave()
  await until('the member is gone', () => isSettled(node, memberCount))
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

function describe({ ms, bytes }: Transfer): string {
  const perSecond = bytes / mb / (ms / 1000)
  return `${(bytes / mb).toFixed(0)} MB in ${(ms / 1000).toFixed(1)} s, ${perSecond.toFixed(0)} MB/s`
}

async function measureIdle(setting: Setting, rounds: number): Promise<void> {
  const perSecond: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { newcomer, ...transfer } = await join(setting, () => Promise.resolve())
    perSecond.push(transfer.bytes / mb / (transfer.ms / 1000))
    console.log(`idle: ${describe(transfer)}`)
    await leave(setting, newcomer)
  }
  console.log(`idle, median: ${median(perSecond).toFixed(0)} MB/s`)
}

function describeLoad({ p50Us, p99Us, maxUs, operations, refused, failed }: Measured): string {
  const ms = (us = 0): string => (us / 1000).toFixed(2)
  const lost = `${refused} refused, ${failed} failed`
  return `p50 ${ms(p50Us)} ms, p99 ${ms(p99Us)} ms, max ${ms(maxUs)} ms (${operations} operations, ${lost})`
}

async function measureLoaded(setting: Setting, pairs: number, load: number): Promise<void> {
  const { workload } = setting
  await runClosedLoop(workload, { inFlight, seconds: 1 })
  const capacity = await runClosedLoop(workload, { inFlight, seconds: capacitySeconds })
  const ratePerSecond = Math.round(capacity.opsPerSecond * load)
  console.log(`capacity ${Math.round(capacity.opsPerSecond)}/s, open loop at ${ratePerSecond}/s`)
  const ratios: number[] = []
  for (let pair = 0; pair <= pairs; pair++) {
    const quiet = await runOpenLoop(workload, { ratePerSecond, seconds: quietSeconds })
    console.log(pair === 0 ? 'to warm up:' : `pair ${pair}:`)
    console.log(`no transfer:    ${describeLoad(quiet)}`)
    let loaded: Measured | undefined
    const { newcomer, ...transfer } = await join(setting, async (isOver) => {
      loaded = await runOpenLoop(workload, { ratePerSecond, seconds: loadedSecondsMax, isOver })
    })
    console.log(`under transfer: ${describeLoad(loaded!)}; ${describe(transfer)}`)
    // The first one warms up: code that runs only while owners change has to be compiled.
    if (pair > 0) ratios.push(loaded!.p99Us / quiet.p99Us)
    await leave(setting, newcomer)
  }
  const all = ratios.map((ratio) => ratio.toFixed(2)).join(', ')
  console.log(`p99 with ÷ without a transfer: ${all}; median ${median(ratios).toFixed(2)}`)
}

const { megabytes, pairs, load, handoff, dist } = readArguments()
ensureBuilt(dist)
const library = await loadLibrary(dist)
const founded = await found(library, {
  dist,
  options: { handoff, replication: { n: 3, r: 2, w: 2 } },
})
const members = [await founded.start('n2'), await founded.start('n3')]
await until('the cluster stands', () => isSettled(founded.node, memberCount))
const bucket = founded.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
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
const setting = { ...founded, members, workload }
await measureIdle(setting, pairs)
await measureLoaded(setting, pairs, load)
for (const member of members) await member.close()
await founded.node.close()
