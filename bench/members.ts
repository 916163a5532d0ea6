/**
 * Nodes in processes of their own, over loopback TCP, for measurements that need more of them than the usual three, or
 * others. The process that measures is the first node of the cluster and starts the others; each does what it is told
 * by messages and ends with its parent.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CoterieNode, NodeOptions, NodeStats, Storage } from '../src/index.ts'
import { answerOf } from './answer.ts'
import { loadLibrary, loadLmdb, type Library } from './library.ts'
import { lateStorage, slowDown, type Lateness } from './trouble/handicap.ts'

/** What every node of a cluster is told; it goes through JSON. */
export type SharedOptions = Pick<NodeOptions, 'antiEntropy' | 'handoff' | 'replication'>

/** What a process is told. */
interface Orders {
  readonly dist: string
  readonly options: SharedOptions & { readonly id: string; readonly seeds: readonly string[] }
  /** Where its data lies on disk; in memory when it is not there. */
  readonly path?: string | undefined
  readonly lateness: Lateness | undefined
}

/** Slower by a factor, or as fast as it can when that is 1. */
interface Slowness {
  readonly slowness: number
}

type Call = 'stats' | 'come' | 'leave' | 'close' | Slowness

/** A node in another process. */
export interface Member {
  readonly id: string
  stats(): Promise<NodeStats>
  /** Gives its data to the others, and ends its process. */
  leave(): Promise<void>
  /** The same, but its process goes on. */
  depart(): Promise<void>
  /** Becomes a member again, with nothing: in a process whose code is compiled. Not with data on disk. */
  come(): Promise<void>
  close(): Promise<void>
  /** Makes its process slower by the factor; 1: as it was. */
  slow(factor: number): Promise<void>
  /** Ends its process with SIGKILL; nothing when that has ended. */
  kill(): Promise<void>
}

/** How members of one cluster are started. */
export interface Founded {
  /** The node in this process. */
  readonly node: CoterieNode
  /** @param path a directory for its data, so that it can be started again; without it, it is in memory. */
  readonly start: (id: string, path?: string) => Promise<Member>
}

/** What a cluster is founded with. */
interface Foundation {
  readonly dist: string
  readonly options: SharedOptions
  /** Of this node; the others have 1. */
  readonly weight?: number
  /** Of the others. */
  readonly lateness?: Lateness
}

/** Founds a cluster of one node, in this process. */
export async function found(
  library: Library,
  { dist, options, weight = 1, lateness }: Foundation,
): Promise<Founded> {
  const transport = library.tcpTransport({ host: '127.0.0.1', port: 0 })
  const node = await library.createNode({ ...options, id: 'n1', weight, transport })
  return {
    node,
    start: (id, path) => {
      const itsOptions = { ...options, id, seeds: [node.address] }
      return start({ dist, path, options: itsOptions, lateness })
    },
  }
}

/** A cluster that stands. */
export interface Standing extends Founded {
  readonly members: readonly Member[]
}

/** Founds a cluster of three, and waits until each of them owns its part. */
export async function foundThree(library: Library, foundation: Foundation): Promise<Standing> {
  const founded = await found(library, foundation)
  const members = [await founded.start('n2'), await founded.start('n3')]
  await until('the cluster stands', () => isSettled(founded.node, 3))
  return { ...founded, members }
}

/** Resolves when the node is a member; what it gains may still be under way. */
async function start(orders: Orders): Promise<Member> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(orders)])
  await answerOf<'ready'>(child)
  return {
    id: orders.options.id,
    stats: () => ask<NodeStats>(child, 'stats'),
    leave: () => end(child, 'leave'),
    depart: async () => void (await ask<'done'>(child, 'leave')),
    come: async () => void (await ask<'done'>(child, 'come')),
    close: () => end(child, 'close'),
    slow: async (slowness) => void (await ask<'done'>(child, { slowness })),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

function ask<T>(child: ChildProcess, call: Call): Promise<T> {
  child.send(call)
  return answerOf<T>(child)
}

async function end(child: ChildProcess, call: Call): Promise<void> {
  const exited = once(child, 'exit')
  await ask<'done'>(child, call)
  child.disconnect()
  await exited
}

/** Whether so many members own everything, and no owners change. */
export function isSettled(node: CoterieNode, count: number): boolean {
  const { moving, owned } = node.ring()
  return moving === 0 && Object.keys(owned).length === count
}

/** Resolves when it holds. @throws {Error} by rejection, when it does not within three minutes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 180_000
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within three minutes: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function diskStorage(dist: string, path: string): Promise<Storage> {
  const { lmdbStorage } = await loadLmdb(dist)
  return lmdbStorage({ path, durability: 'os' })
}

async function become({ dist, options, path, lateness }: Orders): Promise<CoterieNode> {
  const library = await loadLibrary(dist)
  const transport = library.tcpTransport({ host: '127.0.0.1', port: 0 })
  const kept = path === undefined ? library.memoryStorage() : await diskStorage(dist, path)
  const storage = lateness === undefined ? kept : lateStorage(kept, lateness)
  return library.createNode({ ...options, transport, storage })
}

/** The life of a member's process. */
async function live(orders: Orders): Promise<void> {
  let node = await become(orders)
  let recover = (): void => undefined
  const obey = async (call: Call): Promise<void> => {
    if (call === 'stats') return void process.send?.(node.stats())
    recover()
    if (typeof call === 'object') {
      if (call.slowness > 1) recover = slowDown(call.slowness)
    } else if (call === 'come') node = await become(orders)
    else await (call === 'close' ? node.close() : node.leave())
    process.send?.('done')
  }
  process.on('message', (call) => void obey(call as Call))
  // Whoever is left without a parent is of no use to anybody.
  process.once('disconnect', () => process.exit())
  process.send?.('ready')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await live(JSON.parse(process.argv[2]!) as Orders)
}
