/** What the parts of one storm have in common: the cluster, the plan, and what was found. */

import { StoreError } from '../../src/index.ts'
import type { CoterieNode } from '../../src/index.ts'
import type { SimCluster } from '../../src/sim/index.ts'
import { CopyWatch } from './copies.ts'
import { Ledger } from './ledger.ts'
import type { FaultName } from './menu.ts'
import { RingWatch } from './ring-watch.ts'
import type { StormPlan } from './plan.ts'

/** Errors that operations and starts may end with while faults are about. */
const expectedCodes: ReadonlySet<string> = new Set([
  'ERR_UNAVAILABLE',
  'ERR_WRITE_UNCERTAIN',
  'ERR_TIMEOUT',
  'ERR_LIMIT',
  'ERR_OVERLOADED',
  'ERR_CLOSED',
  'ERR_STORAGE',
  'ERR_TOPOLOGY_BUSY',
  'ERR_JOIN',
])

/** One for a simulation. */
export class World {
  readonly cluster: SimCluster
  readonly plan: StormPlan
  readonly ledger: Ledger
  readonly rings: RingWatch
  readonly copies: CopyWatch
  /** What went wrong, in words, oldest first. */
  readonly problems: string[] = []
  /** How often each fault struck. */
  readonly strikes: Map<FaultName, number> = new Map()
  /** How often each outcome of an operation occurred. */
  readonly outcomes: Map<string, number> = new Map()
  /** How many things were checked: reads, ends of operations, models, rounds. */
  checks = 0
  /** Replicas that reads repaired. */
  repairs = 0

  constructor(cluster: SimCluster, plan: StormPlan) {
    this.cluster = cluster
    this.plan = plan
    const found = (problem: string): void => this.found(problem)
    this.ledger = new Ledger({ now: () => cluster.now(), found })
    this.rings = new RingWatch(found)
    this.copies = new CopyWatch(cluster, plan, found)
  }

  found(problem: string): void {
    this.problems.push(`[${Math.round(this.cluster.now())}] ${problem}`)
  }

  struck(fault: FaultName): void {
    this.strikes.set(fault, (this.strikes.get(fault) ?? 0) + 1)
  }

  /** Counts how an operation ended. */
  ended(error?: unknown): void {
    const outcome = error === undefined ? 'ok' : codeOf(error)
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }

  /** An error that no fault explains is a find. */
  expectable(what: string, error: unknown): void {
    if (error instanceof StoreError && expectedCodes.has(error.code)) return
    this.found(`${what} failed with ${describe(error)}`)
  }

  /** Listens to a node from its start to its end. */
  listenTo(node: CoterieNode): void {
    this.rings.listenTo(node)
    node.on('read-repair', ({ replicas }) => (this.repairs += replicas.length))
  }
}

function codeOf(error: unknown): string {
  if (error instanceof StoreError) return error.code
  return error instanceof Error ? error.name : String(error)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isOurs = error instanceof StoreError
  return isOurs ? `${error.code}: ${error.message}` : (error.stack ?? error.message)
}
