/** The load: closed loops, each of which awaits its operation before it makes the next one. */
import type { Coordinator } from './coordinator.ts'

const keyCount = 20_000
const tapeLength = 1 << 18
/** Operations whose latency is kept. */
const latenciesMax = 1 << 21
const preloadBatch = 500
const zipfExponent = 0.99
/** Has no divisor in common with the number of keys, so that each rank gets a key of its own. */
const scramble = 7919

/** Which part of the operations reads. `a`, `b` and `c` are mixes of YCSB. */
export const readShares = { put: 0, get: 1, a: 0.5, b: 0.95, c: 1 } as const

export type Mix = keyof typeof readShares

/** Of keys: each as often as any other, or a few very often. */
export type Distribution = 'u' | 'z'

export interface Load {
  readonly valueBytes: number
  readonly dist: Distribution
  readonly mix: Mix
  readonly inFlight: number
}

interface Measured {
  readonly operations: number
  readonly elapsedMs: number
  /** In the order in which the operations ended; the first ones, if there are very many. */
  readonly latenciesMs: Float64Array
}

/** Keys, and the order in which they are used, made before anything is measured. */
export class LoadGenerator {
  readonly #coordinator: Coordinator
  readonly #keys = Array.from({ length: keyCount }, (_, i) => `k${String(i).padStart(15, '0')}`)
  readonly #tapes: Readonly<Record<Distribution, Int32Array>> = { u: uniform(), z: zipfian() }
  readonly #reads = tapesOfReads()
  #preloadedBytes = 0
  readonly #latenciesMs = new Float64Array(latenciesMax)

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator
  }

  /** Writes each key once, unless all have values of this length already. */
  async preload(valueBytes: number): Promise<void> {
    if (valueBytes === this.#preloadedBytes) return
    this.#preloadedBytes = valueBytes
    const value = valueOf(valueBytes)
    for (let i = 0; i < keyCount; i += preloadBatch) {
      const batch = this.#keys.slice(i, i + preloadBatch)
      await Promise.all(batch.map((key) => this.#coordinator.put(key, value)))
    }
  }

  async run({ valueBytes, dist, mix, inFlight }: Load, seconds: number): Promise<Measured> {
    const coordinator = this.#coordinator
    const keys = this.#keys
    const tape = this.#tapes[dist]
    const reads = this.#reads[mix]
    const latenciesMs = this.#latenciesMs
    const value = valueOf(valueBytes)
    const startMs = performance.now()
    const endMs = startMs + seconds * 1000
    let operations = 0
    let at = 0
    const loop = async (): Promise<void> => {
      for (let endedMs = 0; endedMs < endMs;) {
        at = (at + 1) % tapeLength
        const key = keys[tape[at]!]!
        const beganMs = performance.now()
        if (reads[at] === 0) await coordinator.put(key, value)
        else if ((await coordinator.get(key)) === null) throw new Error(`${key} was not found`)
        endedMs = performance.now()
        if (operations < latenciesMax) latenciesMs[operations] = endedMs - beganMs
        operations += 1
      }
    }
    await Promise.all(Array.from({ length: inFlight }, loop))
    const elapsedMs = performance.now() - startMs
    return { operations, elapsedMs, latenciesMs: latenciesMs.subarray(0, operations) }
  }
}

function valueOf(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(7)
}

/** For each mix which operations read (1) and which write (0). */
function tapesOfReads(): Readonly<Record<Mix, Uint8Array>> {
  const of = (mix: Mix): Uint8Array => {
    const random = generator(67890)
    return Uint8Array.from({ length: tapeLength }, () => (random() < readShares[mix] ? 1 : 0))
  }
  return { put: of('put'), get: of('get'), a: of('a'), b: of('b'), c: of('c') }
}

function uniform(): Int32Array {
  const random = generator(12345)
  return Int32Array.from({ length: tapeLength }, () => Math.floor(random() * keyCount))
}

/** Draws a rank by its share of all uses, and scatters the ranks over the keys. */
function zipfian(): Int32Array {
  const random = generator(12345)
  const shares = new Float64Array(keyCount)
  let sum = 0
  for (let rank = 0; rank < keyCount; rank++) {
    sum += (rank + 1) ** -zipfExponent
    shares[rank] = sum
  }
  return Int32Array.from({ length: tapeLength }, () => {
    const rank = firstAbove(shares, random() * sum)
    return (rank * scramble) % keyCount
  })
}

/** Where the first of these ascending numbers stands that is above the limit. */
function firstAbove(ascending: Float64Array, limit: number): number {
  let low = 0
  let high = ascending.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! > limit) high = middle
    else low = middle + 1
  }
  return low
}

/** The same numbers from 0 to 1 in each run: a linear congruential generator (Numerical Recipes). */
function generator(seed: number): () => number {
  let x = seed
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 2 ** 32
  }
}
