/**
 * What a read found out when its replicas did not agree: the record that all of them together make, and who lacks it.
 * Pure.
 */
import { ConflictPolicyError } from '../base/errors.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import { sameRecord } from '../versions/record-layout.ts'
import { decodeRecord, encodeRecord } from '../versions/record-codec.ts'
import { withEnded } from '../versions/expiry.ts'
import { sync, type SiblingSet } from '../versions/sibling-set.ts'

/** The record that a replica answered: `bytes[start, end)`. */
export interface ReadRecord {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** A record that is all that is there. */
export function wholeRecord(bytes: Uint8Array): ReadRecord {
  return { bytes, start: 0, end: bytes.length }
}

/** The record in what this node has stored. */
export function storedRecord(stored: Uint8Array): ReadRecord {
  return { bytes: stored, start: storedHeaderBytes, end: stored.length }
}

/** How the answers to one read differ: what all replicas should have, and which of them do not have it. */
export interface Divergence {
  /** The record that every replica should have. */
  readonly record: Buffer
  /** Whether values in it have expired, which nobody had found so before: no owner may go without it. */
  readonly hasEnded: boolean
  /** Replicas that have it. */
  readonly currentMask: number
  /** Replicas that answered something else or nothing. */
  readonly staleMask: number
}

/**
 * Settles the answers of a read. Undefined when no replica has a record, or when their kinds differ.
 * @param answers by replica; undefined for one that has not answered.
 * @param atMs values whose time has passed at this instant of the wall clock are ended.
 */
export function settleAnswers(
  answers: readonly (ReadRecord | 'absent' | undefined)[],
  atMs: number,
): Divergence | 'kinds differ' | undefined {
  let settled: SiblingSet | undefined
  for (const answer of answers) {
    if (answer === undefined || answer === 'absent') continue
    const set = decodeRecord(answer.bytes, answer.start, answer.end)
    if (set === undefined) continue
    if (settled !== undefined && settled.kind !== set.kind) return 'kinds differ'
    settled = settled === undefined ? set : sync(settled, set)
  }
  if (settled === undefined) return undefined
  const result = withEnded(settled, atMs)
  const record = encodeRecord(result)
  let currentMask = 0
  let staleMask = 0
  answers.forEach((answer, i) => {
    if (answer === undefined) return
    if (answer !== 'absent' && isSame(answer, record)) currentMask |= 1 << i
    else staleMask |= 1 << i
  })
  return { record, hasEnded: result !== settled, currentMask, staleMask }
}

/** Whether a replica's answer is the very record, byte for byte. */
function isSame(answer: ReadRecord, record: Uint8Array): boolean {
  return sameRecord(answer.bytes, answer.start, answer.end, record, 0, record.length)
}

/** Whether a replica's answer lacks something of a record: not so when it is the same or has more. */
export function lacks(answer: ReadRecord, record: Uint8Array): boolean {
  if (isSame(answer, record)) return false
  const theirs = decodeRecord(answer.bytes, answer.start, answer.end)
  const ours = decodeRecord(record, 0, record.length)
  if (theirs === undefined || ours === undefined || theirs.kind !== ours.kind) return true
  return !isSame(answer, encodeRecord(sync(theirs, ours)))
}

/** Whether the record that lies in `bytes` is the same as one that came before. */
export function sameAs(
  { bytes, start, end }: ReadRecord,
  other: Uint8Array,
  otherStart: number,
  otherEnd: number,
): boolean {
  return sameRecord(bytes, start, end, other, otherStart, otherEnd)
}

/**
 * How many owners must hold the result before a blocking read returns: N − R + 1, so that every later read of R meets
 * one; no more than R, which is what a read whose answers agree has seen.
 */
export function copiesNeeded({ owners, needed }: { owners: number; needed: number }): number {
  return Math.min(owners - needed + 1, needed)
}

/** The error of a read whose replicas hold records of different kinds. */
export function kindsDiffer(bucket: string): ConflictPolicyError {
  return new ConflictPolicyError(
    `bucket "${bucket}" holds records of different conflict policies: open it with one policy on every node`,
    { bucket },
  )
}
