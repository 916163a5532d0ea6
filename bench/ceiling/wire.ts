/**
 * The frames between coordinator and replicas. Numbers are little-endian.
 *
 *     frame     length of what follows u32 │ kind u8 │ id of the request u32 │ body
 *     put       key │ clock │ value, up to the end
 *     get       key │ clock of the version that the coordinator has, or nothing
 *     stored    nothing
 *     versions  count u8 │ of each: clock │ length u32 │ value
 *     same      nothing: what the coordinator has is what the replica has
 *     key       length u8 │ Latin-1
 *     clock     entries u8 │ of each: node u32 │ counter u32
 *
 * Written and read in place, by hand: no object stands between a request and its bytes.
 */
import type { Clock } from './clocks.ts'
import type { Version } from './store.ts'

const headBytes = 9
const lengthBytes = 4

export const kinds = { put: 1, get: 2, stored: 3, versions: 4, same: 5 } as const

export type Kind = (typeof kinds)[keyof typeof kinds]

/** The length of a frame with a body of this length. */
export const frameBytes = (bodyBytes: number): number => headBytes + bodyBytes
export const keyBytes = (key: string): number => 1 + key.length
export const clockBytes = (clock: Clock): number => 1 + 4 * clock.length

export function versionsBytes(chain: Version | null): number {
  let bytes = 1
  for (let each = chain; each !== null; each = each.next) {
    bytes += clockBytes(each.clock) + 4 + each.value.length
  }
  return bytes
}

/** Memory that frames are written to, one after the other. It is up to the caller that there is room. */
export class FrameWriter {
  #bytes: Buffer
  #view: DataView
  #at = 0

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#view = viewOf(this.#bytes)
  }

  get used(): number {
    return this.#at
  }

  hasRoom(bytes: number): boolean {
    return this.#at + bytes <= this.#bytes.length
  }

  written(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Starts again in the same memory: nobody needs what is written. */
  clear(): void {
    this.#at = 0
  }

  /** Starts again in fresh memory, and leaves the old one to whoever still reads it. */
  renew(size: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#view = viewOf(this.#bytes)
    this.#at = 0
  }

  head(kind: Kind, id: number, bodyBytes: number): void {
    const at = this.#at
    this.#view.setUint32(at, frameBytes(bodyBytes) - lengthBytes, true)
    this.#bytes[at + 4] = kind
    this.#view.setUint32(at + 5, id, true)
    this.#at = at + headBytes
  }

  key(key: string): void {
    this.#bytes[this.#at] = key.length
    this.#bytes.write(key, this.#at + 1, 'latin1')
    this.#at += keyBytes(key)
  }

  clock(clock: Clock): void {
    const view = this.#view
    let at = this.#at
    this.#bytes[at++] = clock.length >> 1
    for (let i = 0; i < clock.length; i++, at += 4) view.setUint32(at, clock[i]!, true)
    this.#at = at
  }

  value(value: Uint8Array): void {
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  versions(chain: Version | null): void {
    const countAt = this.#at++
    let count = 0
    for (let each = chain; each !== null; each = each.next, count++) {
      this.clock(each.clock)
      this.#view.setUint32(this.#at, each.value.length, true)
      this.#at += 4
      this.value(each.value)
    }
    this.#bytes[countAt] = count
  }

  /** Appends what another one has written from `start` on. */
  repeat(other: FrameWriter, start: number): void {
    this.value(other.#bytes.subarray(start, other.#at))
  }
}

/**
 * Goes through a piece of what a connection has received, frame by frame. The parts of a body are read in their
 * order. Values are views of what was received: whoever keeps one copies it.
 */
export class FrameReader {
  kind = 0
  id = 0
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = viewOf(this.#bytes)
  #at = 0
  /** Where the frame ends. */
  #end = 0

  load(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#end = 0
  }

  /** Goes to the next frame; false when there is no whole one any more. */
  next(): boolean {
    const start = this.#end
    const left = this.#bytes.length - start
    if (left < headBytes) return false
    const length = this.#view.getUint32(start, true)
    if (left < lengthBytes + length) return false
    this.kind = this.#bytes[start + 4]!
    this.id = this.#view.getUint32(start + 5, true)
    this.#at = start + headBytes
    this.#end = start + lengthBytes + length
    return true
  }

  /** What is left behind the last whole frame. */
  rest(): Buffer | null {
    return this.#end < this.#bytes.length ? this.#bytes.subarray(this.#end) : null
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end
  }

  key(): string {
    const start = this.#at + 1
    this.#at = start + this.#bytes[this.#at]!
    return this.#bytes.toString('latin1', start, this.#at)
  }

  clock(): Clock {
    const view = this.#view
    let at = this.#at + 1
    const numbers = 2 * this.#bytes[this.#at]!
    this.#at = at + 4 * numbers
    // Nearly all clocks have one entry, and a list made at once is made faster than one that grows.
    if (numbers === 2) return [view.getUint32(at, true), view.getUint32(at + 4, true)]
    const clock: number[] = []
    for (; at < this.#at; at += 4) clock.push(view.getUint32(at, true))
    return clock
  }

  count(): number {
    return this.#bytes[this.#at++]!
  }

  /** The length of the value that comes next, in bytes. */
  valueLength(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }

  value(length: number): Uint8Array {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  skip(length: number): void {
    this.#at += length
  }

  /** The value that goes on to the end of the frame. */
  lastValue(): Uint8Array {
    return this.value(this.#end - this.#at)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
