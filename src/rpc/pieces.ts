/**
 * Long frames travel in pieces: the sender cuts a few in a turn, so that neither side is busy with one frame for long
 * and whatever else is sent passes between them; the receiver puts them together again. One frame after the other.
 * Pieces may arrive in any order, or not at all, as other frames may: then the frame is lost.
 *
 *     piece = type u8 │ 0 │ number of the frame u32 │ its length u32 │ offset of the piece u32 │ up to 64 KiB of it
 */
import { copyBytes, copyInto, readU32, writeU32 } from '../base/bytes.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Connection } from '../ports/transport.ts'
import {
  answerHeadBytes,
  frameBytesMax,
  frameType,
  mayComeInPieces,
  pieceBytesMax,
  pieceHeadBytes,
} from './frame.ts'
import type { FrameTail } from './frame-buffer.ts'

/** So many bytes are cut in one turn, and not before the network has taken what it was given. */
const turnBytesMax = 8 * pieceBytesMax
/** A network that takes nothing is looked at again after this time. */
const lookAgainMs = 2

/** A long frame on its way out. */
interface LongFrame {
  readonly number: number
  readonly head: Buffer
  readonly tail: FrameTail
  /** How much of it was sent. */
  sent: number
}

const piece = Buffer.allocUnsafeSlow(pieceHeadBytes + pieceBytesMax)

function lengthOf({ head, tail }: LongFrame): number {
  return head.length + tail.end - tail.start
}

/** The long frames that wait for one connection. */
export class PieceCutter {
  readonly #clock: Clock
  readonly #connection: Connection
  readonly #frames: LongFrame[] = []
  #timer: Timer | undefined
  #waitingBytes = 0
  #numbers = 0

  constructor(clock: Clock, connection: Connection) {
    this.#clock = clock
    this.#connection = connection
  }

  /** Bytes of frames that were not given to the connection. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Sends a frame in pieces, from now on. The head is copied; the tail must stay as it is. */
  push(head: Uint8Array, headEnd: number, tail: FrameTail): void {
    this.#numbers = (this.#numbers + 1) >>> 0
    const number = this.#numbers
    const frame = { number, head: Buffer.from(head.subarray(0, headEnd)), tail, sent: 0 }
    this.#frames.push(frame)
    this.#waitingBytes += lengthOf(frame)
    if (this.#timer === undefined) this.#turn()
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#frames.length = 0
    this.#waitingBytes = 0
  }

  #turn(): void {
    this.#timer = undefined
    if (this.#frames.length === 0) return
    const room = turnBytesMax - this.#connection.queuedBytes
    for (let left = room; left > 0;) {
      const frame = this.#frames[0]
      if (frame === undefined) break
      left -= this.#cut(frame)
      if (frame.sent === lengthOf(frame)) this.#frames.shift()
    }
    // Also when nothing is left: what comes in this turn waits for the next one.
    this.#timer = this.#clock.after(room > 0 ? 0 : lookAgainMs, () => this.#turn())
  }

  /** Sends the next piece of a frame, and returns its length. */
  #cut(frame: LongFrame): number {
    const { number, head, tail, sent } = frame
    const bytes = Math.min(lengthOf(frame) - sent, pieceBytesMax)
    piece[0] = frameType.piece
    piece[1] = 0
    writeU32(piece, 2, number)
    writeU32(piece, 6, lengthOf(frame))
    writeU32(piece, 10, sent)
    const end = pieceHeadBytes + bytes
    let at = pieceHeadBytes
    if (sent < head.length)
      at = copyInto(piece, at, head, sent, Math.min(head.length, sent + bytes))
    const from = tail.start + Math.max(0, sent - head.length)
    copyInto(piece, at, tail.bytes, from, from + end - at)
    this.#connection.send(piece, 0, end)
    frame.sent += bytes
    this.#waitingBytes -= bytes
    return bytes
  }
}

/** Memory for a frame grows by this factor, with what has arrived: a declared length alone costs nothing. */
const growthFactor = 4
/** So much memory stays for the next frame: memory that is fresh costs ten times as much as the copying into it. */
const keptBytesMax = 16 * 1024 * 1024
/** Frames of which pieces are missing; the oldest one has lost some and is given up. */
const partialMax = 4

/** A frame of which some pieces have come. Invariant: `bytes[0, kept)` is its beginning. */
interface PartialFrame {
  readonly total: number
  bytes: Buffer
  kept: number
  /** Pieces that came before those in front of them, by offset. */
  readonly ahead: Map<number, Buffer>
}

const noBytes: Buffer = Buffer.alloc(0)

/** Puts the frames together whose pieces arrive on one connection. */
export class PieceJoiner {
  readonly #partial: Map<number, PartialFrame> = new Map()
  /** Memory of a frame that is done with. */
  #spare: Buffer = noBytes
  #pieces = 0

  /** How many pieces have come. */
  get pieces(): number {
    return this.#pieces
  }

  /**
   * Takes the piece `bytes[start, end)`, head and all.
   * @returns the frame, once it is whole, to be read until the next piece; `malformed` when this is no piece.
   */
  take(bytes: Uint8Array, start: number, end: number): Buffer | 'more' | 'malformed' {
    const from = start + pieceHeadBytes
    if (end <= from) return 'malformed'
    const total = readU32(bytes, start + 6)
    const offset = readU32(bytes, start + 10)
    if (total > longestBytes || !isCut(offset, end - from, total)) return 'malformed'
    if (offset === 0 && !mayBeSoLong(bytes[from]!, total)) return 'malformed'
    this.#pieces += 1
    const number = readU32(bytes, start + 2)
    const frame = this.#frame(number, total)
    if (frame.total !== total) return 'malformed'
    if (offset > frame.kept) {
      frame.ahead.set(offset, copyBytes(bytes, from, end))
      return 'more'
    }
    // One that came before brings nothing new.
    if (offset < frame.kept) return 'more'
    keep(frame, bytes, from, end)
    keepAhead(frame)
    return frame.kept < total ? 'more' : this.#whole(number, frame)
  }

  /** Forgets what has come, and lets go of the memory. */
  stop(): void {
    this.#partial.clear()
    this.#spare = noBytes
  }

  #frame(number: number, total: number): PartialFrame {
    const known = this.#partial.get(number)
    if (known !== undefined) return known
    if (this.#partial.size === partialMax) this.#partial.delete(this.#partial.keys().next().value!)
    const frame = { total, bytes: this.#spare, kept: 0, ahead: new Map<number, Buffer>() }
    this.#spare = noBytes
    this.#partial.set(number, frame)
    return frame
  }

  #whole(number: number, { bytes, total }: PartialFrame): Buffer {
    this.#partial.delete(number)
    if (bytes.length <= keptBytesMax) this.#spare = bytes
    return bytes.subarray(0, total)
  }
}

function keep(frame: PartialFrame, bytes: Uint8Array, from: number, end: number): void {
  const needed = frame.kept + end - from
  if (needed > frame.bytes.length) {
    const grown = Buffer.allocUnsafeSlow(Math.min(frame.total, growthFactor * needed))
    copyInto(grown, 0, frame.bytes, 0, frame.kept)
    frame.bytes = grown
  }
  frame.kept = copyInto(frame.bytes, frame.kept, bytes, from, end)
}

/** What came early has its turn. */
function keepAhead(frame: PartialFrame): void {
  for (;;) {
    const next = frame.ahead.get(frame.kept)
    if (next === undefined) return
    frame.ahead.delete(frame.kept)
    keep(frame, next, 0, next.length)
  }
}

/** Whether a frame is cut there: pieces never overlap, so that all of them are no more than the frame. */
function isCut(offset: number, bytes: number, total: number): boolean {
  return offset % pieceBytesMax === 0 && bytes === Math.min(pieceBytesMax, total - offset)
}

/** The longest frame of any type. */
const longestBytes = Math.max(frameBytesMax(frameType.put), frameBytesMax(frameType.record))

/** Whether a frame of that type may be so long, and come in pieces at all. */
function mayBeSoLong(type: number, bytes: number): boolean {
  return mayComeInPieces(type) && bytes >= answerHeadBytes && bytes <= frameBytesMax(type)
}
