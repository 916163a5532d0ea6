/**
 * Deadlines of operations: a hashed timer wheel (Varghese and Lauck 1987). Setting and cancelling one costs a few
 * assignments; one real timer drives them all.
 *
 *     slots:   0        1        2        …      255       fresh
 *              │        │        │                │          │
 *              entry ⇄ entry     entry            ∅        entry      each a ring of entries
 *
 * New entries wait in `fresh` for the next tick, which gives them their slots: most operations are over by then and
 * never need one, nor the clock to be read. A deadline passes up to two ticks late, never early. Between the last new
 * entry and the next slot in use the wheel does not tick at all: it catches up.
 */
import type { Clock, Timer } from '../ports/clock.ts'

const tickMs = 10
const slotCount = 256

/**
 * Something with a deadline: a link of the wheel's lists. To be extended.
 *
 * Its fields are set in the constructor: the engine is slow to define those of a class that many classes extend.
 */
export abstract class Deadline {
  /** Links of the slot's ring; undefined when no deadline is set. */
  declare next: Deadline | undefined
  declare previous: Deadline | undefined
  /** Turns of the wheel still to go. */
  declare rounds: number
  /** From the next tick on. */
  declare afterMs: number

  constructor() {
    this.next = undefined
    this.previous = undefined
    this.rounds = 0
    this.afterMs = 0
  }

  /** Called once when the deadline passes; it is not set any more. */
  abstract expire(): void
}

class Head extends Deadline {
  expire(): void {
    // A slot's head is never due.
  }
}

function emptyRing(): Head {
  const head = new Head()
  head.next = head
  head.previous = head
  return head
}

/** Puts an entry that is in no ring at the end of one. */
function append(head: Head, entry: Deadline): void {
  entry.previous = head.previous
  entry.next = head
  head.previous!.next = entry
  head.previous = entry
}

function unlink(entry: Deadline): void {
  entry.previous!.next = entry.next
  entry.next!.previous = entry.previous
  entry.next = undefined
  entry.previous = undefined
}

/** The deadlines of one node, driven by one timer of its clock. */
export class TimerWheel {
  readonly #clock: Clock
  readonly #slots: readonly Head[]
  /** Entries set since the last tick. */
  readonly #fresh: Head = emptyRing()
  #cursor = 0
  #count = 0
  #isEnding = false
  #timer: Timer | undefined
  #timerMs = 0
  /** Whether the timer fires within a tick, so that fresh entries get their slots in time. */
  #isTicking = false
  /** When the slot under the cursor was due. */
  #cursorMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#slots = Array.from({ length: slotCount }, emptyRing)
  }

  /** Deadlines that are set. */
  get size(): number {
    return this.#count
  }

  /** Sets the deadline of an entry that has none. */
  set(entry: Deadline, afterMs: number): void {
    if (!this.#isTicking) this.#tick()
    entry.afterMs = afterMs
    entry.rounds = 0
    append(this.#fresh, entry)
    this.#count += 1
  }

  /** Idempotent. */
  cancel(entry: Deadline): void {
    if (entry.next === undefined) return
    unlink(entry)
    this.#count -= 1
  }

  /** All entries whose deadline is set. */
  entries(): Deadline[] {
    const entries: Deadline[] = []
    for (const head of [...this.#slots, this.#fresh]) {
      for (let entry = head.next!; entry !== head; entry = entry.next!) entries.push(entry)
    }
    return entries
  }

  /** The deadline of one entry, if it is set, is another's from now on. */
  replace(entry: Deadline, by: Deadline): void {
    if (entry.next === undefined) return
    by.afterMs = entry.afterMs
    by.rounds = entry.rounds
    by.previous = entry.previous
    by.next = entry.next
    by.previous!.next = by
    by.next.previous = by
    entry.next = undefined
    entry.previous = undefined
  }

  /** The deadline of an entry, if it is set, is also another's from now on, which has none. */
  join(entry: Deadline, by: Deadline): void {
    by.afterMs = entry.afterMs
    if (entry.next === undefined) return
    by.rounds = entry.rounds
    by.previous = entry.previous
    by.next = entry
    by.previous!.next = by
    entry.previous = by
    this.#count += 1
  }

  /** Whether every deadline was let pass: an entry that would set itself anew must end instead. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Lets every deadline pass now, for good. */
  expireAll(): void {
    this.#isEnding = true
    for (const head of [...this.#slots, this.#fresh]) {
      for (let entry = head.next!; entry !== head; entry = entry.next!) entry.rounds = 0
      this.#pass(head)
    }
  }

  /** Stops the timer; deadlines that are set never pass. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isTicking = false
  }

  /** From standstill, or from waiting for a slot that may be far away. */
  #tick(): void {
    const now = this.#clock.monotonicMs()
    this.#isTicking = true
    if (this.#timer === undefined) this.#cursorMs = now
    else if (this.#timerMs <= now + tickMs) return
    this.#arm(now + tickMs, now)
  }

  #arm(atMs: number, now: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(atMs - now, this.#turn)
    this.#timerMs = atMs
  }

  readonly #turn = (): void => {
    const now = this.#clock.monotonicMs()
    while (this.#cursorMs + tickMs <= now) {
      this.#cursor = (this.#cursor + 1) % slotCount
      this.#cursorMs += tickMs
      this.#pass(this.#slots[this.#cursor]!)
    }
    this.#place(now - this.#cursorMs)
    this.#isTicking = false
    this.#timer = undefined
    if (this.#count > 0) this.#arm(this.#cursorMs + this.#ticksToNext() * tickMs, now)
  }

  /** From the cursor to the next slot in use, in ticks. */
  #ticksToNext(): number {
    for (let ticks = 1; ticks < slotCount; ticks++) {
      const head = this.#slots[(this.#cursor + ticks) % slotCount]!
      if (head.next !== head) return ticks
    }
    return slotCount
  }

  /** Gives fresh entries their slots. */
  #place(behindMs: number): void {
    const fresh = this.#fresh
    for (let entry = fresh.next!; entry !== fresh; entry = fresh.next!) {
      const ticks = Math.max(1, Math.ceil((entry.afterMs + behindMs) / tickMs))
      entry.rounds = Math.floor((ticks - 1) / slotCount)
      unlink(entry)
      append(this.#slots[(this.#cursor + ticks) % slotCount]!, entry)
    }
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
