/** Clusters within the process for tests of the public API: no socket, no disk, and every node is closed afterwards. */
import { afterEach, expect } from 'vitest'
import {
  createNode,
  memoryNetwork,
  memoryTransport,
  type CoterieNode,
  type MemoryNetwork,
  type NodeEvents,
  type NodeOptions,
} from '../../src/index.ts'

const open = new Set<CoterieNode>()

afterEach(async () => {
  const nodes = [...open]
  open.clear()
  await Promise.all(nodes.map((node) => node.close()))
})

/** Closes the node after the test, whatever becomes of it. */
export function track(node: CoterieNode): CoterieNode {
  open.add(node)
  return node
}

/** Starts a node on the network; with seeds it joins whoever listens there first. */
export async function start(
  network: MemoryNetwork,
  options: NodeOptions = {},
): Promise<CoterieNode> {
  const seeds = network.addresses().slice(0, 1)
  const transport = memoryTransport(network)
  return track(await createNode({ seeds, transport, partitions: 64, ...options }))
}

export interface Cluster {
  readonly network: MemoryNetwork
  readonly nodes: readonly CoterieNode[]
}

/** Nodes `n1`, `n2`, … of one cluster, each of which sees all others alive. */
export async function cluster(size: number, options: NodeOptions = {}): Promise<Cluster> {
  const network = memoryNetwork()
  const nodes: CoterieNode[] = []
  for (let i = 1; i <= size; i++) nodes.push(await start(network, { id: `n${i}`, ...options }))
  await settled(nodes)
  return { network, nodes }
}

/** Resolves when each node knows the same ring and sees all of its members alive. */
export async function settled(nodes: readonly CoterieNode[]): Promise<void> {
  for (const node of nodes) {
    await when(node, () => {
      const alive = node.members().filter(({ status }) => status === 'alive')
      return alive.length === nodes.length && node.ring().epoch === newestEpoch(nodes)
    })
  }
}

function newestEpoch(nodes: readonly CoterieNode[]): number {
  return Math.max(...nodes.map((node) => node.ring().epoch))
}

const changes = [
  'member-up',
  'member-suspect',
  'member-down',
  'member-left',
  'ring-change',
] as const

/** Resolves as soon as the condition holds; looked at after each change that the node tells of. */
function when(node: CoterieNode, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!condition()) return
      for (const name of changes) node.off(name, look)
      resolve()
    }
    for (const name of changes) node.on(name, look)
    look()
  })
}

/** The next event of that name that fits. */
export function nextEvent<K extends keyof NodeEvents>(
  node: CoterieNode,
  name: K,
  fits: (...details: NodeEvents[K]) => boolean = () => true,
): Promise<NodeEvents[K]> {
  return new Promise((resolve) => {
    const listen = (...details: NodeEvents[K]): void => {
      if (!fits(...details)) return
      node.off(name, listen as never)
      resolve(details)
    }
    node.on(name, listen as never)
  })
}

/** What a promise rejects with; fails when it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  expect(outcome).toHaveProperty('error')
  return (outcome as { error: Error }).error
}

/** A promise that is settled from outside. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
