/**
 * In which storms tombstones are reaped. Not in those that put an old disk back, or let two processes run on one: what
 * was reaped meanwhile comes back with it, by design (docs/CONSISTENCY.md). And not where hints alone have to bring the
 * owners together: what is reaped in part comes back by reads and comparisons.
 */

import type { NodeOptions } from '../../src/index.ts'
import type { FaultName } from './menu.ts'
import type { StormPlan } from './plan.ts'
import { hintsSuffice } from './promises.ts'

/** Faults that bring back what was there long before. */
const fromThePast: readonly FaultName[] = ['old-disk', 'old-clean-disk', 'twin']

const graceLeastMs = 4_000
/** Operations may last so many times their deadline, at most. */
const timeouts = 4

/** Whether tombstones go in the end. */
export function isReaping(plan: StormPlan): boolean {
  const faults = plan.acts.flatMap((act) => act.faults.map(({ fault }) => fault))
  const isMeant = plan.theme === 'graves'
  if ((plan.seed % 2 !== 0 && !isMeant) || hintsSuffice(plan)) return false
  return !faults.some((name) => fromThePast.includes(name))
}

/** The nodes' option. */
export function tombstonesOf(plan: StormPlan): NonNullable<NodeOptions['tombstones']> {
  if (!isReaping(plan)) return { reap: false }
  const graceMs = Math.max(graceLeastMs, timeouts * plan.cluster.timeoutMs)
  return { graceMs, intervalMs: graceMs / 4 }
}

/** What a tombstone takes in a question about it, about: it goes to every member, twice. */
const questionBytes = 400
/** Most members. */
const membersMax = 10

/** How long it takes at rest until all are gone, milliseconds: some may be reaped in part at first. */
export function reapedWithinMs(plan: StormPlan): number {
  const { graceMs = 0, intervalMs = 0 } = tombstonesOf(plan)
  const keys = plan.groups.reduce((sum, group) => sum + group.keys.length, 0)
  const askingMs = (2 * keys * questionBytes * membersMax * 1000) / plan.cluster.handoffRate
  return 3 * (graceMs + 2 * intervalMs + Math.ceil(askingMs)) + 30_000
}
