/** What all loops work with: keys, the order in which they are used, a value, and a bucket. */
import type { Bucket } from '../src/index.ts'
import { keyCountOf, readShares, type Case, type Figures } from './cases.ts'
import type { Histogram } from './histogram.ts'
import { makeKeys } from './keys.ts'
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
export interface Measured extends Omit<
  Figures,
  'clientCpuUs' | 'replicaCpuUs' | 'hints' | 'bytesPerKey'
> {
  /** Operations that succeeded. */
  readonly operations: number
}

/** The workload of a case. */
export function makeWorkload(bucket: Bucket<Uint8Array>, what: Case): Workload {
  return { bucket, ...makeLoad(what) }
}

/** The load of a case. */
export function makeLoad(what: Case): Load {
  const { valueBytes, mix, dist } = what
  const keyCount = keyCountOf(what)
  return {
    keys: makeKeys(keyCount),
    tape: makeTape({ keyCount, distribution: dist, readShare: readShares[mix] }),
    value: Buffer.alloc(valueBytes, 7),
  }
}

/** The half of the tape that the measurement does not begin with: what it uses is not at hand from the warm-up. */
export function warmUpOf<L extends Load>(load: L): L {
  return { ...load, tape: load.tape.subarray(0, load.tape.length / 2) }
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
