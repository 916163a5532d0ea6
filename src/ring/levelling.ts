/**
 * Bounds the loads: hands single partitions over until no member owns more than its ceiling, and none less than
 * its floor (consistent hashing with bounded loads, Mirrokni, Thorup, Zadimoghaddam 2016).
 *
 * The paper passes over members that are full at the time of the walk. Here all walks come first, and then members
 * over their ceiling give up what lies farthest from their tokens: the same bound, but what a member keeps does
 * not depend on the order of the walks.
 *
 * Zones are kept strictly. Where they leave no way, a load stays out of its bounds.
 */
import type { OwnerTable } from './owner-table.ts'
import { distanceTo, type RingWalk } from './ring-walk.ts'
import { ringSize, type Tokens } from './tokens.ts'

/** Bounds of the number of partitions that each member owns. Invariant: floor ≤ share ≤ ceiling. */
export interface LoadBounds {
  readonly floors: Uint32Array
  readonly shares: Float64Array
  readonly ceilings: Uint32Array
}

/** What levelling works on; `table` is changed. */
export interface Levelling {
  readonly table: OwnerTable
  readonly bounds: LoadBounds
  readonly walk: RingWalk
  readonly tokens: Tokens
  readonly partitions: number
}

/**
 * Most rounds. One is nearly always enough; where zones or heavy weights leave a member no heir with room, a
 * partition goes through several hands, one in each round.
 */
const roundsMax = 16

/** Hands partitions over in rounds until none helps any more. */
export function level(levelling: Levelling): void {
  for (let round = 0; round < roundsMax; round++) {
    const handed = relieve(levelling, hasRoom) + relieve(levelling, isLessLoaded) + raise(levelling)
    if (handed === 0) return
  }
}

/** Whether the heir may have one more of the giver's partitions. */
type MayTake = (levelling: Levelling, heir: number, giver: number) => boolean

const hasRoom: MayTake = ({ table, bounds }, heir) => table.loads[heir]! < bounds.ceilings[heir]!

/** The heir is put over its ceiling, but less far than the giver is, so that the worst only gets better. */
const isLessLoaded: MayTake = ({ table: { loads }, bounds: { shares } }, heir, giver) =>
  (loads[heir]! + 1) * shares[giver]! < loads[giver]! * shares[heir]!

/** Members over their ceiling hand their farthest partitions to the next of the walk that may take. Counts them. */
function relieve(levelling: Levelling, mayTake: MayTake): number {
  const { table, bounds } = levelling
  let handed = 0
  bounds.ceilings.forEach((ceiling, member) => {
    if (table.loads[member]! <= ceiling) return
    for (const slot of table.slotsOf(member)) {
      if (table.loads[member]! <= ceiling) return
      if (handToNext(levelling, slot, (heir) => mayTake(levelling, heir, member))) handed++
    }
  })
  return handed
}

/** Hands the slot to the first of its walk that may take it, if there is one. */
function handToNext(
  { table, walk }: Levelling,
  slot: number,
  mayTake: (heir: number) => boolean,
): boolean {
  // Walks end with the last candidate: a light member's next token may be most of the ring away.
  let candidates = 0
  for (let heir = 0; heir < table.loads.length; heir++) if (mayTake(heir)) candidates++
  if (candidates === 0) return false
  let isHanded = false
  walk.from(Math.floor(slot / table.n), (heir, distance) => {
    if (!mayTake(heir)) return false
    if (table.canHand(slot, heir)) {
      table.hand(slot, { member: heir, distance })
      isHanded = true
    }
    return isHanded || --candidates === 0
  })
  return isHanded
}

/** Members under their floor take the partitions nearest to their tokens from owners over their share. */
function raise(levelling: Levelling): number {
  const { table, bounds, tokens } = levelling
  const isLow = (member: number): boolean => table.loads[member]! < bounds.floors[member]!
  if (!bounds.floors.some((_, member) => isLow(member))) return 0
  const positions: number[][] = Array.from(bounds.floors, () => [])
  tokens.members.forEach((member, token) => {
    if (isLow(member)) positions[member]!.push(tokens.positions[token]!)
  })
  return positions.reduce((handed, of, member) => handed + raiseMember(levelling, member, of), 0)
}

function raiseMember(levelling: Levelling, member: number, positions: readonly number[]): number {
  const { table, bounds, partitions } = levelling
  const tried = new Uint8Array(partitions)
  let untried = positions.length === 0 ? 0 : partitions
  let handed = 0
  // Nearest first: the partitions that the tokens lie in, then those one before, and so on.
  for (let back = 0; untried > 0; back++) {
    for (const position of positions) {
      if (table.loads[member]! >= bounds.floors[member]!) return handed
      const own = Math.floor(position / (ringSize / partitions))
      const partition = (own - back + partitions) % partitions
      if (tried[partition] === 1) continue
      tried[partition] = 1
      untried--
      const slot = giver(levelling, partition, member)
      if (slot < 0) continue
      table.hand(slot, { member, distance: distanceTo(position, partition, partitions) })
      handed++
    }
  }
  return handed
}

/** The slot of the partition's farthest owner that has more than its share and may hand over; −1 for none. */
function giver({ table, bounds }: Levelling, partition: number, heir: number): number {
  const first = partition * table.n
  let found = -1
  for (let slot = first; slot < first + table.n; slot++) {
    const owner = table.owners[slot]!
    const isFarthest = found < 0 || table.distances[slot]! > table.distances[found]!
    if (!isFarthest || table.loads[owner]! <= bounds.shares[owner]!) continue
    if (table.canHand(slot, heir)) found = slot
  }
  return found
}
