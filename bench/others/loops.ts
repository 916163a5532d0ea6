/** Closed loops over any store: each awaits its operation before it makes the next one. */
import type { Mix } from './forms.ts'
import type { Target } from './target.ts'

/** Latencies in microseconds. */
export interface Figures {
  readonly opsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** What is asked of the loops. */
export interface Load {
  readonly mix: Mix
  readonly inFlight: number
  readonly seconds: number
  readonly value: Buffer
}

const tapeLength = 1 << 18
/** Operations whose latency is kept. */
const latenciesMax = 1 << 21
/** A store that ends no operation for so long is given up. */
const stallMs = 10_000

/** As many as the rest of the bench uses. */
export const keys: readonly string[] = Array.from(
  { length: 20_000 },
  (_, i) => `k${String(i).padStart(15, '0')}`,
)

/** The value that is stored under each key. */
export function valueOf(bytes: number): Buffer {
  return Buffer.alloc(bytes, 7)
}

/** @throws {Error} by rejection: an operation failed, or a read did not give the value. */
export async function runLoops<A>(target: Target<A>, load: Load): Promise<Figures> {
  const { mix, inFlight, seconds, value } = load
  const latencies = new Float64Array(latenciesMax)
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let operations = 0
  let at = tapeLength / 2
  const loop = async (index: number): Promise<void> => {
    const lane = target.lanes[index % target.lanes.length]!
    for (let endedMs = 0; endedMs < endMs;) {
      at = (at + 1) % tapeLength
      const key = keys[tape[at]!]!
      const beganMs = performance.now()
      if (mix === 'put') await lane.put(key, value)
      else if (target.bytesOf(await lane.get(key))?.length !== value.length)
        throw new Error(`a read of ${key} did not give its value of ${value.length} bytes`)
      endedMs = performance.now()
      if (operations < latenciesMax) latencies[operations] = endedMs - beganMs
      operations += 1
    }
  }
  const loops = Promise.all(Array.from({ length: inFlight }, (_, index) => loop(index)))
  await unlessStalled(loops, () => operations)
  const elapsedMs = performance.now() - startMs
  const opsPerSecond = (operations / elapsedMs) * 1000
  return { opsPerSecond, ...quantiles(latencies.subarray(0, Math.min(operations, latenciesMax))) }
}

/** @throws {Error} by rejection: the count has not moved for a while, and the loops would never end. */
async function unlessStalled(loops: Promise<unknown>, operations: () => number): Promise<void> {
  let seen = 0
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (operations() === seen) reject(new Error(`no operation ended within ${stallMs} ms`))
      seen = operations()
    }, stallMs)
  })
  try {
    await Promise.race([loops, stalled])
  } finally {
    clearInterval(timer)
  }
}

function quantiles(latenciesMs: Float64Array): Pick<Figures, 'p50Us' | 'p99Us'> {
  latenciesMs.sort()
  const quantileUs = (q: number): number =>
    (latenciesMs[Math.floor(latenciesMs.length * q)] ?? 0) * 1000
  return { p50Us: quantileUs(0.5), p99Us: quantileUs(0.99) }
}

/** Keys uniformly and the same for each run: a linear congruential generator (Numerical Recipes). */
const tape: Int32Array = uniformTape()

function uniformTape(): Int32Array {
  let x = 12345
  return Int32Array.from({ length: tapeLength }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 2 ** 32) * keys.length)
  })
}
