/**
 * One storm over one cluster: act by act, clients work while faults strike; then everything heals,
 * converges, and is read by all.
 */

import type { Bucket } from '../../src/index.ts'
import { createHistory, record } from '../../src/sim/index.ts'
import type { History, SimCluster } from '../../src/sim/index.ts'
import { Client } from './clients.ts'
import { Convergence, succeeds } from './converge.ts'
import { Draw } from './draw.ts'
import { Nemesis } from './nemesis.ts'
import { NetworkFaults } from './network-faults.ts'
import { Operators } from './operators.ts'
import type { ActPlan, StormPlan } from './plan.ts'
import type { GroupName, GroupPlan } from './plan-workload.ts'
import { keepsAcknowledged } from './promises.ts'
import { RoamingBucket } from './roaming-bucket.ts'
import { World } from './world.ts'

/** How long operations may take to end after the last client stopped, milliseconds. */
const lastEndsWithinMs = 15_000

/** Deadline of a read when nothing is wrong, milliseconds. */
const auditTimeoutMs = 5000

/** What a storm leaves for the checkers. */
export interface Aftermath {
  readonly world: World
  readonly histories: ReadonlyMap<GroupName, History>
}

/** One for a simulation. */
export class Storm {
  readonly #world: World
  readonly #operators: Operators
  readonly #nemesis: Nemesis
  readonly #convergence: Convergence
  readonly #histories = new Map<GroupName, History>()
  readonly #clients: readonly Client[]
  readonly #draw: Draw
  #sessions = 0

  constructor(cluster: SimCluster, plan: StormPlan) {
    this.#world = new World(cluster, plan)
    this.#draw = Draw.ofSeed(plan.seed, 'run')
    this.#operators = new Operators(this.#world)
    this.#nemesis = new Nemesis({
      world: this.#world,
      operators: this.#operators,
      network: new NetworkFaults(cluster),
    })
    this.#convergence = new Convergence(this.#world, this.#operators)
    for (const { name } of plan.groups) this.#histories.set(name, createHistory())
    this.#clients = plan.groups.flatMap((group) => this.#createClients(group))
  }

  /** What was found so far. */
  get problems(): readonly string[] {
    return this.#world.problems
  }

  async run(): Promise<Aftermath> {
    for (const act of this.#world.plan.acts) {
      await this.#play(act)
      await this.#convergence.reach()
      await this.#readEverywhere()
    }
    return { world: this.#world, histories: this.#histories }
  }

  async #play(act: ActPlan): Promise<void> {
    const { cluster, ledger, copies } = this.#world
    const endsMs = cluster.now() + act.ms
    let isCalm = false
    const isOver = (): boolean => isCalm && cluster.now() >= endsMs
    const canAsk = (): boolean => this.#operators.serving().length > 0
    const clients = this.#clients.map((client) => client.run(isOver, canAsk))
    const watching = copies.run(isOver)
    await this.#nemesis.run(act.faults)
    isCalm = true
    const working = Promise.all([...clients, watching])
    await Promise.race([working, this.#stuck(endsMs)])
    for (const problem of ledger.overdue()) this.#world.found(`${problem} has not ended`)
  }

  /** Resolves when the clients should have ended. */
  async #stuck(endsMs: number): Promise<void> {
    const { cluster, plan } = this.#world
    const leftMs = Math.max(0, endsMs - cluster.now())
    await cluster.sleep(leftMs + lastEndsWithinMs + 3 * plan.cluster.timeoutMs)
  }

  /** What each node has to tell in the end, for the checkers. */
  async #readEverywhere(): Promise<void> {
    const { cluster, plan } = this.#world
    for (const { name, keys } of plan.groups) {
      for (const node of cluster.names) {
        const unrecorded = this.#bucket(name, { first: node, loyalty: 1 })
        const bucket = this.#recorded(unrecorded, { isFinal: keepsAcknowledged(plan) })
        for (const key of keys) await this.#audit(bucket, key)
      }
    }
  }

  async #audit(bucket: Bucket<string>, key: string): Promise<void> {
    const read = (): Promise<unknown> => bucket.get(key, { timeoutMs: auditTimeoutMs })
    await succeeds(this.#world, `a read of "${key}"`, read)
  }

  #createClients(group: GroupPlan): Client[] {
    const plans = this.#world.plan.clients.filter((client) => client.group === group.name)
    const isDivided = group.name === 'register' || group.name === 'archive'
    return plans.map((plan, i) => {
      const own = group.keys.filter((_, k) => k % plans.length === i)
      const unrecorded = this.#bucket(group.name, { loyalty: plan.loyalty })
      return new Client({
        world: this.#world,
        plan,
        group,
        bucket: this.#recorded(unrecorded, { isFinal: false }),
        unrecorded,
        draw: this.#draw.fork(plan.name),
        owned: isDivided ? own : undefined,
      })
    })
  }

  #bucket(group: GroupName, options: { loyalty: number; first?: string }): RoamingBucket {
    const draw = this.#draw.fork(`nodes of session ${this.#sessions++}`)
    return new RoamingBucket(group, {
      world: this.#world,
      operators: this.#operators,
      draw,
      ...options,
    })
  }

  /** A session of its own. */
  #recorded(bucket: RoamingBucket, { isFinal }: { isFinal: boolean }): Bucket<string> {
    const history = this.#histories.get(bucket.name)
    return history === undefined ? bucket : record(bucket, history, { final: isFinal })
  }
}
