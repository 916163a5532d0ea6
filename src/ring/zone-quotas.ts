/**
 * How many of one partition's N owners a zone may hold, so that the owners are spread as evenly over the zones
 * as the zones' sizes allow: with at least N zones, all owners in distinct zones.
 */
import type { RingMember } from './configuration.ts'

/** Invariant: Σ least ≤ n ≤ Σ most; any choice of n owners within the quotas is spread as evenly as possible. */
export interface ZoneQuotas {
  /** For each member the index of its zone. Members without a zone (`''`) share one. */
  readonly zoneOf: Uint16Array
  readonly zones: number
  /** For each zone how many owners it must hold. */
  readonly least: Uint16Array
  /** For each zone how many it may hold: `least` or one more. */
  readonly most: Uint16Array
  /** How many zones hold one more than their least: n − Σ least. */
  readonly extras: number
}

/**
 * @param isOnRing members that it refuses do not count for the size of their zone.
 * @param n how many owners a partition has; no more than there are members on the ring.
 */
export function zoneQuotas(
  members: readonly RingMember[],
  isOnRing: (member: RingMember) => boolean,
  n: number,
): ZoneQuotas {
  const names = new Map<string, number>()
  const sizes: number[] = []
  const zoneOf = Uint16Array.from(members, (member) => {
    const zone = names.get(member.zone) ?? names.size
    names.set(member.zone, zone)
    sizes[zone] = (sizes[zone] ?? 0) + (isOnRing(member) ? 1 : 0)
    return zone
  })
  const level = highestFullLevel(sizes, n)
  const least = Uint16Array.from(sizes, (size) => Math.min(size, level))
  const most = Uint16Array.from(sizes, (size) => Math.min(size, level + 1))
  const extras = n - least.reduce((sum, owners) => sum + owners, 0)
  return { zoneOf, zones: sizes.length, least, most, extras }
}

/** The greatest number of owners that each zone can be given (or all its members, in a smaller zone) out of n. */
function highestFullLevel(sizes: readonly number[], n: number): number {
  let level = 0
  while (level < n && sizes.reduce((sum, size) => sum + Math.min(size, level + 1), 0) <= n) level++
  return level
}
