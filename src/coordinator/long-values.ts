/**
 * Long values one after the other. To copy one of megabytes takes milliseconds, and ten of them in one turn of the
 * event loop make heartbeats late: so what begins or ends an operation on a long value asks here, and waits for a
 * later turn when this one has had its share.
 */
import type { Clock, Timer } from '../ports/clock.ts'

/** Shorter values never wait. */
export const longValueBytes: number = 128 * 1024
/** So many bytes of long values at once; one of any length always is. */
const turnBytesMax = 2 * 1024 * 1024

interface Waiting {
  readonly bytes: number
  readonly go: () => void
}

/** Whose turn it is. */
export class LongValues {
  readonly #clock: Clock
  readonly #queue: Waiting[] = []
  /** Bytes of this turn. 0: no turn of long values is under way. */
  #taken = 0
  #timer: Timer | undefined
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined when the work may be done now; else a promise of its turn. */
  turn(bytes: number): Promise<void> | undefined {
    if (this.#closed) return undefined
    if (this.#taken > 0 && this.#taken + bytes > turnBytesMax) {
      return new Promise((resolve) => {
        this.#queue.push({ bytes, go: resolve })
      })
    }
    this.#take(bytes)
    return undefined
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    for (const { go } of this.#queue.splice(0)) go()
  }

  #take(bytes: number): void {
    if (this.#taken === 0) this.#timer = this.#clock.after(0, () => this.#rest())
    this.#taken += bytes
  }

  /** What began amid a turn has all of the next one for the rest of the node: the sockets are read in between. */
  #rest(): void {
    this.#timer = this.#clock.after(0, () => this.#next())
  }

  #next(): void {
    this.#taken = 0
    for (;;) {
      const first = this.#queue[0]
      if (first === undefined || (this.#taken > 0 && this.#taken + first.bytes > turnBytesMax))
        return
      this.#queue.shift()
      this.#take(first.bytes)
      first.go()
    }
  }
}
