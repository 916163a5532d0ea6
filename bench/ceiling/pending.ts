/**
 * Operations that wait for replicas, in a ring of slots that are made once. An operation's slot follows from its id,
 * and one timer looks after the deadlines of all: no map, and no timer for each.
 */
import type { Version } from './store.ts'

const slotCount = 1 << 14
const idMask = 2 ** 31 - 1
const deadlineMs = 5000
const sweepIntervalMs = 10

type Resolve = (result: Version | null) => void
type Reject = (error: Error) => void

const ignore = (): void => {}

/** Invariant: an operation is pending as long as it needs answers. */
export class Slot {
  id = -1
  needed = 0
  startedMs = 0
  /** The result, as far as it is known. */
  version: Version | null = null
  resolve: Resolve = ignore
  reject: Reject = ignore

  /** Forgets what it holds. A settled promise that a slot still knew would live as long as an old one. */
  clear(): void {
    this.needed = 0
    this.version = null
    this.resolve = ignore
    this.reject = ignore
  }
}

export class Pending {
  readonly #slots = Array.from({ length: slotCount }, () => new Slot())
  #nextId = 0
  /** All operations before this one are settled. */
  #oldestId = 0
  #opened: Slot = this.#slots[0]!
  /** The time of the last sweep: exact enough for deadlines. */
  #nowMs = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), sweepIntervalMs).unref()
  }

  /** Takes a slot. The operation's promise is made by `promise` right after. */
  open(needed: number, version: Version | null): Slot {
    const slot = this.#freeSlot()
    slot.id = this.#nextId
    slot.needed = needed
    slot.startedMs = this.#nowMs
    slot.version = version
    this.#nextId = (slot.id + 1) & idMask
    this.#opened = slot
    return slot
  }

  /** The promise of the operation that was opened last. */
  promise(): Promise<Version | null> {
    return new Promise(this.#capture)
  }

  /** The slot of an operation that still waits. A late answer finds none. */
  find(id: number): Slot | null {
    const slot = this.#slotOf(id)
    return slot.id === id && slot.needed > 0 ? slot : null
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** One function for all promises: a closure for each costs as much as the promise. */
  readonly #capture = (resolve: Resolve, reject: Reject): void => {
    this.#opened.resolve = resolve
    this.#opened.reject = reject
  }

  #slotOf(id: number): Slot {
    return this.#slots[id & (slotCount - 1)]!
  }

  /** Passes over the ids whose slot an operation holds since the last time round. */
  #freeSlot(): Slot {
    for (let tries = 0; tries < slotCount; tries++) {
      const slot = this.#slotOf(this.#nextId)
      if (slot.needed === 0) return slot
      this.#nextId = (this.#nextId + 1) & idMask
    }
    throw new Error(`${slotCount} operations are in flight, and there is room for no more`)
  }

  /** Stops at the first operation that is in time: later ones have later deadlines. */
  #sweep(): void {
    this.#nowMs = performance.now()
    for (; this.#oldestId !== this.#nextId; this.#oldestId = (this.#oldestId + 1) & idMask) {
      const slot = this.find(this.#oldestId)
      if (slot === null) continue
      if (this.#nowMs - slot.startedMs < deadlineMs) return
      const { reject } = slot
      slot.clear()
      reject(new Error(`fewer than 2 of 3 replicas answered within ${deadlineMs} ms`))
    }
  }
}
