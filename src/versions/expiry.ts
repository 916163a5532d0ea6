/**
 * Values that end by themselves. The instant belongs to the value: whoever writes sets it once, and it travels with
 * the record. Clocks differ, so somebody must decide that it has passed, for all: the first read that finds it so
 * *ends* the value. An ended value is a tombstone under the dot of the value, with its stamp and its instant, but no
 * bytes. It wins against the value in every merge (`sync` of `sibling-set.ts`), so a decision spreads as a write does,
 * a clock that is behind does not undo it, and two nodes that decide by themselves come to equal bytes.
 *
 * Pure; instants are wall-clock milliseconds.
 */
import { assert } from '../base/assert.ts'
import { readF64, readU32 } from '../base/bytes.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import {
  flagExpiry,
  flagTombstone,
  recordSiblings,
  siblingHeadBytes,
  siblingsStart,
} from './record-layout.ts'
import type { Sibling, SiblingSet } from './sibling-set.ts'

/** What a walk over the siblings of an encoded record has met. */
const metMortal = 1
const metEnded = 2

/** Whether a sibling is a value whose time has passed at an instant. */
function isOver({ tombstone, expiresAtMs }: Sibling, atMs: number): boolean {
  return !tombstone && expiresAtMs !== 0 && expiresAtMs <= atMs
}

/** The set in which values whose time has passed are ended; the very same set when there are none. */
export function withEnded(set: SiblingSet, atMs: number): SiblingSet {
  if (!set.siblings.some((each) => isOver(each, atMs))) return set
  const siblings = set.siblings.map((each) => (isOver(each, atMs) ? ended(each) : each))
  return { ...set, siblings }
}

function ended(sibling: Sibling): Sibling {
  return { ...sibling, tombstone: true, value: new Uint8Array(0) }
}

/** The same of a well-formed encoded record; undefined when there is nothing to end. */
export function recordWithEnded(
  bytes: Uint8Array,
  start: number,
  end: number,
  atMs: number,
): Buffer | undefined {
  if (!hasExpired(bytes, start, atMs)) return undefined
  const set = decodeRecord(bytes, start, end)
  assert(set !== undefined, 'only well-formed records are looked at')
  return encodeRecord(withEnded(set, atMs))
}

/** Whether a well-formed record has a value whose time has passed, and which nobody has ended. */
export function hasExpired(bytes: Uint8Array, start: number, atMs: number): boolean {
  let at = siblingsStart(bytes, start)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    const flags = bytes[at + 2]!
    const from = at + siblingHeadBytes(flags)
    if (isMortal(flags) && readF64(bytes, from - 8) <= atMs) return true
    at = from + readU32(bytes, at + 8)
  }
  return false
}

/** Whether a well-formed record has a value with a time to live, past or not. Without one no clock need be read. */
export function canExpire(bytes: Uint8Array, start: number): boolean {
  return (met(bytes, start) & metMortal) !== 0
}

/**
 * Whether nothing lives in a well-formed record at an instant: each sibling is a tombstone or a value whose time has
 * passed.
 */
export function nothingLives(bytes: Uint8Array, start: number, atMs: number): boolean {
  let at = siblingsStart(bytes, start)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    const flags = bytes[at + 2]!
    const from = at + siblingHeadBytes(flags)
    const isGone = isMortal(flags) && readF64(bytes, from - 8) <= atMs
    if ((flags & flagTombstone) === 0 && !isGone) return false
    at = from + readU32(bytes, at + 8)
  }
  return true
}

/**
 * Whether one of two well-formed records may have ended a value that lives in the other. Then their contexts do not
 * tell which is the newer: they have to be decoded.
 */
export function mayDifferInEnds(
  left: Uint8Array,
  leftStart: number,
  right: Uint8Array,
  rightStart: number,
): boolean {
  const inRight = met(right, rightStart)
  if (inRight === 0) return false
  const inLeft = met(left, leftStart)
  return (
    ((inLeft & metMortal) !== 0 && (inRight & metEnded) !== 0) ||
    ((inLeft & metEnded) !== 0 && (inRight & metMortal) !== 0)
  )
}

function met(bytes: Uint8Array, start: number): number {
  let found = 0
  let at = siblingsStart(bytes, start)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    const flags = bytes[at + 2]!
    if ((flags & flagExpiry) !== 0) {
      found |= (flags & flagTombstone) === 0 ? metMortal : metEnded
    }
    at += siblingHeadBytes(flags) + readU32(bytes, at + 8)
  }
  return found
}

function isMortal(flags: number): boolean {
  return (flags & (flagExpiry | flagTombstone)) === flagExpiry
}
