/**
 * The bytes of a record, the same in storage and on the wire, and canonical: equal records have equal bytes.
 *
 *     0        1        2        4        6        8
 *     ┌────────┬────────┬────────┬────────┬────────┬───────────────┬───────────────┬───────────────┐
 *     │ format │  kind  │ entries│isolated│siblings│ entries × 20  │ isolated × 20 │ siblings      │
 *     └────────┴────────┴────────┴────────┴────────┴───────────────┴───────────────┴───────────────┘
 *     entry, isolated dot:  actor (16), counter (u32)
 *     sibling:              entry index (u16), flags (u8), 0 (u8), counter (u32), length (u32),
 *                           [stamp f64 when flags & 2], [expiry f64 when flags & 4], value
 *
 * Numbers are little-endian; actors compare as bytes. A sibling names its actor by the index of its vector entry.
 * Entries have a fixed width so that the hot path compares two records without decoding either.
 */
import { asBuffer, readF64, readU16, readU32 } from '../base/bytes.ts'
import type { RecordKind } from './sibling-set.ts'

/** The first byte of every record of this layout. */
export const recordFormat = 1
/** Bytes before the first entry. */
export const headerBytes = 8
/** Bytes of a vector entry or an isolated dot. */
export const entryBytes = 20
/** Bytes of a sibling before its optional fields. */
export const siblingBytes = 12

/** Set for the mark of a deletion. */
export const flagTombstone = 1
/** Set when a time-stamp follows. */
export const flagStamp = 2
/** Set when an expiry instant follows. */
export const flagExpiry = 4
const flagsKnown = flagTombstone | flagStamp | flagExpiry

const kinds: readonly (RecordKind | undefined)[] = [undefined, 'siblings', 'merge', 'lww']

/** Kinds as they are encoded. */
export const kindNumber: Readonly<Record<RecordKind, number>> = { siblings: 1, merge: 2, lww: 3 }

/** The kind that a byte stands for; undefined for none. */
export function kindOf(number: number): RecordKind | undefined {
  return kinds[number]
}

/** How many vector entries a record has. */
export const recordEntries = (bytes: Uint8Array, start: number): number => readU16(bytes, start + 2)
/** How many isolated dots a record has. */
export const recordIsolated = (bytes: Uint8Array, start: number): number =>
  readU16(bytes, start + 4)
/** How many siblings a record has. */
export const recordSiblings = (bytes: Uint8Array, start: number): number =>
  readU16(bytes, start + 6)

/** Where the siblings begin. */
export function siblingsStart(bytes: Uint8Array, start: number): number {
  return (
    start + headerBytes + entryBytes * (recordEntries(bytes, start) + recordIsolated(bytes, start))
  )
}

/** Order of two actors, as bytes: negative, 0 or positive. */
export function compareActors(
  left: Uint8Array,
  leftAt: number,
  right: Uint8Array,
  rightAt: number,
): number {
  for (let i = 0; i < 16; i++) {
    const difference = left[leftAt + i]! - right[rightAt + i]!
    if (difference !== 0) return difference
  }
  return 0
}

/** Bytes of a sibling before its value. */
export function siblingHeadBytes(flags: number): number {
  return siblingBytes + ((flags & flagStamp) !== 0 ? 8 : 0) + ((flags & flagExpiry) !== 0 ? 8 : 0)
}

/**
 * Whether `bytes[start, end)` is a well-formed canonical record. Total, allocates nothing. What fails here is
 * *damaged*: it counts for no quorum and is repaired, and is never taken for absent (HAZARDS H3).
 */
export function isRecord(bytes: Uint8Array, start: number, end: number): boolean {
  return hasHead(bytes, start, end) && areSiblings(bytes, start, end)
}

/** Whether `bytes[start, end)` is all of a well-formed record that stands before its siblings. Total. */
export function isRecordHead(bytes: Uint8Array, start: number, end: number): boolean {
  return hasHead(bytes, start, end) && siblingsStart(bytes, start) === end
}

function hasHead(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < headerBytes || end > bytes.length) return false
  if (bytes[start] !== recordFormat || kindOf(bytes[start + 1]!) === undefined) return false
  const siblings = siblingsStart(bytes, start)
  if (siblings > end) return false
  const entriesEnd = start + headerBytes + entryBytes * recordEntries(bytes, start)
  return (
    areEntries(bytes, start + headerBytes, entriesEnd) &&
    areIsolated(bytes, start + headerBytes, entriesEnd, siblings)
  )
}

function areEntries(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += entryBytes) {
    if (readU32(bytes, at + 16) === 0) return false
    if (at > from && compareActors(bytes, at - entryBytes, bytes, at) >= 0) return false
  }
  return true
}

/** Isolated dots ascend, and each leaves a gap above the entry of its actor; both lists are walked once. */
function areIsolated(bytes: Uint8Array, entry: number, from: number, to: number): boolean {
  for (let at = from; at < to; at += entryBytes) {
    const counter = readU32(bytes, at + 16)
    if (at > from) {
      const order = compareActors(bytes, at - entryBytes, bytes, at)
      if (order > 0 || (order === 0 && readU32(bytes, at - 4) >= counter)) return false
    }
    while (entry < from && compareActors(bytes, entry, bytes, at) < 0) entry += entryBytes
    const known = entry < from && compareActors(bytes, entry, bytes, at) === 0
    if (counter < 2 || (known && counter - 1 <= readU32(bytes, entry + 16))) return false
  }
  return true
}

function areSiblings(bytes: Uint8Array, start: number, end: number): boolean {
  const entries = recordEntries(bytes, start)
  const count = recordSiblings(bytes, start)
  const isLww = bytes[start + 1] === kindNumber.lww
  if (isLww && count > 1) return false
  let at = siblingsStart(bytes, start)
  let previousIndex = -1
  let previousCounter = 0
  for (let i = 0; i < count; i++) {
    if (at + siblingBytes > end) return false
    const index = readU16(bytes, at)
    const flags = bytes[at + 2]!
    const counter = readU32(bytes, at + 4)
    if (index >= entries || (flags & ~flagsKnown) !== 0 || bytes[at + 3] !== 0) return false
    if (index < previousIndex || (index === previousIndex && counter <= previousCounter))
      return false
    if (counter === 0 || counter > readU32(bytes, start + headerBytes + entryBytes * index + 16)) {
      return false
    }
    const length = readU32(bytes, at + 8)
    if ((flags & flagTombstone) !== 0 && length !== 0) return false
    const valueAt = at + siblingHeadBytes(flags)
    if (valueAt + length > end) return false
    if (flags > flagTombstone && !areTimes(bytes, at + siblingBytes, flags, isLww)) return false
    at = valueAt + length
    previousIndex = index
    previousCounter = counter
  }
  return count > 0 && at === end
}

/** Whether stamp and expiry are what the encoder writes: present only when they say something. */
function areTimes(bytes: Uint8Array, at: number, flags: number, isLww: boolean): boolean {
  if ((flags & flagStamp) !== 0) {
    const stamp = readF64(bytes, at)
    if (!isLww || !Number.isSafeInteger(stamp) || stamp <= 0) return false
    at += 8
  }
  if ((flags & flagExpiry) === 0) return true
  const expiresAtMs = readF64(bytes, at)
  return expiresAtMs > 0 && expiresAtMs < Infinity
}

/**
 * Where the version of a well-formed record ends: all before the value, when it has one sibling and no isolated dots.
 * A dot names one value for ever, and its flags tell whether that has ended, so two records that agree up to there are
 * the same. `start` for all other records.
 */
export function versionEnd(bytes: Uint8Array, start: number): number {
  if (recordSiblings(bytes, start) !== 1 || recordIsolated(bytes, start) !== 0) return start
  const sibling = siblingsStart(bytes, start)
  return sibling + siblingHeadBytes(bytes[sibling + 2]!)
}

/** Whether the record begins with the version `other[otherStart, otherEnd)` of another one, which is not empty. */
export function hasVersion(
  bytes: Uint8Array,
  start: number,
  other: Uint8Array,
  otherStart: number,
  otherEnd: number,
): boolean {
  const length = otherEnd - otherStart
  if (versionEnd(bytes, start) - start !== length) return false
  for (let i = 0; i < length; i++) {
    if (bytes[start + i] !== other[otherStart + i]) return false
  }
  return true
}

/** Whether two records are the same, byte for byte. */
export function sameRecord(
  left: Uint8Array,
  leftStart: number,
  leftEnd: number,
  right: Uint8Array,
  rightStart: number,
  rightEnd: number,
): boolean {
  if (leftEnd - leftStart !== rightEnd - rightStart) return false
  return asBuffer(left).compare(right, rightStart, rightEnd, leftStart, leftEnd) === 0
}
