/**
 * Where the data lives: which members own each partition, and who stands in for them. A pure function of the
 * ring configuration: each node computes it for itself, and all come to the same.
 *
 * A partition walks clockwise over the members' tokens (`tokens.ts`, `ring-walk.ts`) to its first N members, kept
 * apart by zones (`zone-quotas.ts`); then loads are brought within bounds of what weights entitle to (`shares.ts`,
 * `levelling.ts`).
 */
import { placeOf, type RingConfiguration, type RingMember } from './configuration.ts'
import { level, type LoadBounds } from './levelling.ts'
import { OwnerTable } from './owner-table.ts'
import { RingWalk } from './ring-walk.ts'
import { fairShares } from './shares.ts'
import { tokensOf } from './tokens.ts'
import { zoneQuotas, type ZoneQuotas } from './zone-quotas.ts'

/**
 * ε: how much more than its share a member may own: average ÷ hottest load is at least 0.953. Less: more even
 * loads, but a join moves more data.
 */
const overload = 0.049

/** How much less than its share a member may own. Less: more even loads, but a join moves more data. */
const underload = 0.05

/**
 * How many partitions less than its share a member may own where all shares are equal. The loads of small shares
 * scatter more; forced up to 95 % as well, they would make a join of 32 members move a fifth more data than it must.
 * Where shares differ, a weight is a promise, and this does not apply.
 */
const underloadPartitions = 20

/** The outcome of placement. Members are told by their index in `members`. */
export interface Placement {
  /** Sorted by place. */
  readonly members: readonly RingMember[]
  /** Owners of each partition: N, or all members on the ring if there are fewer. */
  readonly n: number
  /** The owners of partition p are at p × n to p × n + n − 1, nearest on the ring first. */
  readonly owners: Uint16Array
  /** How many partitions each member owns. */
  readonly loads: Uint32Array
  /** All other members on the ring, in the order of the partition's walk. Zones do not matter for a fallback. */
  fallbacks(partition: number): number[]
}

/**
 * Places the partitions. Members that are `leaving` own nothing and stand in for nobody, unless all are leaving.
 *
 * What holds, the earlier before the later where not all can be had:
 * 1. each partition has n distinct owners;
 * 2. they are spread over the zones as evenly as possible, in distinct zones where there are n;
 * 3. no member owns more than its fair share × (1 + ε), or one partition more than its share if that is greater;
 * 4. no member owns less than its fair share by more than 5 % or one partition; where all shares are equal,
 *    by more than 5 % or 20 partitions.
 *
 * 3 and 4 are missed only with very unequal weights or zones, then by single partitions as far as is known: no
 * exchange between two members helps any more, and exchanges between three are not searched for.
 */
export function place(configuration: RingConfiguration): Placement {
  const { partitions } = configuration
  // By place, not by id: ties go by this order, and whoever replaces a member is to own exactly what that one owned.
  const members = configuration.members.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
  const allLeave = members.every((member) => member.stage === 'leaving')
  const isOnRing = (member: RingMember): boolean => allLeave || member.stage !== 'leaving'
  const n = Math.min(configuration.n, members.filter(isOnRing).length)

  const tokens = tokensOf(members, isOnRing)
  const walk = new RingWalk({ tokens, partitions, members: members.length })
  const quotas = zoneQuotas(members, isOnRing, n)
  const shares = fairShares({ members, isOnRing, partitions, n, quotas })
  const table = new OwnerTable({ partitions, n, members: members.length, quotas })
  for (let partition = 0; partition < partitions; partition++) {
    chooseOwners({ table, quotas, walk, partition })
  }
  level({ table, bounds: boundsOf(shares, partitions), walk, tokens, partitions })
  table.sortByDistance()
  return {
    members,
    n,
    owners: table.owners,
    loads: table.loads,
    fallbacks: (partition) => fallbacksOf(table, walk, partition),
  }
}

/** Gives the partition the first n members of its walk that the quotas of the zones let in. */
function chooseOwners(choice: {
  table: OwnerTable
  quotas: ZoneQuotas
  walk: RingWalk
  partition: number
}): void {
  const { table, quotas, walk, partition } = choice
  const first = partition * table.n
  let next = first
  let extras = quotas.extras
  if (table.n === 0) return
  walk.from(partition, (member, distance) => {
    const zone = quotas.zoneOf[member]!
    let inZone = 0
    for (let slot = first; slot < next; slot++) {
      if (quotas.zoneOf[table.owners[slot]!] === zone) inZone++
    }
    if (inZone >= quotas.least[zone]!) {
      if (extras === 0 || inZone >= quotas.most[zone]!) return false
      extras--
    }
    table.take(next++, { member, distance })
    return next === first + table.n
  })
}

function boundsOf(shares: Float64Array, partitions: number): LoadBounds {
  // At least one partition of slack. A share comes out of a bisection: a millionth too little of it must not
  // count for a whole partition.
  const ceiling = (share: number): number =>
    Math.min(partitions, Math.max(Math.floor(share + 1e-6) + 1, Math.floor(share * (1 + overload))))
  const onRing = shares.filter((share) => share > 0)
  const areEqual = Math.max(...onRing) - Math.min(...onRing) < 1e-6
  const slack = areEqual ? underloadPartitions : 1
  const floor = (share: number): number =>
    Math.max(0, Math.ceil(share - Math.max(share * underload, slack) - 1e-6))
  return {
    floors: Uint32Array.from(shares, floor),
    shares,
    ceilings: Uint32Array.from(shares, ceiling),
  }
}

function fallbacksOf(table: OwnerTable, walk: RingWalk, partition: number): number[] {
  const first = partition * table.n
  const owners = table.owners.subarray(first, first + table.n)
  const fallbacks: number[] = []
  walk.from(partition, (member) => {
    if (!owners.includes(member)) fallbacks.push(member)
    return false
  })
  return fallbacks
}
