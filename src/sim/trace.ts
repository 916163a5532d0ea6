/**
 * What happened, one line for each event, folded into a hash: two runs with equal hashes took the
 * same way.
 *
 * A line has four columns: virtual milliseconds, node, kind, details. `-` in the place of a node is
 * the scenario. Frames are named by their type. The kinds:
 *
 *     start     seeds            the process starts
 *     crash     what it loses    it dies; `power` when its machine does
 *     pause, resume
 *     timer                      a timer of the node fires
 *     sync      batches          they are durable
 *     connect   address          the node dials; then, at the node that dialled:
 *     open      node                carries frames
 *     refuse    address             nobody listens there
 *     send      node frame bytes            *
 *     frame     node frame bytes checksum   one from that node arrives
 *     damage    node frame bytes checksum   one arrives damaged: the connection ends
 *     lose      node bytes       one sent to that node never arrives
 *     duplicate node bytes       one arrives twice
 *     delay     node ms          one is held up
 *     stall     node why         one waits: partition, block, clog, dark (the machine is off)
 *     end       node             that node ended the connection
 *     cut       node             the sender gives up a silent connection
 *     event     name details     the node tells its service *
 *     note      text             of the scenario
 *
 * and the names of what the scenario does: `partition`, `block`, `clog`, `unclog`, `reset`, `link`,
 * `heal`, `skew`, `drift`, `restore`, `duplicate-disk`, `forget`, `flip`. Kinds with * are shown only: the
 * hash and the number of events are the same whether anybody watches or not.
 */

import { TICKS_PER_MS } from './virtual-clock.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Sees each line when it happens. */
export type TraceListener = (line: string) => void

/** What follows the whole milliseconds of a time, for each tick of one: `.5` and the like, or nothing. */
const fractions: readonly string[] = Array.from({ length: TICKS_PER_MS }, (_, tick) =>
  String(tick / TICKS_PER_MS).slice(1),
)

/** Below this time all digits of a fraction are needed to tell it from its neighbours, so all are written. */
const exactBelowMs = 2 ** 23

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

  /** Whether anybody sees the lines. */
  get isWatched(): boolean {
    return this.#listener !== undefined
  }

  /** Shows a line that does not count: what follows from others, and costs too much to note. */
  show(node: string, kind: string, details: string): void {
    this.#listener?.(`${this.#clock.nowMs} ${node} ${kind} ${details}`)
  }

  /**
   * Notes a line.
   * @param details its last column: words, with blanks in between.
   */
  note(node: string, kind: string, ...details: readonly string[]): void {
    this.#events++
    this.#foldTime()
    this.#foldWord(node)
    this.#foldWord(kind)
    if (details.length === 0) this.#foldWord('')
    for (const word of details) this.#foldWord(word)
    this.#endLine()
    if (this.#listener !== undefined) this.show(node, kind, details.join(' '))
  }

  /** As it is shown, in two halves: most times differ, and writing out a fraction costs more than all the rest. */
  #foldTime(): void {
    const ms = this.#clock.nowMs
    const whole = Math.trunc(ms)
    const fraction = whole < exactBelowMs ? fractions[(ms - whole) * fractions.length] : undefined
    if (fraction === undefined) return this.#fold(String(ms))
    this.#fold(String(whole))
    this.#fold(fraction)
  }

  /** A word and the blank before it: joining them would cost more. */
  #foldWord(word: string): void {
    this.#fold(' ')
    this.#fold(word)
  }

  /** Two multiplicative hashes with different primes, the second one fed with the first. */
  #fold(text: string): void {
    let high = this.#high
    let low = this.#low
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      low = Math.imul(low ^ code, 0x0100_0193)
      high = Math.imul(high ^ (code + (low >>> 15)), 0x85eb_ca6b)
    }
    this.#high = high
    this.#low = low
  }

  #endLine(): void {
    this.#high = Math.imul(this.#high ^ (this.#high >>> 13), 0xc2b2_ae35)
    this.#low = Math.imul(this.#low ^ (this.#low >>> 16), 0x27d4_eb2f)
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
