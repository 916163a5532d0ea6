/**
 * Where the entries of the memory storage are: a hash table with open addressing and linear probing in plain integer
 * arrays, and for each partition a chain through its slots. A look-up touches one slot and the entry itself.
 *
 *     slot i:  marks[2i]      hash of the entry
 *              marks[2i + 1]  its place + 1; 0: never used, -1: removed
 *              chain[i]       next slot of the same partition + 1; 0: the last one
 */
import type { MemorySlabs } from './memory-slabs.ts'

const slotsMin = 16
const removed = -1

/** Finds entries by partition and key. */
export class MemoryIndex {
  readonly #slabs: MemorySlabs
  #marks = new Int32Array(2 * slotsMin)
  #chain = new Int32Array(slotsMin)
  #mask = slotsMin - 1
  /** The first slot of each partition, + 1. */
  readonly #heads: Map<number, number> = new Map()
  #live = 0
  /** Slots that are or were used. */
  #used = 0

  constructor(slabs: MemorySlabs) {
    this.#slabs = slabs
  }

  /** The slot of an entry, or -1. */
  find(hash: number, partition: number, key: string): number {
    const marks = this.#marks
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const mark = marks[2 * slot + 1]!
      if (mark === 0) return -1
      if (mark === removed || marks[2 * slot] !== hash) continue
      if (this.#slabs.isAt(mark - 1, partition, key)) return slot
    }
  }

  place(slot: number): number {
    return this.#marks[2 * slot + 1]! - 1
  }

  /** The entry in the slot has a new place. */
  move(slot: number, place: number): void {
    this.#marks[2 * slot + 1] = place + 1
  }

  /** The slot of the entry at a place; -1 when that one is not wanted any more. */
  slotOf(place: number): number {
    const marks = this.#marks
    for (let slot = this.#slabs.hash(place) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const mark = marks[2 * slot + 1]!
      if (mark === place + 1) return slot
      if (mark === 0) return -1
    }
  }

  /** Adds an entry that is not there. */
  add(hash: number, partition: number, place: number): void {
    if (this.#used * 4 >= (this.#mask + 1) * 3) this.#rebuild()
    this.#insert(hash, partition, place)
  }

  #insert(hash: number, partition: number, place: number): void {
    let slot = hash & this.#mask
    while (this.#marks[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask
    this.#marks[2 * slot] = hash
    this.#marks[2 * slot + 1] = place + 1
    this.#chain[slot] = this.#heads.get(partition) ?? 0
    this.#heads.set(partition, slot + 1)
    this.#live += 1
    this.#used += 1
  }

  remove(slot: number): void {
    this.#marks[2 * slot + 1] = removed
    this.#live -= 1
  }

  /** The places of the entries of a partition, in no order. */
  places(partition: number): number[] {
    const places: number[] = []
    for (let next = this.#heads.get(partition) ?? 0; next !== 0; next = this.#chain[next - 1]!) {
      const mark = this.#marks[2 * (next - 1) + 1]!
      if (mark !== removed) places.push(mark - 1)
    }
    return places
  }

  /** Whether there is an entry of a partition. */
  hasAny(partition: number): boolean {
    for (let next = this.#heads.get(partition) ?? 0; next !== 0; next = this.#chain[next - 1]!)
      if (this.#marks[2 * (next - 1) + 1] !== removed) return true
    return false
  }

  /** As many slots as the entries need, twice over; none of them removed. */
  #rebuild(): void {
    const before = this.#marks
    let slots = slotsMin
    while (slots < this.#live * 2 + 2) slots *= 2
    this.#marks = new Int32Array(2 * slots)
    this.#chain = new Int32Array(slots)
    this.#mask = slots - 1
    this.#heads.clear()
    this.#live = 0
    this.#used = 0
    for (let at = 0; at < before.length; at += 2) {
      const mark = before[at + 1]!
      if (mark > 0) this.#insert(before[at]!, this.#slabs.partition(mark - 1), mark - 1)
    }
  }
}
