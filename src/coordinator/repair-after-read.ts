/** What a read repairs, and for whom: the step from its answers to the repair. */
import { sides } from '../base/sides.ts'
import { selected } from '../quorum/replica-mask.ts'
import type { Ring } from '../ring/ring.ts'
import { canExpire, hasExpired } from '../versions/expiry.ts'
import { unreachableOwners } from './availability.ts'
import type { Coordination } from './coordination.ts'
import { copiesNeeded, type Divergence, type ReadRecord } from './divergence.ts'
import type { GetRequest } from './get-request.ts'
import { tallyOptions } from './joint.ts'
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
  current: readonly string[],
): CopiesMissing {
  const { needed, neededAfter = 0 } = tallyOptions(ring, request)
  const isAwaited = request.readRepair !== 'async'
  const copies = (owners: number, r: number): number =>
    isAwaited && r > 0 ? copiesNeeded({ owners, needed: r }) : 0
  const { partition } = request
  const missing = new CopiesMissing(request, ring, {
    before: copies(ring.owners(partition).length, needed),
    after: copies(ring.ownersToBe(partition).length, neededAfter),
  })
  for (const id of current) missing.took(id)
  return missing
}

/**
 * The copies that are still to be made before every later quorum meets the result: on owners, or anywhere when quorums
 * are sloppy; while owners change, on enough of both sets.
 */
export class CopiesMissing {
  readonly #request: Pick<GetRequest, 'sloppy' | 'partition'>
  readonly #ring: Ring
  #before: number
  #after: number

  constructor(
    request: Pick<GetRequest, 'sloppy' | 'partition'>,
    ring: Ring,
    missing: { readonly before: number; readonly after: number },
  ) {
    this.#request = request
    this.#ring = ring
    this.#before = missing.before
    this.#after = missing.after
  }

  /** 0 when there are enough. */
  get count(): number {
    return Math.max(this.#before, this.#after, 0)
  }

  took(id: string): void {
    const { sloppy, partition } = this.#request
    const where = sloppy ? sides.both : this.#ring.sidesOf(id, partition)
    if ((where & sides.before) !== 0) this.#before -= 1
    if ((where & sides.after) !== 0) this.#after -= 1
  }
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
  const ownersMask = (1 << ring.replicas(partition).length) - 1
  return staleMask | (ownersMask & ~currentMask)
}

/** Brings the stale replicas up to the result; for owners that are away and would miss it, hints are kept. */
export function repairAfterRead(
  node: Coordination,
  { request, ring, nodes, failedMask, staleMask }: ReadView,
  result: ReadRecord,
  goal: RepairGoal,
): void {
  const { storageKey, partition, timeoutMs } = request
  const record = Buffer.from(result.bytes.subarray(result.start, result.end))
  const owners = ring.replicas(partition)
  const awayMask = failedMask | unreachableOwners(node, owners)
  const stale = repairTargets(nodes, { owners: owners.length, staleMask, awayMask })
  const away = selected(owners, staleMask & unreachableOwners(node, owners))
  const hintFor = away.filter((id) => !goal.asked.includes(id))
  for (const id of hintFor) stale.delete(id)
  repairReplicas(
    node,
    { storageKey, partition, timeoutMs, epoch: ring.epoch, record, stale, hintFor },
    goal,
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
