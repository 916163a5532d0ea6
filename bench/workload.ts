/** What all loops work with: keys, the order in which they are used, a value, and a bucket. */
import type { Bucket } from '../src/index.ts'
import { keyCountOf, readShares, type Case, type Figures } from './cases.ts'
import type { Histogram } from './histogram.ts'
import { makeTape } from './tape.ts'

/** Longest warm-up before a measurement: the bare ceiling's. */
export const warmUpSecondsMax = 1

/** What is done, whatever it is done to. Made before anything is measured. */
export interface Load {
  readonly keys: readonly string[]
  /** Of `makeTape`: a read of key `i`, or a write as `~i`. */
  readonly tape: Int32Array
  readonly value: Uint8Array
}

/** What is done, and to what. */
export interface Workload extends Load {
  readonly bucket: Bucket<Uint8Array>
}

/** What a loop tells of one measurement. */
export interface Measured extends Omit<Figures, 'clientCpuUs' | 'replicaCpuUs' | 'hints'> {
  /** Operations that succeeded. */
  readonly operations: number
}

/** The workload of a case. */
export function makeWorkload(bucket: Bucket<Uint8Array>, what: Case): Workload {
  return { bucket, ...makeLoad(what) }
}

/** The load of a case. */
export function makeLoad({ valueBytes, mix, dist }: Case): Load {
  const keyCount = keyCountOf(valueBytes)
  return {
    keys: Array.from({ length: keyCount }, (_, i) => `k${String(i).padStart(15, '0')}`),
    tape: makeTape({ keyCount, distribution: dist, readShare: readShares[mix] }),
    value: Buffer.alloc(valueBytes, 7),
  }
}

/** The latencies that are told. */
export function quantilesOf(
  latenciesUs: Histogram,
): Required<Pick<Figures, 'p50Us' | 'p99Us' | 'p999Us' | 'maxUs'>> {
  return {
    p50Us: latenciesUs.quantile(0.5),
    p99Us: latenciesUs.quantile(0.99),
    p999Us: latenciesUs.quantile(0.999),
    maxUs: latenciesUs.max,
  }
}
