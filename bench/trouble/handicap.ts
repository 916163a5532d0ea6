/** What ails a replica's process that is in trouble, without using up the time of the others' processors. */
import type { Storage } from '../../src/index.ts'

/** How often the process is held up for what it has done since. */
const intervalMs = 1

/**
 * Makes this process slower by the factor: after each millisecond of work or so it stands still, all of it, for as many
 * times longer. Returns how to stop that.
 */
export function slowDown(factor: number): () => void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  let before = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const { active } = performance.eventLoopUtilization(before)
    Atomics.wait(sleeper, 0, 0, active * (factor - 1))
    // Standing still is no work that has to be paid for.
    before = performance.eventLoopUtilization()
  }, intervalMs)
  return () => clearInterval(timer)
}

/** Answers of a replica that come late, by chance. */
export interface Lateness {
  /** Which part of the reads of its storage, 0 to 1. */
  readonly share: number
  readonly ms: number
}

/** The storage, but some of what is read comes late. Writes read first: they are late as well. */
export function lateStorage(storage: Storage, { share, ms }: Lateness): Storage {
  return {
    durability: storage.durability,
    open: () => storage.open(),
    get: (partition, key) => {
      const value = storage.get(partition, key)
      if (Math.random() >= share) return value
      return new Promise((resolve) => setTimeout(() => resolve(value), ms))
    },
    write: (batch) => storage.write(batch),
    scan: (partition, options) => storage.scan(partition, options),
    close: () => storage.close(),
  }
}
