/**
 * Randomness that is the same every time for one seed: xoshiro128** (Blackman and Vigna, 2018),
 * seeded by splitmix32.
 *
 * Every node, link and disk draws from its own stream, forked by label: one draw more on one link
 * does not change what another link does, and a failing run stays recognisable when the scenario is
 * cut down.
 */

import type { Random } from '../ports/random.ts'

const TWO_POW_26 = 0x400_0000
const TWO_POW_53 = 2 ** 53

/** Not for secrets. */
export class SeededRandom implements Random {
  readonly #seed: number
  readonly #label: string
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param seed any safe integer ≥ 0. */
  constructor(seed: number, label = '') {
    this.#seed = seed
    this.#label = label
    const next = splitmix32(mixLabel(seed, label))
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next()
  }

  /** Another stream, the same for one label however much was drawn from this one. */
  fork(label: string): SeededRandom {
    return new SeededRandom(this.#seed, `${this.#label}/${label}`)
  }

  float(): number {
    const high = this.#uint32() >>> 5
    const low = this.#uint32() >>> 6
    return (high * TWO_POW_26 + low) / TWO_POW_53
  }

  /** True with the given probability, 0 to 1. Draws nothing for 0 and 1. */
  chance(probability: number): boolean {
    if (probability <= 0) return false
    return probability >= 1 || this.float() < probability
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.#uint32() >>> 24
    return bytes
  }

  /** One step of xoshiro128**, 0 to 2³² − 1. */
  #uint32(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }
}

/** FNV-1a over both halves of the seed and the label. */
function mixLabel(seed: number, label: string): number {
  let hash = 0x811c_9dc5
  const add = (word: number): void => {
    hash = Math.imul(hash ^ word, 0x0100_0193)
  }
  add(seed >>> 0)
  add(Math.floor(seed / 2 ** 32) >>> 0)
  for (let i = 0; i < label.length; i++) add(label.charCodeAt(i))
  return hash >>> 0
}

function splitmix32(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0_aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a_2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}
