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

  async run(mix: Mix, inFlight: number, seconds: number): Promise<Measured> {
    const startMs = performance.now()
    const state = { operations: 0, at: tapeLength / 2, endMs: startMs + seconds * 1000 }
    const loop = (): Promise<void> => (mix === 'put' ? this.#puts(state) : this.#gets(state))
    await Promise.all(Array.from({ length: inFlight }, loop))
    const elapsedMs = performance.now() - startMs
    const { operations } = state
    const latencies = this.#latencies.slice(0, Math.min(operations, latenciesMax)).sort()
    const quantileUs = (q: number): number =>
      (latencies[Math.floor(latencies.length * q)] ?? 0) * 1000
    return {
      operations,
      opsPerSecond: (operations / elapsedMs) * 1000,
      p50Us: quantileUs(0.5),
      p99Us: quantileUs(0.99),
    }
  }

  async #puts(state: LoopState): Promise<void> {
    const bucket = this.#bucket
    const value = this.#value
    for (let beganMs = 0; beganMs < state.endMs;) {
      beganMs = performance.now()
      await bucket.put(this.#nextKey(state), value)
      this.#note(state, beganMs)
    }
  }

  async #gets(state: LoopState): Promise<void> {
    const bucket = this.#bucket
    for (let beganMs = 0; beganMs < state.endMs;) {
      beganMs = performance.now()
      const entry = await bucket.get(this.#nextKey(state))
      if (!entry.found) throw new Error(`${entry.key} was not found`)
      this.#note(state, beganMs)
    }
  }

  #nextKey(state: LoopState): string {
    state.at = (state.at + 1) % tapeLength
    return this.#keys[this.#tape[state.at]!]!
  }

  #note(state: LoopState, beganMs: number): void {
    if (state.operations < latenciesMax) {
      this.#latencies[state.operations] = performance.now() - beganMs
    }
    state.operations += 1
  }
}

interface LoopState {
  operations: number
  /** Position on the tape. */
  at: number
  readonly endMs: number
}

/** The same for each run: a linear congruential generator (Numerical Recipes). */
function uniformTape(keys: number): Int32Array {
  let x = 12345
  return Int32Array.from({ length: tapeLength }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 2 ** 32) * keys)
  })
}
