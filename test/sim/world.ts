/**
 * A small world on virtual time for the tests of the simulator's parts: processes, a network,
 * disks.
 */

import type { Connection, ConnectionHandler, Transport } from '../../src/ports/transport.ts'
import { FaultCounts } from '../../src/sim/faults.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import type { SimDisk } from '../../src/sim/sim-disk.ts'
import type { NetworkQuality } from '../../src/sim/sim-links.ts'
import { SimNetwork } from '../../src/sim/sim-network.ts'
import { SimProcess } from '../../src/sim/sim-process.ts'
import { SimStorage } from '../../src/sim/sim-storage.ts'
import { Trace } from '../../src/sim/trace.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

export class World {
  readonly clock: VirtualClock = new VirtualClock()
  readonly lines: string[] = []
  readonly trace: Trace = new Trace(this.clock, (line) => this.lines.push(line))
  readonly faults: FaultCounts = new FaultCounts()
  readonly random: SeededRandom
  readonly network: SimNetwork

  constructor(options: { seed?: number; quality?: NetworkQuality } = {}) {
    const { seed = 1, quality } = options
    this.random = new SeededRandom(seed)
    const { clock, random, trace, faults } = this
    this.network = new SimNetwork({ clock, random, trace, faults, quality })
  }

  process(name: string): SimProcess {
    const { clock, trace, faults } = this
    return new SimProcess({ name, clock, trace, faults })
  }

  storage(
    disk: SimDisk,
    process: SimProcess,
    durability: 'memory' | 'fsync' = 'fsync',
  ): SimStorage {
    const { clock, trace } = this
    const random = this.random.fork(process.name)
    return new SimStorage({ disk, process, clock, trace, random, durability })
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    await this.run(
      new Promise<void>((resolve) => {
        this.clock.after(ms, resolve)
      }),
    )
  }

  /** Drives the world until the work is done. Fails when it never will be. */
  async run<T>(work: Promise<T>): Promise<T> {
    const outcome = await this.clock.runUntil(work)
    if (outcome !== 'settled') throw new Error(`the world ran ${outcome}`)
    return work
  }
}

/** A handler that writes down what it is told, with the connection it is told about. */
export class Recorder implements ConnectionHandler {
  readonly heard: string[] = []
  readonly #world: World
  limit = 1000

  constructor(world: World) {
    this.#world = world
  }

  frameBytesMax(): number {
    return this.limit
  }

  open(): void {
    this.heard.push('open')
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    this.heard.push(Buffer.from(bytes.subarray(start, end)).toString())
  }

  close(error?: Error): void {
    this.heard.push(
      `${error === undefined ? 'closed' : codeOf(error)} at ${Math.floor(this.#world.clock.nowMs)}`,
    )
  }
}

/**
 * The code of the cause, or of the error when it has none; `ended` for the other end's good order.
 */
function codeOf(error: Error & { code?: string }): string | undefined {
  if (error.message.endsWith('closed the connection')) return 'ended'
  return (error.cause as { code?: string } | undefined)?.code ?? error.code
}

export function sendText(connection: Connection, text: string): boolean {
  const bytes = Buffer.from(text)
  return connection.send(bytes, 0, bytes.length)
}

/** Two processes: `a` listens at `a:1` and keeps what it accepts, `b` is there to connect. */
export interface Pair {
  readonly world: World
  readonly a: SimProcess
  readonly b: SimProcess
  readonly transportA: Transport
  readonly transportB: Transport
  readonly accepted: { connection: Connection; recorder: Recorder }[]
}

export async function pair(
  options: { seed?: number; quality?: NetworkQuality } = {},
): Promise<Pair> {
  const world = new World(options)
  const [a, b] = [world.process('a'), world.process('b')]
  const [transportA, transportB] = [world.network.transport(a), world.network.transport(b)]
  const accepted: Pair['accepted'] = []
  await transportA.listen((connection) => {
    const recorder = new Recorder(world)
    accepted.push({ connection, recorder })
    return recorder
  })
  return { world, a, b, transportA, transportB, accepted }
}
