/**
 * The clusters that are measured. Of three processes one is the client with a node in it; in each of the two others
 * lives one more node and nothing else.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CoterieNode, NodeOptions, ReplicationOptions } from '../src/index.ts'
import { answerOf } from './answer.ts'
import { layouts, type LayoutName } from './layouts.ts'
import { loadLmdb, type Library } from './library.ts'
import { exitWithParent } from './parent.ts'
import { makeCertificate, readTls } from './tls.ts'

/** A cluster that stands. */
export interface Cluster {
  /** The node that the client uses. */
  readonly node: CoterieNode
  /** CPU time that the processes of the other nodes have used, in microseconds. */
  otherCpuUs(): Promise<number>
  close(): Promise<void>
}

/** What all nodes of a cluster are told. */
interface Place {
  readonly layout: LayoutName
  readonly dist: string
  /** A directory for certificates and data. Layouts with TLS or with data on disk need it. */
  readonly scratch?: string
}

/** What a cluster is made of. */
export interface ClusterOptions extends Place {
  readonly sloppy: boolean
}

/** What a replica's process is told. */
export interface ReplicaOrders extends Place {
  readonly role: 'replica'
  readonly id: string
  readonly seed: string
}

const replicaIds = ['n2', 'n3']

/** Starts the cluster and waits until each node knows all. */
export function startCluster(library: Library, options: ClusterOptions): Promise<Cluster> {
  const { hasProcesses } = layouts[options.layout]
  return hasProcesses ? startProcesses(library, options) : startInProcess(library, options)
}

async function startInProcess(library: Library, options: ClusterOptions): Promise<Cluster> {
  const { createNode, memoryNetwork, memoryTransport } = library
  const network = memoryNetwork()
  const { size } = layouts[options.layout]
  const nodes: CoterieNode[] = []
  for (let i = 1; i <= size; i++) {
    const id = `n${i}`
    const seeds = nodes.map(({ address }) => address)
    const storage = await storageOf(options, id)
    const replication = replicationOf(options)
    const transport = memoryTransport(network)
    nodes.push(await createNode({ id, seeds, transport, replication, ...storage }))
  }
  await until(() => nodes.every((node) => isWhole(node, size)))
  return {
    node: nodes[0]!,
    otherCpuUs: () => Promise.resolve(0),
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}

async function startProcesses(library: Library, options: ClusterOptions): Promise<Cluster> {
  const { sloppy: _, ...place } = options
  if (layouts[place.layout].hasTls) makeCertificate(scratchOf(place), ['n1', ...replicaIds])
  const ports = await tcpPortsOf(library, place, 'n1')
  const node = await library.createNode({
    id: 'n1',
    replication: replicationOf(options),
    ...ports,
  })
  const children: ChildProcess[] = []
  for (const id of replicaIds) {
    const orders: ReplicaOrders = { role: 'replica', ...place, id, seed: node.address }
    const child = fork(new URL('./process.ts', import.meta.url), [JSON.stringify(orders)])
    children.push(child)
    await answerOf<'ready'>(child)
  }
  await until(() => isWhole(node, 3))
  return {
    node,
    otherCpuUs: async () => {
      const used = await Promise.all(children.map(askCpuUs))
      return used.reduce((sum, each) => sum + each, 0)
    },
    close: async () => {
      for (const child of children) child.disconnect()
      await Promise.all(children.map((child) => once(child, 'exit')))
      await node.close()
    },
  }
}

function askCpuUs(child: ChildProcess): Promise<number> {
  child.send('cpu')
  return answerOf<number>(child)
}

/** The life of a replica's process: until the client's lets go of it. */
export async function serveReplica(library: Library, orders: ReplicaOrders): Promise<void> {
  const { id, seed } = orders
  // Until this node stands: it would look without an end for a client that is gone.
  const stay = exitWithParent()
  const ports = await tcpPortsOf(library, orders, id)
  const node = await library.createNode({ id, seeds: [seed], ...ports })
  stay()
  process.on('message', () => process.send?.(cpuUs()))
  process.send?.('ready')
  await once(process, 'disconnect')
  await node.close()
}

/** CPU time that this process has used, in microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function tcpPortsOf(
  { tcpTransport }: Library,
  place: Place,
  id: string,
): Promise<Pick<NodeOptions, 'transport' | 'storage'>> {
  const tls = layouts[place.layout].hasTls ? { tls: readTls(scratchOf(place)) } : {}
  const transport = tcpTransport({ host: '127.0.0.1', port: 0, ...tls })
  return { transport, ...(await storageOf(place, id)) }
}

/** Nothing for memory: the library's default. */
async function storageOf(place: Place, id: string): Promise<Pick<NodeOptions, 'storage'>> {
  const { durability } = layouts[place.layout]
  if (durability === undefined) return {}
  const { lmdbStorage } = await loadLmdb(place.dist)
  return { storage: lmdbStorage({ path: join(scratchOf(place), id), durability }) }
}

function scratchOf({ layout, scratch }: Place): string {
  if (scratch === undefined) throw new Error(`${layout} needs a directory for its files`)
  return scratch
}

function replicationOf({ layout, sloppy }: ClusterOptions): ReplicationOptions {
  const { size } = layouts[layout]
  const quorum = Math.min(2, size)
  return { n: size, r: quorum, w: quorum, sloppy }
}

function isWhole(node: CoterieNode, size: number): boolean {
  const alive = node.members().filter(({ status }) => status === 'alive')
  return alive.length === size && Object.keys(node.ring().owned).length === size
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) throw new Error('the cluster did not form within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
