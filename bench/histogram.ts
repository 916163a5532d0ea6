/**
 * Latencies in buckets, as an HDR histogram keeps them: each power of two is cut into 1024 buckets of the same width,
 * so that a quantile is right to three digits whatever its size, and memory is the same however many are recorded.
 * A bucket is found by the bits of the number alone: its exponent and the first bits of its fraction.
 */

/** Bits of the fraction that tell buckets apart: 2 ** 10 of them in each power of two. */
const fractionBits = 10
/** The smallest power of two that is told apart; less is taken for it. In microseconds: 1 ns. */
const exponentMin = -10
/** The first power of two that is not told apart; more is taken for what lies below. In microseconds: 268 s. */
const exponentMax = 28

/** What a double adds to its exponent. */
const exponentBias = 1023
const bucketCount = (exponentMax - exponentMin) << fractionBits
const bucketMin = (exponentMin + exponentBias) << fractionBits

/** Of a double's 20 fraction bits in its upper word, those that tell no buckets apart. */
const unusedBits = 20 - fractionBits

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)
/** Which half of a double has its exponent: depends on the processor. */
const upper = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

/** Counts of numbers above 0, and their quantiles. */
export class Histogram {
  readonly #counts = new Uint32Array(bucketCount)
  #count = 0
  #max = 0

  /** How many are recorded. */
  get count(): number {
    return this.#count
  }

  /** The greatest that is recorded, exactly; 0 when there is none. */
  get max(): number {
    return this.#max
  }

  /** Counts a number in. */
  record(value: number): void {
    double[0] = value
    const bucket = (words[upper]! >>> unusedBits) - bucketMin
    this.#counts[bucket < 0 ? 0 : bucket >= bucketCount ? bucketCount - 1 : bucket]! += 1
    this.#count += 1
    if (value > this.#max) this.#max = value
  }

  /** Counts in all that another one has. */
  merge(other: Histogram): void {
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      this.#counts[bucket]! += other.#counts[bucket]!
    }
    this.#count += other.#count
    this.#max = Math.max(this.#max, other.#max)
  }

  /**
   * The number that a share of `q` of all lie below, 0 to 1: of the sorted list the one at `floor(count × q)`, to
   * within 1/2048 of it. 0 when there is none.
   */
  quantile(q: number): number {
    const rank = Math.min(Math.floor(this.#count * q), this.#count - 1)
    let passed = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      passed += this.#counts[bucket]!
      if (passed > rank) return Math.min(middleOf(bucket), this.#max)
    }
    return 0
  }
}

/** The number in the middle of a bucket. */
function middleOf(bucket: number): number {
  const exponent = (bucket >> fractionBits) + exponentMin
  const fraction = bucket & ((1 << fractionBits) - 1)
  return 2 ** exponent * (1 + (fraction + 0.5) / (1 << fractionBits))
}
