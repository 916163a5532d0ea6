/**
 * Deadlines of operations: a hashed timer wheel (Varghese and Lauck 1987). Setting and cancelling one costs a few
 * assignments; one real timer drives them all and stops when none is set. A deadline passes up to one tick late.
 *
 *     slots:   0        1        2        …      255
 *              │        │        │                │
 *              entry ⇄ entry     entry            ∅      each a ring of entries; `rounds` counts turns still to go
 */
import type { Clock, Timer } from '../ports/clock.ts'

const tickMs = 10
const slotCount = 256

/** Something with a deadline: a link of the wheel's lists. To be extended. */
export abstract class Deadline {
  /** Links of the slot's ring; undefined when no deadline is set. */
  next: Deadline | undefined
  previous: Deadline | undefined
  rounds = 0

  /** Called once when the deadline passes; it is not set any more. */
  abstract expire(): void
}

class Head extends Deadline {
  expire(): void {
    // A slot's head is never due.
  }
}

export class TimerWheel {
  readonly #clock: Clock
  readonly #slots: readonly Head[]
  #cursor = 0
  #count = 0
  #timer: Timer | undefined
  /** When the slot under the cursor was due. */
  #cursorMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#slots = Array.from({ length: slotCount }, () => {
      const head = new Head()
      head.next = head
      head.previous = head
      return head
    })
  }

  /** Deadlines that are set. */
  get size(): number {
    return this.#count
  }

  /** Sets the deadline of an entry that has none. */
  set(entry: Deadline, afterMs: number): void {
    if (this.#timer === undefined) this.#start()
    const behindMs = this.#clock.monotonicMs() - this.#cursorMs
    const ticks = Math.max(1, Math.ceil((afterMs + behindMs) / tickMs))
    entry.rounds = Math.floor((ticks - 1) / slotCount)
    const head = this.#slots[(this.#cursor + ticks) % slotCount]!
    entry.previous = head.previous
    entry.next = head
    head.previous!.next = entry
    head.previous = entry
    this.#count += 1
  }

  /** Idempotent. */
  cancel(entry: Deadline): void {
    if (entry.next === undefined) return
    entry.previous!.next = entry.next
    entry.next.previous = entry.previous
    entry.next = undefined
    entry.previous = undefined
    this.#count -= 1
  }

  /** Lets every deadline pass now. */
  expireAll(): void {
    for (const head of this.#slots) {
      for (let entry = head.next!; entry !== head; entry = entry.next!) entry.rounds = 0
      this.#pass(head)
    }
  }

  /** Stops the timer; deadlines that are set never pass. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #start(): void {
    this.#cursorMs = this.#clock.monotonicMs()
    this.#timer = this.#clock.after(tickMs, () => this.#turn())
  }

  #turn(): void {
    const now = this.#clock.monotonicMs()
    while (this.#cursorMs + tickMs <= now) {
      this.#cursor = (this.#cursor + 1) % slotCount
      this.#cursorMs += tickMs
      this.#pass(this.#slots[this.#cursor]!)
    }
    this.#timer = this.#count > 0 ? this.#clock.after(tickMs, () => this.#turn()) : undefined
  }

  #pass(head: Head): void {
    const due: Deadline[] = []
    for (let entry = head.next!; entry !== head; entry = entry.next!) {
      if (entry.rounds > 0) entry.rounds -= 1
      else due.push(entry)
    }
    for (const entry of due) {
      if (entry.next === undefined) continue
      this.cancel(entry)
      entry.expire()
    }
  }
}
