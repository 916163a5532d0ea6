/**
 * Strikes with the faults of an act at their times, and takes each back when its time is over.
 *
 * Faults overlap as the plan says, but for those that wait until nothing else is wrong and hold up
 * what comes meanwhile: what they show needs calm.
 */

import { deafen } from './deafness.ts'
import { Draw } from './draw.ts'
import { strikeClock, strikeData, strikeDisk } from './machine-faults.ts'
import { menu } from './menu.ts'
import { isolate, networkFault } from './network-faults.ts'
import type { NetworkFaults } from './network-faults.ts'
import type { Operators } from './operators.ts'
import type { FaultPlan } from './plan.ts'
import { strikeProcess } from './process-faults.ts'
import { strikeRing } from './ring-faults.ts'
import type { World } from './world.ts'

/** How often it is looked whether the way is free, milliseconds. */
const lookMs = 100

/** What faults are made with. */
export interface Tools {
  readonly world: World
  readonly operators: Operators
  readonly network: NetworkFaults
}

/** One for a simulation. */
export class Nemesis {
  readonly #tools: Tools
  /** Nodes whose disk or membership is being changed: one thing at a time for each. */
  readonly #changing = new Set<string>()
  #striking = 0
  #isAlone = false

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** Resolves when the last fault of the act is over. */
  async run(faults: readonly FaultPlan[]): Promise<void> {
    await Promise.all(faults.map((plan) => this.#atItsTime(plan)))
  }

  async #atItsTime(plan: FaultPlan): Promise<void> {
    const { world } = this.#tools
    await world.cluster.sleep(plan.atMs)
    const { isAlone = false } = menu[plan.fault]
    await this.#until(() => !this.#isAlone)
    if (isAlone) this.#isAlone = true
    if (isAlone) await this.#until(() => this.#striking === 0)
    this.#striking += 1
    const isStruck = await this.#strike(plan)
    this.#striking -= 1
    if (isAlone) this.#isAlone = false
    if (isStruck) world.struck(plan.fault)
  }

  async #until(isFree: () => boolean): Promise<void> {
    while (!isFree()) await this.#tools.world.cluster.sleep(lookMs)
  }

  /** Resolves when the fault is over; with false when there was nothing to strike. */
  async #strike(plan: FaultPlan): Promise<boolean> {
    switch (menu[plan.fault].area) {
      case 'network': {
        if (plan.fault === 'reset') return this.#reset(plan)
        if (plan.fault === 'flapping') return this.#flap(plan)
        if (plan.fault === 'deaf') return deafen(plan, this.#tools)
        const end = this.#tools.network.begin(networkFault(plan))
        await this.#tools.world.cluster.sleep(plan.forMs)
        end()
        return true
      }
      case 'process':
        return strikeProcess(plan, this.#tools)
      case 'disk':
        return strikeDisk(plan, this.#tools)
      case 'data':
        return this.#inTurn(plan, () => strikeData(plan, this.#tools))
      case 'clock':
        return strikeClock(plan, this.#tools)
      case 'ring':
        return this.#inTurn(plan, () => strikeRing(plan, this.#tools))
    }
  }

  /** Cuts off one node after the other, each for a moment. */
  async #flap(plan: FaultPlan): Promise<boolean> {
    const { world, network } = this.#tools
    const draw = Draw.ofSeed(world.plan.seed, `flapping ${plan.atMs}`)
    const endMs = world.cluster.now() + plan.forMs
    while (world.cluster.now() < endMs) {
      const end = network.begin(isolate(draw.pick(plan.nodes)))
      await world.cluster.sleep(draw.magnitude([20, 600]))
      end()
      await world.cluster.sleep(draw.magnitude([10, 300]))
    }
    return true
  }

  /** An old disk must not come back to a node that has become another member meanwhile. */
  async #inTurn({ nodes }: FaultPlan, strike: () => Promise<boolean>): Promise<boolean> {
    const [name = ''] = nodes
    if (this.#changing.has(name)) return false
    this.#changing.add(name)
    const isStruck = await strike()
    this.#changing.delete(name)
    return isStruck
  }

  #reset({ nodes: [a = '', b = ''] }: FaultPlan): boolean {
    this.#tools.world.cluster.reset(a, b)
    return true
  }
}
