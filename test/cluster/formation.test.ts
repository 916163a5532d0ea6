/** Nodes that start at once form one cluster, whatever the order of their starts (HAZARDS E1, E6, E10). */

import { expect, test } from 'vitest'
import type { NodeOptions } from '../../src/index.ts'
import type { NetworkQuality } from '../../src/sim/sim-links.ts'
import { SeededRandom } from '../../src/sim/seeded-random.ts'
import { SimMachine } from '../../src/sim/sim-machine.ts'
import type { SimWorld } from '../../src/sim/sim-machine.ts'
import { SimNetwork } from '../../src/sim/sim-network.ts'
import { Trace } from '../../src/sim/trace.ts'
import { isLongRun } from './kit.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

/** Orders of a default run. All 1000 are run with COTERIE_LONG=1. */
const orderCount = isLongRun ? 1000 : 100

/** Machines without a cluster yet. */
class Site {
  readonly world: SimWorld
  readonly machines: SimMachine[] = []
  readonly random: SeededRandom

  constructor(
    seed: number,
    options: { quality?: NetworkQuality; node?: Partial<NodeOptions> } = {},
  ) {
    const { quality, node = {} } = options
    const clock = new VirtualClock()
    const trace = new Trace(clock)
    const random = new SeededRandom(seed)
    const network = new SimNetwork({ clock, random, trace, quality })
    this.world = { clock, trace, random, network, faults: network.faults, storage: 'durable', node }
    this.random = random.fork('site')
  }

  machine(name: string): SimMachine {
    const machine = new SimMachine(this.world, { name })
    this.machines.push(machine)
    return machine
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.clock.after(ms, resolve)
    })
  }

  shuffled<T>(list: readonly T[]): T[] {
    const keyed = list.map((value) => ({ value, at: this.random.float() }))
    return keyed.toSorted((a, b) => a.at - b.at).map(({ value }) => value)
  }

  /** Runs to the end of the scenario, then closes all. */
  async run<T>(scenario: () => Promise<T>, limitMs = 600_000): Promise<T> {
    const { clock } = this.world
    const work = scenario()
    const outcome = await clock.runUntil(work, limitMs)
    if (outcome !== 'settled') throw new Error(`the scenario ran ${outcome}`)
    const value = await work
    const closing = Promise.all(this.machines.map((machine) => machine.close()))
    await clock.runUntil(closing, clock.nowMs + 60_000)
    await closing
    return value
  }

  async until(problem: () => string | undefined, withinMs: number): Promise<void> {
    const deadlineMs = this.world.clock.nowMs + withinMs
    for (let found = problem(); found !== undefined; found = problem()) {
      if (this.world.clock.nowMs >= deadlineMs) throw new Error(`after ${withinMs} ms, ${found}`)
      await this.sleep(20)
    }
  }

  /** All machines see each other alive, in the same ring. */
  async untilOne(withinMs = 30_000): Promise<void> {
    await this.until(() => this.#oneProblem(), withinMs)
  }

  #oneProblem(): string | undefined {
    const names = this.machines.map(({ name }) => name).toSorted()
    const rings = new Set<string>()
    for (const { node } of this.machines) {
      const alive = node.members().filter(({ status }) => status === 'alive')
      const seen = alive.map(({ id }) => id)
      if (seen.join() !== names.join()) return `${node.id} sees ${seen.join()}`
      rings.add(JSON.stringify(node.ring()))
    }
    return rings.size === 1 ? undefined : 'the rings differ'
  }
}

/** One cold start: 1 to 9 nodes with the same seeds in different orders, at different times. */
async function coldStart(seed: number): Promise<void> {
  const chance = new SeededRandom(seed, 'shape')
  const choose = <T>(...list: T[]): T => list[Math.floor(chance.float() * list.length)]!
  const size = 1 + (seed % 9)
  const staggerMs = choose(0, 10, 120, 1000, 5000)
  const quality = {
    latencyMs: choose(0.1, 1, 20, 60),
    jitterMs: choose(0, 1, 30),
    loss: choose(0, 0, 0, 0.02),
    duplicate: choose(0, 0, 0.1),
  }
  // How finely the hash is cut does not matter here, and each node builds a ring for each change.
  const site = new Site(seed, { quality, node: { partitions: 16 } })
  const names = Array.from({ length: size }, (_, i) => `n${i + 1}`)
  const machines = names.map((name) => site.machine(name))
  const all = machines.map(({ address }) => address)
  // Some seeds may be no node at all, and some nodes may be no seed.
  const seedsMin = Math.ceil(size / 2)
  const seeds = choose(all, all, all.slice(0, seedsMin), [...all, 'nobody:1'])
  await site.run(async () => {
    const starts = site.shuffled(machines).map(async (machine) => {
      await site.sleep(site.random.float() * staggerMs)
      return machine.start(site.shuffled(seeds))
    })
    await Promise.all(starts)
    await site.untilOne()
    // A lost frame fails an operation: then only that they are one cluster can be seen.
    if (quality.loss > 0) return
    const [first] = machines
    await first!.node.bucket('b').put('k', seed)
    for (const { node } of machines) expect((await node.bucket('b').get('k')).value()).toBe(seed)
  })
}

test(`1 to 9 nodes that start at once form exactly one cluster, in ${orderCount} orders`, async () => {
  const problems: string[] = []
  for (let seed = 1; seed <= orderCount; seed++) {
    await coldStart(seed).catch((error: unknown) => problems.push(`seed ${seed}: ${String(error)}`))
  }
  expect(problems).toEqual([])
}, 600_000)
