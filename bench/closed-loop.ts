/**
 * Closed loops over a bucket: each awaits its operation before it makes the next one. They tell how much a store bears;
 * for latencies at a given load see `open-loop.ts`.
 */
import { Histogram } from './histogram.ts'
import { quantilesOf, type Measured, type Workload } from './workload.ts'

/** How much is done. */
export interface ClosedLoopOptions {
  /** Loops that run at once. */
  readonly inFlight: number
  readonly seconds: number
}

/** As bare as the yardstick's loop: what it costs is taken for the store's. */
export async function runClosedLoop(
  { bucket, keys, tape, value }: Workload,
  { inFlight, seconds }: ClosedLoopOptions,
): Promise<Measured> {
  const latenciesUs = new Histogram()
  const lastIndex = tape.length - 1
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let at = tape.length / 2
  const loop = async (): Promise<void> => {
    for (let endedMs = 0; endedMs < endMs;) {
      at = (at + 1) & lastIndex
      const entry = tape[at]!
      const beganMs = performance.now()
      if (entry < 0) await bucket.put(keys[~entry]!, value)
      else if (!(await bucket.get(keys[entry]!)).found) throw new Error(`${keys[entry]} was lost`)
      endedMs = performance.now()
      latenciesUs.record((endedMs - beganMs) * 1000)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  const elapsedMs = performance.now() - startMs
  const operations = latenciesUs.count
  const opsPerSecond = (operations / elapsedMs) * 1000
  return { operations, opsPerSecond, ...quantilesOf(latenciesUs) }
}
