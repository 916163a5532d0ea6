/** Runs the storm of one seed and tells what became of it. */

import { check, simulate } from '../../src/sim/index.ts'
import type { FaultKind, SimOptions } from '../../src/sim/index.ts'
import { antiEntropyOf } from './comparing.ts'
import { tombstonesOf } from './reaping.ts'
import type { FaultName } from './menu.ts'
import { drawPlan } from './plan.ts'
import type { PlanOptions, StormPlan } from './plan.ts'
import { promisedOf } from './promises.ts'
import type { Model } from './promises.ts'
import { Storm } from './storm.ts'
import type { Aftermath } from './storm.ts'

/** Violations of one model that are told. */
const toldMax = 3

/** How a seed is run. */
export interface RunOptions extends PlanOptions {
  /** Sees each event as a line, in the columns of `src/sim/trace.ts`. */
  readonly trace?: ((line: string) => void) | undefined
}

/** What became of a seed. Plain data. */
export interface SeedReport {
  readonly seed: number
  /** What went wrong, in words; none when all is well. */
  readonly problems: readonly string[]
  readonly nodes: number
  readonly virtualMs: number
  readonly events: number
  readonly traceHash: string
  readonly operations: number
  readonly succeeded: number
  readonly checks: number
  /** Models that were checked, for each group one. */
  readonly models: readonly Model[]
  /** How often each fault of the menu struck. */
  readonly strikes: Readonly<Partial<Record<FaultName, number>>>
  /** What the simulator counted. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  readonly outcomes: Readonly<Record<string, number>>
}

/** Never rejects: what goes wrong is in the report. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<SeedReport> {
  const plan = drawPlan(seed, options)
  let storm: Storm | undefined
  try {
    const { value, ...result } = await simulate(simOptions(plan, options), async (cluster) => {
      storm = new Storm(cluster, plan)
      return storm.run()
    })
    const { world } = value
    const models = judge(value)
    return {
      ...emptyReport(plan),
      problems: world.problems,
      virtualMs: result.virtualMs,
      events: result.events,
      traceHash: result.traceHash,
      operations: world.ledger.ended,
      succeeded: world.ledger.succeeded,
      checks: world.checks,
      models,
      strikes: Object.fromEntries(world.strikes),
      faults: result.faults,
      outcomes: Object.fromEntries(world.outcomes),
    }
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { ...emptyReport(plan), problems: [...(storm?.problems ?? []), problem] }
  }
}

/** What the simulator is asked for. */
function simOptions(plan: StormPlan, { trace }: RunOptions): SimOptions {
  const { seed, cluster, acts } = plan
  const { n, r, w, sloppy, readRepair, timeoutMs } = cluster
  return {
    seed,
    nodes: cluster.nodes,
    zones: cluster.zones,
    storage: cluster.storage,
    virtualMsMax: virtualMsMax(acts),
    network: { latencyMs: cluster.latencyMs, jitterMs: cluster.jitterMs },
    node: {
      partitions: cluster.partitions,
      timeoutMs,
      replication: { n, r, w, sloppy, readRepair },
      antiEntropy: antiEntropyOf(plan),
      tombstones: tombstonesOf(plan),
      handoff: {
        bytesPerTargetMax: cluster.hintBytesMax,
        intervalMs: cluster.handoffIntervalMs,
        bytesPerSecondMax: cluster.handoffRate,
      },
    },
    ...(trace === undefined ? {} : { trace }),
  }
}

/** Twice the time of the faults, and an hour for all to come together. */
function virtualMsMax(acts: StormPlan['acts']): number {
  return 3_600_000 + 2 * acts.reduce((sum, { ms }) => sum + ms, 0)
}

/** Holds the histories to what the plan promises. */
function judge({ world, histories }: Aftermath): Model[] {
  const models: Model[] = []
  for (const [group, history] of histories) {
    for (const model of promisedOf(world.plan, group)) {
      models.push(model)
      world.checks += history.operations.length
      const { violations } = check(history, model, { across: 'sessions' })
      for (const { message } of violations.slice(0, toldMax)) world.found(`${model}: ${message}`)
      const untold = violations.length - toldMax
      if (untold > 0) world.found(`${model}: and ${untold} more`)
    }
  }
  return models
}

function emptyReport({ seed, cluster }: StormPlan): SeedReport {
  return {
    seed,
    problems: [],
    nodes: cluster.nodes,
    virtualMs: 0,
    events: 0,
    traceHash: '',
    operations: 0,
    succeeded: 0,
    checks: 0,
    models: [],
    strikes: {},
    faults: {},
    outcomes: {},
  }
}
