/**
 * One end of a simulated connection. It knows its handler and its state; `SimStream` carries what
 * it sends.
 */

import { assert } from '../base/assert.ts'
import { ProtocolError } from '../base/errors.ts'
import type { Timer } from '../ports/clock.ts'
import type { Connection, ConnectionHandler } from '../ports/transport.ts'
import { closedByOtherEnd, connectionReset, connectionTimeout } from './network-error.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimStream } from './sim-stream.ts'

/**
 * The connection as one process sees it. Invariant: its handler hears `close` once, and nothing
 * after it.
 */
export class SimConnection implements Connection {
  readonly process: SimProcess
  readonly remote: string
  #state: 'opening' | 'open' | 'closed' = 'opening'
  #handler: ConnectionHandler | undefined
  #outgoing: SimStream | undefined
  /** Sent before the connection opened. */
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #deadline: Timer | undefined
  readonly #onClosed: (connection: SimConnection) => void

  constructor(options: {
    process: SimProcess
    remote: string
    onClosed: (connection: SimConnection) => void
  }) {
    this.process = options.process
    this.remote = options.remote
    this.#onClosed = options.onClosed
  }

  /** The process at the other end. */
  get peer(): string {
    return this.remote.slice(0, this.remote.lastIndexOf(':'))
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  get queuedBytes(): number {
    return this.#waitingBytes + (this.#outgoing?.stalledBytes ?? 0)
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    assert(start >= 0 && end > start && end <= bytes.length, `no frame at ${start} to ${end}`)
    if (this.#state === 'closed') return false
    // From the pool of small buffers: memory of its own costs more than all else that is done to a frame.
    const copy = Buffer.allocUnsafe(end - start)
    copy.set(bytes.subarray(start, end))
    if (this.#state === 'open') {
      this.#outgoing?.send(copy)
    } else {
      this.#waiting.push(copy)
      this.#waitingBytes += copy.length
    }
    return true
  }

  close(): void {
    this.#closeWith(undefined)
  }

  /** Attaches what the node does with this end. */
  handle(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  /** Attaches the way to the other end, which exists from now on. */
  sendOver(outgoing: SimStream): void {
    this.#outgoing = outgoing
  }

  /** Fails unless it opens in time. */
  openWithin(timeoutMs: number): void {
    this.#deadline = this.process.after(timeoutMs, () => {
      this.fail(connectionTimeout(`${this.remote} did not answer`, timeoutMs))
    })
  }

  /** The connection carries frames from now on. Called in an event of the process. */
  open(): void {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    this.#deadline?.cancel()
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const bytes of waiting) this.#outgoing?.send(bytes)
    this.#handler?.open()
  }

  /** A frame arrives. Called in an event of the process. */
  receive(bytes: Uint8Array): void {
    const handler = this.#handler
    if (this.#state !== 'open' || handler === undefined) return
    const allowed = handler.frameBytesMax(bytes[0] ?? 0)
    if (bytes.length > allowed) {
      this.#closeWith(new ProtocolError(`a frame of ${bytes.length} bytes, allowed are ${allowed}`))
      return
    }
    // A copy: duplicates share the original, and a handler that keeps or changes what it was lent
    // must be found out.
    const lent = Buffer.allocUnsafe(bytes.length)
    lent.set(bytes)
    handler.frame(lent, 0, lent.length)
    lent.fill(0xdb)
  }

  /** A frame arrives that is not what was sent. Called in an event of the process. */
  receiveDamaged(): void {
    if (this.#state === 'open') this.#closeWith(new ProtocolError('a damaged frame'))
  }

  /** The network cuts the connection, amid a frame or not: what was on its way is lost. */
  reset(): void {
    if (this.#state === 'closed') return
    this.#outgoing?.cut()
    const error = connectionReset(`the connection to ${this.remote} was reset`)
    this.process.after(0, () => this.fail(error))
  }

  /**
   * The other end or the network ended the connection: nothing more is sent. Called in an event of
   * the process.
   */
  fail(error: Error): void {
    if (this.#state === 'closed') return
    this.#outgoing?.discard()
    this.#outgoing = undefined
    this.#closeWith(error)
  }

  /**
   * The process died. Its operating system, if that lives on, tells the other end; nobody tells the
   * handler.
   */
  abandon(isMachineAlive: boolean): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const error = connectionReset(`${this.process.name} went down`)
    if (isMachineAlive) this.#outgoing?.end(error)
    else this.#outgoing?.discard()
    this.#onClosed(this)
  }

  #closeWith(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#waiting = []
    this.#waitingBytes = 0
    this.#deadline?.cancel()
    this.#outgoing?.end(closedByOtherEnd(this.process.name))
    this.#onClosed(this)
    // Never from inside `close` or `frame`: the handler hears of it in an event of its own.
    this.process.after(0, () => this.#handler?.close(error))
  }
}
