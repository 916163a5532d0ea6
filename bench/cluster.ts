/**
 * The clusters that are measured. Of three processes one is the client with a node in it; in each of the two others
 * lives one more node and nothing else. All keep their data in memory.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { CoterieNode } from '../src/index.ts'
import type { Library } from './library.ts'
import type { LayoutName } from './options.ts'

export interface Cluster {
  /** The node that the client uses. */
  readonly node: CoterieNode
  /** CPU time that the processes of the other nodes have used, in microseconds. */
  otherCpuUs(): Promise<number>
  close(): Promise<void>
}

/** What a replica's process is told. */
export interface ReplicaOrders {
  readonly role: 'replica'
  readonly dist: string
  readonly id: string
  readonly seed: string
}

export interface ClusterOptions {
  readonly layout: LayoutName
  readonly dist: string
  readonly sloppy: boolean
}

/** Starts the cluster and waits until each node knows all. */
export async function startCluster(library: Library, options: ClusterOptions): Promise<Cluster> {
  if (options.layout === 'tcp-n3') return startProcesses(library, options)
  return startInProcess(library, options)
}

async function startInProcess(
  { createNode, memoryNetwork, memoryTransport }: Library,
  { layout, sloppy }: ClusterOptions,
): Promise<Cluster> {
  const network = memoryNetwork()
  const size = layout === 'memory-n1' ? 1 : 3
  const quorum = Math.min(2, size)
  const replication = { n: size, r: quorum, w: quorum, sloppy }
  const nodes: CoterieNode[] = []
  for (let i = 1; i <= size; i++) {
    const seeds = nodes.map(({ address }) => address)
    const transport = memoryTransport(network)
    nodes.push(await createNode({ id: `n${i}`, seeds, transport, replication }))
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

async function startProcesses(
  { createNode, tcpTransport }: Library,
  { dist, sloppy }: ClusterOptions,
): Promise<Cluster> {
  const transport = tcpTransport({ host: '127.0.0.1', port: 0 })
  const replication = { n: 3, r: 2, w: 2, sloppy }
  const node = await createNode({ id: 'n1', transport, replication })
  const children: ChildProcess[] = []
  for (const id of ['n2', 'n3']) {
    const orders: ReplicaOrders = { role: 'replica', dist, id, seed: node.address }
    const child = fork(new URL('./process.ts', import.meta.url), [JSON.stringify(orders)])
    children.push(child)
    await once(child, 'message')
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

async function askCpuUs(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [used] = (await once(child, 'message')) as [number]
  return used
}

/** The life of a replica's process: until the client's lets go of it. */
export async function serveReplica(library: Library, { id, seed }: ReplicaOrders): Promise<void> {
  const transport = library.tcpTransport({ host: '127.0.0.1', port: 0 })
  const node = await library.createNode({ id, seeds: [seed], transport })
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
