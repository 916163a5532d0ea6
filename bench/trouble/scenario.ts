/** One run of a scenario, in a process of its own: three processes in trouble, and an open loop that goes on. */
import type { NodeStats } from '../../src/index.ts'
import type { Case } from '../cases.ts'
import { runClosedLoop } from '../closed-loop.ts'
import { loadLibrary } from '../library.ts'
import { foundThree, type Member, type Standing } from '../members.ts'
import { runOpenLoop } from '../open-loop.ts'
import { preload } from '../preload.ts'
import { makeWorkload, type Workload } from '../workload.ts'
import type { Scenario, TroubleOptions } from './options.ts'
import { Timeline, type Span } from './timeline.ts'

const inFlight = 64
const capacitySeconds = 3
const slowness = 10
const late = { share: 0.01, ms: 100 }
/** After an overload: what is offered then, and for how long. */
const afterLoad = 0.5
const afterSeconds = 10

/** What one run came to. */
export interface Told {
  /** What a closed loop reached before the trouble, operations per second. */
  readonly capacityPerSecond: number
  readonly ratePerSecond: number
  /** Each second of the open loop, and of the one after an overload. */
  readonly seconds: readonly Span[]
  readonly after: readonly Span[]
  /** From the moment at which the last operation of the loop was due to the end of all. */
  readonly endedAfterMs: number
  /** Memory of the client's process at the end of each second of the loop, MiB. */
  readonly rssMib: readonly number[]
  /** Parts of the loop together: its first third, which is healthy, its second and its last. */
  readonly thirds: readonly Span[]
  readonly whole: Span
  /** Part of the reads that asked one replica more, in the second third. */
  readonly hedgedShare: number
}

type ReadCounts = Pick<NodeStats['operations'], 'gets' | 'hedged'>

interface Setting extends Standing {
  readonly workload: Workload
}

/** Starts the cluster, gets it into trouble, and tells what became of the operations. */
export async function runScenario(options: TroubleOptions): Promise<Told> {
  const setting = await stand(options)
  const { workload } = setting
  await runClosedLoop(workload, { inFlight, seconds: 1 })
  const { opsPerSecond } = await runClosedLoop(workload, { inFlight, seconds: capacitySeconds })
  const told = await offer(setting, options, opsPerSecond)
  for (const member of setting.members) await member.kill()
  await setting.node.close()
  return told
}

async function stand({ dist, scenario, mix, valueBytes }: TroubleOptions): Promise<Setting> {
  const library = await loadLibrary(dist)
  const standing = await foundThree(library, {
    dist,
    options: { replication: { n: 3, r: 2, w: 2 } },
    ...(scenario === 'late' && { lateness: late }),
  })
  const bucket = standing.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
  const what: Case = { layout: 'tcp-n3', mix, dist: 'uniform', valueBytes, inFlight }
  const workload = makeWorkload(bucket, what)
  await preload(workload, (key) => bucket.put(key, workload.value))
  return { ...standing, workload }
}

async function offer(
  { node, members, workload }: Setting,
  { scenario, seconds, load }: TroubleOptions,
  capacityPerSecond: number,
): Promise<Told> {
  const ratePerSecond = Math.round(capacityPerSecond * load)
  const [a, b] = [Math.round(seconds / 3), Math.round((seconds * 2) / 3)]
  const trouble = troubleOf(scenario, members[1]!)
  const reads: ReadCounts[] = []
  const plan = [
    setTimeout(() => {
      reads.push(node.stats().operations)
      trouble.strike()
    }, a * 1000),
    setTimeout(() => {
      reads.push(node.stats().operations)
      trouble.heal()
    }, b * 1000),
  ]
  const rssMib: number[] = []
  const sampling = setInterval(() => rssMib.push(rss()), 1000)
  const startMs = performance.now()
  const timeline = await run(workload, ratePerSecond, seconds)
  const endedAfterMs = Math.max(0, performance.now() - startMs - seconds * 1000)
  for (const each of plan) clearTimeout(each)
  clearInterval(sampling)
  const isOverload = scenario === 'overload'
  const after = isOverload
    ? await run(workload, capacityPerSecond * afterLoad, afterSeconds)
    : undefined
  return {
    capacityPerSecond: Math.round(capacityPerSecond),
    ratePerSecond,
    seconds: timeline.seconds(),
    after: after?.seconds() ?? [],
    endedAfterMs: Math.round(endedAfterMs),
    rssMib,
    thirds: [timeline.span(0, a), timeline.span(a, b), timeline.span(b, seconds)],
    whole: timeline.span(0, seconds),
    hedgedShare: hedgedShare(reads),
  }
}

/** What happens to the replica after a third of the time, and after two. */
function troubleOf(scenario: Scenario, member: Member): { strike(): void; heal(): void } {
  const nothing = (): void => undefined
  if (scenario === 'killed') return { strike: () => void member.kill(), heal: nothing }
  if (scenario !== 'slowed') return { strike: nothing, heal: nothing }
  return { strike: () => void member.slow(slowness), heal: () => void member.slow(1) }
}

async function run(workload: Workload, ratePerSecond: number, seconds: number): Promise<Timeline> {
  const timeline = new Timeline()
  const onEnded: Timeline['ended'] = (...what) => timeline.ended(...what)
  const options = { ratePerSecond, seconds, onEnded, patienceMs: 1_000 }
  await runOpenLoop(workload, options)
  return timeline
}

function rss(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

function hedgedShare([before, after]: readonly ReadCounts[]): number {
  if (before === undefined || after === undefined) return 0
  return (after.hedged - before.hedged) / Math.max(1, after.gets - before.gets)
}

if (process.send !== undefined) {
  process.once('disconnect', () => process.exit())
  process.send(await runScenario(JSON.parse(process.argv[2]!) as TroubleOptions))
}
