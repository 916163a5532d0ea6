/** Closed loops over a bucket: each awaits its operation before it makes the next one. */
import type { Bucket } from '../src/index.ts'
import type { Figures } from './cases.ts'
import type { Mix } from './options.ts'

const keyCount = 20_000
const tapeLength = 1 << 18
/** Operations whose latency is kept. */
const latenciesMax = 1 << 21
const preloadBatch = 500

type Measured = Pick<Figures, 'opsPerSecond' | 'p50Us' | 'p99Us'> & { readonly operations: number }

/** Keys, values, and the order in which keys are used, made before anything is measured. */
export class Workload {
  readonly #bucket: Bucket<Uint8Array>
  readonly #value: Uint8Array
  readonly #keys: readonly string[]
  readonly #tape: Int32Array
  readonly #latencies = new Float64Array(latenciesMax)

  constructor(bucket: Bucket<Uint8Array>, valueBytes: number) {
    this.#bucket = bucket
    this.#value = Buffer.alloc(valueBytes, 7)
    this.#keys = Array.from({ length: keyCount }, (_, i) => `k${String(i).padStart(15, '0')}`)
    this.#tape = uniformTape(keyCount)
  }

  /** Writes each key once. */
  async preload(): Promise<void> {
    for (let i = 0; i < keyCount; i += preloadBatch) {
      const batch = this.#keys.slice(i, i + preloadBatch)
      await Promise.all(batch.map((key) => this.#bucket.put(key, this.#value)))
    }
  }

  /** As bare as the yardstick's loop: what it costs is taken for the store's. */
  async run(mix: Mix, inFlight: number, seconds: number): Promise<Measured> {
    const bucket = this.#bucket
    const keys = this.#keys
    const tape = this.#tape
    const latencies = this.#latencies
    const value = this.#value
    const startMs = performance.now()
    const endMs = startMs + seconds * 1000
    let operations = 0
    let at = tapeLength / 2
    const loop = async (): Promise<void> => {
      for (let endedMs = 0; endedMs < endMs;) {
        at = (at + 1) % tapeLength
        const key = keys[tape[at]!]!
        const beganMs = performance.now()
        if (mix === 'put') await bucket.put(key, value)
        else if (!(await bucket.get(key)).found) throw new Error(`${key} was not found`)
        endedMs = performance.now()
        if (operations < latenciesMax) latencies[operations] = endedMs - beganMs
        operations += 1
      }
    }
    await Promise.all(Array.from({ length: inFlight }, loop))
    const elapsedMs = performance.now() - startMs
    return {
      operations,
      opsPerSecond: (operations / elapsedMs) * 1000,
      ...this.#quantiles(operations),
    }
  }

  #quantiles(operations: number): Pick<Figures, 'p50Us' | 'p99Us'> {
    const latencies = this.#latencies.slice(0, Math.min(operations, latenciesMax)).sort()
    const quantileUs = (q: number): number =>
      (latencies[Math.floor(latencies.length * q)] ?? 0) * 1000
    return { p50Us: quantileUs(0.5), p99Us: quantileUs(0.99) }
  }
}

/** The same for each run: a linear congruential generator (Numerical Recipes). */
function uniformTape(keys: number): Int32Array {
  let x = 12345
  return Int32Array.from({ length: tapeLength }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 2 ** 32) * keys)
  })
}
