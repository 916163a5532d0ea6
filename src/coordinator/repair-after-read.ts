/** What a read repairs, and for whom: the step from its answers to the repair. */
import { selected } from '../quorum/replica-mask.ts'
import type { Ring } from '../ring/ring.ts'
import { canExpire, hasExpired } from '../versions/expiry.ts'
import { unreachableOwners } from './availability.ts'
import type { Coordination } from './coordination.ts'
import { copiesNeeded, type Divergence, type ReadRecord } from './divergence.ts'
import type { GetRequest } from './get-request.ts'
import { repairReplicas, type RepairGoal } from './read-repair.ts'

/** How a read stands: replica i is `nodes[i]`, owners first. */
export interface ReadView {
  readonly request: GetRequest
  readonly ring: Ring
  readonly nodes: readonly string[]
  readonly failedMask: number
  readonly staleMask: number
}

/** How many copies more a read waits for, beside those of the members that have the result. */
export function copiesMissing(
  request: GetRequest,
  ring: Ring,
  needed: number,
  current: readonly string[],
): number {
  const owners = ring.owners(request.partition).length
  const copies = request.readRepair === 'async' ? 0 : copiesNeeded({ owners, needed })
  return copies - current.filter((id) => holdsForQuorum(request, ring, id)).length
}

/** Whether a copy there is met by later quorums: on owners, or anywhere when quorums are sloppy. */
function holdsForQuorum({ sloppy, partition }: GetRequest, ring: Ring, id: string): boolean {
  return sloppy || ring.ownsPartition(id, partition)
}

/** Whether a record that a read could tell has a value whose time has passed: it is to be ended for all first. */
export function isOver({ clock }: Coordination, bytes: Uint8Array, start: number): boolean {
  return canExpire(bytes, start) && hasExpired(bytes, start, clock.wallMs())
}

/** Who is to be brought up to the result: when it has values that this very read has ended, each other owner too. */
export function staleAmong(
  { hasEnded, currentMask, staleMask }: Divergence,
  ring: Ring,
  { partition }: GetRequest,
): number {
  if (!hasEnded) return staleMask
  const ownersMask = (1 << ring.owners(partition).length) - 1
  return staleMask | (ownersMask & ~currentMask)
}

/** Brings the stale replicas up to the result; for owners that are away and would miss it, hints are kept. */
export function repairAfterRead(
  node: Coordination,
  { request, ring, nodes, failedMask, staleMask }: ReadView,
  result: ReadRecord,
  goal: Omit<RepairGoal, 'counts'>,
): void {
  const { storageKey, partition, timeoutMs } = request
  const record = Buffer.from(result.bytes.subarray(result.start, result.end))
  const owners = ring.owners(partition)
  const awayMask = failedMask | unreachableOwners(node, owners)
  const stale = repairTargets(nodes, { owners: owners.length, staleMask, awayMask })
  const away = selected(owners, staleMask & unreachableOwners(node, owners))
  const hintFor = away.filter((id) => !goal.asked.includes(id))
  for (const id of hintFor) stale.delete(id)
  repairReplicas(
    node,
    { storageKey, partition, timeoutMs, epoch: ring.epoch, record, stale, hintFor },
    { ...goal, counts: (id) => holdsForQuorum(request, ring, id) },
  )
}

/** Whom a repair concerns: owners always, others only in the place of owners that are away, one for each. */
function repairTargets(
  nodes: readonly string[],
  masks: { readonly owners: number; readonly staleMask: number; readonly awayMask: number },
): Map<string, string | undefined> {
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
