/**
 * One end of a connection within the process. What the other end sends is copied into this end's inbox, framed as
 * on a socket, and read in a later turn.
 */
import { assert } from '../base/assert.ts'
import { ProtocolError } from '../base/errors.ts'
import type { Connection, ConnectionHandler } from '../ports/transport.ts'
import { closedByOtherEnd } from './connection-errors.ts'
import type { MemoryTurns } from './memory-turns.ts'
import { FrameReader, LENGTH_BYTES } from './tcp-frame-reader.ts'

/** First size of an inbox; also the most that an empty one keeps. */
const INBOX_BYTES = 65_536

/** What one end of a connection needs to know. */
export interface MemoryConnectionOptions {
  readonly turns: MemoryTurns
  readonly remote: string
  /** Called once, when the connection has ended. */
  readonly gone: (connection: MemoryConnection) => void
}

/**
 * Invariant: `#inbox[0, #inboxBytes)` are the frames that the other end has sent and that were not delivered.
 */
export class MemoryConnection implements Connection {
  readonly remote: string
  readonly #options: MemoryConnectionOptions
  readonly #reader: FrameReader
  #other: MemoryConnection | undefined
  #handler: ConnectionHandler | undefined
  #phase: 'connecting' | 'open' | 'closed' = 'connecting'
  #inbox: Buffer | undefined
  #inboxBytes = 0
  /** The inbox of the last delivery, used again: an inbox is taken away while it is read. */
  #spare: Buffer | undefined
  #isScheduled = false
  readonly #onTurn: () => void = () => this.#deliver()

  constructor(options: MemoryConnectionOptions) {
    this.#options = options
    this.remote = options.remote
    this.#reader = new FrameReader({
      frameBytesMax: (firstByte) => this.#handler?.frameBytesMax(firstByte) ?? 0,
      frame: (bytes, start, end) => this.#handler?.frame(bytes, start, end),
    })
  }

  /** Makes two fresh ones the ends of one connection. */
  static join(one: MemoryConnection, other: MemoryConnection): void {
    one.#other = other
    other.#other = one
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  get queuedBytes(): number {
    return this.#other === undefined ? 0 : this.#other.#inboxBytes
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    assert(start >= 0 && start < end && end <= bytes.length, 'a frame has at least one byte')
    if (this.#phase === 'closed' || this.#other === undefined) return false
    this.#other.#put(bytes, start, end)
    return true
  }

  close(): void {
    this.end(undefined)
  }

  /** The handler to tell of everything from now on; set before `open` or `end`. */
  handle(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  /** Frames can be delivered from now on, and those that wait are. */
  open(): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'open'
    this.#schedule()
    this.#handler?.open()
  }

  end(error: Error | undefined): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#reader.stop()
    this.#inbox = undefined
    this.#inboxBytes = 0
    this.#spare = undefined
    this.#options.turns.later(() => this.#handler?.close(error))
    // The other end reads what was sent before it hears of the end.
    if (this.#other !== undefined) this.#other.#schedule()
    this.#options.gone(this)
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    if (this.#phase === 'closed') return
    const length = end - start
    const needed = this.#inboxBytes + LENGTH_BYTES + length
    const inbox = this.#roomFor(needed)
    inbox.writeUInt32LE(length, this.#inboxBytes)
    inbox.set(bytes.subarray(start, end), this.#inboxBytes + LENGTH_BYTES)
    this.#inboxBytes = needed
    this.#schedule()
  }

  #roomFor(needed: number): Buffer {
    this.#inbox ??= this.#spare ?? Buffer.allocUnsafeSlow(INBOX_BYTES)
    if (this.#inbox === this.#spare) this.#spare = undefined
    if (needed > this.#inbox.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#inbox.length))
      grown.set(this.#inbox.subarray(0, this.#inboxBytes))
      this.#inbox = grown
    }
    return this.#inbox
  }

  #schedule(): void {
    if (this.#isScheduled || this.#phase !== 'open') return
    this.#isScheduled = true
    this.#options.turns.later(this.#onTurn)
  }

  #deliver(): void {
    this.#isScheduled = false
    if (this.#phase !== 'open') return
    try {
      const fault = this.#read()
      if (fault !== undefined) this.end(new ProtocolError(`${this.remote} sent ${fault}`))
      else if (this.#other?.isClosed === true) this.end(closedByOtherEnd(this.remote))
    } catch (error) {
      this.end(new ProtocolError(`the handler of ${this.remote} failed`, error))
      throw error
    }
  }

  #read(): string | undefined {
    const inbox = this.#inbox
    if (inbox === undefined) return undefined
    const length = this.#inboxBytes
    this.#inbox = undefined
    this.#inboxBytes = 0
    const fault = this.#reader.push(inbox, 0, length)
    if (inbox.length <= INBOX_BYTES && !this.isClosed) this.#spare = inbox
    return fault
  }
}
