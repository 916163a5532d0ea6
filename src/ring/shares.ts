/**
 * The fair share of each member: how many partitions it should own by its weight, within what is possible at all.
 * A member owns a partition at most once, and a zone holds no more and no fewer owners than its quota; what a
 * heavy member or zone cannot take is spread over the others by weight (water-filling).
 */
import type { RingMember } from './configuration.ts'
import type { ZoneQuotas } from './zone-quotas.ts'

/** A double's mantissa has 53 bits: after so many halvings the interval no longer shrinks. */
const halvings = 60

/**
 * Shares in partitions, fractions allowed. Σ shares = partitions × n.
 * Bit for bit the same on every machine: only additions, products, quotients and comparisons.
 * @param isOnRing members that it refuses have share 0.
 */
export function fairShares(options: {
  members: readonly RingMember[]
  isOnRing: (member: RingMember) => boolean
  partitions: number
  n: number
  quotas: ZoneQuotas
}): Float64Array {
  const { partitions, quotas } = options
  const weights = Float64Array.from(options.members, (member) =>
    options.isOnRing(member) ? member.weight : 0,
  )
  const membersOf: number[][] = Array.from({ length: quotas.zones }, () => [])
  weights.forEach((weight, member) => {
    if (weight > 0) membersOf[quotas.zoneOf[member]!]!.push(member)
  })

  const zoneLoad = (zone: number, level: number): number =>
    membersOf[zone]!.reduce(
      (sum, member) => sum + Math.min(partitions, level * weights[member]!),
      0,
    )
  const quotaLoad = (zone: number, level: number): number => {
    const load = zoneLoad(zone, level)
    return Math.min(
      partitions * quotas.most[zone]!,
      Math.max(partitions * quotas.least[zone]!, load),
    )
  }
  const clusterLoad = (level: number): number =>
    membersOf.reduce((sum, _, zone) => sum + quotaLoad(zone, level), 0)

  const levelMax =
    partitions / weights.reduce((least, w) => (w > 0 && w < least ? w : least), Infinity)
  const clusterLevel = levelFor(clusterLoad, partitions * options.n, levelMax)
  const shares = new Float64Array(weights.length)
  membersOf.forEach((zoneMembers, zone) => {
    const target = quotaLoad(zone, clusterLevel)
    const level = levelFor((candidate) => zoneLoad(zone, candidate), target, levelMax)
    for (const member of zoneMembers) {
      shares[member] = Math.min(partitions, level * weights[member]!)
    }
  })
  return shares
}

/** The water level (partitions for a weight of 1) at which the growing `load` reaches `target`, by bisection. */
function levelFor(load: (level: number) => number, target: number, levelMax: number): number {
  let low = 0
  let high = levelMax
  for (let step = 0; step < halvings; step++) {
    const middle = (low + high) / 2
    if (load(middle) < target) low = middle
    else high = middle
  }
  return high
}
