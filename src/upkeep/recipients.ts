/** Who needs what this node keeps for another. Pure. */
import type { DirtyMark } from '../replica/hint-store.ts'
import type { Ring } from '../ring/ring.ts'

/** One that leaves owns what it owned until others have it. */
export function mayOwn(ring: Ring, target: string): boolean {
  const member = ring.member(target)
  return member !== undefined && (member.stage !== 'leaving' || ring.isMoving)
}

/** Who needs a record that was meant for `target`: itself, or all who own it now. This node never does: it has it. */
export function recipientsOf(
  ring: Ring,
  { target, partition }: DirtyMark,
  selfId: string,
): readonly string[] {
  const owners = ring.replicas(partition)
  if (mayOwn(ring, target) && owners.includes(target)) return target === selfId ? [] : [target]
  return owners.filter((id) => id !== selfId && ring.member(id) !== undefined)
}

/** A member that is sent a record, and for whom it keeps hints then. */
export interface Delivery {
  readonly to: string
  readonly hintFor: readonly string[]
}

/**
 * To whom a record goes that these need. Another member stands in for those that are away, but only when this node
 * leaves: it cannot keep the record until they are back. One that is no owner, if there is any: an owner has a copy
 * already, and the one of this node would be gone without another in its place. Undefined when nobody can stand in.
 */
export function deliveriesTo(
  ring: Ring,
  recipients: readonly string[],
  partition: number,
  node: {
    readonly selfId: string
    readonly isLeaving: boolean
    isReachable(id: string): boolean
  },
): readonly Delivery[] | undefined {
  const away = node.isLeaving ? recipients.filter((id) => !node.isReachable(id)) : []
  const direct = recipients.filter((id) => !away.includes(id)).map((to) => ({ to, hintFor: [] }))
  if (away.length === 0) return direct
  const others = ring
    .preferenceList(partition)
    .filter((id) => id !== node.selfId && node.isReachable(id))
  const standIn = others.find((id) => !ring.ownsPartition(id, partition)) ?? others[0]
  return standIn === undefined ? undefined : [...direct, { to: standIn, hintFor: away }]
}

/** Whether the target may have the record already: from another owner, or because it owned the partition before. */
export function mayHave(ring: Ring, { target, partition }: DirtyMark, selfId: string): boolean {
  const owners = ring.owners(partition)
  return owners[0] !== selfId || owners.includes(target)
}
