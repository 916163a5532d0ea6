/** What a read repairs, and for whom: the step from its answers to the repair. */
import type { Ring } from '../ring/ring.ts'
import { unreachableOwners } from './availability.ts'
import type { Coordination } from './coordination.ts'
import type { ReadRecord } from './divergence.ts'
import type { GetRequest } from './get-request.ts'
import { repairReplicas, type RepairGoal, type RepairTargets } from './read-repair.ts'

/** How a read stands: replica i is `nodes[i]`, owners first. */
export interface ReadView {
  readonly request: GetRequest
  readonly ring: Ring
  readonly nodes: readonly string[]
  readonly failedMask: number
  readonly staleMask: number
}

/** Brings the stale replicas up to the result. */
export function repairAfterRead(
  node: Coordination,
  { request, ring, nodes, failedMask, staleMask }: ReadView,
  result: ReadRecord,
  goal: RepairGoal,
): void {
  const { storageKey, partition, timeoutMs } = request
  const record = Buffer.from(result.bytes.subarray(result.start, result.end))
  const owners = ring.owners(partition)
  const awayMask = failedMask | unreachableOwners(node, owners)
  const stale = repairTargets(nodes, { owners: owners.length, staleMask, awayMask })
  repairReplicas(node, { storageKey, partition, timeoutMs, epoch: ring.epoch, record, stale }, goal)
}

/** Whom a repair concerns: owners always, others only in the place of owners that are away, one for each. */
function repairTargets(
  nodes: readonly string[],
  masks: { readonly owners: number; readonly staleMask: number; readonly awayMask: number },
): RepairTargets {
  const { owners, staleMask, awayMask } = masks
  const away = nodes.slice(0, owners).filter((_, i) => (awayMask & (1 << i)) !== 0)
  const targets = new Map<string, string | undefined>()
  nodes.forEach((id, i) => {
    if ((staleMask & (1 << i)) === 0) return
    const standsFor = i < owners ? undefined : away.shift()
    if (i < owners || standsFor !== undefined) targets.set(id, standsFor)
  })
  return targets
}
