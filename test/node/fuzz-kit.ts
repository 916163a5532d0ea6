/** Fuzzing of whole nodes: sound frames are recorded from a cluster at work, changed, and fed to one node by hand. */
import {
  createNode,
  memoryNetwork,
  memoryTransport,
  type Connection,
  type ConnectionHandler,
  type CoterieNode,
  type NodeOptions,
  type Transport,
} from '../../src/index.ts'
import { frameType } from '../../src/rpc/frame.ts'
import type { SeededRandom } from '../../src/sim/seeded-random.ts'
import { Wire } from '../rpc/kit.ts'
import { settled, track } from './kit.ts'

/** Frames to feed: a hundred thousand, or the full million with COTERIE_LONG=1. */
export const fuzzFrames: number = process.env['COTERIE_LONG'] === '1' ? 1_000_000 : 100_000

/** Another seed finds other faults; a failure names the one it ran with. */
export const fuzzSeed: number = Number(process.env['COTERIE_SEED'] ?? 1)

const keptPerType = 400

/** What one node of the cluster is fed through. */
export interface Target {
  readonly node: CoterieNode
  readonly nodes: readonly CoterieNode[]
  /** Sound frames by type, as they were sent in the cluster. */
  readonly corpus: ReadonlyMap<number, readonly Buffer[]>
  /** A new connection from a stranger. */
  accept(connection: Connection): ConnectionHandler
  /** Handlers of the connections that the node dialled and that are open. */
  dialled(): readonly ConnectionHandler[]
}

/** A cluster of four, the first of which is the target. */
export async function target(options: NodeOptions = {}): Promise<Target> {
  const network = memoryNetwork()
  const corpus = new Map<number, Buffer[]>()
  const open = new Set<ConnectionHandler>()
  let accept: Target['accept'] | undefined
  const nodes: CoterieNode[] = []
  for (let i = 1; i <= 4; i++) {
    const inner = memoryTransport(network)
    const recorder = new Recorder(inner, corpus, i === 1 ? open : undefined)
    const transport: Transport = {
      listen: (accepts) => {
        if (i === 1) accept = accepts
        return inner.listen(accepts)
      },
      connect: (address, handler) => recorder.connect(address, handler),
      close: () => inner.close(),
    }
    const seeds = network.addresses().slice(0, 1)
    const node = await createNode({ id: `n${i}`, partitions: 16, seeds, transport, ...options })
    nodes.push(track(node))
  }
  await settled(nodes)
  await work(nodes)
  return { node: nodes[0]!, nodes, corpus, accept: accept!, dialled: () => [...open] }
}

/** Makes every kind of frame pass by. */
async function work(nodes: readonly CoterieNode[]): Promise<void> {
  for (const node of nodes) {
    const bucket = node.bucket('b')
    for (let i = 0; i < 40; i++) {
      await bucket.put(`k${i}`, { i, text: 'x'.repeat(i * 10) })
      await bucket.get(`k${i}`, { r: 3 })
      await bucket.put(`s${i}`, i, { context: null }).catch(() => undefined)
    }
    const many = Array.from({ length: 10 }, (_, i) => `k${i}`)
    await bucket.getMany(many)
    await bucket.putMany(many.map((key, i) => ({ key, value: { i, text: 'x'.repeat(i * 20) } })))
    await bucket.getMany([...many, 'absent'])
    await bucket.delete('k7')
    await bucket.get('absent')
    await bucket.put(`long ${node.id}`, 'x'.repeat(150_000))
    const scan = bucket.entries({ prefix: 'k', timeoutMs: 60_000 })
    while ((await scan.next()).done !== true);
  }
}

class Recorder {
  readonly #inner: Transport
  readonly #corpus: Map<number, Buffer[]>
  readonly #open: Set<ConnectionHandler> | undefined

  constructor(
    inner: Transport,
    corpus: Map<number, Buffer[]>,
    open: Set<ConnectionHandler> | undefined,
  ) {
    this.#inner = inner
    this.#corpus = corpus
    this.#open = open
  }

  /** Records both directions of what is dialled, which is everything. */
  connect(address: string, handler: ConnectionHandler): Connection {
    const connection = this.#inner.connect(address, {
      frameBytesMax: (firstByte) => handler.frameBytesMax(firstByte),
      open: () => {
        this.#open?.add(handler)
        handler.open()
      },
      frame: (bytes, start, end) => {
        this.#keep(bytes, start, end)
        handler.frame(bytes, start, end)
      },
      close: (error) => {
        this.#open?.delete(handler)
        handler.close(error)
      },
    })
    return {
      remote: connection.remote,
      get queuedBytes() {
        return connection.queuedBytes
      },
      send: (bytes, start, end) => {
        this.#keep(bytes, start, end)
        return connection.send(bytes, start, end)
      },
      close: () => connection.close(),
    }
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const type = bytes[start]!
    let kept = this.#corpus.get(type)
    if (kept === undefined) this.#corpus.set(type, (kept = []))
    if (kept.length < keptPerType) kept.push(Buffer.from(bytes.subarray(start, end)))
  }
}

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

/** Makes frames that are nearly sound, or not at all. */
export class Mutator {
  readonly #random: SeededRandom
  readonly #frames: readonly Buffer[]

  constructor(random: SeededRandom, frames: readonly Buffer[]) {
    this.#random = random
    this.#frames = frames
  }

  /** A whole number below the limit. */
  below(limit: number): number {
    return Math.floor(this.#random.float() * limit)
  }

  next(): Buffer {
    const frame = Buffer.from(this.#pick())
    for (let changes = 1 + this.below(3); changes > 0 && frame.length > 0; changes--) {
      frame[this.below(frame.length)] = this.below(256)
    }
    switch (this.below(8)) {
      case 0:
        return this.#noise(this.below(300))
      case 1:
        return frame.subarray(0, 1 + this.below(frame.length))
      case 2:
        return Buffer.concat([frame, this.#noise(this.below(40))])
      case 3:
        return this.#extreme(frame)
      case 4:
        return this.#splice(frame)
      case 5:
        return Buffer.from(this.#pick())
      default:
        return frame
    }
  }

  #pick(): Buffer {
    return this.#frames[this.below(this.#frames.length)]!
  }

  #noise(length: number): Buffer {
    return Buffer.from(this.#random.bytes(Math.max(1, length)))
  }

  /** A length, count or id that is far off. */
  #extreme(frame: Buffer): Buffer {
    const value = extremes[this.below(extremes.length)]!
    const size = value > 0xffff ? 4 : value > 0xff ? 2 : 1
    if (frame.length < size + 1) return frame
    const at = 1 + this.below(frame.length - size)
    if (this.below(2) === 0) frame.writeUIntLE(value, at, size)
    else frame.writeUIntBE(value, at, size)
    return frame
  }

  #splice(frame: Buffer): Buffer {
    const other = this.#pick()
    const head = frame.subarray(0, this.below(frame.length) + 1)
    return Buffer.concat([head, other.subarray(this.below(other.length))])
  }
}

/** A stranger's connection to the target, made anew whenever it was closed; counts what came to what. */
export class Intruder {
  readonly #target: Target
  readonly #hello: Buffer
  #wire = new Wire('intruder')
  #handler: ConnectionHandler | undefined
  connections = 0
  answers = 0

  /** @param hello what it greets with; it may have been changed. */
  constructor(to: Target, hello: Buffer) {
    this.#target = to
    this.#hello = hello
  }

  /** Feeds a frame as a transport would. @returns what was thrown, if anything. */
  feed(frame: Buffer): unknown {
    this.#handler ??= this.#connect()
    const handler = this.#handler
    try {
      if (frame.length > handler.frameBytesMax(frame[0]!)) this.#wire.close()
      else {
        const around = Buffer.concat([Buffer.alloc(3, 0x5a), frame, Buffer.alloc(5, 0x5a)])
        handler.frame(around, 3, 3 + frame.length)
      }
    } catch (error) {
      return error
    }
    if (this.#wire.isClosed || this.#wire.sent.length > 100) this.end()
    return undefined
  }

  end(): void {
    this.answers += this.#wire.sent.length
    this.#handler?.close()
    this.#handler = undefined
  }

  #connect(): ConnectionHandler {
    this.connections += 1
    this.#wire = new Wire('intruder')
    const handler = this.#target.accept(this.#wire)
    handler.open()
    handler.frame(this.#hello, 0, this.#hello.length)
    return handler
  }
}

/** The greeting of a member, as it came to the target. */
export function helloOf(corpus: Target['corpus'], id: string): Buffer {
  const hello = corpus.get(frameType.hello)!.find((frame) => frame.includes(id))
  return hello!
}

/** Lets everything run that waits for the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
