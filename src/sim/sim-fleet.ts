/**
 * All machines of a simulation, from the founding of the cluster to the end. What a scenario does
 * is in `SimCluster`.
 */

import { InvalidArgumentError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import type { SimDisk } from './sim-disk.ts'
import { SimMachine } from './sim-machine.ts'
import type { SimMachineOptions, SimWorld } from './sim-machine.ts'
import { StoredRing } from './stored-ring.ts'

/** How often it is looked whether something has come about, in virtual milliseconds. */
const LOOK_INTERVAL_MS = 50

/**
 * How long the nodes may take to become members everywhere at the start, in virtual milliseconds.
 */
const JOIN_WITHIN_MS = 600_000

/**
 * Invariant: machines are never taken out; those of nodes that left are down.
 * Twins run on copies of the disks of others, and count for nothing that is said of the cluster.
 */
export class SimFleet {
  readonly world: SimWorld
  readonly #zones: readonly string[]
  readonly #machines = new Map<string, SimMachine>()
  readonly #twins = new Map<string, SimMachine>()
  readonly #storedRing = new StoredRing()

  /** @param zones dealt in turn to machines that are given none. */
  constructor(world: SimWorld, zones: readonly string[]) {
    this.world = world
    this.#zones = zones
  }

  get names(): readonly string[] {
    return [...this.#machines.keys()]
  }

  /** All machines, also twins. */
  get machines(): readonly SimMachine[] {
    return [...this.#machines.values(), ...this.#twins.values()]
  }

  /** The disks by the names of their nodes, without those of twins. */
  get disks(): ReadonlyMap<string, SimDisk> {
    return new Map([...this.#machines].map(([name, { disk }]) => [name, disk]))
  }

  /** The newest ring on any disk. */
  get ring(): Ring | undefined {
    return this.#storedRing.newest(this.disks.values())
  }

  /** @throws {InvalidArgumentError} when there is none. */
  machine(name: string): SimMachine {
    const machine = this.#machines.get(name) ?? this.#twins.get(name)
    if (machine === undefined) throw new InvalidArgumentError('name', `there is no node "${name}"`)
    return machine
  }

  /**
   * @param dealing.isZoned whether a machine that is given no zone is dealt one.
   * @throws {InvalidArgumentError} when the name is taken.
   */
  add(
    options: SimMachineOptions,
    { isZoned }: { isZoned: boolean } = { isZoned: true },
  ): SimMachine {
    const { name } = options
    this.#requireFree(name)
    const dealt = isZoned ? this.#zones[this.#machines.size % this.#zones.length] : undefined
    const zone = options.zone ?? dealt
    const machine = new SimMachine(this.world, { ...options, zone })
    this.#machines.set(name, machine)
    return machine
  }

  /**
   * A machine with a copy of a disk and the same node on it.
   * @throws {InvalidArgumentError} when the name is taken, or the node has no disk to copy.
   */
  addTwin(of: SimMachine, name: string): SimMachine {
    this.#requireFree(name)
    if (this.world.storage === 'memory') {
      throw new InvalidArgumentError('name', `the storage of ${of.name} is no disk, but memory`)
    }
    const twin = new SimMachine(this.world, { id: of.name, ...of.options, name })
    twin.disk = of.disk.copy()
    this.#twins.set(name, twin)
    return twin
  }

  /** What a node takes for its seeds: the addresses of all others, as far as they are no twins. */
  seedsFor(name: string): string[] {
    const { id = name } = this.machine(name).options
    const others = [...this.#machines.values()].filter((machine) => machine.name !== id)
    return others.map(({ address }) => address)
  }

  /** Founds the cluster, lets one node after the other join, and waits until all know of all. */
  async found(count: number): Promise<void> {
    for (let i = 1; i <= count; i++) {
      const name = `n${i}`
      await this.add({ name }).start(this.seedsFor(name))
    }
    await this.until(() => this.#joinProblem(), JOIN_WITHIN_MS)
  }

  /** Closes every node that is up, when those that are starting have come up or failed. */
  async close(): Promise<void> {
    await Promise.all(this.machines.map(({ started }) => started))
    await Promise.all(this.machines.map((machine) => machine.close()))
  }

  /** Ends every process at once. */
  kill(): void {
    for (const machine of this.machines.filter(({ isUp }) => isUp)) {
      machine.crash({ lose: 'nothing', isPowerLoss: false })
    }
  }

  /** Resolves when that many virtual milliseconds have passed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.clock.after(ms, resolve)
    })
  }

  /**
   * Waits until there is no problem. @throws {Error} with the problem, when there still is after
   * `withinMs`.
   */
  async until(problem: () => string | undefined, withinMs: number): Promise<void> {
    const { clock } = this.world
    const deadlineMs = clock.nowMs + withinMs
    for (;;) {
      const found = problem()
      if (found === undefined) return
      if (clock.nowMs >= deadlineMs) throw new Error(`after ${withinMs} virtual ms, ${found}`)
      await this.sleep(Math.min(LOOK_INTERVAL_MS, deadlineMs - clock.nowMs))
    }
  }

  #requireFree(name: string): void {
    if (!this.#machines.has(name) && !this.#twins.has(name)) return
    throw new InvalidArgumentError('name', `"${name}" exists already`)
  }

  #joinProblem(): string | undefined {
    const size = this.#machines.size
    for (const { node } of this.#machines.values()) {
      const ready = node.members().filter(({ status, stage }) => {
        return status === 'alive' && stage === 'normal'
      })
      if (ready.length < size) return `${node.id} sees ${ready.length} of ${size} members ready`
    }
    return undefined
  }
}
