/**
 * One process of a storm: a node over TCP with its data on disk, every commit synced. It does what its parent asks over
 * IPC, and ends with it.
 */
import { createNode, oneProcess, StoreError } from '../../../src/index.ts'
import type { Bucket, BucketOptions, CoterieNode, Entry, Receipt } from '../../../src/index.ts'
import { lmdbStorage } from '../../../src/lmdb.ts'
import { NamedTransport } from './named-transport.ts'
import type {
  BucketName,
  Call,
  CommandName,
  Commands,
  Failure,
  FromNode,
  NodeSettings,
  ToNode,
  WireEntry,
  WireReceipt,
} from './protocol.ts'
import { WatchedStorage } from './watched-storage.ts'

const bucketOptions: Readonly<Record<BucketName, BucketOptions<string>>> = {
  strict: { sloppy: false, r: 'quorum', w: 'quorum', readRepair: 'blocking' },
  loose: {},
}

process.on('disconnect', () => process.exit(1))

const settings = JSON.parse(process.argv[2] ?? '{}') as NodeSettings
const storage = new WatchedStorage(lmdbStorage({ path: settings.directory, durability: 'fsync' }), {
  isFull: settings.isDiskFull,
  refused: ({ message }) => {
    send({ kind: 'write-refused', isBroken: message.includes('open it again') })
  },
})
const changes = new Map<number, (value: string) => void>()
let lastChange = 0

try {
  serve(await start())
} catch (error) {
  send({ kind: 'refused', failure: failureOf(error) })
  process.exitCode = 2
  process.disconnect()
}

/** Deadlines and rounds are short, so that faults of some seconds are long. */
function start(): Promise<CoterieNode> {
  return createNode({
    id: settings.id,
    cluster: 'storm',
    seeds: settings.seeds,
    partitions: 64,
    replication: { n: 3 },
    timeoutMs: 2_000,
    storage,
    transport: new NamedTransport({
      id: settings.id,
      links: settings.links,
      listening: (port) => send({ kind: 'listening', port }),
    }),
    membership: { ...oneProcess(), probeIntervalMs: 500, exchangeIntervalMs: 2_000 },
    handoff: { intervalMs: 500 },
  })
}

function serve(node: CoterieNode): void {
  process.on('message', (message: ToNode) => {
    if (message.kind === 'changed') {
      changes.get(message.change)?.(message.value)
      changes.delete(message.change)
      return
    }
    perform(node, message).then(
      (answer) => {
        send({ kind: 'answer', id: message.id, answer })
        if (message.name === 'close') process.disconnect()
      },
      (error: unknown) => send({ kind: 'failure', id: message.id, failure: failureOf(error) }),
    )
  })
  send({ kind: 'ready' })
}

async function perform(node: CoterieNode, call: Call): Promise<Commands[CommandName]['answer']> {
  switch (call.name) {
    case 'get': {
      const { bucket, key, options } = call.ask
      return wireEntry(await open(node, bucket).get(key, options))
    }
    case 'getMany': {
      const { bucket, keys, options } = call.ask
      const entries = await open(node, bucket).getMany(keys, options)
      return keys.map((key) => wireEntry(entries.get(key)!))
    }
    case 'put': {
      const { bucket, key, value, options } = call.ask
      return wireReceipt(await open(node, bucket).put(key, value, options))
    }
    case 'delete': {
      const { bucket, key, options } = call.ask
      return wireReceipt(await open(node, bucket).delete(key, options))
    }
    case 'update': {
      const { bucket, key } = call.ask
      const change = (siblings: readonly string[]): Promise<string> => ask(call.id, siblings)
      return wireReceipt(await open(node, bucket).update(key, change))
    }
    case 'status': {
      const members = node.members().map(({ id, status }) => ({ id, status }))
      return { stats: node.stats(), members }
    }
    case 'disk':
      storage.isFull = call.ask.isFull
      return null
    case 'close':
      await node.close()
      return null
  }
}

function open(node: CoterieNode, name: BucketName): Bucket<string> {
  return node.bucket(name, bucketOptions[name])
}

/** Has the parent change what the update `call` read. */
function ask(call: number, siblings: readonly string[]): Promise<string> {
  const change = ++lastChange
  return new Promise((resolve) => {
    changes.set(change, resolve)
    send({ kind: 'change', call, change, siblings })
  })
}

function wireEntry({ siblings, context }: Entry<string>): WireEntry {
  return { siblings, context: context.toString() }
}

function wireReceipt({ context, acknowledged, hinted }: Receipt): WireReceipt {
  return { context: context.toString(), acknowledged, hinted }
}

function failureOf(error: unknown): Failure {
  if (error instanceof StoreError) return { code: error.code, message: error.message }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

/** The parent may be gone at any moment; then so is this process. */
function send(message: FromNode): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
