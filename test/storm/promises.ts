/**
 * Which promises of the library hold in a plan, by the table of docs/CONSISTENCY.md: each fault
 * voids exactly the checks that it voids, for the keys that it can reach.
 *
 * Causality always holds: whatever is lost, no read shows a value next to one that replaced it.
 *
 * No acknowledged write is lost while fewer than W of its copies are. A plan names the nodes whose
 * copies may be destroyed in an act, its victims, fewer than W of them; at the end of the act every
 * owner has everything again. The same node may be struck many times: a write has one copy there.
 *
 * Sessions (read your writes, monotonic reads, a register) need strict quorums that meet, a ring
 * that does not change or in an orderly way only, and no owner that answers although it forgot something. Two kinds of
 * destruction leave them whole, because a replica that knows of its loss counts for no quorum:
 * damaged records, as long as nothing is written over them, and a replaced disk, as long as nothing
 * else is wrong until it is filled again.
 */

import { menu } from './menu.ts'
import type { FaultName } from './menu.ts'
import { copiesOf } from './plan-cluster.ts'
import type { StormPlan } from './plan.ts'
import type { GroupName } from './plan-workload.ts'

/** Changes of owners with the consent of all who have the data. */
const orderly: readonly FaultName[] = ['join', 'leave', 'reweight']

/** What `check` can be asked for. */
export type Model = 'no-lost-write' | 'causal' | 'read-your-writes' | 'monotonic' | 'register'

/** What holds of the keys of a group. */
export function promisedOf(plan: StormPlan, group: GroupName): Model[] {
  if (group === 'lww') return []
  const models: Model[] = ['causal']
  if (keepsAcknowledged(plan)) models.push('no-lost-write')
  if (group === 'frail') return models
  const reads = readsOwnWrites(plan)
  const isMonotonic = neverGoesBack(plan)
  if (reads) models.push('read-your-writes')
  if (isMonotonic) models.push('monotonic')
  if (reads && isMonotonic && group === 'register') models.push('register')
  return models
}

/**
 * Whether hints alone bring the owners together: nobody forgot what the others lack, and no read has ended a value,
 * which it tells the owners once, as it repairs them. What is damaged stays so, but keeps nothing from the others, as
 * long as nothing is written over it.
 */
export function hintsSuffice(plan: StormPlan): boolean {
  if (plan.isMortal) return false
  const isFrail = plan.groups.some(({ name }) => name === 'frail')
  return faultsOf(plan).every((name) => {
    const { area } = menu[name]
    const isHarmless = area === 'network' || area === 'clock'
    return isHarmless || name === 'pause' || name === 'restart' || (name === 'bit-flip' && !isFrail)
  })
}

/** Whether records may be damaged on a disk. */
export function hasRot(plan: StormPlan): boolean {
  return faultsOf(plan).includes('bit-flip')
}

/** Whether fewer copies than W are destroyed before all owners have everything again. */
export function keepsAcknowledged(plan: StormPlan): boolean {
  const isDestructive = faultsOf(plan).some((name) => menu[name].destroys === true)
  const most = copiesOf(plan.cluster) - 1
  return !isDestructive || plan.acts.every(({ victims }) => victims.length <= most)
}

function readsOwnWrites(plan: StormPlan): boolean {
  const { cluster } = plan
  const { owners, r, w } = quorums(plan)
  return !cluster.sloppy && r + w > owners && hasSteadyOwners(plan)
}

/**
 * A read tells what it found once R owners agree on it, or once N − R + 1 have it: later quorums
 * meet it when R is a majority.
 */
function neverGoesBack(plan: StormPlan): boolean {
  const { cluster } = plan
  const { owners, r } = quorums(plan)
  const isRepaired = cluster.readRepair === 'blocking' && 2 * r > owners
  const losable = destroysGently(plan) ? Math.max(...plan.acts.map((act) => act.victims.length)) : 0
  const fewest = Math.min(cluster.n, cluster.nodes)
  const isSpared = losable <= fewest - Math.min(r, fewest)
  return !cluster.sloppy && isRepaired && isSpared && hasSteadyOwners(plan)
}

/**
 * The quorums of a cluster with as many owners as it may come to have. Those of fewer owners meet where these do; how
 * many stay when members leave matters to none of the promises.
 */
function quorums(plan: StormPlan): { owners: number; r: number; w: number } {
  const { cluster } = plan
  const grows = faultsOf(plan).includes('join')
  const owners = grows ? cluster.n : Math.min(cluster.n, cluster.nodes)
  return { owners, r: Math.min(cluster.r, owners), w: Math.min(cluster.w, owners) }
}

/**
 * Whether owners stay the same, or change with the consent of all who have the data, and none of them answers although
 * it forgot something. What fewer than a majority acknowledged may be on a former owner alone; and fewer than a
 * majority may be former owners that are cut off, and answer by what they know of.
 */
function hasSteadyOwners(plan: StormPlan): boolean {
  const { owners, r, w } = quorums(plan)
  const isChange = (name: FaultName): boolean => {
    const isOrderly = orderly.includes(name)
    return menu[name].area === 'ring' && !(isOrderly && 2 * Math.min(r, w) > owners)
  }
  const isLoss = (name: FaultName): boolean => menu[name].destroys === true && !isGentle(name)
  // A replaced node is a new member: where not everybody owns everything, others gain partitions. What they lack counts
  // for no read (HAZARDS D4), but with R = 1 owners are taken to change here, as in all plans that change the ring.
  const { n, nodes } = plan.cluster
  const isMet = (name: FaultName): boolean =>
    name === 'replacement' && quorums(plan).r === 1 && nodes > n
  const isSteady = faultsOf(plan).every((name) => !isChange(name) && !isLoss(name) && !isMet(name))
  return isSteady && (!destroysGently(plan) || keepsAcknowledged(plan))
}

function destroysGently(plan: StormPlan): boolean {
  return faultsOf(plan).some(isGentle)
}

function isGentle(name: FaultName): boolean {
  return menu[name].isGentle === true
}

function faultsOf({ acts }: StormPlan): FaultName[] {
  return [...new Set(acts.flatMap(({ faults }) => faults.map(({ fault }) => fault)))]
}
