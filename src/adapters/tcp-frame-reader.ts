/**
 * Cuts a stream of bytes into frames. A frame on the wire is its length, 4 bytes little-endian, and then that many
 * bytes, at least one. Knows nothing of sockets: what it is given it reads in place, and only the start of a frame
 * whose end has not arrived is copied.
 *
 * Memory: what is kept for one frame grows with the bytes that arrived, never with the length that was declared,
 * and a length over the cap of the frame's first byte is refused as soon as that byte is there.
 */

/** Who takes the frames; the part of a `ConnectionHandler` that a reader needs. */
export interface FrameSink {
  /** The longest frame allowed, for each first byte of a frame. */
  frameBytesMax(firstByte: number): number
  /** A frame `bytes[start, end)`, readable during this call only. */
  frame(bytes: Uint8Array, start: number, end: number): void
}

/** The bytes of a frame's length on the wire. */
export const LENGTH_BYTES = 4

/** The length and the first byte: what must be there before a frame is accepted. */
const HEAD_BYTES = LENGTH_BYTES + 1

/** First allocation for a partial frame. */
const PARTIAL_BYTES_MIN = 4096

/** A buffer for partial frames up to this size is kept for the next one: most chunks end amid a small frame. */
const PARTIAL_BYTES_REUSED_MAX = 65_536

const NOTHING = Buffer.alloc(0)

/**
 * Invariant: between calls `#partial[0, #kept)` is the start of one frame with its length, and shorter than it.
 * Invariant: after a fault or `stop` the sink is not called any more.
 */
export class FrameReader {
  readonly #sink: FrameSink
  #partial: Buffer = NOTHING
  #kept = 0
  /** Length of the kept frame with its length bytes; 0 while its head is incomplete. */
  #total = 0
  #partialFrames = 0
  #stopped = false
  #fault: string | undefined

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /**
   * Reads `bytes[start, end)` and calls the sink for each frame that is complete. Keeps no view of `bytes`.
   * @returns what is wrong with the stream, as a sentence, or `undefined`. After a fault nothing more is read.
   */
  push(bytes: Uint8Array, start: number, end: number): string | undefined {
    let at = this.#kept === 0 ? start : this.#finishPartial(bytes, start, end)
    while (!this.#stopped && end - at >= HEAD_BYTES) {
      const length = readLength(bytes, at)
      if (!this.#accepts(length, bytes[at + LENGTH_BYTES]!)) break
      const next = at + LENGTH_BYTES + length
      if (next > end) break
      this.#sink.frame(bytes, at + LENGTH_BYTES, next)
      at = next
    }
    if (!this.#stopped && at < end) this.#startPartial(bytes, at, end)
    return this.#fault
  }

  /** No frame is delivered after it returns, not even those of the chunk that is being read. */
  stop(): void {
    this.#stopped = true
    this.#partial = NOTHING
    this.#kept = 0
  }

  /** Whether the start of a frame has arrived and its end has not. */
  get isAmidFrame(): boolean {
    return this.#kept > 0
  }

  /** Distinct for each partial frame, so that a watcher can tell the same one from the next one. */
  get partialFrames(): number {
    return this.#partialFrames
  }

  #accepts(length: number, firstByte: number): boolean {
    if (length === 0) return this.#refuse('a frame of length 0')
    const max = this.#sink.frameBytesMax(firstByte)
    if (length <= max) return true
    return this.#refuse(
      `a frame of ${length} bytes and first byte ${firstByte}, over its cap of ${max}`,
    )
  }

  #refuse(fault: string): false {
    this.#fault = fault
    this.stop()
    return false
  }

  #startPartial(bytes: Uint8Array, start: number, end: number): void {
    this.#partialFrames++
    this.#total = 0
    this.#finishPartial(bytes, start, end)
  }

  /** Adds to the partial frame; delivers it when it is complete. Returns the position after what it took. */
  #finishPartial(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    if (this.#total === 0) {
      at = this.#keep(bytes, at, Math.min(end, at + HEAD_BYTES - this.#kept))
      // The length is there before the first byte: a frame of length 0 has none, so it must not be waited for.
      if (this.#kept < LENGTH_BYTES) return at
      const length = readLength(this.#partial, 0)
      if (length > 0 && this.#kept < HEAD_BYTES) return at
      if (!this.#accepts(length, this.#partial[LENGTH_BYTES]!)) return at
      this.#total = LENGTH_BYTES + length
    }
    at = this.#keep(bytes, at, Math.min(end, at + this.#total - this.#kept))
    if (this.#kept === this.#total) this.#deliverPartial()
    return at
  }

  #deliverPartial(): void {
    const frame = this.#partial
    const end = this.#total
    this.#kept = 0
    this.#total = 0
    if (frame.length > PARTIAL_BYTES_REUSED_MAX) this.#partial = NOTHING
    this.#sink.frame(frame, LENGTH_BYTES, end)
  }

  /** Copies `bytes[start, end)`; doubling keeps the copying of a large frame linear in its length. */
  #keep(bytes: Uint8Array, start: number, end: number): number {
    const needed = this.#kept + end - start
    if (needed > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#kept * 2, PARTIAL_BYTES_MIN))
      grown.set(this.#partial.subarray(0, this.#kept))
      this.#partial = grown
    }
    this.#partial.set(bytes.subarray(start, end), this.#kept)
    this.#kept = needed
    return end
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  )
}
