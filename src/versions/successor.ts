/**
 * The most common write done on encoded records: the new value replaces all that the local record knows. The vector
 * is copied and one entry counted up or inserted. Everything else goes through `written()` of `sibling-set.ts`,
 * with which this agrees.
 */
import { assert } from '../base/assert.ts'
import {
  allocateKept,
  asBuffer,
  copyInto,
  writeByteString,
  writeU16,
  writeU32,
} from '../base/bytes.ts'
import { actorBytes, type DotSource } from './dot-source.ts'
import { countMax, flagsOf, writeSiblingAt } from './record-codec.ts'
import {
  entryBytes,
  headerBytes,
  kindNumber,
  recordEntries,
  recordFormat,
  siblingHeadBytes,
} from './record-layout.ts'
import { entryCounter } from './record-order.ts'
import type { RecordKind, Sibling } from './sibling-set.ts'

/** The local record without isolated dots that is to be replaced. */
export interface Predecessor {
  readonly bytes: Uint8Array
  readonly start: number
  /** Index of the entry that this node minted in its present incarnation and that still stands, or −1. */
  readonly ownIndex: number
}

/** The record after a write, and what is to be noted with it. */
export interface Successor {
  readonly bytes: Buffer
  /** Index of the entry with the new dot: the note to keep with the record. */
  readonly ownIndex: number
}

/** The record after the write, behind `reserve` bytes left for the caller's header. Its kind is the write's. */
export function successor(
  before: Predecessor | undefined,
  write: { kind: RecordKind; sibling: Omit<Sibling, 'dot'>; dots: DotSource; reserve: number },
  allocate: (bytes: number) => Buffer = allocateKept,
): Successor {
  const { sibling, reserve } = write
  const entries = before === undefined ? 0 : recordEntries(before.bytes, before.start)
  const continued = before !== undefined && before.ownIndex >= 0
  const count = continued ? entries : entries + 1
  assert(count <= countMax, 'a record has at most 65535 entries')
  const valueBytes = siblingHeadBytes(flagsOf(sibling)) + sibling.value.length
  const bytes = allocate(reserve + headerBytes + entryBytes * count + valueBytes)
  writeHeader(bytes, reserve, { kind: write.kind, entries: count })
  let at = reserve + headerBytes
  if (before !== undefined && continued) {
    const from = before.start + headerBytes
    copyInto(bytes, at, before.bytes, from, from + entryBytes * entries)
    const counter = entryCounter(before.bytes, before.start, before.ownIndex) + 1
    writeU32(bytes, at + entryBytes * before.ownIndex + actorBytes, counter)
    at += entryBytes * entries
    writeSiblingAt(bytes, at, sibling, before.ownIndex, counter)
    return { bytes, ownIndex: before.ownIndex }
  }
  const ownIndex = insertEntry(bytes, at, before, write.dots.freshActor())
  writeSiblingAt(bytes, at + entryBytes * count, sibling, ownIndex, 1)
  return { bytes, ownIndex }
}

function writeHeader(
  bytes: Uint8Array,
  at: number,
  header: { kind: RecordKind; entries: number },
): void {
  bytes[at] = recordFormat
  bytes[at + 1] = kindNumber[header.kind]
  writeU16(bytes, at + 2, header.entries)
  writeU16(bytes, at + 4, 0)
  writeU16(bytes, at + 6, 1)
}

/** Copies the vector with a first dot of a new actor in its place; returns its index. */
function insertEntry(
  bytes: Buffer,
  at: number,
  before: Predecessor | undefined,
  actor: string,
): number {
  const actorBuffer = Buffer.from(actor, 'latin1')
  const entries = before === undefined ? 0 : recordEntries(before.bytes, before.start)
  let index = 0
  if (before !== undefined) {
    const source = asBuffer(before.bytes)
    const from = before.start + headerBytes
    while (index < entries && compareAt(source, from + entryBytes * index, actorBuffer) < 0) index++
    const split = from + entryBytes * index
    bytes.set(source.subarray(from, split), at)
    bytes.set(source.subarray(split, from + entryBytes * entries), at + entryBytes * (index + 1))
  }
  writeU32(bytes, writeByteString(bytes, at + entryBytes * index, actor), 1)
  return index
}

function compareAt(source: Buffer, at: number, actor: Buffer): number {
  return source.compare(actor, 0, actorBytes, at, at + actorBytes)
}
