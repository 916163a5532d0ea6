/**
 * A process of the benchmark, told by its parent what to be: the client that measures one case, or a replica. Fresh
 * processes for each measurement: none gains from what another one has warmed up.
 */
import type { Case, Figures } from './cases.ts'
import { cpuUs, serveReplica, startCluster, type ReplicaOrders } from './cluster.ts'
import { loadLibrary } from './library.ts'
import { Workload } from './workload.ts'

/** As long as the yardstick's. */
const warmUpSecondsMax = 1

/** What the client's process is told. */
export interface ClientOrders {
  readonly role: 'client'
  readonly dist: string
  readonly what: Case
  readonly sloppy: boolean
  readonly seconds: number
}

/** What the client's process answers: the figures of the case. */
export type ClientAnswer = Figures

async function measure({ dist, what, sloppy, seconds }: ClientOrders): Promise<Figures> {
  const library = await loadLibrary(dist)
  const { layout, valueBytes, mix, inFlight } = what
  const cluster = await startCluster(library, { layout, dist, sloppy })
  const bucket = cluster.node.bucket<Uint8Array>('bench', { codec: library.bytesCodec() })
  const workload = new Workload(bucket, valueBytes)
  await workload.preload()
  await workload.run(mix, inFlight, Math.min(warmUpSecondsMax, seconds))
  const othersBefore = await cluster.otherCpuUs()
  const before = cpuUs()
  const { operations, ...figures } = await workload.run(mix, inFlight, seconds)
  const clientCpuUs = (cpuUs() - before) / operations
  const replicaCpuUs = ((await cluster.otherCpuUs()) - othersBefore) / operations
  // Not measured: a store that was never whole.
  const { operations: counted, handoff } = cluster.node.stats()
  if (counted.failed > 0 || handoff.hints > 0)
    throw new Error('the machine is too busy: a replica was given up')
  await cluster.close()
  return { ...figures, clientCpuUs, replicaCpuUs }
}

const orders = JSON.parse(process.argv[2] ?? '{}') as ClientOrders | ReplicaOrders
if (orders.role === 'client') process.send?.((await measure(orders)) satisfies ClientAnswer)
else await serveReplica(await loadLibrary(orders.dist), orders)
