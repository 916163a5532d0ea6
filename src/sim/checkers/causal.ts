/**
 * Reads and contexts agree: a context covers what was read, a write replaces exactly what its context
 * covers, and there are no false siblings. Holds for any R and W, and during partitions.
 *
 * 1. What a read returns was put to that key, by a write that had been asked for before the read
 *    ended and that was not told to have failed without effect.
 * 2. A read returns a value once.
 * 3. A read never returns a value together with one whose write certainly replaced it.
 *
 * A read that lacks a value proves nothing by itself: it may have asked replicas that had not heard
 * of it. Reads that are marked `final` contain everything acknowledged before they began, so
 *
 * 4. a final read returns no value that an acknowledged write, ended before, certainly replaced;
 * 5. when a final read returns a value written with a context (or null), no value is missing that was
 *    acknowledged before that write began, unless some write may have replaced it: a write removes
 *    nothing that its context does not cover.
 */

import { addBit, difference, emptyBits } from './bit-set.ts'
import { Coverage } from './coverage.ts'
import type { Findings } from './findings.ts'
import type { KeyHistory, Read, Write } from './key-history.ts'
import { acknowledgedBefore, reportBack } from './no-lost-write.ts'
import { inWords, placeInWords, valuesInWords } from './words.ts'

/** Reports what contradicts the rules above. */
export function checkCausal(key: KeyHistory, findings: Findings): void {
  const coverage = new Coverage(key)
  findings.looked(key, key.reads)
  for (const read of key.reads) {
    checkOrigins(key, read, findings)
    checkRepeats(key, read, findings)
    checkFalseSiblings(key, coverage, read, findings)
    if (read.operation.final === true) checkFinal(key, coverage, read, findings)
  }
}

function checkOrigins(key: KeyHistory, read: Read, findings: Findings): void {
  const words = inWords(read.operation)
  for (const value of read.strange) {
    findings.report(['strange', key.bucket, key.key, value], () => ({
      message:
        `${words} in ${placeInWords(key)}, but nobody wrote ${valuesInWords([value])} to it ` +
        `(when the bucket merges, tell \`record\`)`,
      operations: [read.operation],
    }))
  }
  for (const { operation, start, index } of read.shown) {
    const isEarly = start > read.end
    if (!isEarly && operation.outcome !== 'failed') continue
    const why = isEarly ? 'only later' : 'was told that it had no effect:'
    findings.report(['origin', key.bucket, key.key, index], () => ({
      message: `${words} in ${placeInWords(key)}, but ${why} ${inWords(operation)}`,
      operations: [operation, read.operation],
    }))
  }
}

function checkRepeats(key: KeyHistory, read: Read, findings: Findings): void {
  const { siblings = [] } = read.operation
  if (siblings.length < 2 || new Set(siblings).size === siblings.length) return
  const twice = siblings.find((value, i) => siblings.indexOf(value) !== i)
  findings.report(['twice', key.bucket, key.key, twice], () => ({
    message: `${inWords(read.operation)} in ${placeInWords(key)}: ${twice} is its own sibling`,
    operations: [
      ...read.shown.map(({ operation }) => operation).filter(({ value }) => value === twice),
      read.operation,
    ],
  }))
}

function checkFalseSiblings(
  key: KeyHistory,
  coverage: Coverage,
  read: Read,
  findings: Findings,
): void {
  if (read.shown.length < 2) return
  for (const write of read.shown) {
    for (const sibling of read.shown) {
      if (!coverage.mustCover(write, sibling)) continue
      reportFalseSibling(key, { write, sibling, read }, coverage, findings)
    }
  }
}

function reportFalseSibling(
  key: KeyHistory,
  { write, sibling, read }: { write: Write; sibling: Write; read: Read },
  coverage: Coverage,
  findings: Findings,
): void {
  findings.report(['sibling', key.bucket, key.key, sibling.index], () => ({
    message:
      `${sibling.operation.value} of ${placeInWords(key)} is a false sibling of ` +
      `${write.operation.value}: ${inWords(write.operation)} with a context that covers it, ` +
      `but then ${inWords(read.operation)}`,
    operations: [...coverage.chain(write, sibling), read.operation],
  }))
}

function checkFinal(key: KeyHistory, coverage: Coverage, read: Read, findings: Findings): void {
  const before = acknowledgedBefore(key, read)
  findings.looked(key, [read], before)
  for (const write of before) {
    for (const replaced of read.shown.filter((one) => coverage.mustCover(write, one))) {
      reportBack(key, { write, replaced, read }, coverage, findings)
    }
  }
  const withContext = read.shown.filter(({ operation }) => operation.context !== undefined)
  for (const write of withContext) {
    const there = before.filter((one) => one.acknowledgedAt! < write.start && isLasting(one))
    const expected = emptyBits(key.writes.length)
    for (const { index } of there) addBit(expected, index)
    for (const index of difference(expected, coverage.explained(read))) {
      const { operation } = key.writes[index]!
      findings.report(['dropped', key.bucket, key.key, index], () => ({
        message:
          `${operation.value} of ${placeInWords(key)} was dropped: ${inWords(operation)}, ` +
          `${inWords(write.operation)} with a context that does not cover it, but then ` +
          inWords(read.operation),
        operations: [operation, write.operation, read.operation],
      }))
    }
  }
}

/** A put whose value does not go away by itself. */
function isLasting({ operation }: Write): boolean {
  return operation.kind === 'put' && operation.expires !== true
}
