/**
 * The events of a simulation in the order in which they happen: a binary heap by (time, sequence).
 * The sequence number is what makes ties deterministic: events of one instant happen in the order
 * in which they were scheduled.
 */

import type { Timer } from '../ports/clock.ts'

/** Something that will happen, unless it is cancelled before. */
export class ScheduledEvent implements Timer {
  readonly atMs: number
  readonly sequence: number
  readonly run: () => void
  /**
   * Index in the heap of its queue, -1 when it is not in the queue any more. Written by the queue
   * alone.
   */
  position = -1
  readonly #queue: EventQueue

  constructor(queue: EventQueue, event: { atMs: number; sequence: number; run: () => void }) {
    this.#queue = queue
    this.atMs = event.atMs
    this.sequence = event.sequence
    this.run = event.run
  }

  cancel(): void {
    this.#queue.remove(this)
  }
}

/** Invariant: no event of the heap happens before its parent, and `heap[e.position]` is `e`. */
export class EventQueue {
  readonly #heap: ScheduledEvent[] = []

  get size(): number {
    return this.#heap.length
  }

  push(event: ScheduledEvent): void {
    this.#heap.push(event)
    this.#rise(event, this.#heap.length - 1)
  }

  /** The event that happens first, without taking it. */
  peek(): ScheduledEvent | undefined {
    return this.#heap[0]
  }

  pop(): ScheduledEvent | undefined {
    const first = this.#heap[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Idempotent. */
  remove(event: ScheduledEvent): void {
    const { position } = event
    if (position < 0) return
    event.position = -1
    const last = this.#heap.pop()
    if (last === undefined || last === event) return
    this.#rise(last, position)
    this.#sink(last, last.position)
  }

  #rise(event: ScheduledEvent, from: number): void {
    let position = from
    while (position > 0) {
      const parentAt = (position - 1) >> 1
      const parent = this.#heap[parentAt]
      if (parent === undefined || !happensBefore(event, parent)) break
      this.#place(parent, position)
      position = parentAt
    }
    this.#place(event, position)
  }

  #sink(event: ScheduledEvent, from: number): void {
    let position = from
    for (;;) {
      const childAt = this.#earlierChild(position)
      const child = this.#heap[childAt]
      if (child === undefined || !happensBefore(child, event)) break
      this.#place(child, position)
      position = childAt
    }
    this.#place(event, position)
  }

  #earlierChild(position: number): number {
    const leftAt = 2 * position + 1
    const left = this.#heap[leftAt]
    const right = this.#heap[leftAt + 1]
    const isRight = left !== undefined && right !== undefined && happensBefore(right, left)
    return isRight ? leftAt + 1 : leftAt
  }

  #place(event: ScheduledEvent, position: number): void {
    this.#heap[position] = event
    event.position = position
  }
}

function happensBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
