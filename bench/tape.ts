/**
 * Which key each operation of a workload uses, and whether it reads or writes it: decided before anything is measured,
 * and the same in each run.
 */

/** How often keys are used. `uniform`: all alike. `zipfian`: few of them most of the time, as YCSB does it. */
export type Distribution = 'uniform' | 'zipfian'

/** What a tape is made of. */
export interface TapeOptions {
  /** How many keys there are, 1 at least. */
  readonly keyCount: number
  readonly distribution: Distribution
  /** Which part of the operations reads, 0 to 1. */
  readonly readShare: number
}

const entriesMin = 1 << 18
const entriesMax = 1 << 22

/**
 * Entries of a tape: a power of two, and one for each key at least, as long as that is not too many. A loop uses the
 * tape again and again, so that of more keys it uses some alone: of 10⁷ uniform ones a third, which is far more than
 * any processor's cache has.
 */
export function tapeLengthOf(keyCount: number): number {
  return Math.min(entriesMax, Math.max(entriesMin, 2 ** Math.ceil(Math.log2(keyCount))))
}

/** The exponent of the zipfian distribution: YCSB's. */
const skew = 0.99

/** An entry of 0 or more is a read of the key with that number, a negative one `~i` a write of key `i`. */
export function makeTape({ keyCount, distribution, readShare }: TapeOptions): Int32Array {
  const chance = generator(12345)
  const draw = distribution === 'uniform' ? uniform(keyCount) : zipfian(keyCount)
  const readChance = generator(67890)
  return Int32Array.from({ length: tapeLengthOf(keyCount) }, () => {
    const key = draw(chance())
    return readChance() < readShare ? key : ~key
  })
}

/** Numbers of 0 to 1: a linear congruential generator (Numerical Recipes), the yardstick's. */
function generator(seed: number): () => number {
  let x = seed
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 2 ** 32
  }
}

/** A key for a number of 0 to 1. */
type Draw = (u: number) => number

function uniform(keyCount: number): Draw {
  return (u) => Math.floor(u * keyCount)
}

/**
 * Zipfian ranks without a table of all (Gray et al., Quickly Generating Billion-Record Synthetic Databases, 1994).
 * Each rank is a key anywhere among them (`scrambled`): keys that are used much do not lie side by side.
 */
function zipfian(keyCount: number): Draw {
  const keyOfRank = shuffled(keyCount)
  let zeta = 0
  for (let rank = 1; rank <= keyCount; rank++) zeta += rank ** -skew
  const zetaOfTwo = 1 + 2 ** -skew
  const alpha = 1 / (1 - skew)
  const eta = (1 - (2 / keyCount) ** (1 - skew)) / (1 - zetaOfTwo / zeta)
  const rankOf = (u: number): number => {
    if (u * zeta < 1) return 0
    if (u * zeta < zetaOfTwo) return 1
    return Math.min(Math.floor(keyCount * (eta * u - eta + 1) ** alpha), keyCount - 1)
  }
  return (u) => keyOfRank[rankOf(u)]!
}

/** The numbers below `count`, each once, in an order that is the same each time (Fisher, Yates). */
function shuffled(count: number): Int32Array {
  const chance = generator(424242)
  const numbers = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(chance() * (i + 1))
    const moved = numbers[i]!
    numbers[i] = numbers[other]!
    numbers[other] = moved
  }
  return numbers
}
