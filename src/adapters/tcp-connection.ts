/**
 * One end of a TCP or TLS connection: the handshake, then frames both ways, then the end. Reading is the frame
 * reader's part, writing the out-queue's, and when to write the flusher's; this file holds the course of events.
 *
 *     connecting ──connected──▶ handshake ──proved──▶ open ──▶ closed
 *          └────────────────────────┴──── failure, close() ────▶┘
 */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { assert } from '../base/assert.ts'
import { ProtocolError } from '../base/errors.ts'
import type { Connection, ConnectionHandler } from '../ports/transport.ts'
import { closedByOtherEnd, connectionError, connectionTimeout } from './connection-errors.ts'
import { certificateNames } from './tcp-certificate.ts'
import type { TcpFlusher } from './tcp-flusher.ts'
import { FrameReader } from './tcp-frame-reader.ts'
import { Handshake, NONCE_BYTES, type HandshakeRole } from './tcp-handshake.ts'
import type { ResolvedTcpOptions } from './tcp-options.ts'
import { OutQueue, type OutBufferPool } from './tcp-out-queue.ts'

/** How long a closed connection may still send what it was given and wait for the other end to close too. */
export const CLOSE_GRACE_MS = 500

/** What the connections of one transport share. */
export interface TcpConnectionContext {
  readonly options: ResolvedTcpOptions
  readonly flusher: TcpFlusher
  readonly buffers: OutBufferPool
  /** The handler was told the end, and the socket is gone, if there ever was one. */
  gone(connection: TcpConnection): void
}

/** What one end of a connection needs to know. */
export interface TcpConnectionOptions {
  readonly context: TcpConnectionContext
  readonly role: HandshakeRole
  readonly remote: string
  /** Present at the connecting end. */
  readonly handler?: ConnectionHandler
  /** Present at the accepting end: asked for the handler once the other end is proved. */
  readonly accept?: (connection: Connection) => ConnectionHandler
}

type Phase = 'connecting' | 'handshake' | 'open' | 'closed'

/** One end of a TCP connection, dialled or accepted. */
export class TcpConnection implements Connection {
  readonly remote: string
  readonly #context: TcpConnectionContext
  readonly #accept: ((connection: Connection) => ConnectionHandler) | undefined
  readonly #handshake: Handshake
  readonly #queue: OutQueue
  readonly #reader: FrameReader
  #handler: ConnectionHandler | undefined
  #socket: Socket | undefined
  #phase: Phase = 'connecting'
  #isDirty = false
  #deadline: NodeJS.Timeout | undefined
  #provenNames: readonly string[] | undefined
  /** The partial frame that the last sweep saw; see `sweep`. */
  #sweptPartialFrame = 0
  readonly #onData: (chunk: Buffer) => void = (chunk) => this.#receive(chunk)

  constructor(options: TcpConnectionOptions) {
    const { context, role, remote, handler, accept } = options
    this.#context = context
    this.#handler = handler
    this.#accept = accept
    this.remote = remote
    this.#queue = new OutQueue(context.buffers)
    const { secrets } = context.options
    this.#handshake = new Handshake({ role, secrets, nonce: randomBytes(NONCE_BYTES) })
    this.#reader = new FrameReader({
      frameBytesMax: (firstByte) => this.#handler?.frameBytesMax(firstByte) ?? 0,
      frame: (bytes, start, end) => this.#handler?.frame(bytes, start, end),
    })
  }

  get provenNames(): readonly string[] | undefined {
    return this.#provenNames
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    assert(start >= 0 && start < end && end <= bytes.length, 'a frame has at least one byte')
    if (this.#phase === 'closed') return false
    this.#queue.push(bytes, start, end)
    if (!this.#isDirty && this.#phase === 'open') {
      this.#isDirty = true
      this.#context.flusher.mark(this)
    }
    return true
  }

  close(): void {
    this.#end(undefined)
  }

  /** For the flusher. */
  flush(): void {
    this.#isDirty = false
    this.#queue.flush()
  }

  /** Takes over a socket that is connecting. */
  connecting(socket: Socket): void {
    const { connectTimeoutMs, handshakeTimeoutMs } = this.#context.options
    this.#attach(socket)
    this.#setDeadline('no connection to', connectTimeoutMs)
    // A TLS socket tells both; its own handshake falls under the second deadline.
    socket.once('connect', () => {
      if (this.#phase === 'connecting') this.#setDeadline('no handshake with', handshakeTimeoutMs)
    })
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () =>
      this.#greet(socket),
    )
  }

  /** Takes over a socket that was accepted. */
  accepted(socket: Socket): void {
    this.#attach(socket)
    this.#setDeadline('no handshake with', this.#context.options.handshakeTimeoutMs)
    this.#greet(socket)
  }

  /** Ends a connection that never got a socket. */
  failed(error: Error): void {
    this.#end(error)
  }

  /** Called at a steady interval: ends the connection when one frame has been incomplete since the last call. */
  sweep(): void {
    if (this.#phase !== 'open' || !this.#reader.isAmidFrame) return
    const frame = this.#reader.partialFrames
    if (frame === this.#sweptPartialFrame) {
      const { frameTimeoutMs } = this.#context.options
      const message = `${this.remote} did not finish a frame within ${frameTimeoutMs} ms`
      this.#end(connectionTimeout(message, frameTimeoutMs))
    }
    this.#sweptPartialFrame = frame
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, this.#context.options.keepAliveMs)
    socket.on('data', (chunk: Buffer) => {
      this.#context.flusher.dispatching(this.#onData, chunk)
    })
    socket.on('error', (error) => this.#socketFailed(error))
    socket.on('end', () => this.#otherEndClosed())
    socket.on('close', () => {
      this.#otherEndClosed()
      this.#clearDeadline()
      this.#context.gone(this)
    })
  }

  #greet(socket: Socket): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'handshake'
    if (socket instanceof TLSSocket) this.#provenNames = certificateNames(socket)
    socket.write(this.#handshake.hello())
  }

  #receive(chunk: Buffer): void {
    try {
      const start = this.#phase === 'handshake' ? this.#receiveHandshake(chunk) : 0
      if (!this.#isOpen()) return
      const fault = this.#reader.push(chunk, start, chunk.length)
      if (fault !== undefined) this.#end(new ProtocolError(`${this.remote} sent ${fault}`))
    } catch (error) {
      // A handler's bug goes on its way up; the rest of the chunk is lost, so the connection must not go on.
      this.#end(connectionError(`the handler of ${this.remote} failed`, error))
      throw error
    }
  }

  /** Returns the position after the handshake's bytes. */
  #receiveHandshake(chunk: Buffer): number {
    const { consumed, reply, outcome, error } = this.#handshake.receive(chunk, 0, chunk.length)
    if (reply !== undefined) this.#socket?.write(reply)
    if (outcome === 'failed') this.#end(error)
    if (outcome === 'done') this.#open()
    return consumed
  }

  #open(): void {
    this.#clearDeadline()
    this.#phase = 'open'
    if (this.#socket !== undefined) this.#queue.open(this.#socket)
    this.#handler ??= this.#accept?.(this)
    // The handler may close the connection as soon as it sees it.
    if (this.#isOpen()) this.#handler?.open()
    if (this.#isOpen()) this.#queue.flush()
  }

  #isOpen(): boolean {
    return this.#phase === 'open'
  }

  #socketFailed(error: Error): void {
    if (this.#phase === 'handshake' || (this.#phase === 'connecting' && this.#isTcpConnected())) {
      this.#end(handshakeFailed(this.remote, error))
    } else {
      const what = this.#phase === 'connecting' ? 'cannot connect to' : 'lost the connection to'
      this.#end(connectionError(`${what} ${this.remote}: ${error.message}`, error))
    }
  }

  #otherEndClosed(): void {
    this.#end(
      this.#phase === 'open'
        ? closedByOtherEnd(this.remote)
        : handshakeFailed(this.remote, undefined),
    )
  }

  #isTcpConnected(): boolean {
    return this.#socket !== undefined && !this.#socket.connecting
  }

  #setDeadline(what: string, afterMs: number): void {
    this.#clearDeadline()
    this.#deadline = setTimeout(() => {
      this.#end(connectionTimeout(`${what} ${this.remote} within ${afterMs} ms`, afterMs))
    }, afterMs)
  }

  #clearDeadline(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /**
   * The one way into `closed`. What is queued on an open connection goes to the socket. The socket is closed in good
   * order, so that the other end can still read what was sent, and destroyed after a grace.
   */
  #end(error: Error | undefined): void {
    if (this.#phase === 'closed') return
    const wasOpen = this.#phase === 'open'
    this.#phase = 'closed'
    this.#reader.stop()
    this.#clearDeadline()
    if (wasOpen && error === undefined) this.#queue.finish()
    this.#queue.drop()
    // Never from inside `close` or `connect`, nor from inside another call of the handler.
    process.nextTick(() => this.#handler?.close(error))
    this.#endSocket(this.#socket)
  }

  #endSocket(socket: Socket | undefined): void {
    if (socket === undefined) {
      process.nextTick(() => this.#context.gone(this))
    } else if (socket.connecting) {
      socket.destroy()
    } else {
      socket.end()
      this.#deadline = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS)
    }
  }
}

function handshakeFailed(remote: string, cause: Error | undefined): ProtocolError {
  const why = cause === undefined ? '' : ` (${cause.message})`
  return new ProtocolError(
    `${remote} broke off the handshake${why}: tcpTransport.tls and tcpTransport.secret must match on both ends, ` +
      'and the other end must have room for one more connection',
    cause,
  )
}
