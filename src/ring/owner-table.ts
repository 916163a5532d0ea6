/**
 * The owners of all partitions while placement decides them. Knows what may be handed over, not what should be.
 */
import type { ZoneQuotas } from './zone-quotas.ts'

/**
 * Members and zones are told by their index. Slot k of partition p has the number p × n + k.
 * Invariant: no member owns a partition twice.
 */
export class OwnerTable {
  readonly n: number
  /** The member in each slot. */
  readonly owners: Uint16Array
  /** For each slot how far clockwise from the partition's start the owner's nearest token lies. */
  readonly distances: Float64Array
  /** How many partitions each member owns. */
  readonly loads: Uint32Array
  readonly #quotas: ZoneQuotas

  constructor(options: { partitions: number; n: number; members: number; quotas: ZoneQuotas }) {
    this.n = options.n
    this.owners = new Uint16Array(options.partitions * options.n)
    this.distances = new Float64Array(options.partitions * options.n)
    this.loads = new Uint32Array(options.members)
    this.#quotas = options.quotas
  }

  /** Puts the owner into a slot that was empty. */
  take(slot: number, owner: { member: number; distance: number }): void {
    this.owners[slot] = owner.member
    this.distances[slot] = owner.distance
    this.loads[owner.member]!++
  }

  /** Puts the heir into a slot in place of its owner. */
  hand(slot: number, heir: { member: number; distance: number }): void {
    this.loads[this.owners[slot]!]!--
    this.take(slot, heir)
  }

  /** Whether the heir does not own the slot's partition yet, and its zones would be as evenly filled with it. */
  canHand(slot: number, heir: number): boolean {
    const { zoneOf, least, most } = this.#quotas
    const first = slot - (slot % this.n)
    const from = zoneOf[this.owners[slot]!]!
    const to = zoneOf[heir]!
    let ownersFrom = 0
    let ownersTo = 0
    for (let k = first; k < first + this.n; k++) {
      const owner = this.owners[k]!
      if (owner === heir) return false
      if (zoneOf[owner] === from) ownersFrom++
      if (zoneOf[owner] === to) ownersTo++
    }
    return from === to || (ownersFrom > least[from]! && ownersTo < most[to]!)
  }

  /** The slots of a member, farthest first. */
  slotsOf(member: number): number[] {
    const slots: number[] = []
    for (let slot = this.owners.indexOf(member); slot >= 0;) {
      slots.push(slot)
      slot = this.owners.indexOf(member, slot + 1)
    }
    return slots.sort((a, b) => this.distances[b]! - this.distances[a]! || a - b)
  }

  /** Brings the owners of each partition into the order of its walk, which hand-overs have disturbed. */
  sortByDistance(): void {
    for (let slot = 0; slot < this.owners.length; slot++) {
      const member = this.owners[slot]!
      const distance = this.distances[slot]!
      const first = slot - (slot % this.n)
      let hole = slot
      // Two owners at one distance have colliding tokens, which are in the order of the places, as their indices are.
      while (hole > first && this.#isAfter(hole - 1, distance, member)) {
        this.owners[hole] = this.owners[hole - 1]!
        this.distances[hole] = this.distances[hole - 1]!
        hole--
      }
      this.owners[hole] = member
      this.distances[hole] = distance
    }
  }

  #isAfter(slot: number, distance: number, member: number): boolean {
    const own = this.distances[slot]!
    return own > distance || (own === distance && this.owners[slot]! > member)
  }
}
