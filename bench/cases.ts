/** The cases that are measured, and what a measurement tells. */
import type { LayoutName } from './layouts.ts'
import type { BenchOptions } from './options.ts'
import type { Distribution } from './tape.ts'

/** `put` and `get` alone, or a mix of YCSB: `a` reads half of the time, `b` 95 of 100 times, `c` always. */
export type Mix = keyof typeof readShares

/** Which part of the operations of a mix reads. */
export const readShares = { put: 0, get: 1, a: 0.5, b: 0.95, c: 1 } as const

/** One thing to measure. */
export interface Case {
  readonly layout: LayoutName
  readonly mix: Mix
  readonly dist: Distribution
  readonly valueBytes: number
  /** How many keys there are, where that is asked for; else as many as are usual (see `keyCountOf`). */
  readonly keyCount?: number
  /** Closed loops that run at once; 0 in an open loop. */
  readonly inFlight: number
  /** Operations that are due in each second of an open loop; not there in a closed one. */
  readonly ratePerSecond?: number
}

/** Latencies and CPU time in microseconds. CPU time is told for each operation. */
export interface Figures extends Partial<OpenFigures> {
  readonly opsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  /** Not there where it was not measured: by an older ceiling. */
  readonly p999Us?: number
  /** The greatest of all measurements; not there for a yardstick. */
  readonly maxUs?: number
  /** Of the process that makes the requests, which is a replica too. In an open loop it waits for most of the time. */
  readonly clientCpuUs: number
  /** Of both other replicas together; 0 in one process. */
  readonly replicaCpuUs: number
  /**
   * By how many bytes the client's process has grown while the keys were written, garbage included, for each key. Not
   * there unless a number of keys was asked for. Of LMDB: what it has mapped and touched of its file counts too.
   */
  readonly bytesPerKey?: number
}

/** What an open loop tells besides. All but the rates are counts of one measurement. */
interface OpenFigures {
  readonly offeredPerSecond: number
  /** Operations that succeeded. */
  readonly goodputPerSecond: number
  /** Operations refused with `ERR_OVERLOADED`: told at once, and without effect. */
  readonly refused: number
  /** Operations that failed in any other way. */
  readonly failed: number
  /** Records kept for replicas that were given up for a while. */
  readonly hints: number
  /** 1 when the loop ended early: more were due and not done than it bears. Of several measurements: in how many. */
  readonly behind: number
}

/** How many keys there are, unless their values would be too much: as many as the bare ceiling has. */
export const usualKeyCount = 20_000
/** Most bytes of values, of all keys together: with three copies in one process still little for a small machine. */
const dataBytesMax = 128 * 2 ** 20

/** As many as are asked for. Else fewer for large values: all values together have `dataBytesMax` at most. */
export function keyCountOf({
  valueBytes,
  keyCount,
}: Pick<Case, 'valueBytes' | 'keyCount'>): number {
  return keyCount ?? Math.max(1, Math.min(usualKeyCount, Math.floor(dataBytesMax / valueBytes)))
}

/** Every combination of what is asked for. */
export function casesOf(options: BenchOptions): Case[] {
  const { layouts, valueBytes, mixes, distributions, inFlight, ratesPerSecond } = options
  const keys = options.keyCount === undefined ? {} : { keyCount: options.keyCount }
  const loads = [
    ...inFlight.map((count) => ({ inFlight: count })),
    ...ratesPerSecond.map((ratePerSecond) => ({ inFlight: 0, ratePerSecond })),
  ]
  return layouts.flatMap((layout) =>
    valueBytes.flatMap((bytes) =>
      mixes.flatMap((mix) =>
        distributions.flatMap((dist) =>
          loads.map((load) => ({ layout, mix, dist, valueBytes: bytes, ...keys, ...load })),
        ),
      ),
    ),
  )
}

/** The median of each figure by itself; of those that are the worst or a sum, that. */
export function medianOf(all: readonly Figures[]): Figures {
  const known = (name: keyof Figures): number[] => all.flatMap((figures) => figures[name] ?? [])
  const whole = (name: keyof Figures): number => Math.round(median(known(name)))
  const fine = (name: keyof Figures): number => Number(median(known(name)).toFixed(2))
  return {
    opsPerSecond: whole('opsPerSecond'),
    p50Us: whole('p50Us'),
    p99Us: whole('p99Us'),
    ...(known('p999Us').length > 0 && { p999Us: whole('p999Us') }),
    ...(known('maxUs').length > 0 && { maxUs: Math.round(Math.max(...known('maxUs'))) }),
    clientCpuUs: fine('clientCpuUs'),
    replicaCpuUs: fine('replicaCpuUs'),
    ...(known('bytesPerKey').length > 0 && { bytesPerKey: whole('bytesPerKey') }),
    ...(known('offeredPerSecond').length > 0 && {
      offeredPerSecond: whole('offeredPerSecond'),
      goodputPerSecond: whole('goodputPerSecond'),
      refused: whole('refused'),
      failed: whole('failed'),
      hints: whole('hints'),
      behind: known('behind').reduce((sum, each) => sum + each, 0),
    }),
  }
}

/** The middle of the values; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}
