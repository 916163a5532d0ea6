/** Draws from a seed: the choices that plans and clients are made of. */

import { SeededRandom } from '../../src/sim/seeded-random.ts'

/** A stream of choices. Streams of different labels do not disturb each other. */
export class Draw {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  static ofSeed(seed: number, label: string): Draw {
    return new Draw(new SeededRandom(seed).fork(label))
  }

  fork(label: string): Draw {
    return new Draw(this.#random.fork(label))
  }

  /** Uniform in [0, 1). */
  share(): number {
    return this.#random.float()
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability)
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#random.float() * (most - least + 1))
  }

  /** Between the two, as likely in each order of magnitude. */
  magnitude([least, most]: readonly [number, number]): number {
    return Math.round(least * (most / least) ** this.#random.float())
  }

  /** Exponentially distributed with that mean. */
  waiting(meanMs: number): number {
    return -Math.log(1 - this.#random.float()) * meanMs
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.whole(0, values.length - 1)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }

  /** One of the keys, as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][]
    let left = this.#random.float() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    throw new Error('weights must not be all zero')
  }

  /** The same values in another order. */
  shuffled<T>(values: readonly T[]): T[] {
    const order = [...values]
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.whole(0, i)
      const moved = order[i]
      const other = order[j]
      if (moved === undefined || other === undefined) continue
      order[i] = other
      order[j] = moved
    }
    return order
  }
}
