/**
 * The way out of one connection: frames are copied into a buffer, and the buffer is written to the socket in one
 * piece, by the flusher once for each tick, or as soon as there is enough in it to keep the other end at work while
 * this one goes on. At most one write is under way; meanwhile frames gather in further buffers. One write for each
 * frame instead makes puts five times slower.
 */
import { LENGTH_BYTES } from './tcp-frame-reader.ts'

/** The part of a socket that the queue writes to. */
export interface OutSink {
  write(bytes: Uint8Array, written: () => void): unknown
  /** Bytes given to `write` that the kernel has not taken. */
  readonly writableLength: number
}

/** Size of one out-buffer in bytes. */
export const OUT_BUFFER_BYTES = 131_072

/**
 * With so much queued a write does not wait for the end of the tick: the two ends work at the same time. The first one
 * gets the other end to work; each further one of the tick may be twice as long, for a write costs the same for any.
 */
const EARLY_WRITE_BYTES = 4096
const EARLY_WRITE_BYTES_MAX = 32_768

/** Up to this many bytes a loop copies faster than a view and `set`. */
const LOOP_BYTES_MAX = 48

/** A buffer of the pool, of which the first `length` bytes are in use. */
interface Chunk {
  readonly buffer: Buffer
  readonly length: number
}

/** Out-buffers that no connection needs at the moment. Shared by the connections of one transport. */
export class OutBufferPool {
  readonly #free: Buffer[] = []
  readonly #freeMax: number

  /** @param freeMax how many unused buffers stay allocated. */
  constructor(freeMax: number) {
    this.#freeMax = freeMax
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(OUT_BUFFER_BYTES)
  }

  /** The caller gives up the buffer: nothing may read or write it any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#freeMax) this.#free.push(buffer)
  }
}

/**
 * Invariant: `#full` buffers hold what was pushed before what `#filling` holds.
 * Invariant: a connection without queued frames holds no buffer.
 */
export class OutQueue {
  readonly #pool: OutBufferPool
  #sink: OutSink | undefined
  #filling: Buffer | undefined
  #filled = 0
  #full: Chunk[] = []
  #writing: Chunk | undefined
  /** Callbacks still to come of writes that the kernel took at once; they come in the order of the writes. */
  #callbacksToSkip = 0
  #queuedBytes = 0
  /** How much is queued before it is written within this tick. */
  #earlyBytes = EARLY_WRITE_BYTES
  readonly #onWritten: () => void = () => this.#written()

  constructor(pool: OutBufferPool) {
    this.#pool = pool
  }

  /** Bytes pushed, with their length prefixes, that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** From now on buffers are written; until then they gather. */
  open(sink: OutSink): void {
    this.#sink = sink
  }

  /** Copies the frame `bytes[start, end)`, of any length. */
  push(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.#queuedBytes += LENGTH_BYTES + length
    if (OUT_BUFFER_BYTES - this.#filled < LENGTH_BYTES) this.#finishBuffer()
    const buffer = (this.#filling ??= this.#pool.take())
    let at = this.#filled
    buffer[at++] = length & 255
    buffer[at++] = (length >>> 8) & 255
    buffer[at++] = (length >>> 16) & 255
    buffer[at++] = length >>> 24
    if (length <= LOOP_BYTES_MAX && length <= OUT_BUFFER_BYTES - at) {
      for (let from = start; from < end; from++) buffer[at++] = bytes[from]!
      this.#filled = at
    } else {
      this.#filled = at
      this.#copy(bytes, start, end)
    }
    if (this.#filled >= this.#earlyBytes) this.#writeEarly()
  }

  #writeEarly(): void {
    this.#writeAll()
    const next = Math.min(this.#earlyBytes * 2, EARLY_WRITE_BYTES_MAX)
    this.#earlyBytes = Math.max(next, this.#filled + EARLY_WRITE_BYTES)
  }

  /** The end of a tick: writes what is queued, as far as the kernel takes it at once; the rest follows by itself. */
  flush(): void {
    this.#earlyBytes = EARLY_WRITE_BYTES
    this.#writeAll()
  }

  #writeAll(): void {
    while (this.#sink !== undefined && this.#writing === undefined) {
      const chunk = this.#full.shift() ?? this.#takeFilling()
      if (chunk === undefined) return
      this.#write(this.#sink, chunk)
    }
  }

  /** Hands all that is queued to the socket, which sends it before it ends. For a close in good order. */
  finish(): void {
    const filling = this.#takeFilling()
    const chunks = filling === undefined ? this.#full : [...this.#full, filling]
    this.#full = []
    for (const { buffer, length } of chunks) {
      this.#callbacksToSkip++
      this.#sink?.write(buffer.subarray(0, length), this.#onWritten)
    }
  }

  /** Forgets what is queued and never writes again. A buffer that is being written is left to the socket. */
  drop(): void {
    this.#sink = undefined
    for (const chunk of this.#full) this.#pool.give(chunk.buffer)
    if (this.#filling !== undefined) this.#pool.give(this.#filling)
    this.#full = []
    this.#filling = undefined
    this.#filled = 0
    this.#writing = undefined
    this.#queuedBytes = 0
  }

  #takeFilling(): Chunk | undefined {
    if (this.#filling === undefined) return undefined
    const chunk = { buffer: this.#filling, length: this.#filled }
    this.#filling = undefined
    this.#filled = 0
    return chunk
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    let from = start
    while (from < end) {
      if (this.#filled === OUT_BUFFER_BYTES) this.#finishBuffer()
      const buffer = (this.#filling ??= this.#pool.take())
      const to = Math.min(end, from + OUT_BUFFER_BYTES - this.#filled)
      const isWhole = from === 0 && to === bytes.length
      buffer.set(isWhole ? bytes : bytes.subarray(from, to), this.#filled)
      this.#filled += to - from
      from = to
    }
  }

  /** Puts the buffer that is being filled behind the full ones, and writes if the socket is free. */
  #finishBuffer(): void {
    const chunk = this.#takeFilling()
    if (chunk !== undefined) this.#full.push(chunk)
    this.#writeAll()
  }

  #write(sink: OutSink, chunk: Chunk): void {
    const { buffer, length } = chunk
    sink.write(length === buffer.length ? buffer : buffer.subarray(0, length), this.#onWritten)
    if (sink.writableLength === 0) {
      this.#callbacksToSkip++
      this.#release(chunk)
    } else {
      this.#writing = chunk
    }
  }

  #written(): void {
    if (this.#callbacksToSkip > 0) {
      this.#callbacksToSkip--
      return
    }
    if (this.#writing === undefined) return
    this.#release(this.#writing)
    this.#writing = undefined
    this.#writeAll()
  }

  #release(chunk: Chunk): void {
    this.#queuedBytes -= chunk.length
    this.#pool.give(chunk.buffer)
  }
}
