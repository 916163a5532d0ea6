/** Encoded records to sibling sets and back: the way of everything that is not on the hot path. */
import { assert } from '../base/assert.ts'
import {
  allocateKept,
  copyBytes,
  readF64,
  readU16,
  readU32,
  toByteString,
  writeByteString,
  writeF64,
  writeU16,
  writeU32,
} from '../base/bytes.ts'
import type { CausalContext, Dot } from './causal-context.ts'
import {
  entryBytes,
  flagExpiry,
  flagStamp,
  flagTombstone,
  headerBytes,
  isRecord,
  kindNumber,
  kindOf,
  recordEntries,
  recordFormat,
  recordIsolated,
  recordSiblings,
  siblingBytes,
  siblingHeadBytes,
  siblingsStart,
} from './record-layout.ts'
import type { Sibling, SiblingSet } from './sibling-set.ts'

/** Most entries, isolated dots or siblings of a record: their counts are 16 bits. */
export const countMax = 0xffff

/** The sibling set in `bytes[start, end)`, its values copied; undefined when it is damaged. Total. */
export function decodeRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
): SiblingSet | undefined {
  if (!isRecord(bytes, start, end)) return undefined
  const kind = kindOf(bytes[start + 1]!)
  assert(kind !== undefined, 'isRecord checks the kind')
  const context = readContext(bytes, start)
  return { kind, context, siblings: readSiblings(bytes, start, context.vector) }
}

/** The causal context of a well-formed record, without its values. */
export function readContext(bytes: Uint8Array, start: number): CausalContext {
  const entries = recordEntries(bytes, start)
  const isolatedAt = start + headerBytes + entryBytes * entries
  return {
    vector: readDots(bytes, start + headerBytes, entries),
    isolated: readDots(bytes, isolatedAt, recordIsolated(bytes, start)),
  }
}

/** The time-stamp of a well-formed record's value; 0 in records of other kinds than `lww`, which have one sibling. */
export function readStamp(bytes: Uint8Array, start: number): number {
  const at = siblingsStart(bytes, start)
  return (bytes[at + 2]! & flagStamp) !== 0 ? readF64(bytes, at + siblingBytes) : 0
}

/** `count` dots at `at`. */
export function readDots(bytes: Uint8Array, at: number, count: number): Dot[] {
  const dots: Dot[] = []
  for (let i = 0; i < count; i++, at += entryBytes) {
    dots.push({ actor: toByteString(bytes, at, at + 16), counter: readU32(bytes, at + 16) })
  }
  return dots
}

/** Writes dots from `at` on and returns where they end. */
export function writeDots(bytes: Uint8Array, at: number, dots: readonly Dot[]): number {
  for (const { actor, counter } of dots) {
    writeU32(bytes, writeByteString(bytes, at, actor), counter)
    at += entryBytes
  }
  return at
}

function readSiblings(bytes: Uint8Array, start: number, vector: readonly Dot[]): Sibling[] {
  const siblings: Sibling[] = []
  let at = siblingsStart(bytes, start)
  for (let i = recordSiblings(bytes, start); i > 0; i--) {
    const flags = bytes[at + 2]!
    const valueAt = at + siblingHeadBytes(flags)
    const end = valueAt + readU32(bytes, at + 8)
    const stamped = (flags & flagStamp) !== 0
    siblings.push({
      dot: { actor: vector[readU16(bytes, at)]!.actor, counter: readU32(bytes, at + 4) },
      tombstone: (flags & flagTombstone) !== 0,
      value: copyBytes(bytes, valueAt, end),
      stamp: stamped ? readF64(bytes, at + siblingBytes) : 0,
      expiresAtMs: (flags & flagExpiry) !== 0 ? readF64(bytes, valueAt - 8) : 0,
    })
    at = end
  }
  return siblings
}

/** How many bytes `encodeRecord` gives. */
function recordBytes(set: SiblingSet): number {
  let bytes = headerBytes + entryBytes * (set.context.vector.length + set.context.isolated.length)
  for (const each of set.siblings) bytes += siblingHeadBytes(flagsOf(each)) + each.value.length
  return bytes
}

/** The record's bytes, after `reserve` bytes left for the caller's own header. */
export function encodeRecord(set: SiblingSet, reserve = 0): Buffer {
  const { vector, isolated } = set.context
  assert(
    Math.max(vector.length, isolated.length, set.siblings.length) <= countMax,
    'a record has at most 65535 entries',
  )
  const bytes = allocateKept(reserve + recordBytes(set))
  bytes[reserve] = recordFormat
  bytes[reserve + 1] = kindNumber[set.kind]
  writeU16(bytes, reserve + 2, vector.length)
  writeU16(bytes, reserve + 4, isolated.length)
  writeU16(bytes, reserve + 6, set.siblings.length)
  let at = writeDots(bytes, reserve + headerBytes, vector)
  at = writeDots(bytes, at, isolated)
  for (const sibling of set.siblings) at = writeSibling(bytes, at, sibling, vector)
  assert(at === bytes.length, 'a record is as long as it was counted')
  return bytes
}

function writeSibling(
  bytes: Uint8Array,
  at: number,
  sibling: Sibling,
  vector: readonly Dot[],
): number {
  const index = vector.findIndex(({ actor }) => actor === sibling.dot.actor)
  assert(index >= 0, 'the vector covers each sibling')
  return writeSiblingAt(bytes, at, sibling, index, sibling.dot.counter)
}

/** One sibling by the index of its actor's entry; returns where it ends. */
export function writeSiblingAt(
  bytes: Uint8Array,
  at: number,
  sibling: Omit<Sibling, 'dot'>,
  index: number,
  counter: number,
): number {
  const flags = flagsOf(sibling)
  writeU16(bytes, at, index)
  bytes[at + 2] = flags
  bytes[at + 3] = 0
  writeU32(bytes, at + 4, counter)
  writeU32(bytes, at + 8, sibling.value.length)
  at += siblingBytes
  if (sibling.stamp !== 0) {
    writeF64(bytes, at, sibling.stamp)
    at += 8
  }
  if (sibling.expiresAtMs !== 0) {
    writeF64(bytes, at, sibling.expiresAtMs)
    at += 8
  }
  bytes.set(sibling.value, at)
  return at + sibling.value.length
}

/** The flags of an encoded sibling. */
export function flagsOf(sibling: Pick<Sibling, 'tombstone' | 'stamp' | 'expiresAtMs'>): number {
  return (
    (sibling.tombstone ? flagTombstone : 0) |
    (sibling.stamp !== 0 ? flagStamp : 0) |
    (sibling.expiresAtMs !== 0 ? flagExpiry : 0)
  )
}
