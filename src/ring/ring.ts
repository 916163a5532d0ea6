/**
 * The ring of one epoch, ready for look-up: built once for each configuration, never changed.
 */
import { assert } from '../base/assert.ts'
import { sides } from '../base/sides.ts'
import { placeAlike, type RingConfiguration, type RingMember } from './configuration.ts'
import { ownerLists, pairwise, staying, union, type OwnerLists } from './owner-lists.ts'
import { place, type Placement } from './placement.ts'

/** Most ids kept in preference lists, over all partitions: 8 MiB. Beyond it, lists are computed anew. */
const cachedIdsMax = 1 << 20

/** A placement, and its owners as lists. */
interface Placed {
  readonly placement: Placement
  readonly lists: OwnerLists
}

function placedAnew(configuration: RingConfiguration): Placed {
  const placement = place(configuration)
  return { placement, lists: ownerLists(placement, configuration.partitions) }
}

/** Look-up by partition and by member. Invariant: the owners of a partition are distinct. */
export class Ring {
  readonly epoch: number
  /** Q. */
  readonly partitions: number
  /**
   * Owners of each partition: the N of the configuration, or all members on the ring if there are fewer. While owners
   * change, the greater of before and after.
   */
  readonly n: number
  /** How many changes of owners there have been. */
  readonly moves: number
  /** Sorted by id; also those that are leaving. */
  readonly members: readonly RingMember[]
  /** Sorted; also those that are leaving. */
  readonly memberIds: readonly string[]
  readonly #members: ReadonlyMap<string, RingMember>
  readonly #ownedCounts: ReadonlyMap<string, number>
  /** By the members as they are. */
  readonly #placed: Placed
  /** By those before the transition; the same in a ring at rest. */
  readonly #before: Placed
  readonly #owners: OwnerLists
  readonly #replicas: OwnerLists
  #movingCount: number | undefined
  /** Masks of the owners to be among the replicas, as far as they were asked for. */
  #ownersToBeMasks: Uint32Array | undefined
  readonly #preferenceLists = new Map<number, readonly string[]>()

  /** @param earlier a ring of the same cluster, whose placements serve again where members are placed alike. */
  constructor(configuration: RingConfiguration, earlier?: Ring) {
    const { partitions, members, transition } = configuration
    const placed = (list: readonly RingMember[]): Placed =>
      (earlier !== undefined ? earlier.#placedLike(list) : undefined) ??
      placedAnew({ ...configuration, members: list })
    this.#placed = placed(members)
    const { placement, lists } = this.#placed
    const before = transition === undefined ? this.#placed : placed(transition.before)
    this.epoch = configuration.epoch
    this.partitions = partitions
    this.moves = configuration.moves
    this.n = Math.max(placement.n, before.placement.n)
    this.members = Object.freeze(members.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    this.memberIds = Object.freeze(this.members.map((member) => member.id))
    this.#members = new Map(this.members.map((member) => [member.id, member]))
    this.#ownedCounts = new Map(placement.members.map(({ id }, i) => [id, placement.loads[i]!]))
    this.#before = before
    this.#owners = before === this.#placed ? lists : staying(before.lists, lists)
    this.#replicas = before === this.#placed ? lists : union(this.#owners, lists)
  }

  #placedLike(members: readonly RingMember[]): Placed | undefined {
    return [this.#placed, this.#before].find(({ placement }) =>
      placeAlike(placement.members, members),
    )
  }

  /** Whether owners change: a transition is under way. */
  get isMoving(): boolean {
    return this.#before !== this.#placed
  }

  /** How many partitions change owners. */
  get movingCount(): number {
    if (!this.isMoving) return 0
    this.#movingCount ??= this.#owners.filter((_, partition) =>
      this.changesOwners(partition),
    ).length
    return this.#movingCount
  }

  /**
   * The members that own the partition, nearest on the ring first; while owners change, those that own it before.
   * Frozen, and always the same array: a look-up allocates nothing.
   * @param partition 0 to Q − 1.
   */
  owners(partition: number): readonly string[] {
    const owners = this.#owners[partition]
    // The sentence is made only when it is needed: this is asked several times for each operation.
    if (owners === undefined) assert(false, `partition ${partition} of ${this.partitions}`)
    return owners
  }

  /** The owners when the transition is over: the very array of `owners` where they stay the same. */
  ownersToBe(partition: number): readonly string[] {
    return this.#placed.lists[partition]!
  }

  /** Whether the partition is one of those whose owners change. */
  changesOwners(partition: number): boolean {
    return this.owners(partition) !== this.ownersToBe(partition)
  }

  /** All who are sent what is written: the owners, then those to be. The very array of `owners` where they stay. */
  replicas(partition: number): readonly string[] {
    const replicas = this.#replicas[partition]
    if (replicas === undefined) assert(false, `partition ${partition} of ${this.partitions}`)
    return replicas
  }

  /** The owners, as a mask of their numbers among the replicas: they come first. */
  ownersMask(partition: number): number {
    return (1 << this.owners(partition).length) - 1
  }

  /** The owners to be, as a mask of their numbers among the replicas. */
  ownersToBeMask(partition: number): number {
    if (!this.changesOwners(partition)) return this.ownersMask(partition)
    const masks = (this.#ownersToBeMasks ??= new Uint32Array(this.partitions))
    const known = masks[partition]!
    if (known !== 0) return known
    const ownersToBe = this.ownersToBe(partition)
    let mask = 0
    this.replicas(partition).forEach((id, i) => {
      if (ownersToBe.includes(id)) mask |= 1 << i
    })
    return (masks[partition] = mask)
  }

  /** The replicas of every partition. */
  get replicaLists(): OwnerLists {
    return this.#replicas
  }

  /** In which sets of owners the member is: bits of `sides`, 0 for none. */
  sidesOf(memberId: string, partition: number): number {
    const isBefore = this.owners(partition).includes(memberId)
    if (!this.changesOwners(partition)) return isBefore ? sides.both : 0
    const isAfter = this.ownersToBe(partition).includes(memberId)
    return (isBefore ? sides.before : 0) | (isAfter ? sides.after : 0)
  }

  /** The replicas, then all other members on the ring as fallbacks, in the order of the walk (Dynamo §4.3). Frozen. */
  preferenceList(partition: number): readonly string[] {
    const cached = this.#preferenceLists.get(partition)
    if (cached !== undefined) return cached
    const replicas = this.replicas(partition)
    const { placement } = this.#placed
    const walk = placement.fallbacks(partition).map((member) => placement.members[member]!.id)
    const list = Object.freeze([...replicas, ...walk.filter((id) => !replicas.includes(id))])
    if ((this.#preferenceLists.size + 1) * list.length > cachedIdsMax) this.#preferenceLists.clear()
    this.#preferenceLists.set(partition, list)
    return list
  }

  /** Whether the member is sent what is written: also one that owned the partition, or will, while owners change. */
  ownsPartition(memberId: string, partition: number): boolean {
    return this.replicas(partition).includes(memberId)
  }

  /** How many partitions the member owns, or will when the transition is over: 0 for one that is leaving or unknown. */
  ownedCount(memberId: string): number {
    return this.#ownedCounts.get(memberId) ?? 0
  }

  /**
   * Average load ÷ hottest load, each per weight: 1 when all members own exactly what their weights say, 0 when there
   * is no owner. Below 0.95 where zones or a weight too heavy for N keep the weights from being honoured.
   */
  balance(): number {
    let weights = 0
    let hottest = 0
    for (const { id, weight, stage } of this.members) {
      const owned = this.ownedCount(id)
      if (owned === 0 && stage === 'leaving') continue
      weights += weight
      hottest = Math.max(hottest, owned / weight)
    }
    return hottest === 0 ? 0 : (this.partitions * this.n) / weights / hottest
  }

  member(id: string): RingMember | undefined {
    return this.#members.get(id)
  }

  /** Whether a hint may be kept for it: a member, or one that was removed and counts still as an owner before. */
  isKnown(id: string): boolean {
    return this.#members.has(id) || this.#before.placement.members.some((each) => each.id === id)
  }

  /** Whether two members are in one zone. */
  isNear(id: string, other: string): boolean {
    return this.member(id)?.zone === this.member(other)?.zone
  }
}

/** What one partition gains in a change of the ring. */
export interface RangeGained {
  readonly partition: number
  /** Members that are sent its writes after the change and were not before: they need its data. */
  readonly gained: readonly string[]
  /** Its owners before the change, without those whose storage was replaced since: they have its data. */
  readonly previous: readonly string[]
  /** How many owned it before, whatever became of their storage. */
  readonly ownersBefore: number
}

/** A ring, and one before it. */
export interface RingChange {
  readonly before: Ring
  readonly after: Ring
  /** The partitions with new owners, ascending. */
  readonly ranges: readonly RangeGained[]
}

/** @param after a later ring of the same cluster */
export function ringChange(before: Ring, after: Ring): RingChange {
  return { before, after, ranges: rangesGained(before, after) }
}

type Gained = Omit<RangeGained, 'partition'>

/**
 * The partitions with new owners, ascending. A member with another storage than before is a new owner of all that
 * it owns, although its id is the same: its data is gone.
 * @param after a later ring of the same cluster, so that it has the same partitions.
 */
export function rangesGained(before: Ring, after: Ring): RangeGained[] {
  assert(before.partitions === after.partitions, 'rings of one cluster have the same partitions')
  const hasLostStore = (id: string): boolean => {
    const member = after.member(id)
    return member !== undefined && member.store !== before.member(id)?.store
  }
  const lostStores = new Set(before.memberIds.filter(hasLostStore))
  const has = (id: string): boolean => !lostStores.has(id)
  // The list of replicas tells that of the owners, so that each pair of lists gains in one way.
  const gains = pairwise(
    before.replicaLists,
    after.replicaLists,
    (had, replicas, partition): Gained => {
      const owners = after.isMoving ? after.owners(partition) : had
      const gained = replicas.filter((id) => !had.includes(id) || !has(id))
      return { gained, previous: owners.filter(has), ownersBefore: owners.length }
    },
  )
  const ranges: RangeGained[] = []
  gains.forEach((range, partition) => {
    if (range.gained.length > 0) ranges.push({ partition, ...range })
  })
  return ranges
}
