/** One end of a connection over a Unix domain socket. Each frame follows its length, four bytes. */
import type { Socket } from 'node:net'
import { ProtocolError } from 'coterie'
import type { Connection, ConnectionHandler } from 'coterie'

const lengthBytes = 4
/** How long a closed connection may take to send what it was given. */
const closeGraceMs = 500

export class UnixConnection implements Connection {
  readonly remote: string
  onGone: () => void = () => undefined
  readonly #socket: Socket
  #handler: ConnectionHandler | undefined
  #unread: Buffer = Buffer.alloc(0)
  #hasEnded = false

  constructor(socket: Socket, remote: string) {
    this.remote = remote
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.end(lost(remote, error)))
    socket.on('end', () => this.end(new ProtocolError(`${remote} closed the connection`)))
    socket.on('close', () => this.onGone())
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  /** A socket that still connects keeps what is written, or drops it when it fails: what the port asks for. */
  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#hasEnded) return false
    const frame = Buffer.allocUnsafe(lengthBytes + end - start)
    frame.writeUInt32LE(end - start)
    frame.set(bytes.subarray(start, end), lengthBytes)
    this.#socket.write(frame)
    return true
  }

  close(): void {
    this.end(undefined)
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  open(): void {
    if (!this.#hasEnded) this.#handler?.open()
  }

  /** The handler hears of the end once, later, and of nothing after it. */
  end(error: Error | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    process.nextTick(() => this.#handler?.close(error))
    if (error !== undefined || this.#socket.connecting) this.#socket.destroy()
    else this.#socket.setTimeout(closeGraceMs, () => this.#socket.destroy()).end()
  }

  #receive(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    try {
      while (!this.#hasEnded && this.#readFrame());
    } catch (error) {
      // A bug in the handler: the connection must not go on, and the bug must not be hidden.
      this.end(new ProtocolError(`the handler of ${this.remote} failed`, error))
      throw error
    }
  }

  /** False when there is no whole frame to read. */
  #readFrame(): boolean {
    const unread = this.#unread
    if (unread.length <= lengthBytes) return false
    const length = unread.readUInt32LE()
    // Before it is buffered: what a peer may make this end keep is bounded.
    if (length === 0 || length > this.#handler!.frameBytesMax(unread[lengthBytes]!)) {
      this.end(new ProtocolError(`${this.remote} sent a frame of ${length} bytes`))
      return false
    }
    const end = lengthBytes + length
    if (unread.length < end) return false
    this.#unread = unread.subarray(end)
    this.#handler!.frame(unread, lengthBytes, end)
    return true
  }
}

/** A path without a socket means what a port without a listener means; nodes look at the code of the cause. */
function lost(remote: string, error: NodeJS.ErrnoException): ProtocolError {
  const cause = error.code === 'ENOENT' ? Object.assign(error, { code: 'ECONNREFUSED' }) : error
  return new ProtocolError(`cannot reach ${remote}: ${error.message}`, cause)
}
