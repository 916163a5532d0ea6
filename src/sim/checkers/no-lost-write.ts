/**
 * No acknowledged write is lost, and nothing that was replaced comes back.
 *
 * Looks at final reads: those that are marked `final`; on a key without any, the last read, if it
 * began after every write of the key had ended. A final read contains everything that was
 * acknowledged before it began. So
 *
 * 1. it returns each value whose put was acknowledged before, or a value whose write may have
 *    replaced that, directly or through others; or a delete may have. Values with a time to live may
 *    be missing;
 * 2. it returns no value that an acknowledged write, ended before, certainly replaced.
 *
 * Assumes that the promise holds at all: fewer than W copies of a write are destroyed, and the
 * cluster has settled before the final read. `lww` buckets lose concurrent writes by design.
 */

import { addBit, difference, emptyBits, hasBit } from './bit-set.ts'
import { Coverage } from './coverage.ts'
import type { Findings } from './findings.ts'
import type { KeyHistory, Read, Write } from './key-history.ts'
import { inWords, placeInWords, valuesInWords } from './words.ts'

/** A final read, and the writes that were acknowledged before it began. */
interface Final {
  readonly read: Read
  readonly before: readonly Write[]
}

/** Reports what a final read misses, and what came back. Skips keys without a final read. */
export function checkNoLostWrite(key: KeyHistory, findings: Findings): void {
  if (!key.writes.some(({ acknowledgedAt }) => acknowledgedAt !== undefined)) return
  const reads = finalReads(key)
  if (reads.length === 0) {
    const reason = 'no read after all writes had ended shows what is left'
    findings.skip({ bucket: key.bucket, key: key.key, reason })
    return
  }
  const coverage = new Coverage(key)
  for (const read of reads) {
    const before = acknowledgedBefore(key, read)
    findings.looked(key, [read], before)
    checkNothingLost(key, coverage, { read, before }, findings)
    checkNothingBack(key, coverage, { read, before }, findings)
  }
}

function finalReads({ reads, writes }: KeyHistory): readonly Read[] {
  const marked = reads.filter(({ operation }) => operation.final === true)
  if (marked.length > 0) return marked
  const ends = writes.map(({ operation }) => operation.end ?? operation.start)
  const last = reads.at(-1)
  const isAfterAll = last !== undefined && ends.every((end) => end < last.start)
  return isAfterAll ? [last] : []
}

function checkNothingLost(
  key: KeyHistory,
  coverage: Coverage,
  { read, before }: Final,
  findings: Findings,
): void {
  const expected = emptyBits(key.writes.length)
  for (const write of before) {
    const { kind, expires = false } = write.operation
    if (kind === 'put' && !expires) addBit(expected, write.index)
  }
  for (const index of difference(expected, coverage.explained(read))) {
    const { operation } = key.writes[index]!
    findings.report(['lost', key.bucket, key.key, index], () => ({
      message:
        `${operation.value} of ${placeInWords(key)} is lost: ${inWords(operation)}, ` +
        `${inWords(read.operation)}, and ${replacers(read)} replaced it`,
      operations: [operation, ...read.shown.map((write) => write.operation), read.operation],
    }))
  }
}

/** Who might have replaced what is missing, but cannot have. */
function replacers({ shown }: Read): string {
  if (shown.length === 0) return 'nothing in the history can have'
  const values = valuesInWords(shown.map(({ operation }) => operation.value ?? ''))
  return `nothing that is contained in ${values} can have`
}

/** Certain replacement, by writes that had been acknowledged before the read began. */
function checkNothingBack(
  key: KeyHistory,
  coverage: Coverage,
  { read, before }: Final,
  findings: Findings,
): void {
  if (read.shown.length === 0) return
  for (const write of before) {
    // What is back because its replacement is lost is one fault, not two.
    if (!hasBit(coverage.explained(read), write.index)) continue
    for (const replaced of read.shown.filter((one) => coverage.mustCover(write, one))) {
      reportBack(key, { write, replaced, read }, coverage, findings)
    }
  }
}

/** Notes that a read returned what an acknowledged write had certainly replaced. */
export function reportBack(
  key: KeyHistory,
  { write, replaced, read }: { write: Write; replaced: Write; read: Read },
  coverage: Coverage,
  findings: Findings,
): void {
  findings.report(['back', key.bucket, key.key, replaced.index], () => ({
    message:
      `${replaced.operation.value} of ${placeInWords(key)} came back: ${inWords(write.operation)} ` +
      `with a context that covers it, but then ${inWords(read.operation)}`,
    operations: [...coverage.chain(write, replaced), read.operation],
  }))
}

/** The writes that were acknowledged before the read began. */
export function acknowledgedBefore(key: KeyHistory, read: Read): Write[] {
  return key.writes.filter(({ acknowledgedAt = Infinity }) => acknowledgedAt < read.start)
}
