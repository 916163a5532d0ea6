/**
 * Little-endian numbers in byte arrays, without a DataView: a plain indexed access is what the engine makes fastest,
 * and the hot path reads a dozen of them for each request.
 */

/** The unsigned 16-bit number at `at`. */
export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** The unsigned 32-bit number at `at`. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  )
}

/** Writes the low 16 bits of `value`. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

/** Writes the low 32 bits of `value`. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** The double at `at`. */
export function readF64(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) floatBytes[i] = bytes[at + i]!
  return float[0]!
}

/** Writes a double. */
export function writeF64(bytes: Uint8Array, at: number, value: number): void {
  float[0] = value
  for (let i = 0; i < 8; i++) bytes[at + i] = floatBytes[i]!
}

/** Buffer's own methods without an encoding argument: half the price of `toString('latin1')` on the hot path. */
interface NativeBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, at: number, length: number): number
  utf8Write(text: string, at: number): number
}

/** Bytes as a byte string: each character code is one byte. */
export function toByteString(bytes: Uint8Array, start: number, end: number): string {
  return (asBuffer(bytes) as NativeBuffer).latin1Slice(start, end)
}

/** Writes a byte string and returns where it ends. */
export function writeByteString(bytes: Uint8Array, at: number, text: string): number {
  return at + (asBuffer(bytes) as NativeBuffer).latin1Write(text, at, text.length)
}

/** Writes the UTF-8 bytes of a well-formed text and returns where they end. */
export function writeUtf8(bytes: Buffer, at: number, text: string): number {
  return at + (bytes as NativeBuffer).utf8Write(text, at)
}

/** The same memory as a Buffer, for its native methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Up to this many bytes a loop copies faster than a view and `set`. */
const loopBytesMax = 40

/** Copies `source[start, end)` into `target` from `at` on, and returns where it ends there. */
export function copyInto(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  if (end - start > loopBytesMax) {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at)
  } else {
    for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!
  }
  return at + end - start
}

const slabBytes = 32 * 1024
let slab = new ArrayBuffer(slabBytes)
let slabUsed = 0

/**
 * Memory for a record that is kept for long. Short ones share slabs with each other and, unlike those
 * of `Buffer.allocUnsafe`, with nothing that is soon forgotten: a slab lives as long as the last record in it.
 */
export function allocateKept(bytes: number): Buffer {
  if (bytes > slabBytes / 4) return Buffer.allocUnsafeSlow(bytes)
  if (slabUsed + bytes > slabBytes) {
    slab = new ArrayBuffer(slabBytes)
    slabUsed = 0
  }
  const start = slabUsed
  // The next one starts at a multiple of 8, where copying is fastest.
  slabUsed += (bytes + 7) & ~7
  return Buffer.from(slab, start, bytes)
}

const briefBytesMax = 4096
const brief = Buffer.allocUnsafeSlow(briefBytesMax)
/** What `brief` begins with, by length: a view that is made anew costs as much as the copying. */
const briefViews: Buffer[] = []
/** For longer ones, as long as the longest of them: fresh memory costs as much as the copying, and so does its end. */
let briefLong = Buffer.alloc(0)
const briefLongBytesMax = 16 * 1024 * 1024

/** Memory that is used no longer than until the next call: for what is written somewhere else at once. */
export function allocateBrief(bytes: number): Buffer {
  if (bytes <= briefBytesMax) return (briefViews[bytes] ??= brief.subarray(0, bytes))
  if (bytes > briefLongBytesMax) return Buffer.allocUnsafeSlow(bytes)
  if (bytes > briefLong.length) briefLong = Buffer.allocUnsafeSlow(bytes)
  return briefLong.subarray(0, bytes)
}

/** A copy of `bytes[start, end)` in memory of its own. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}

/** Lower-case hexadecimal digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}
