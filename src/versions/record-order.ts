/**
 * How two encoded records relate, without decoding either: the question that each replica asks for each write and
 * each read. Works on vectors alone; where a record has isolated dots it says so, and the caller takes the long way
 * through `sibling-set.ts`.
 */
import { readU32 } from '../base/bytes.ts'
import {
  compareActors,
  entryBytes,
  headerBytes,
  recordEntries,
  recordIsolated,
} from './record-layout.ts'

/** `unclear`: there are isolated dots; decode and compare. */
export type RecordOrder = 'equal' | 'before' | 'after' | 'concurrent' | 'unclear'

/**
 * Order of the causal contexts of two well-formed records. When it is `before`, syncing the two gives the right one
 * unchanged: whatever the left one holds, the right one has seen.
 */
export function compareRecords(
  left: Uint8Array,
  leftStart: number,
  right: Uint8Array,
  rightStart: number,
): RecordOrder {
  if (recordIsolated(left, leftStart) !== 0 || recordIsolated(right, rightStart) !== 0) {
    return 'unclear'
  }
  let l = leftStart + headerBytes
  let r = rightStart + headerBytes
  const leftEnd = l + entryBytes * recordEntries(left, leftStart)
  const rightEnd = r + entryBytes * recordEntries(right, rightStart)
  let leftMore = false
  let rightMore = false
  while (l < leftEnd && r < rightEnd) {
    const order = compareActors(left, l, right, r)
    if (order === 0) {
      const difference = readU32(left, l + 16) - readU32(right, r + 16)
      if (difference > 0) leftMore = true
      else if (difference < 0) rightMore = true
      l += entryBytes
      r += entryBytes
    } else if (order < 0) {
      leftMore = true
      l += entryBytes
    } else {
      rightMore = true
      r += entryBytes
    }
  }
  if (l < leftEnd) leftMore = true
  if (r < rightEnd) rightMore = true
  if (leftMore) return rightMore ? 'concurrent' : 'after'
  return rightMore ? 'before' : 'equal'
}

/** Index of the vector entry of the actor whose 16 bytes stand at `actor[actorAt]`, or −1. */
export function findEntry(
  bytes: Uint8Array,
  start: number,
  actor: Uint8Array,
  actorAt: number,
): number {
  const entries = recordEntries(bytes, start)
  for (let i = 0, at = start + headerBytes; i < entries; i++, at += entryBytes) {
    if (compareActors(bytes, at, actor, actorAt) === 0) return i
  }
  return -1
}

/** The counter of a vector entry. */
export function entryCounter(bytes: Uint8Array, start: number, index: number): number {
  return readU32(bytes, start + headerBytes + entryBytes * index + 16)
}
