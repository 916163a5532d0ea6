/**
 * A process of the benchmark, told by its parent what to be: the client that measures one case, or a replica. Fresh
 * processes for each measurement: none gains from what another one has warmed up.
 */
import type { Case, Figures } from './cases.ts'
import { runClosedLoop } from './closed-loop.ts'
import { cpuUs, serveReplica, startCluster, type ReplicaOrders } from './cluster.ts'
import { assertUndisturbed, toldOf, type ToldError } from './disturbed.ts'
import { loadLibrary } from './library.ts'
import { runOpenLoop } from './open-loop.ts'
import { exitWithParent } from './parent.ts'
import { preload } from './preload.ts'
import {
  makeWorkload,
  warmUpOf,
  warmUpSecondsMax,
  type Measured,
  type Workload,
} from './workload.ts'

/** Closed loops that warm up for an open one. */
const openWarmUpInFlight = 16

/** What the client's process is told. */
export interface ClientOrders {
  readonly role: 'client'
  readonly dist: string
  readonly what: Case
  readonly sloppy: boolean
  readonly seconds: number
  /** A directory for certificates and for what nodes keep on disk. */
  readonly scratch: string
}

/** What the client's process answers. */
export type ClientAnswer = { readonly figures: Figures } | ToldError

async function measure(orders: ClientOrders): Promise<Figures> {
  const { dist, what, sloppy, seconds, scratch } = orders
  const library = await loadLibrary(dist)
  const cluster = await startCluster(library, { layout: what.layout, dist, sloppy, scratch })
  const bucket = cluster.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
  const workload = makeWorkload(bucket, what)
  const residentBefore = process.memoryUsage.rss()
  await preload(workload, (key) => bucket.put(key, workload.value))
  const grownBytes = process.memoryUsage.rss() - residentBefore
  const { keyCount } = what
  const warmUpSeconds = Math.min(warmUpSecondsMax, seconds)
  const inFlight = what.inFlight || openWarmUpInFlight
  await runClosedLoop(warmUpOf(workload), { inFlight, seconds: warmUpSeconds })
  assertUndisturbed(cluster.node)
  const othersBefore = await cluster.otherCpuUs()
  const before = cpuUs()
  const { operations, ...figures } = await runLoop(workload, what, seconds)
  const clientCpuUs = (cpuUs() - before) / Math.max(1, operations)
  const replicaCpuUs = ((await cluster.otherCpuUs()) - othersBefore) / Math.max(1, operations)
  // An open loop tells of it instead, since it may be its own doing.
  if (what.ratePerSecond === undefined) assertUndisturbed(cluster.node)
  const { hints } = cluster.node.stats().handoff
  await cluster.close()
  const isOpen = what.ratePerSecond !== undefined
  return {
    ...figures,
    ...(isOpen && { hints }),
    clientCpuUs,
    replicaCpuUs,
    ...(keyCount !== undefined && { bytesPerKey: grownBytes / keyCount }),
  }
}

function runLoop(workload: Workload, what: Case, seconds: number): Promise<Measured> {
  const { inFlight, ratePerSecond } = what
  if (ratePerSecond === undefined) return runClosedLoop(workload, { inFlight, seconds })
  return runOpenLoop(workload, { ratePerSecond, seconds })
}

async function answer(orders: ClientOrders): Promise<ClientAnswer> {
  try {
    return { figures: await measure(orders) }
  } catch (error) {
    return toldOf(error)
  }
}

const orders = JSON.parse(process.argv[2] ?? '{}') as ClientOrders | ReplicaOrders
if (orders.role === 'client') {
  // Either it has answered, or nobody waits for its answer any more.
  exitWithParent()
  process.send?.(await answer(orders))
} else {
  await serveReplica(await loadLibrary(orders.dist), orders)
}
