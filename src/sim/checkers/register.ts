/**
 * A key with one writer at a time behaves like one variable: it is linearizable. There is an order of
 * all its operations, each taking effect at one moment between its start and its end, in which every
 * read returns what the acknowledged write before it wrote, or nothing after a delete.
 *
 * That is promised to writers that pass on the context of their last receipt or read, so that each
 * acknowledged write certainly replaces the one before. A write of unknown outcome takes effect at any
 * time after its start, once, or never; a write that had not seen it leaves it as a sibling. So reads
 * may return its value beside the other, or in place of what it may have replaced.
 *
 * Writes that do not replace the one before (without a context, with null, or with an older context)
 * may lawfully leave siblings, and concurrent reads may disagree on which of those came first. Of such
 * keys, and of all others too, this is checked: a read that begins after a write was acknowledged, or
 * after another read returned it, returns it or what can have replaced it, and nothing that is gone.
 *
 * Promised by strict quorums with R + W > N and blocking read repair, unless copies are lost.
 * Keys whose writes overlap are skipped, because they are promised nothing of the kind.
 */

import { Coverage } from './coverage.ts'
import type { Findings, Violation } from './findings.ts'
import type { KeyHistory, Read, Write } from './key-history.ts'
import { linearize, type Verdict } from './linearization.ts'
import { checkFloor } from './session-floor.ts'
import { shrink } from './shrink.ts'
import { SiblingRegister } from './sibling-register.ts'
import { inWords, placeInWords } from './words.ts'

/** Operations that a message spells out. */
const wordedMax = 8

/** Reports keys that are no variable. Skips those with several writers at a time. */
export function checkRegister(key: KeyHistory, findings: Findings): void {
  const place = { bucket: key.bucket, key: key.key }
  const pair = overlap(key.writes)
  if (pair !== undefined) {
    const words = pair.map(({ operation }) => inWords(operation)).join(', ')
    findings.skip({ ...place, reason: `it has several writers at a time: ${words}` })
    return
  }
  const trial = new Trial(key)
  const isChain = trial.acknowledged.every((write, i, writes) => {
    return i === 0 || trial.coverage.mustCover(write, writes[i - 1]!)
  })
  if (isChain) findings.looked(key, trial.reads, trial.acknowledged)
  const verdict = isChain ? trial.verdict(trial.reads, trial.acknowledged) : 'explained'
  if (verdict === 'unexplained') findings.report(['register', place], () => witness(trial))
  else checkFloor(key, trial.coverage, { ...key, isMonotonic: true }, findings)
  if (verdict === 'undecided') {
    findings.skip({ ...place, reason: 'too many operations are concurrent to try all orders' })
  }
}

/** The first two writes of which neither had ended when the other began. */
function overlap(writes: readonly Write[]): [Write, Write] | undefined {
  let last: Write | undefined
  for (const write of writes) {
    const { outcome, end } = write.operation
    // One that never ended has no writer any more: it floats.
    if (outcome === 'failed' || end === undefined) continue
    if (last !== undefined && last.operation.end! >= write.start) return [last, write]
    last = write
  }
  return undefined
}

/** Tries parts of the history of one key. */
class Trial {
  readonly key: KeyHistory
  /** By end, so that a shorter list is an earlier history. */
  readonly reads: readonly Read[]
  readonly acknowledged: readonly Write[]
  readonly coverage: Coverage

  constructor(key: KeyHistory) {
    this.key = key
    this.reads = key.reads.toSorted((a, b) => a.end - b.end)
    this.acknowledged = key.writes.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined)
    this.coverage = new Coverage(key)
  }

  /**
   * Of a history of these reads. Acknowledged writes that are not among `placed` are taken as if
   * their outcome were unknown: that explains more, and never less.
   */
  verdict(reads: readonly Read[], placed: readonly Write[]): Verdict {
    const isPlaced = new Set(placed)
    const floating = this.key.writes.filter(
      (write) => write.operation.outcome !== 'failed' && !isPlaced.has(write),
    )
    const register = new SiblingRegister(this.coverage, new Set(floating))
    const lastEnd = reads.reduce((end, read) => Math.max(end, read.end), -Infinity)
    const writes = placed.filter(({ start }) => start <= lastEnd)
    return linearize(register, { reads, writes })
  }

  fails(reads: readonly Read[], placed: readonly Write[]): boolean {
    return this.verdict(reads, placed) === 'unexplained'
  }
}

function witness(trial: Trial): Violation {
  const early = trial.reads.slice(0, firstFailure(trial))
  const last = early.pop()!
  const before = shrink(early, (rest) => trial.fails([...rest, last], trial.acknowledged))
  const reads = [...before, last]
  const writes = shrink(trial.acknowledged, (rest) => trial.fails(reads, rest))
  const shown = reads.flatMap((read) => read.shown)
  const operations = [...reads, ...writes, ...shown].map(({ operation }) => operation)
  const sorted = [...new Set(operations)].sort((a, b) => a.start - b.start)
  const worded = sorted.slice(0, wordedMax).map(inWords)
  if (sorted.length > wordedMax) worded.push(`and ${sorted.length - wordedMax} more`)
  return {
    message:
      `${placeInWords(trial.key)} does not behave like one variable: no order of these ` +
      `operations explains what was read: ${worded.join('; ')}`,
    operations: sorted,
  }
}

/** How many reads, by end, are enough to fail. */
function firstFailure(trial: Trial): number {
  let low = 1
  let high = trial.reads.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (trial.fails(trial.reads.slice(0, middle), trial.acknowledged)) high = middle
    else low = middle + 1
  }
  return low
}
