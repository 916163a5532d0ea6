/** One direction of a proxied TCP connection. */
import type { Socket } from 'node:net'

/** The way from one member to another, as it is now. All flows that go this way share it. */
export interface Lane {
  /** Nothing is forwarded, neither bytes nor the end of a connection: it waits. */
  readonly isBlocked: boolean
  /** How much later than they came bytes are forwarded, milliseconds. */
  readonly delayMs: number
}

/**
 * Forwards what comes from `source` to `sink`, in its order, and at last that it is over.
 * While the lane is blocked the source is not read, so that its sender is held up as by lost packets.
 */
export class Flow {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #lane: Lane
  readonly #late: { readonly dueMs: number; readonly chunk: Buffer }[] = []
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(lane: Lane, source: Socket, sink: Socket) {
    this.#lane = lane
    this.#source = source
    this.#sink = sink
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.on('close', () => {
      this.#isOver = true
      this.refresh()
    })
    sink.on('drain', () => this.refresh())
    this.refresh()
  }

  /** The lane has changed, or there may be something to do. */
  refresh(): void {
    if (this.#lane.isBlocked || this.#sink.writableNeedDrain) {
      this.#source.pause()
      return
    }
    this.#source.resume()
    this.#forward()
    if (this.#isOver && this.#late.length === 0) this.#sink.destroy()
  }

  /** Forgets what has not been forwarded. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#late.length = 0
    this.#source.destroy()
    this.#sink.destroy()
  }

  #take(chunk: Buffer): void {
    // Nothing overtakes: when the lane gets quicker the next chunk is still due after the last one.
    const last = this.#late.at(-1)?.dueMs ?? 0
    this.#late.push({ dueMs: Math.max(last, performance.now() + this.#lane.delayMs), chunk })
    this.refresh()
  }

  #forward(): void {
    clearTimeout(this.#timer)
    const nowMs = performance.now()
    for (let next = this.#late[0]; next !== undefined; next = this.#late[0]) {
      if (next.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.refresh(), Math.ceil(next.dueMs - nowMs))
        return
      }
      this.#late.shift()
      if (!this.#sink.destroyed) this.#sink.write(next.chunk)
    }
  }
}
