/**
 * A record as a replica keeps it: the record, and a small header that never leaves the node.
 *
 *     0        1        2          4            8
 *     ┌────────┬────────┬──────────┬────────────┬────────────────────┐
 *     │ format │   0    │ own u16  │checksum u32│ record             │
 *     └────────┴────────┴──────────┴────────────┴────────────────────┘
 *     format: 2 with checksum, 1 without: then a fixed mark stands in its place.  own: index of the vector entry that
 *     this node minted and that nobody else knows more of, 0xffff for none (rule 3 of `versions/dot-source.ts`).
 *
 * The checksum covers the key too, so that a record that turns up under another key is damaged, not believed
 * (HAZARDS H2). Damaged is a third answer beside record and absent (H3).
 *
 * Pure: bytes in, bytes out.
 */
import { assert } from '../base/assert.ts'
import { allocateKept, copyInto, readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts'
import { checksum } from '../base/checksum.ts'
import {
  coversContext,
  emptyContext,
  joinContexts,
  withDot,
  type CausalContext,
  type Dot,
} from '../versions/causal-context.ts'
import type { ContextContent } from '../versions/context.ts'
import { counterMax, ownStands, type DotSource } from '../versions/dot-source.ts'
import { mayDifferInEnds } from '../versions/expiry.ts'
import { decodeRecord, encodeRecord, readContext, readDots } from '../versions/record-codec.ts'
import {
  entryBytes,
  headerBytes,
  isRecord,
  recordIsolated,
  recordEntries,
} from '../versions/record-layout.ts'
import { compareRecords, entryCounter, findEntry } from '../versions/record-order.ts'
import {
  sync,
  written,
  type RecordKind,
  type Sibling,
  type SiblingSet,
} from '../versions/sibling-set.ts'
import { successor } from '../versions/successor.ts'

/** Where the record begins in stored bytes. */
export const storedHeaderBytes = 8
const formatPlain = 1
const formatChecked = 2
/** What an unchecked record bears for a checksum, so that a damaged checked one is not believed for its first byte. */
const plainMark = 0x6e_61_6c_70
const noOwn = 0xffff

/** Where stored bytes begin. */
interface StoredAt {
  readonly bytes: Uint8Array
  readonly start: number
}

/** Where a new record is written. */
type Allocate = (bytes: number) => Buffer

/** What the storage said of a key: its sound bytes, nothing, or bytes that are not what was stored. */
export type Stored = Uint8Array | undefined | 'damaged'

/** Judges bytes from the storage. Those sealed without checksum never left this process and are believed. */
export function openStored(bytes: Uint8Array | undefined, key: string): Stored {
  if (bytes === undefined) return undefined
  if (bytes.length <= storedHeaderBytes || bytes[1] !== 0) return 'damaged'
  if (isPlainStored(bytes, 0, bytes.length)) return bytes
  if (bytes[0] !== formatChecked) return 'damaged'
  if (readU32(bytes, 4) !== storedChecksum(bytes, key)) return 'damaged'
  return isRecord(bytes, storedHeaderBytes, bytes.length) ? bytes : 'damaged'
}

/** Whether bytes that never left this process hold a record as it was sealed without checksum. */
export function isPlainStored(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= storedHeaderBytes || bytes[start] !== formatPlain) return false
  return bytes[start + 1] === 0 && readU32(bytes, start + 4) === plainMark
}

/** Completes the header of new stored bytes. */
export function sealStored(bytes: Uint8Array, key: string, checked: boolean): void {
  bytes[0] = checked ? formatChecked : formatPlain
  bytes[1] = 0
  writeU32(bytes, 4, checked ? storedChecksum(bytes, key) : plainMark)
}

function storedChecksum(bytes: Uint8Array, key: string): number {
  const head = checksum(bytes.subarray(0, 4), checksum(key))
  return checksum(bytes.subarray(storedHeaderBytes), head)
}

/** The dot that this node last minted in the record, when the note about it stands. */
export function ownDot(stored: Uint8Array): Dot | undefined {
  const index = ownIndex(stored)
  if (index < 0) return undefined
  return readDots(stored, storedHeaderBytes + headerBytes + entryBytes * index, 1)[0]
}

function ownIndex(stored: Uint8Array, at = 0): number {
  const index = readU16(stored, at + 2)
  return index < recordEntries(stored, at + storedHeaderBytes) ? index : -1
}

function setOwnIndex(stored: Uint8Array, index: number): void {
  writeU16(stored, 2, index < 0 ? noOwn : index)
}

/** The sibling set of sound stored bytes. */
export function decodeStored(stored: Uint8Array): SiblingSet {
  const set = decodeRecord(stored, storedHeaderBytes, stored.length)
  assert(set !== undefined, 'sound stored bytes hold a record')
  return set
}

/**
 * What is to be stored after a well-formed record came in from a peer (write, repair, hint, transfer), still to be
 * sealed; undefined when it brings nothing new. The kinds must be equal.
 */
export function merged(
  local: Uint8Array | undefined,
  incoming: Uint8Array,
  start: number,
  end: number,
): Buffer | undefined {
  if (local === undefined) return adopted(incoming, start, end, -1)
  const next = succeeded({ bytes: local, start: 0 }, incoming, start, end)
  return next === 'unclear' ? synced(local, incoming, start, end) : next
}

/**
 * The same for stored bytes that begin somewhere in `local.bytes`, where the two records say by themselves what becomes
 * of them; `unclear` where they have to be decoded.
 */
export function succeeded(
  local: StoredAt,
  incoming: Uint8Array,
  start: number,
  end: number,
  allocate: Allocate = allocateKept,
): Buffer | undefined | 'unclear' {
  const at = local.start + storedHeaderBytes
  if (mayDifferInEnds(local.bytes, at, incoming, start)) return 'unclear'
  switch (compareRecords(local.bytes, at, incoming, start)) {
    case 'equal':
    case 'after':
      return undefined
    case 'before':
      return adopted(incoming, start, end, carriedOwn(local, incoming, start), allocate)
    default:
      return 'unclear'
  }
}

function adopted(
  incoming: Uint8Array,
  start: number,
  end: number,
  own: number,
  allocate: Allocate = allocateKept,
): Buffer {
  const stored = allocate(storedHeaderBytes + end - start)
  copyInto(stored, storedHeaderBytes, incoming, start, end)
  setOwnIndex(stored, own)
  return stored
}

/** Where the noted entry stands in the incoming record, or −1 when that one knows more of it. */
function carriedOwn(local: StoredAt, incoming: Uint8Array, start: number): number {
  const { bytes } = local
  const index = ownIndex(bytes, local.start)
  if (index < 0) return -1
  const recordAt = local.start + storedHeaderBytes
  const there = findEntry(incoming, start, bytes, recordAt + headerBytes + entryBytes * index)
  if (there < 0) return -1
  const same = entryCounter(incoming, start, there) === entryCounter(bytes, recordAt, index)
  return same ? there : -1
}

function synced(
  local: Uint8Array,
  incoming: Uint8Array,
  start: number,
  end: number,
): Buffer | undefined {
  const mine = decodeStored(local)
  const theirs = decodeRecord(incoming, start, end)
  assert(theirs !== undefined, 'incoming records are checked before they are merged')
  const both = sync(mine, theirs)
  const stored = encodeRecord(both, storedHeaderBytes)
  setOwnIndex(stored, ownIndexAfter(ownDot(local), both))
  const unchanged = stored.subarray(storedHeaderBytes).equals(local.subarray(storedHeaderBytes))
  return unchanged ? undefined : stored
}

function ownIndexAfter(own: Dot | undefined, set: SiblingSet): number {
  if (own === undefined || !ownStands(own, set.context)) return -1
  return set.context.vector.findIndex(({ actor }) => actor === own.actor)
}

/** A write coordinated by this node. */
export interface LocalWrite {
  readonly kind: RecordKind
  readonly value: Uint8Array
  readonly tombstone: boolean
  readonly expiresAtMs: number
  /** What the write replaces: all that is held here, or what a context covers. */
  readonly replaces: 'all' | ContextContent
  /** For `lww`: a time-stamp above the given one. */
  readonly stampAbove: ((above: number) => number) | undefined
  readonly dots: DotSource
  /** Most siblings that the write may leave. */
  readonly siblingsMax: number
}

/** What a write that this node coordinates makes of the stored record. */
export interface LocalWriteResult {
  /** Still to be sealed. */
  readonly stored: Buffer
  /** What the write replaced, and the write; undefined when that is all that the stored record knows. */
  readonly replaced: ContextContent | undefined
  /** Siblings of the record after the write. */
  readonly siblings: number
}

/** The record after a coordinated write. `local` is undefined too when what is stored is damaged. */
export function writtenLocally(local: Uint8Array | undefined, write: LocalWrite): LocalWriteResult {
  const region = local && { bytes: local, start: 0 }
  return replacedAll(region, write) ?? replacedSome(local, write)
}

/**
 * The same for stored bytes that begin somewhere in `local.bytes`, where the write replaces all that they know, and no
 * record has to be decoded; else undefined.
 */
export function replacedAll(
  local: StoredAt | undefined,
  write: LocalWrite,
  allocate: Allocate = allocateKept,
): LocalWriteResult | undefined {
  if (write.replaces !== 'all' || write.kind === 'lww') return undefined
  if (local !== undefined && recordIsolated(local.bytes, local.start + storedHeaderBytes) !== 0) {
    return undefined
  }
  const before = local && {
    bytes: local.bytes,
    start: local.start + storedHeaderBytes,
    ownIndex: continuableOwn(local, write.dots),
  }
  const { kind, value, tombstone, expiresAtMs, dots } = write
  const sibling = { value, tombstone, expiresAtMs, stamp: 0 }
  const next = successor(before, { kind, sibling, dots, reserve: storedHeaderBytes }, allocate)
  setOwnIndex(next.bytes, next.ownIndex)
  return { stored: next.bytes, replaced: undefined, siblings: 1 }
}

/** Index of the noted entry when the present incarnation may count it up, else −1. */
function continuableOwn({ bytes, start }: StoredAt, dots: DotSource): number {
  const index = ownIndex(bytes, start)
  if (index < 0) return -1
  const recordAt = start + storedHeaderBytes
  if (!dots.isCurrentAt(bytes, recordAt + headerBytes + entryBytes * index)) return -1
  return entryCounter(bytes, recordAt, index) < counterMax ? index : -1
}

function replacedSome(local: Uint8Array | undefined, write: LocalWrite): LocalWriteResult {
  const held = local === undefined ? emptyContext : readContext(local, storedHeaderBytes)
  const replaces = write.replaces === 'all' ? { causal: held, stamp: 0 } : write.replaces
  const before = local && survivors(local, held, write.kind, replaces.causal)
  const known = joinContexts(held, replaces.causal)
  const dot = write.dots.nextDot(local === undefined ? undefined : ownDot(local), known)
  const stamp = write.stampAbove?.(latestStamp(before, replaces.stamp)) ?? 0
  const { kind, value, tombstone, expiresAtMs } = write
  const sibling: Sibling = { dot, value, tombstone, expiresAtMs, stamp }
  const after = written(before, { kind, replaces: replaces.causal, sibling })
  const stored = encodeRecord(after, storedHeaderBytes)
  setOwnIndex(stored, ownIndexAfter(dot, after))
  const replaced =
    write.replaces === 'all'
      ? undefined
      : { causal: withDot(replaces.causal, dot), stamp: Math.max(stamp, replaces.stamp) }
  return { stored, replaced, siblings: after.siblings.length }
}

/**
 * The local record as far as the write depends on it: without its siblings when the write replaces all it knows, as an
 * update of what was just read does. In `lww` records the time-stamp of what is replaced counts too.
 */
function survivors(
  local: Uint8Array,
  held: CausalContext,
  kind: RecordKind,
  replaces: CausalContext,
): SiblingSet {
  if (kind === 'lww' || !coversContext(replaces, held)) return decodeStored(local)
  return { kind, context: held, siblings: [] }
}

function latestStamp(before: SiblingSet | undefined, least: number): number {
  return (before?.siblings ?? []).reduce((latest, { stamp }) => Math.max(latest, stamp), least)
}
