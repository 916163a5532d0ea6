/**
 * In which storms replicas are compared in the background. Not in all: what hints and reads have to bring together by
 * themselves must not be brought together by a third, or nobody would see that they fail.
 */

import type { NodeOptions } from '../../src/index.ts'
import type { FaultName } from './menu.ts'
import type { StormPlan } from './plan.ts'
import { hintsSuffice } from './promises.ts'

/** Faults that nobody is told of: found only by reading again what was there. */
const silent: readonly FaultName[] = ['forgetting', 'bit-flip']

const intervalMs = 2_000
const verifyIntervalMs = 10_000
const neverMs = 86_400_000

/** How long comparisons may take to bring all owners together, milliseconds. */
export const comparedWithinMs = 120_000

/** So long a cluster at rest is watched: in it each owner compares everything. */
export const watchedMs = 30_000

/** Whether comparisons alone have to bring the owners together in the end. */
export function isComparing(plan: StormPlan): boolean {
  return plan.seed % 3 === 0 && !hintsSuffice(plan)
}

/** The nodes' option. */
export function antiEntropyOf(plan: StormPlan): NonNullable<NodeOptions['antiEntropy']> {
  if (!isComparing(plan)) return { enabled: false }
  const faults = plan.acts.flatMap((act) => act.faults.map(({ fault }) => fault))
  const isSilent = silent.some((name) => faults.includes(name))
  return { intervalMs, verifyIntervalMs: isSilent ? verifyIntervalMs : neverMs }
}
