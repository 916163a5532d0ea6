/** The cases that are measured, and what a measurement tells. */
import type { BenchOptions, LayoutName, Mix } from './options.ts'

export interface Case {
  readonly layout: LayoutName
  readonly mix: Mix
  readonly valueBytes: number
  readonly inFlight: number
}

/** Latencies and CPU time in microseconds. CPU time is told for each operation. */
export interface Figures {
  readonly opsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  /** Of the process that makes the requests, which is a replica too. */
  readonly clientCpuUs: number
  /** Of both other replicas together; 0 in one process. */
  readonly replicaCpuUs: number
}

export function casesOf({ layouts, valueBytes, mixes, inFlight }: BenchOptions): Case[] {
  return layouts.flatMap((layout) =>
    valueBytes.flatMap((bytes) =>
      mixes.flatMap((mix) =>
        inFlight.map((count) => ({ layout, mix, valueBytes: bytes, inFlight: count })),
      ),
    ),
  )
}

/** The median of each figure by itself. */
export function medianOf(all: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => median(all.map((figures) => figures[name]))
  return {
    opsPerSecond: Math.round(of('opsPerSecond')),
    p50Us: Math.round(of('p50Us')),
    p99Us: Math.round(of('p99Us')),
    clientCpuUs: Number(of('clientCpuUs').toFixed(2)),
    replicaCpuUs: Number(of('replicaCpuUs').toFixed(2)),
  }
}

/** The middle of the values; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}
