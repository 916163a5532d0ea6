/** Whether a cluster has come to rest: what owners store agrees, and nobody keeps hints. */

import { splitStorageKey } from '../replica/places.ts'
import type { Ring } from '../ring/ring.ts'
import type { SimDisk } from './sim-disk.ts'
import { agree, hintCount, recordPlaces } from './stored-records.ts'
import type { Place } from './stored-records.ts'

/**
 * Looks again and again; starts where it found a problem before, because it is likely still there.
 */
export class Settlement {
  #suspect: Place | undefined

  /** What is not settled, as the rest of a sentence; undefined when all is. */
  problem(disks: ReadonlyMap<string, SimDisk>, ring: Ring | undefined): string | undefined {
    if (ring === undefined) return 'no node has a ring'
    if (ring.isMoving) return `owners change still, in epoch ${ring.epoch}`
    for (const [name, disk] of disks) {
      const count = hintCount(disk)
      if (count > 0) return `${name} keeps ${count} hints`
    }
    if (this.#suspect !== undefined) {
      const problem = this.#disagreement(this.#suspect, disks, ring)
      if (problem !== undefined) return problem
    }
    for (const disk of disks.values()) {
      for (const place of recordPlaces(disk)) {
        const problem = this.#disagreement(place, disks, ring)
        if (problem !== undefined) return problem
      }
    }
    return undefined
  }

  #disagreement(place: Place, disks: ReadonlyMap<string, SimDisk>, ring: Ring): string | undefined {
    const owners = ring.owners(place.partition)
    const owned = owners.flatMap((name) => disks.get(name) ?? [])
    if (agree(owned, place)) return undefined
    this.#suspect = place
    const { bucket, key } = splitStorageKey(place.key)
    return `the owners ${owners.join(', ')} of "${key}" in bucket "${bucket}" store different records`
  }
}
