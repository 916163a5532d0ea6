/** The limits of a node: what they mean, what they are by default, and what is wrong with them. */
import {
  count,
  durationMsMax,
  refuseUnknown,
  withDefaults,
  type Problems,
} from './option-checks.ts'

/** What a node refuses. Limits bind its clients; replication and repair always merge. */
export interface LimitOptions {
  /** Longest key, in bytes of UTF-8, 1 to 1024. @default 1024 */
  readonly keyBytesMax?: number
  /** Longest encoded value, in bytes, up to 8 MiB. @default 1 MiB */
  readonly valueBytesMax?: number
  /**
   * Most siblings that a client's write may leave; repair always merges. Times `valueBytesMax` at most 120 MiB, and
   * at most 4096. @default 64
   */
  readonly siblingsMax?: number
  /** Most operations under way at once; more are refused with `ERR_OVERLOADED`. @default 50_000 */
  readonly inFlightMax?: number
  /**
   * While the event loop of this node lags by more than this, in milliseconds, its clients are refused with
   * `ERR_OVERLOADED`, and from a quarter of it on background work waits. Three looks in a row, one every 20 ms, must
   * find it so late: a single long stretch of work refuses nobody. Less: those who are accepted are served sooner. Off
   * on a clock that cannot lag, as in a simulation. @default 500
   */
  readonly eventLoopLagMaxMs?: number
  /** Most bytes that wait for one peer. @default 64 MiB */
  readonly queuedBytesPerPeerMax?: number
}

const mib = 1024 * 1024

/** What holds when nothing is asked for. */
export const limitDefaults: Required<LimitOptions> = Object.freeze({
  keyBytesMax: 1024,
  valueBytesMax: mib,
  siblingsMax: 64,
  inFlightMax: 50_000,
  eventLoopLagMaxMs: 500,
  queuedBytesPerPeerMax: 64 * mib,
})

/** With the rest of its frame the longest record still fits into one: see `rpc/frame.ts`. */
const recordBytesMax = 120 * mib

const limitMaxima: Readonly<Record<keyof LimitOptions, number>> = {
  keyBytesMax: 1024,
  valueBytesMax: 8 * mib,
  siblingsMax: 4096,
  inFlightMax: Number.MAX_SAFE_INTEGER,
  eventLoopLagMaxMs: durationMsMax,
  queuedBytesPerPeerMax: Number.MAX_SAFE_INTEGER,
}

/** Adds what is wrong with the limits. */
export function checkLimits(problems: Problems, limits: LimitOptions): void {
  if (!refuseUnknown(problems, 'limits', limits, Object.keys(limitDefaults))) return
  const before = problems.length
  for (const name of Object.keys(limitMaxima) as (keyof LimitOptions)[]) {
    count(problems, `limits.${name}`, limits[name], { max: limitMaxima[name] })
  }
  if (problems.length > before) return
  const { valueBytesMax, siblingsMax } = withDefaults(limitDefaults, limits)
  if (valueBytesMax * siblingsMax <= recordBytesMax) return
  problems.push([
    'limits.siblingsMax',
    `${siblingsMax} values of valueBytesMax = ${valueBytesMax} bytes are more than one record ` +
      `may have: ${recordBytesMax} bytes`,
  ])
}
