/**
 * What happened, one line for each event, folded into a hash: two runs with equal hashes took the
 * same way.
 *
 * A line has four columns: virtual milliseconds, node, kind, details. Kinds are `timer`, `connect`,
 * `refuse`, `open`, `frame` (`to bytes checksum`), `lose`, `stall`, `end`, `cut`, `sync`, `start`,
 * `crash`, `pause`, `resume` and the names of the cluster's other faults.
 */

import type { VirtualClock } from './virtual-clock.ts'

/** Sees each line when it happens. */
export type TraceListener = (line: string) => void

/** One for a whole simulation. */
export class Trace {
  readonly #clock: VirtualClock
  readonly #listener: TraceListener | undefined
  #high = 0x9e37_79b9
  #low = 0x85eb_ca6b
  #events = 0

  constructor(clock: VirtualClock, listener?: TraceListener) {
    this.#clock = clock
    this.#listener = listener
  }

  /** How many events were noted. */
  get events(): number {
    return this.#events
  }

  /** 64 bits over all lines so far, as 16 hexadecimal digits. Finds accidents, not forgeries. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low)
  }

  note(node: string, kind: string, details = ''): void {
    this.#events++
    const line = `${this.#clock.nowMs} ${node} ${kind} ${details}`
    this.#fold(line)
    this.#listener?.(line)
  }

  /** Two multiplicative hashes with different primes, the second one fed with the first. */
  #fold(line: string): void {
    let high = this.#high
    let low = this.#low
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i)
      low = Math.imul(low ^ code, 0x0100_0193)
      high = Math.imul(high ^ (code + (low >>> 15)), 0x85eb_ca6b)
    }
    this.#high = Math.imul(high ^ (high >>> 13), 0xc2b2_ae35)
    this.#low = Math.imul(low ^ (low >>> 16), 0x27d4_eb2f)
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
