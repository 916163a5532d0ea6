/**
 * Looks through packed bytes before they are decoded. Cold messages are arrays of plain values, nested a few levels; a
 * general decoder would take more than that from a peer: maps, extensions that name types, code for records, nesting
 * without end, and counts far beyond what follows (HAZARDS §4, "msgpack bombs"). Allocates nothing but a short stack.
 */

/** Deepest nesting of arrays. */
const depthMax = 32

/** Bytes of numbers by their type byte, from 0xca on: float 32, float 64, uint 8 to 64, int 8 to 64. */
const numberBytes: readonly number[] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]

const firstFixArray = 0x90
const firstFixText = 0xa0
const nil = 0xc0
const no = 0xc2
const yes = 0xc3
const bin8 = 0xc4
const bin32 = 0xc6
const float32 = 0xca
const int64 = 0xd3
const undefinedMark = 0xd4
const text8 = 0xd9
const text32 = 0xdb
const array16 = 0xdc
const array32 = 0xdd
const firstNegative = 0xe0

/**
 * Whether `bytes[start, end)` are exactly one array of plain values: texts, numbers, booleans, bytes, nothing,
 * arrays.
 */
export function isPlainTuple(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end || !isArray(bytes[start]!)) return false
  /** Items still to come of each array that is open. */
  const open: number[] = []
  let at = start
  for (;;) {
    while (open.length > 0 && open.at(-1) === 0) open.pop()
    if (open.length === 0 && at > start) return at === end
    if (at >= end) return false
    if (open.length > 0) open[open.length - 1]! -= 1
    const type = bytes[at]!
    if (isArray(type)) {
      const head = type < firstFixText ? 1 : type === array16 ? 3 : 5
      if (at + head > end || open.length === depthMax) return false
      const count = head === 1 ? type - firstFixArray : bigEndian(bytes, at + 1, head - 1)
      at += head
      if (count > end - at) return false
      open.push(count)
    } else {
      at = endOfScalar(bytes, at, end)
      if (at < 0 || at > end) return false
    }
  }
}

function isArray(type: number): boolean {
  return (type >= firstFixArray && type < firstFixText) || type === array16 || type === array32
}

/** Where the value at `at` ends; negative for a type that is not plain. May lie behind `end`. */
function endOfScalar(bytes: Uint8Array, at: number, end: number): number {
  const type = bytes[at]!
  if (type < 0x80 || type >= firstNegative || type === nil || type === no || type === yes)
    return at + 1
  if (type >= firstFixText && type < nil) return at + 1 + type - firstFixText
  if (type >= bin8 && type <= bin32) return endOfSized(bytes, at, { end, size: 1 << (type - bin8) })
  if (type >= float32 && type <= int64) return at + 1 + numberBytes[type - float32]!
  if (type >= text8 && type <= text32)
    return endOfSized(bytes, at, { end, size: 1 << (type - text8) })
  // How msgpackr writes undefined: one byte of extension 0.
  if (type === undefinedMark && bytes[at + 1] === 0 && bytes[at + 2] === 0) return at + 3
  return -1
}

/** A value whose length stands before it, in `size` bytes. */
function endOfSized(
  bytes: Uint8Array,
  at: number,
  { end, size }: { end: number; size: number },
): number {
  const from = at + 1 + size
  return from > end ? -1 : from + bigEndian(bytes, at + 1, size)
}

function bigEndian(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i]!
  return value
}
