/**
 * Nodes on virtual time, each on a machine with a disk of its own: they are started, stopped and crashed one by
 * one.
 */
import { afterEach } from 'vitest'
import { createNode, type CoterieNode, type NodeOptions } from '../../src/index.ts'
import { SimDisk } from '../../src/sim/sim-disk.ts'
import type { SimProcess } from '../../src/sim/sim-process.ts'
import { World } from '../sim/world.ts'

interface Running {
  readonly process: SimProcess
  readonly node: CoterieNode
}

const everything = new Set<Machines>()

afterEach(async () => {
  const all = [...everything]
  everything.clear()
  for (const machines of all) await machines.closeAll()
})

export interface StartOptions extends NodeOptions {
  /** Its memory is its only disk. */
  readonly volatile?: boolean
}

export class Machines {
  readonly world: World
  readonly #disks = new Map<string, SimDisk>()
  readonly #running = new Map<string, Running>()
  #starts = 0

  constructor(seed = 1) {
    this.world = new World({ seed })
    everything.add(this)
  }

  disk(name: string): SimDisk {
    let disk = this.#disks.get(name)
    if (disk === undefined) this.#disks.set(name, (disk = new SimDisk()))
    return disk
  }

  replaceDisk(name: string, disk: SimDisk = new SimDisk()): void {
    this.#disks.set(name, disk)
  }

  now(): number {
    return this.world.clock.nowMs
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.clock.after(ms, resolve)
    })
  }

  /** Starts a node at `name:1` whose id is its name; the clock is driven by `run`. */
  async start(name: string, options: StartOptions = {}): Promise<CoterieNode> {
    const { volatile = false, ...rest } = options
    const { network, random } = this.world
    const process = this.world.process(name)
    const durability = volatile ? 'memory' : 'fsync'
    try {
      const node = await createNode({
        id: name,
        partitions: 16,
        transport: network.transport(process),
        storage: this.world.storage(this.disk(name), process, durability),
        clock: process.clock,
        random: random.fork(`${name} ${this.#starts++}`),
        ...rest,
      })
      this.#running.set(name, { process, node })
      return node
    } catch (error) {
      assertNothingLeft(process)
      throw error
    }
  }

  /** Closes the node and checks that it leaves no timer behind. */
  async stop(name: string): Promise<void> {
    const { process, node } = this.#running.get(name)!
    this.#running.delete(name)
    await node.close()
    assertNothingLeft(process)
  }

  /** Ends the process without a goodbye. */
  crash(name: string): void {
    const { process } = this.#running.get(name)!
    this.#running.delete(name)
    this.world.network.crash(process)
    process.kill()
    this.disk(name).crash('unsynced')
  }

  process(name: string): SimProcess {
    return this.#running.get(name)!.process
  }

  /** Drives virtual time until the work is done. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.world.run(work())
  }

  closeAll(): Promise<void> {
    return this.run(async () => {
      await Promise.all([...this.#running.keys()].map((name) => this.stop(name)))
    })
  }
}

function assertNothingLeft({ name, pending }: SimProcess): void {
  if (pending > 0) throw new Error(`${name} left ${pending} timers behind`)
}

/** Ids of the members that a node knows of, with their states. */
export function seen(node: CoterieNode): string[] {
  return node.members().map(({ id, status, stage }) => `${id} ${status} ${stage}`)
}
