/**
 * What it costs to look: three processes over loopback TCP, N = 3, R = W = 2, memory storage, 20 000 keys, values of
 * 100 B, 64 in flight. A bare loop of puts, and one of gets, alternates with the same loop while
 *
 * - each put's receipt is read in full: who acknowledged, in which role, how durably, for whom a hint is kept, and the
 *   context; and, apart from that, the context is written out as text as well;
 * - all events of the node are listened to, and `stats()` is taken every 100 ms;
 * - all channels of `node:diagnostics_channel` that the library publishes on have a subscriber.
 *
 * Of each pair the order is swapped; told are the medians of both, and of the pairs' ratios. CPU time is that of this
 * process, which makes the requests and is a replica. Hardly an event happens in a cluster where all is well; how many
 * were told is said too.
 *
 * A channel without a subscriber costs a look at it for each operation. That is too little to be seen in a throughput,
 * so the look itself is timed, before anybody has subscribed and after all have gone again, with the loop around it.
 *
 *     npx tsx bench/micro/observing.ts [--pairs 7] [--seconds 1] [--library DIR]
 */
import { subscribe, unsubscribe, channel } from 'node:diagnostics_channel'
import { parseArgs } from 'node:util'
import type { CoterieNode, NodeEvents, OperationMessage, Receipt } from '../../src/index.ts'
import { median } from '../cases.ts'
import { cpuUs } from '../cluster.ts'
import { assertUndisturbed } from '../disturbed.ts'
import { ensureBuilt, loadLibrary } from '../library.ts'
import { foundThree } from '../members.ts'
import { root } from '../options.ts'
import { preload } from '../preload.ts'
import { makeWorkload, type Workload } from '../workload.ts'

const inFlight = 64
const valueBytes = 100
const statsEveryMs = 100
const channelNames = ['coterie:get', 'coterie:put', 'coterie:delete'] as const
const eventNames = Object.keys({
  'member-up': true,
  'member-suspect': true,
  'member-down': true,
  'member-left': true,
  'ring-change': true,
  'hint-stored': true,
  'hints-delivered': true,
  'read-repair': true,
  'background-error': true,
  close: true,
} satisfies Record<keyof NodeEvents, true>) as readonly (keyof NodeEvents)[]

/** What one loop tells. */
interface Run {
  readonly operations: number
  readonly perSecond: number
  /** Of this process, microseconds for each operation. */
  readonly cpuUs: number
}

/** A way to look at what the store does. */
interface Looking {
  readonly name: string
  readonly mixes: readonly Mix[]
  /** Looks at the receipt of a put. */
  readonly read: (receipt: Receipt) => void
  /** Begins to look at the node; what it gives back ends that. */
  readonly begin: (node: CoterieNode) => () => void
}

type Mix = 'put' | 'get'

/** What was seen, so that nobody can leave the looking out. */
const seen = { events: 0, stats: 0, messages: 0, chars: 0 }

const noRead = (): void => undefined
const noEnd = (): void => undefined
const notLooking: Looking = {
  name: 'bare',
  mixes: ['put', 'get'],
  read: noRead,
  begin: () => noEnd,
}

const lookings: readonly Looking[] = [
  { ...notLooking, name: 'receipts read', mixes: ['put'], read: readReceipt },
  {
    ...notLooking,
    name: 'receipts read, contexts written out',
    mixes: ['put'],
    read: (receipt) => {
      readReceipt(receipt)
      seen.chars += receipt.context.toString().length
    },
  },
  { ...notLooking, name: `events, stats every ${statsEveryMs} ms`, begin: listen },
  { ...notLooking, name: 'diagnostics_channel', begin: subscribeToAll },
]

function readReceipt({ acknowledged, hinted, context }: Receipt): void {
  for (const { node, role, durable } of acknowledged)
    seen.chars += node.length + role.length + (durable ? 1 : 0)
  for (const id of hinted) seen.chars += id.length
  if (context === undefined) throw new Error('a receipt has no context')
}

function listen(node: CoterieNode): () => void {
  const count = (): void => void (seen.events += 1)
  for (const name of eventNames) node.on(name, count)
  const timer = setInterval(() => {
    if (node.stats().operations.inFlight >= 0) seen.stats += 1
  }, statsEveryMs)
  return () => {
    clearInterval(timer)
    for (const name of eventNames) node.off(name, count)
  }
}

function subscribeToAll(): () => void {
  const count = (message: unknown): void => {
    if ((message as OperationMessage).keyBytes > 0) seen.messages += 1
  }
  for (const name of channelNames) subscribe(name, count)
  return () => {
    for (const name of channelNames) unsubscribe(name, count)
  }
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      library: { type: 'string', default: `${root}dist` },
    },
  })
  const { library, ...others } = values
  const [pairs, seconds] = [Number(others.pairs), Number(others.seconds)]
  if (!Number.isInteger(pairs) || pairs < 1)
    throw new Error(`--pairs must be a whole number from 1 on, not ${others.pairs}`)
  if (!(seconds > 0)) throw new Error(`--seconds must be more than 0, not ${others.seconds}`)
  return { pairs, seconds, dist: library }
}

/** A closed loop, the same for all: who does not look at receipts has it call a function that does nothing. */
async function run(
  { bucket, keys, tape, value }: Workload,
  { seconds, read }: { readonly seconds: number; readonly read: (receipt: Receipt) => void },
): Promise<Run> {
  const lastIndex = tape.length - 1
  const cpuBefore = cpuUs()
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let at = 0
  let operations = 0
  const loop = async (): Promise<void> => {
    while (performance.now() < endMs) {
      at = (at + 1) & lastIndex
      const entry = tape[at]!
      if (entry < 0) read(await bucket.put(keys[~entry]!, value))
      else if (!(await bucket.get(keys[entry]!)).found) throw new Error(`${keys[entry]} was lost`)
      operations += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  const perSecond = (operations / (performance.now() - startMs)) * 1000
  return { operations, perSecond, cpuUs: (cpuUs() - cpuBefore) / operations }
}

/** The cluster, and for how long each loop runs. */
interface Setting {
  readonly node: CoterieNode
  readonly workload: Workload
  readonly pairs: number
  readonly seconds: number
}

/** One loop, while somebody looks. @throws {DisturbedError} by rejection, when the machine is too busy. */
async function runLooking({ node, workload, seconds }: Setting, looking: Looking): Promise<Run> {
  const end = looking.begin(node)
  try {
    const told = await run(workload, { seconds, read: looking.read })
    assertUndisturbed(node)
    return told
  } finally {
    end()
  }
}

async function compare(setting: Setting, mix: Mix, looking: Looking): Promise<void> {
  // Warms up.
  await runLooking(setting, notLooking)
  await runLooking(setting, looking)
  Object.assign(seen, { events: 0, stats: 0, messages: 0, chars: 0 })
  const bare: Run[] = []
  const looked: Run[] = []
  for (let pair = 0; pair < setting.pairs; pair++) {
    const isBareFirst = pair % 2 === 0
    if (isBareFirst) bare.push(await runLooking(setting, notLooking))
    looked.push(await runLooking(setting, looking))
    if (!isBareFirst) bare.push(await runLooking(setting, notLooking))
  }
  console.log(`${mix}, ${looking.name}`)
  console.log(`  ${describe('operations/s', of('perSecond', looked), of('perSecond', bare), 0)}`)
  console.log(`  ${describe('CPU µs', of('cpuUs', looked), of('cpuUs', bare), 2)}`)
  const operations = looked.reduce((sum, each) => sum + each.operations, 0)
  const { events, stats, messages } = seen
  console.log(`  ${operations} operations; ${events} events, ${stats} stats, ${messages} messages`)
}

function of(figure: 'perSecond' | 'cpuUs', runs: readonly Run[]): readonly number[] {
  return runs.map((each) => each[figure])
}

function describe(
  what: string,
  looked: readonly number[],
  bare: readonly number[],
  digits: number,
): string {
  const ratios = looked.map((each, i) => each / bare[i]!)
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  const figures = `${median(looked).toFixed(digits)}, bare ${median(bare).toFixed(digits)}`
  return `${what}: ${figures}; median ratio ${median(ratios).toFixed(3)} (${range})`
}

/** As the library looks at its channels: through its node. */
class Core {
  readonly ports: { readonly diagnostics: { readonly put: { readonly hasSubscribers: boolean } } }

  constructor(name: string) {
    this.ports = { diagnostics: { put: channel(name) } }
  }

  get diagnostics(): Core['ports']['diagnostics'] {
    return this.ports.diagnostics
  }
}

/** Nanoseconds for one look at a channel without subscribers, the loop around it included: the median of some. */
function lookNs(): number {
  const looks = 2e7
  // Several in turn: a look at always the same one might be taken out of the loop.
  const cores = Array.from({ length: 8 }, (_, i) => new Core(channelNames[i % 3]!))
  const takes = Array.from({ length: 7 }, () => {
    let subscribed = 0
    const beganMs = performance.now()
    for (let i = 0; i < looks; i++)
      if (cores[i & 7]!.diagnostics.put.hasSubscribers) subscribed += 1
    const tookMs = performance.now() - beganMs
    if (subscribed > 0) throw new Error('somebody listens to the channels of the library')
    return (tookMs / looks) * 1e6
  })
  return median(takes)
}

const { pairs, seconds, dist } = readArguments()
ensureBuilt(dist)
const library = await loadLibrary(dist)
console.log(`a look at a channel that nobody has subscribed to: ${lookNs().toFixed(2)} ns`)
const { node, members } = await foundThree(library, {
  dist,
  options: { replication: { n: 3, r: 2, w: 2 } },
})
const bucket = node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
const what = { layout: 'tcp-n3', dist: 'uniform', valueBytes, inFlight } as const
const workloads = {
  put: makeWorkload(bucket, { ...what, mix: 'put' }),
  get: makeWorkload(bucket, { ...what, mix: 'get' }),
}
await preload(workloads.put, (key) => bucket.put(key, workloads.put.value))
for (const looking of lookings) {
  for (const mix of looking.mixes)
    await compare({ node, workload: workloads[mix], pairs, seconds }, mix, looking)
}
console.log(`a look at a channel whose subscribers have gone: ${lookNs().toFixed(2)} ns`)
for (const member of members) await member.close()
await node.close()
