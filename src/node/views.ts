/** What a service sees of members and ring. Pure. */
import type { Claim, Status } from '../membership/claim.ts'
import type { RingMember } from '../ring/configuration.ts'
import type { Ring } from '../ring/ring.ts'
import type { Member, RingView } from './events.ts'

/** A member from what the ring and membership say of it; either may not know it. */
export function describeMember(member: RingMember | undefined, claim: Claim | undefined): Member {
  return {
    id: member?.id ?? claim?.id ?? '',
    address: claim?.address ?? '',
    zone: member?.zone ?? '',
    weight: member?.weight ?? 1,
    status: claim?.status ?? 'suspect',
    stage: member?.stage ?? 'joining',
  }
}

/** The event that tells of a member's new status. */
export function memberEvent(
  status: Status,
): 'member-up' | 'member-suspect' | 'member-down' | 'member-left' {
  switch (status) {
    case 'alive':
      return 'member-up'
    case 'suspect':
      return 'member-suspect'
    case 'dead':
      return 'member-down'
    case 'left':
      return 'member-left'
  }
}

/** The ring as its service sees it. */
export function viewOf(ring: Ring): RingView {
  const { epoch, partitions, n, memberIds } = ring
  const owned = Object.fromEntries(memberIds.map((id) => [id, ring.ownedCount(id)]))
  return { epoch, partitions, n, owned, moving: ring.movingCount, balance: ring.balance() }
}
