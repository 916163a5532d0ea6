/** What a replica keeps: for each key its version, or several of them when clients wrote without seeing each other. */
import { advance, compare, emptyClock, merge, type Clock } from './clocks.ts'

/** Values longer than this get memory of their own, so that they do not waste the ends of slabs. */
const slabbedBytesMax = 4096
const slabBytes = 1 << 16

/**
 * A value with its clock, and its siblings behind it: most keys have one version only, and need no list for it.
 * A store overwrites a version that has no siblings with the next one: whoever keeps what it sees copies it.
 * Invariant: all clocks of a chain are concurrent to each other.
 */
export interface Version {
  readonly clock: Clock
  readonly value: Uint8Array
  readonly next: Version | null
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Whether no version of the chain has seen all that this clock has. */
export function isNews(chain: Version | null, clock: Clock): boolean {
  for (let each = chain; each !== null; each = each.next) {
    const order = compare(clock, each.clock)
    if (order === 'before' || order === 'equal') return false
  }
  return true
}

/** The version, and behind it those of the chain that it does not replace. */
export function withVersion(chain: Version | null, clock: Clock, value: Uint8Array): Version {
  let siblings: Version | null = null
  for (let each = chain; each !== null; each = each.next) {
    if (compare(clock, each.clock) === 'concurrent') siblings = { ...each, next: siblings }
  }
  return { clock, value, next: siblings }
}

/** Copies values side by side into large pieces of memory: each for itself would cost many times as much. */
export class Slabs {
  #slab = newSlab()
  #used = 0

  copy(value: Uint8Array): Uint8Array {
    const { length } = value
    if (length > slabbedBytesMax) return Uint8Array.from(value)
    if (this.#used + length > slabBytes) {
      this.#slab = newSlab()
      this.#used = 0
    }
    const copied = new Uint8Array(this.#slab, this.#used, length)
    copied.set(value)
    this.#used += length
    return copied
  }
}

/** The memory of one replica. Values are copied on their way in. */
export class Store {
  readonly #chains = new Map<string, Mutable<Version>>()
  readonly #slabs = new Slabs()

  get(key: string): Version | null {
    return this.#chains.get(key) ?? null
  }

  /** Keeps a version unless the store has it, or a later one. */
  apply(key: string, clock: Clock, value: Uint8Array): void {
    const chain = this.#chains.get(key)
    if (chain === undefined) this.#add(key, clock, value)
    else if (chain.next === null && compare(clock, chain.clock) === 'after') {
      this.#overwrite(chain, clock, value)
    } else if (isNews(chain, clock)) {
      this.#chains.set(key, withVersion(chain, clock, this.#slabs.copy(value)))
    }
  }

  /** Replaces all that the key has by a new value of this node. Gives the clock of the new version. */
  write(key: string, node: number, value: Uint8Array): Clock {
    const chain = this.#chains.get(key)
    const clock = advance(chain === undefined ? emptyClock : seenBy(chain), node)
    if (chain === undefined || chain.next !== null) this.#add(key, clock, value)
    else this.#overwrite(chain, clock, value)
    return clock
  }

  #add(key: string, clock: Clock, value: Uint8Array): void {
    this.#chains.set(key, { clock, value: this.#slabs.copy(value), next: null })
  }

  /** In the memory of the last value, if they are of one length. */
  #overwrite(version: Mutable<Version>, clock: Clock, value: Uint8Array): void {
    version.clock = clock
    if (version.value.length === value.length) version.value.set(value)
    else version.value = this.#slabs.copy(value)
  }
}

/** What a client has seen that was given this chain. */
function seenBy(chain: Version): Clock {
  return chain.next === null ? chain.clock : merge(chain.clock, seenBy(chain.next))
}

function newSlab(): ArrayBufferLike {
  return Buffer.allocUnsafeSlow(slabBytes).buffer
}
