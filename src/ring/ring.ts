/**
 * The ring of one epoch, ready for look-up: built once for each configuration, never changed.
 */
import { assert } from '../base/assert.ts'
import type { RingConfiguration, RingMember } from './configuration.ts'
import { place, type Placement } from './placement.ts'

/** Most ids kept in preference lists, over all partitions: 8 MiB. Beyond it, lists are computed anew. */
const cachedIdsMax = 1 << 20

/** Look-up by partition and by member. Invariant: each partition has `n` distinct owners. */
export class Ring {
  readonly epoch: number
  /** Q. */
  readonly partitions: number
  /** Owners of each partition: the N of the configuration, or all members on the ring if there are fewer. */
  readonly n: number
  /** Sorted by id; also those that are leaving. */
  readonly members: readonly RingMember[]
  /** Sorted; also those that are leaving. */
  readonly memberIds: readonly string[]
  readonly #placement: Placement
  readonly #members: ReadonlyMap<string, RingMember>
  readonly #ownedCounts: ReadonlyMap<string, number>
  readonly #owners: readonly (readonly string[])[]
  readonly #preferenceLists = new Map<number, readonly string[]>()

  constructor(configuration: RingConfiguration) {
    const placement = place(configuration)
    this.epoch = configuration.epoch
    this.partitions = configuration.partitions
    this.n = placement.n
    this.members = Object.freeze(placement.members)
    this.memberIds = Object.freeze(placement.members.map((member) => member.id))
    this.#placement = placement
    this.#members = new Map(placement.members.map((member) => [member.id, member]))
    this.#ownedCounts = new Map(this.memberIds.map((id, index) => [id, placement.loads[index]!]))
    this.#owners = this.#ownerLists(placement.owners)
  }

  /** Partitions with the same owners share one list: in a small cluster there are few, and they stay in the cache. */
  #ownerLists(owners: Uint16Array): readonly (readonly string[])[] {
    const lists = new Map<string, readonly string[]>()
    return Array.from({ length: this.partitions }, (_, partition) => {
      const first = partition * this.n
      // A list is found by its members' indexes, each of which is one character.
      let indexes = ''
      for (let i = first; i < first + this.n; i++) indexes += String.fromCharCode(owners[i]!)
      const known = lists.get(indexes)
      if (known !== undefined) return known
      const ids: string[] = []
      for (let i = first; i < first + this.n; i++) ids.push(this.memberIds[owners[i]!]!)
      lists.set(indexes, Object.freeze(ids))
      return ids
    })
  }

  /**
   * The members that own the partition, nearest on the ring first. Frozen, and always the same array: a look-up
   * allocates nothing.
   * @param partition 0 to Q − 1.
   */
  owners(partition: number): readonly string[] {
    const owners = this.#owners[partition]
    // The sentence is made only when it is needed: this is asked several times for each operation.
    if (owners === undefined) assert(false, `partition ${partition} of ${this.partitions}`)
    return owners
  }

  /** The owners, then all other members on the ring as fallbacks, in the order of the walk (Dynamo §4.3). Frozen. */
  preferenceList(partition: number): readonly string[] {
    const cached = this.#preferenceLists.get(partition)
    if (cached !== undefined) return cached
    const owners = this.owners(partition)
    const fallbacks = this.#placement.fallbacks(partition)
    const list = Object.freeze([...owners, ...fallbacks.map((member) => this.memberIds[member]!)])
    if ((this.#preferenceLists.size + 1) * list.length > cachedIdsMax) this.#preferenceLists.clear()
    this.#preferenceLists.set(partition, list)
    return list
  }

  ownsPartition(memberId: string, partition: number): boolean {
    return this.owners(partition).includes(memberId)
  }

  /** How many partitions the member owns: 0 for one that is leaving or unknown. */
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

  /** Whether two members are in one zone. */
  isNear(id: string, other: string): boolean {
    return this.member(id)?.zone === this.member(other)?.zone
  }
}

/** What one partition gains in a change of the ring. */
export interface RangeGained {
  readonly partition: number
  /** Members that own it after the change and did not before: they need its data. */
  readonly gained: readonly string[]
  /** Its owners before the change, without those whose storage was replaced since: they have its data. */
  readonly previous: readonly string[]
}

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
  const ranges: RangeGained[] = []
  for (let partition = 0; partition < after.partitions; partition++) {
    const owners = before.owners(partition)
    const previous = lostStores.size === 0 ? owners : owners.filter((id) => !lostStores.has(id))
    if (after.owners(partition).every((id) => previous.includes(id))) continue
    const gained = after.owners(partition).filter((id) => !previous.includes(id))
    ranges.push({ partition, gained, previous })
  }
  return ranges
}
