/**
 * The newest ring configuration that any disk of a simulation holds, read from the nodes' books.
 */

import { booksPartition } from '../replica/places.ts'
import type { RingConfiguration } from '../ring/configuration.ts'
import * as codec from '../ring/configuration-check.ts'
import { acceptorFromTuple } from '../ring/register/message-codec.ts'
import { Ring } from '../ring/ring.ts'
import { unpack } from '../rpc/pack.ts'
import type { SimDisk } from './sim-disk.ts'

/** Remembers what it read: rings are dear to build, and books seldom change. */
export class StoredRing {
  readonly #read = new WeakMap<Uint8Array, { configuration: RingConfiguration | undefined }>()
  #configuration: RingConfiguration | undefined
  #ring: Ring | undefined

  /**
   * The newest ring on the disks; when none of them has one, the last that was found; at first,
   * undefined.
   */
  newest(disks: Iterable<SimDisk>): Ring | undefined {
    let newest: RingConfiguration | undefined
    for (const disk of disks) {
      const found = this.#configurationOn(disk)
      if (found !== undefined && found.epoch > (newest?.epoch ?? 0)) newest = found
    }
    if (newest === undefined) return this.#ring
    const { cluster, epoch } = newest
    if (cluster !== this.#configuration?.cluster || epoch !== this.#configuration.epoch) {
      this.#configuration = newest
      this.#ring = new Ring(newest)
    }
    return this.#ring
  }

  #configurationOn(disk: SimDisk): RingConfiguration | undefined {
    const bytes = disk.get(booksPartition, 'acceptor')
    if (bytes === undefined) return undefined
    let read = this.#read.get(bytes)
    if (read === undefined) {
      read = { configuration: chosenIn(bytes) }
      this.#read.set(bytes, read)
    }
    return read.configuration
  }
}

function chosenIn(bytes: Uint8Array): RingConfiguration | undefined {
  const state = acceptorFromTuple(unpack(bytes, 0, bytes.length), codec)
  return typeof state === 'string' ? undefined : state.chosen
}
