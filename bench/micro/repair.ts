/**
 * What it takes to find and repair differences. Three nodes in one process, N = 3, values of 100 B in memory, 1024
 * partitions; then so many records vanish from one node, unseen. Told are the bytes that all three nodes send until
 * they are there again, and in three rounds after that, with nothing to do.
 *
 * Also told is how many records are repaired in a second, from the beginning of the first round that finds any to the
 * last record, however long the pause between two rounds; and what the process computed meanwhile. For the rest of the
 * time it waited: a difference is looked at again after a moment before anything is sent (`src/upkeep/comparison.ts`),
 * once for some partitions together, so that it matters in how many partitions the differences are, and hardly how
 * many there are. For the speed of repair take many: 100000 keys and 20000 differences.
 *
 *     npx tsx bench/micro/repair.ts [keys, 100000] [differences, 100] [partitions that they are in, all]
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
import { cpuUs } from '../cluster.ts'
import { preload } from '../preload.ts'

const count = Number(process.argv[2] ?? 100_000)
const differences = Number(process.argv[3] ?? 100)
const spread = Number(process.argv[4] ?? Infinity)
if (!(differences >= 1)) throw new Error(`there must be at least 1 difference, not ${differences}`)
if (!(spread >= 1)) throw new Error(`differences must be in at least 1 partition, not ${spread}`)
const intervalMs = 1_000
const lookEveryMs = 20

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

/** Removes records of so many partitions in turn behind the node's back. */
async function lose(storage: Storage, partitions: number): Promise<void> {
  for (let i = 0; i < differences; i++) {
    const partition = Math.floor((i * partitions) / differences)
    const [entry] = await storage.scan(partition, { limit: 1 })
    if (entry === undefined)
      throw new Error(`partition ${partition} is empty: take more keys, or more partitions`)
    await storage.write([{ partition, key: entry.key, value: undefined }])
  }
}

function repaired(nodes: readonly CoterieNode[]): number {
  return nodes.reduce((sum, node) => sum + node.stats().antiEntropy.repaired, 0)
}

/** Finds out when the round of each node began in which it first found a difference. */
class RoundWatch {
  readonly #nodes: readonly CoterieNode[]
  readonly #before: readonly number[]
  readonly #rounds: number[]
  readonly #beganMs: number[]
  readonly #foundMs: Map<CoterieNode, number> = new Map()

  /** @param nodes of which something has vanished a moment ago: a round that is under way counts from now on. */
  constructor(nodes: readonly CoterieNode[]) {
    this.#nodes = nodes
    const stats = nodes.map((node) => node.stats().antiEntropy)
    this.#before = stats.map(({ differing }) => differing)
    this.#rounds = stats.map(({ rounds }) => rounds)
    this.#beganMs = nodes.map(() => performance.now())
  }

  /** To be called often: a round begins at the last look that did not see it. */
  look(): void {
    const now = performance.now()
    this.#nodes.forEach((node, i) => {
      const { rounds, progress, differing } = node.stats().antiEntropy
      if (differing > this.#before[i]! && !this.#foundMs.has(node))
        this.#foundMs.set(node, this.#beganMs[i]!)
      if (progress === 1 || rounds !== this.#rounds[i]) this.#beganMs[i] = now
      this.#rounds[i] = rounds
    })
  }

  /** When the first of these rounds began. */
  get firstMs(): number {
    return Math.min(...this.#foundMs.values())
  }
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
const repairedBefore = repaired(nodes)
await lose(storages[2]!, Math.min(spread, nodes[0]!.ring().partitions))
sent.bytes = 0
const beganMs = performance.now()
const cpuBefore = cpuUs()
const watch = new RoundWatch(nodes)
while (repaired(nodes) - repairedBefore < differences) {
  watch.look()
  await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
}
watch.look()
const endedMs = performance.now()
const computedS = (cpuUs() - cpuBefore) / 1e6
const tookS = (endedMs - beganMs) / 1000
console.log(
  `repaired after ${tookS.toFixed(0)} s: ${sent.bytes} bytes, ${repaired(nodes) - repairedBefore} records brought`,
)
const roundS = (endedMs - watch.firstMs) / 1000
const perSecond = (differences / roundS).toFixed(0)
console.log(
  `from the first round that found any ${roundS.toFixed(1)} s: ${perSecond} records a second; ` +
    `CPU time of the process, membership and all, ${computedS.toFixed(1)} s`,
)
await roundsOf(nodes, 3)
const before = repaired(nodes)
sent.bytes = 0
const againMs = performance.now()
const idleCpuBefore = cpuUs()
await roundsOf(nodes, 3)
const idleS = (performance.now() - againMs) / 1000
console.log(
  `three further rounds of each node, ${idleS.toFixed(0)} s: ${sent.bytes} bytes, membership and all, ` +
    `${repaired(nodes) - before} records brought; CPU time ${((cpuUs() - idleCpuBefore) / 1e6).toFixed(1)} s`,
)
for (const node of nodes) await node.close()
