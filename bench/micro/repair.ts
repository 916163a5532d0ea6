/**
 * What it takes to find and repair a few differences: `npx tsx bench/micro/repair.ts [keys] [differences]`. Three
 * nodes in one process, N = 3, values of 100 B in memory, 1024 partitions; then so many records vanish from one node,
 * unseen. Told are the bytes that all three nodes send until they are there again, and in three rounds after that, with
 * nothing to do.
 */

import {
  bytesCodec,
  createNode,
  memoryNetwork,
  memoryStorage,
  memoryTransport,
  type Bucket,
  type Connection,
  type ConnectionHandler,
  type CoterieNode,
  type Storage,
  type Transport,
} from '../../src/index.ts'
import { preload } from '../preload.ts'

const count = Number(process.argv[2] ?? 100_000)
const differences = Number(process.argv[3] ?? 100)
const intervalMs = 1_000

/** Counts what is sent. */
function counted(transport: Transport, sent: { bytes: number }): Transport {
  const counting = (connection: Connection): Connection => ({
    remote: connection.remote,
    get provenNames() {
      return connection.provenNames
    },
    get queuedBytes() {
      return connection.queuedBytes
    },
    send: (bytes, start, end) => {
      sent.bytes += end - start
      return connection.send(bytes, start, end)
    },
    close: () => connection.close(),
  })
  return {
    listen: (accept) => transport.listen((connection) => accept(counting(connection))),
    connect: (address: string, handler: ConnectionHandler) =>
      counting(transport.connect(address, handler)),
    close: () => transport.close(),
  }
}

async function fill(bucket: Bucket<Uint8Array>): Promise<void> {
  const value = new Uint8Array(100).fill(7)
  const keys = Array.from({ length: count }, (_, i) => `key-${String(i).padStart(9, '0')}`)
  await preload({ keys, value }, (key) => bucket.put(key, value))
}

/** Removes records of all partitions in turn behind the node's back. */
async function lose(storage: Storage, partitions: number): Promise<void> {
  for (let i = 0; i < differences; i++) {
    const partition = Math.floor((i * partitions) / differences)
    const [entry] = await storage.scan(partition, { limit: 1 })
    if (entry === undefined) throw new Error(`partition ${partition} is empty: take more keys`)
    await storage.write([{ partition, key: entry.key, value: undefined }])
  }
}

function repaired(nodes: readonly CoterieNode[]): number {
  return nodes.reduce((sum, node) => sum + node.stats().antiEntropy.repaired, 0)
}

/** Until each node has compared each of its partitions once more. */
async function roundsOf(nodes: readonly CoterieNode[], rounds: number): Promise<void> {
  const after = nodes.map((node) => node.stats().antiEntropy.rounds + rounds)
  while (nodes.some((node, i) => node.stats().antiEntropy.rounds < after[i]!))
    await new Promise((resolve) => setTimeout(resolve, 100))
}

const network = memoryNetwork()
const sent = { bytes: 0 }
const storages = [memoryStorage(), memoryStorage(), memoryStorage()]
const nodes: CoterieNode[] = []
for (const storage of storages) {
  const transport = counted(memoryTransport(network), sent)
  const seeds = nodes.slice(0, 1).map(({ address }) => address)
  const antiEntropy = { intervalMs, verifyIntervalMs: intervalMs }
  const limits = { eventLoopLagMaxMs: 60_000 }
  nodes.push(
    await createNode({ seeds, transport, storage, antiEntropy, limits, timeoutMs: 60_000 }),
  )
}
await fill(nodes[0]!.bucket('b', { codec: bytesCodec() }))
console.log(`${count} keys on each of three nodes, ${differences} of them lost on one`)
await lose(storages[2]!, nodes[0]!.ring().partitions)
sent.bytes = 0
const beganMs = performance.now()
while (repaired(nodes) < differences) await new Promise((resolve) => setTimeout(resolve, 100))
const tookS = (performance.now() - beganMs) / 1000
console.log(
  `repaired after ${tookS.toFixed(0)} s: ${sent.bytes} bytes, ${repaired(nodes)} records brought`,
)
await roundsOf(nodes, 3)
const before = repaired(nodes)
sent.bytes = 0
const againMs = performance.now()
await roundsOf(nodes, 3)
const idleS = (performance.now() - againMs) / 1000
console.log(
  `three further rounds of each node, ${idleS.toFixed(0)} s: ${sent.bytes} bytes, membership and all, ` +
    `${repaired(nodes) - before} records brought`,
)
for (const node of nodes) await node.close()
