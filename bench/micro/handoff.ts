/**
 * How fast hinted records reach a member that is back: three processes over loopback TCP, N = 3, R = W = 2, values of
 * 100 B. One member is closed, without leaving; the values are written, and hints are kept for it; it starts again
 * under the same id. Told are the hints, the seconds from its return, when `members()` of this process has it alive,
 * until no node keeps a hint any more, and what that is in a second.
 *
 * The member that goes and comes has its data on disk (LMDB, `durability: 'os'`), the others in memory: one that comes
 * back with an empty storage is a new one under an old id. It has lost everything, and gets whole partitions instead
 * (`src/upkeep/filling.ts`), which `transfer.ts` measures. Comparisons in the background are off: what arrives came by
 * hints. No client asks anything meanwhile: beside clients handoff rests.
 *
 *     npx tsx bench/micro/handoff.ts [--values 100000] [--rounds 3] [--limit MiB/s] [--library DIR]
 *
 * `--limit` is `handoff.bytesPerSecondMax` of each sender, `none` for no limit; without it the library's default holds.
 * A sender may send the bytes of one second at once: what is less than that is never held back. Another limit always
 * holds: a node has 32 hinted records on their way to one member at a time, each by itself (`src/upkeep/handoff.ts`).
 * The round to warm up is not counted.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bucket, CoterieNode, NodeStats } from '../../src/index.ts'
import { resolveOptions } from '../../src/node/options.ts'
import { median } from '../cases.ts'
import { cpuUs } from '../cluster.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { found, isSettled, until, type Member } from '../members.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { withScratch } from '../scratch.ts'
import { describeLimit, readLimit } from './limit.ts'

const valueBytes = 100
const absentId = 'n3'
const mb = 1e6

/** The cluster, and what is written to it. */
interface Setting {
  readonly node: CoterieNode
  /** The other one that stays. */
  readonly staying: Member
  /** Starts the one that goes and comes. */
  readonly comeBack: () => Promise<Member>
  readonly bucket: Bucket<Uint8Array>
  readonly keys: readonly string[]
}

/** One return. */
interface Return {
  readonly hints: number
  readonly deliveredBytes: number
  /** From its return to the first records that it had. */
  readonly firstMs: number
  /** From its return until no hint was left. */
  readonly ms: number
  /** CPU time of this process meanwhile, which keeps hints. */
  readonly cpuUs: number
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      values: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '3' },
      limit: { type: 'string' },
      library: { type: 'string', default: `${root}dist` },
    },
  })
  return {
    count: wholeNumber('--values', values.values),
    rounds: wholeNumber('--rounds', values.rounds),
    handoff: readLimit(values.limit),
    dist: values.library,
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`${name} must be a whole number from 1 on, not ${text}`)
}

/** What is kept for absent members, and what was sent to them so far, by both nodes that stay. */
async function handoffOf({ node, staying }: Setting): Promise<NodeStats['handoff']> {
  const [one, other] = [node.stats().handoff, (await staying.stats()).handoff]
  return {
    hints: one.hints + other.hints,
    bytes: one.bytes + other.bytes,
    dirtyPartitions: one.dirtyPartitions + other.dirtyPartitions,
    delivered: one.delivered + other.delivered,
    sentBytes: one.sentBytes + other.sentBytes,
  }
}

/** Writes everything while the member is away. */
async function writeWithout(setting: Setting, absent: Member): Promise<NodeStats['handoff']> {
  const { node, staying, bucket, keys } = setting
  await absent.close()
  await until('its absence is noticed', async () => {
    return node.stats().members.alive === 2 && (await staying.stats()).members.alive === 2
  })
  const value = Buffer.alloc(valueBytes, 7)
  await preload({ keys, value }, (key) => bucket.put(key, value))
  await until('all is written', () => node.stats().operations.inFlight === 0)
  const kept = await handoffOf(setting)
  if (kept.dirtyPartitions > 0)
    throw new Error(
      `${kept.dirtyPartitions} partitions were marked in place of hints: take fewer --values, for the hinted ` +
        'records are more than handoff.bytesPerTargetMax',
    )
  return kept
}

/** One absence and one return. */
async function measure(
  setting: Setting,
  absent: Member,
): Promise<{ readonly back: Member; readonly told: Return }> {
  const { node } = setting
  const before = await writeWithout(setting, absent)
  const times = { alive: NaN, first: NaN, cpuUs: NaN }
  const returned = ({ id }: { readonly id: string }): void => {
    if (id !== absentId) return
    times.alive = performance.now()
    times.cpuUs = cpuUs()
  }
  const arrived = (): void => void (times.first = performance.now())
  node.once('member-up', returned)
  node.once('hints-delivered', arrived)
  const starting = setting.comeBack()
  await until('the member is back', () => !Number.isNaN(times.alive))
  let endedMs = NaN
  await until('no hint is left', async () => {
    const { hints, dirtyPartitions } = await handoffOf(setting)
    endedMs = performance.now()
    return hints + dirtyPartitions === 0
  })
  const cpu = cpuUs() - times.cpuUs
  const after = await handoffOf(setting)
  const delivered = after.delivered - before.delivered
  if (delivered !== before.hints)
    throw new Error(`of ${before.hints} hints ${delivered} were delivered: something else was too`)
  const told = {
    hints: before.hints,
    deliveredBytes: after.sentBytes - before.sentBytes,
    firstMs: times.first - times.alive,
    ms: endedMs - times.alive,
    cpuUs: cpu,
  }
  return { back: await starting, told }
}

function describe({ hints, deliveredBytes, firstMs, ms, cpuUs: cpu }: Return): string {
  const seconds = ms / 1000
  return (
    `${hints} hints, ${(deliveredBytes / mb).toFixed(1)} MB: the first after ${firstMs.toFixed(0)} ms, all after ` +
    `${seconds.toFixed(2)} s: ${Math.round(hints / seconds)} a second, ` +
    `${(deliveredBytes / mb / seconds).toFixed(1)} MB/s; CPU ${(cpu / hints).toFixed(1)} µs each here`
  )
}

async function measureAll(setting: Setting, rounds: number, limit: number): Promise<void> {
  const all: Return[] = []
  let member = await setting.comeBack()
  await until('the cluster stands', () => isSettled(setting.node, 3))
  for (let round = 0; round <= rounds; round++) {
    const { back, told } = await measure(setting, member)
    member = back
    console.log(`${round === 0 ? 'to warm up' : `round ${round}`}: ${describe(told)}`)
    if (round > 0) all.push(told)
  }
  await member.close()
  const perSecond = median(all.map(({ hints, ms }) => hints / (ms / 1000)))
  const bytes = median(all.map(({ deliveredBytes }) => deliveredBytes))
  const bytesPerSecond = median(all.map(({ deliveredBytes, ms }) => deliveredBytes / (ms / 1000)))
  const each = `${Math.round(perSecond)} hints a second, ${(bytesPerSecond / mb).toFixed(1)} MB/s`
  console.log(`median: ${each}; ${describeHold(bytes, bytesPerSecond, limit)}`)
}

/** Whether the limit kept the senders back. */
function describeHold(bytes: number, bytesPerSecond: number, limit: number): string {
  if (bytes <= limit)
    return 'the limit held nothing back: all is less than what a sender may send at once'
  return `that is ${((100 * bytesPerSecond) / limit).toFixed(0)} % of the limit of one sender`
}

const { count, rounds, handoff, dist } = readArguments()
// The default is that of these sources, also for another library.
const limit = handoff.bytesPerSecondMax ?? resolveOptions().handoff.bytesPerSecondMax
ensureBuilt(dist)
await withScratch(tmpdir(), async (scratch) => {
  const library = await loadLibrary(dist)
  const options = {
    handoff,
    antiEntropy: { enabled: false },
    replication: { n: 3, r: 2, w: 2 },
  } as const
  const { node, start } = await found(library, { dist, options })
  const setting = {
    node,
    staying: await start('n2'),
    comeBack: () => start(absentId, join(scratch, absentId)),
    bucket: node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() }),
    keys: Array.from({ length: count }, (_, i) => `k${String(i).padStart(15, '0')}`),
  }
  console.log(
    `${count} values; limit of each sender: ${describeLimit({ bytesPerSecondMax: limit })}`,
  )
  await measureAll(setting, rounds, limit)
  await setting.staying.close()
  await node.close()
})
