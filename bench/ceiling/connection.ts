/** Frames over a socket: cut out of what arrives, and gathered so that all of a tick leave with one write. */
import type { Socket } from 'node:net'
import { frameBytes, FrameReader, FrameWriter, type Kind } from './wire.ts'

const outBytes = 1 << 18

/** Reads the body of a frame before it returns: what it leaves is skipped. */
export type FrameHandler = (frame: FrameReader, connection: Connection) => void

export class Connection {
  readonly #socket: Socket
  readonly #onFrame: FrameHandler
  readonly #reader = new FrameReader()
  readonly #writer = new FrameWriter(outBytes)
  /** The start of a frame whose end is still to come. */
  #unread: Buffer | null = null
  #isReading = false
  #isScheduled = false

  constructor(socket: Socket, onFrame: FrameHandler) {
    this.#socket = socket
    this.#onFrame = onFrame
    socket.setNoDelay(true)
    socket.on('data', this.#read)
    // The other process has ended: its parent, or its deadline, tells.
    socket.on('error', () => {})
  }

  /** Starts a frame. The caller writes its body, of exactly this length, at once. */
  frame(kind: Kind, id: number, bodyBytes: number): FrameWriter {
    const writer = this.#room(frameBytes(bodyBytes))
    writer.head(kind, id, bodyBytes)
    return writer
  }

  /** Sends the last frame of another connection, which is this long, here as well. */
  repeat(other: FrameWriter, bytes: number): void {
    this.#room(bytes).repeat(other, other.used - bytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  readonly #read = (chunk: Buffer): void => {
    const reader = this.#reader
    reader.load(this.#unread === null ? chunk : Buffer.concat([this.#unread, chunk]))
    this.#isReading = true
    while (reader.next()) this.#onFrame(reader, this)
    this.#isReading = false
    this.#unread = reader.rest()
    this.#flush()
  }

  /** Makes room and sees to it that what is written leaves: behind the frames being read, or else with this tick. */
  #room(bytes: number): FrameWriter {
    const writer = this.#writer
    if (!writer.hasRoom(bytes)) {
      this.#flush()
      if (!writer.hasRoom(bytes)) writer.renew(bytes)
    }
    if (!this.#isReading && !this.#isScheduled) {
      this.#isScheduled = true
      process.nextTick(this.#flush)
    }
    return writer
  }

  readonly #flush = (): void => {
    this.#isScheduled = false
    const writer = this.#writer
    if (writer.used === 0) return
    this.#socket.write(writer.written())
    // Mostly the system has taken all bytes by now, and the memory is free again.
    if (this.#socket.writableLength === 0) writer.clear()
    else writer.renew(outBytes)
  }
}
