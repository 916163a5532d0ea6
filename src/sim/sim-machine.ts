/**
 * One simulated machine: what outlives the processes on it (its disk, its wall clock) and the
 * process that runs now, if any, with the node in it and the services of the scenario.
 */

import { ClosedError } from '../base/errors.ts'
import type { CoterieNode } from '../node/coterie-node.ts'
import { createNode } from '../node/create-node.ts'
import type { NodeOptions } from '../node/options.ts'
import type { FaultCounts } from './faults.ts'
import { watchNode } from './node-watch.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SimDisk } from './sim-disk.ts'
import type { Lose } from './sim-disk.ts'
import type { SimNetwork } from './sim-network.ts'
import { SimProcess } from './sim-process.ts'
import type { SimService } from './sim-service.ts'
import { SimStorage } from './sim-storage.ts'
import { SimWallClock } from './sim-wall-clock.ts'
import type { Trace } from './trace.ts'
import type { VirtualClock } from './virtual-clock.ts'

/**
 * How long the timers of a process that is gone still fire: long enough for what the scenario
 * awaits of its node to end, one way or the other.
 */
const LIMBO_MS = 5000

/** What every machine of a simulation has in common. */
export interface SimWorld {
  readonly clock: VirtualClock
  readonly trace: Trace
  readonly faults: FaultCounts
  readonly random: SeededRandom
  readonly network: SimNetwork
  readonly storage: 'memory' | 'durable'
  /** Options of every node, beside those that the simulation gives itself. */
  readonly node: Omit<NodeOptions, 'id' | 'seeds' | 'transport' | 'storage' | 'clock' | 'random'>
}

/** What tells one machine from another. */
export interface SimMachineOptions {
  readonly name: string
  /** The id of its node. @default the name */
  readonly id?: string
  readonly zone?: string | undefined
  readonly weight?: number | undefined
}

/** What one start of a node has of its own. */
export interface StartOptions {
  /** The option of `createNode`, for this start alone. */
  readonly replaces?: string | undefined
  /** For this start and those after it. */
  readonly zone?: string | undefined
  /** For this start and those after it. */
  readonly weight?: number | undefined
}

/** A start of a node, until it succeeds, fails, or dies. */
interface Run {
  readonly process: SimProcess
  readonly random: SeededRandom
  readonly storage: SimStorage
  node: CoterieNode | undefined
  /** Whether the start has not ended yet. */
  isStarting: boolean
  /** Whether the machine closes the node, and not the scenario. */
  isClosing: boolean
  /** Ends the start with an error: nothing else could, once the process is dead. */
  abort: (error: Error) => void
}

/** Invariant: at most one process of the machine is not dead. */
export class SimMachine {
  readonly name: string
  disk: SimDisk
  readonly wall: SimWallClock
  readonly #world: SimWorld
  #options: SimMachineOptions
  readonly #crashRandom: SeededRandom
  readonly #services: SimService[] = []
  #run: Run | undefined
  #runs = 0
  #started: Promise<void> = Promise.resolve()

  constructor(world: SimWorld, options: SimMachineOptions) {
    this.#world = world
    this.#options = options
    this.name = options.name
    this.disk = new SimDisk(world.faults)
    this.wall = new SimWallClock(world.clock, world.faults)
    this.#crashRandom = world.random.fork(`${options.name} crashes`)
  }

  /** What tells it from others. */
  get options(): SimMachineOptions {
    return this.#options
  }

  /** What others put into their seeds. */
  get address(): string {
    return `${this.name}:1`
  }

  get isUp(): boolean {
    return this.#run !== undefined
  }

  get isStarting(): boolean {
    return this.#run?.isStarting === true
  }

  /** Resolves when the last start has ended, well or not. Why it failed is told to who asked for it. */
  get started(): Promise<void> {
    return this.#started
  }

  get isPaused(): boolean {
    return this.#run?.process.state === 'paused'
  }

  /** Whether there is a node to use: it has started and is not down. */
  get hasNode(): boolean {
    return this.#run?.node !== undefined
  }

  /** @throws {ClosedError} while it is down. */
  get node(): CoterieNode {
    const node = this.#run?.node
    if (node === undefined) throw new ClosedError(`${this.name} is down`)
    return node
  }

  /**
   * Starts a process with a node in it.
   * @throws whatever the node's start does; then the machine is down.
   */
  async start(seeds: readonly string[], options: StartOptions = {}): Promise<CoterieNode> {
    const { replaces, zone = this.#options.zone, weight = this.#options.weight } = options
    this.#options = { ...this.#options, zone, weight }
    const { clock, trace, faults, network, random, storage } = this.#world
    const { name, disk, wall } = this
    const runRandom = random.fork(`${name} run ${this.#runs++}`)
    const originMs = Math.floor(runRandom.float() * 1e9)
    const process = new SimProcess({ name, clock, trace, faults, originMs, wall })
    trace.note(name, 'start', seeds.join())
    const durability = storage === 'durable' ? 'fsync' : 'memory'
    const diskRandom = runRandom.fork('disk')
    const storageOptions = { disk, process, clock, trace, durability, random: diskRandom } as const
    const nodeStorage = new SimStorage(storageOptions)
    const starting = this.#begin(
      { process, storage: nodeStorage, random: runRandom },
      {
        ...this.#world.node,
        id: this.#options.id ?? name,
        seeds,
        ...(zone === undefined ? {} : { zone }),
        ...(weight === undefined ? {} : { weight }),
        ...(replaces === undefined ? {} : { replaces }),
        transport: network.transport(process),
        storage: nodeStorage,
        clock: process.clock,
        random: runRandom.fork('node'),
      },
    )
    const ended = (): void => {}
    this.#started = starting.then(ended, ended)
    return starting
  }

  /** Runs a service in this process, if there is one, and in each that is started from now on. */
  async host(service: SimService): Promise<void> {
    this.#services.push(service)
    const run = this.#run
    if (run?.node !== undefined) await service.begin(run.process, run.node, run.random)
  }

  /** The end without a goodbye. */
  crash(options: { lose: Lose; isPowerLoss: boolean }): void {
    const { trace, faults, storage } = this.#world
    const { isPowerLoss } = options
    const lose = storage === 'memory' ? 'everything' : options.lose
    trace.note(this.name, 'crash', isPowerLoss ? `${lose} power` : lose)
    if (this.#run !== undefined) {
      faults.add(isPowerLoss ? 'power-loss' : 'crash')
      this.#end(this.#run, { isMachineOff: isPowerLoss })
    }
    this.disk.crash(lose, lose === 'some' ? this.#crashRandom.float() : 0)
  }

  /**
   * The end with a goodbye. A paused node cannot say it, and crashes. One that is starting is waited
   * for: nobody can close what is half open.
   * @throws {Error} when the node leaves timers behind, which would keep a real process alive.
   */
  async close(): Promise<void> {
    if (this.isPaused) this.crash({ lose: 'nothing', isPowerLoss: false })
    await this.#started
    const run = this.#run
    if (run === undefined) return
    run.isClosing = true
    for (const service of this.#services) await service.close()
    await run.node?.close()
    const { pending, isAlive } = run.process
    this.#end(run, { isMachineOff: false })
    if (isAlive && pending > 0) throw new Error(`${this.name} left ${pending} timers behind`)
  }

  /** Stops the code: its timers, frames and disk wait until `resume`. The clocks go on. */
  pause(): void {
    this.#world.trace.note(this.name, 'pause')
    this.#run?.process.pause()
  }

  resume(): void {
    this.#world.trace.note(this.name, 'resume')
    this.#run?.process.resume()
  }

  async #begin(
    parts: Omit<Run, 'node' | 'isStarting' | 'isClosing' | 'abort'>,
    options: NodeOptions,
  ): Promise<CoterieNode> {
    let abort: (error: Error) => void = () => {}
    const died = new Promise<never>((_, reject) => {
      abort = reject
    })
    const run: Run = { ...parts, node: undefined, isStarting: true, isClosing: false, abort }
    this.#run = run
    try {
      const node = await Promise.race([createNode(options), died])
      run.node = node
      node.once('close', () => void this.#closed(run, node))
      const { clock, trace } = this.#world
      watchNode(node, { name: this.name, trace, failed: (error) => clock.fail(error) })
      await Promise.race([this.#beginServices(run, node), died])
      run.isStarting = false
      return node
    } catch (error) {
      this.#end(run, { isMachineOff: false })
      throw error
    }
  }

  async #beginServices({ process, random }: Run, node: CoterieNode): Promise<void> {
    for (const [index, service] of this.#services.entries()) {
      await service.begin(process, node, random.fork(`service ${index}`))
    }
  }

  /** The scenario may close the node itself; then its machine goes down with it. */
  async #closed(run: Run, node: CoterieNode): Promise<void> {
    if (run.isClosing) return
    await node.close()
    this.#end(run, { isMachineOff: false })
  }

  /** Takes a process out of the world, whatever state it is in. Idempotent. */
  #end(run: Run, options: { isMachineOff: boolean }): void {
    if (this.#run === run) this.#run = undefined
    if (!run.process.isAlive) return
    run.process.cut()
    this.#world.network.crash(run.process, options)
    run.storage.abandon()
    for (const service of this.#services) service.lost(run.process)
    run.abort(new ClosedError(`${this.name} went down`))
    this.#world.clock.after(LIMBO_MS, () => run.process.kill())
    // Nothing of this reaches a disk, a peer or a listener. It only ends what the scenario still
    // waits for.
    run.node?.removeAllListeners()
    run.node?.close().catch(() => {})
  }
}
