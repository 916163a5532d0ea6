/**
 * What a read must contain because of what came before it. Two promises have this form: that a
 * session reads its own writes, and that reads never go back in time.
 *
 * Operations add to the floor when they end. A read that begins later contains the floor: it returns
 * each write of it or one that may have replaced it, and nothing that is gone, because the floor
 * contains what certainly replaced it.
 */

import type { Operation } from '../history/operation.ts'
import { addAll, addBit, difference, emptyBits, hasBit, removeAll, type Bits } from './bit-set.ts'
import type { Coverage } from './coverage.ts'
import type { Findings, Violation } from './findings.ts'
import type { KeyHistory, Read, Write } from './key-history.ts'
import { inWords, placeInWords } from './words.ts'

/** What is checked, and what makes the floor. Both in the order of starts. */
export interface Promised {
  /** The reads that must contain the floor. */
  readonly reads: readonly Read[]
  /** Whether what they return is in the floor of later ones. */
  readonly isMonotonic: boolean
  /** Writes that are in the floor as soon as they are acknowledged. */
  readonly writes: readonly Write[]
}

/** What an operation adds to the floor when it ends. */
interface Step {
  readonly at: number
  /** Contained from then on. */
  readonly writes: readonly Write[]
  /** For a read: what its own floor had and it lacks is gone for those after it. */
  readonly read?: Read
}

/** A read that is below its floor. */
interface Fall {
  readonly read: Read
  readonly write: Write
  /** Lost: in the floor, and neither returned nor possibly replaced. Back: returned, though gone. */
  readonly kind: 'lost' | 'back'
}

/** Reports every read that does not contain its floor. */
export function checkFloor(
  key: KeyHistory,
  coverage: Coverage,
  promised: Promised,
  findings: Findings,
): void {
  const floor = new Floor(key, coverage)
  const steps = stepsOf(promised)
  let next = 0
  let hasFloor = false
  for (const read of promised.reads) {
    const first = next
    while (next < steps.length && steps[next]!.at < read.start) floor.raise(steps[next++]!)
    const raised = steps.slice(first, next).flatMap(({ writes }) => writes)
    hasFloor ||= raised.length > 0
    if (hasFloor) findings.looked(key, [read], raised)
    for (const fall of floor.check(read)) {
      const fault = [fall.kind, read.operation.session, key.bucket, key.key, fall.write.index]
      findings.report(fault, () =>
        fall.kind === 'lost'
          ? describeLost(key, fall, promised)
          : describeBack(key, fall, promised, coverage),
      )
    }
  }
}

function stepsOf({ reads, isMonotonic, writes }: Promised): Step[] {
  const steps: Step[] = []
  for (const write of writes) {
    const { acknowledgedAt: at } = write
    if (at !== undefined) steps.push({ at, writes: [write] })
  }
  for (const read of isMonotonic ? reads : []) {
    steps.push({ at: read.end, writes: read.shown, read })
  }
  return steps.sort((a, b) => a.at - b.at)
}

class Floor {
  readonly #key: KeyHistory
  readonly #coverage: Coverage
  readonly #contained: Bits
  readonly #gone: Bits
  /** What each read lacked of its floor. */
  readonly #lacked = new Map<Read, readonly number[]>()

  constructor(key: KeyHistory, coverage: Coverage) {
    this.#key = key
    this.#coverage = coverage
    this.#contained = emptyBits(key.writes.length)
    this.#gone = emptyBits(key.writes.length)
  }

  raise({ writes, read }: Step): void {
    for (const write of writes) {
      addBit(this.#contained, write.index)
      const covered = this.#coverage.covered(write)
      if (covered !== undefined) addAll(this.#gone, covered)
    }
    const lacked = read === undefined ? [] : this.#lacked.get(read)
    for (const index of lacked ?? []) addBit(this.#gone, index)
    // Its replacement is contained in its place.
    removeAll(this.#contained, this.#gone)
  }

  check(read: Read): Fall[] {
    const returned = emptyBits(this.#key.writes.length)
    for (const { index } of read.shown) addBit(returned, index)
    this.#lacked.set(read, difference(this.#contained, returned))
    const lost = difference(this.#contained, this.#coverage.explained(read))
    // What is back is most often back because its replacement is lost: that is one fault, not two.
    if (lost.length > 0) {
      return lost.map((index) => ({ read, write: this.#key.writes[index]!, kind: 'lost' }))
    }
    const back = read.shown.filter(({ index }) => hasBit(this.#gone, index))
    return back.map((write) => ({ read, write, kind: 'back' }))
  }
}

function describeLost(
  key: KeyHistory,
  { read, write }: Fall,
  { reads, writes }: Promised,
): Violation {
  const { acknowledgedAt = Infinity } = write
  const isWritten = writes.includes(write) && acknowledgedAt < read.start
  const seen = reads.findLast(({ end, shown }) => end < read.start && shown.includes(write))
  const first = isWritten || seen === undefined ? write.operation : seen.operation
  const isOwn = isWritten && write.operation.session === read.operation.session
  const what = isOwn
    ? `session ${read.operation.session} does not read its own write of ${placeInWords(key)}`
    : `a read of ${placeInWords(key)} goes back in time`
  return {
    message:
      `${what}: ${inWords(first)}, and then ${inWords(read.operation)}, which is without ` +
      `${write.operation.value} or anything that can have replaced it`,
    operations: [write.operation, first, read.operation],
  }
}

function describeBack(
  key: KeyHistory,
  { read, write }: Fall,
  { reads, writes }: Promised,
  coverage: Coverage,
): Violation {
  const { session } = read.operation
  const value = write.operation.value
  const place = placeInWords(key)
  const words = inWords(read.operation)
  const replacing = writes.find(
    (one) =>
      one.acknowledgedAt !== undefined &&
      one.acknowledgedAt < read.start &&
      coverage.mustCover(one, write),
  )
  if (replacing !== undefined) {
    const isOwn = replacing.operation.session === session
    const what = isOwn
      ? `session ${session} still reads what it replaced in ${place}`
      : `a read of ${place} goes back in time`
    return {
      message:
        `${what}: ${inWords(replacing.operation)} with a context that covers ${value}, ` +
        `and then ${words}`,
      operations: [...coverage.chain(replacing, write), read.operation],
    }
  }
  const before = reads.filter(({ end }) => end < read.start)
  const { seen, operations } = replacement(write, before, writes, coverage)
  return {
    message:
      `a read of ${place} goes back in time: ${inWords(seen.operation)}, when ${value} ` +
      `${write.operation.expires === true ? 'was gone' : 'was replaced'} already, and then ${words}`,
    operations: [...operations, seen.operation, read.operation],
  }
}

/** The read that shows that `write` was gone, and the operations that tell why. */
function replacement(
  write: Write,
  reads: readonly Read[],
  writes: readonly Write[],
  coverage: Coverage,
): { seen: Read; operations: Operation[] } {
  for (const seen of reads) {
    const by = seen.shown.find((one) => coverage.mustCover(one, write))
    if (by !== undefined) return { seen, operations: coverage.chain(by, write) }
  }
  const showing = reads.filter(({ shown }) => shown.includes(write))
  const shownAt = showing.reduce((time, { end }) => Math.min(time, end), Infinity)
  const writtenAt = writes.includes(write) ? (write.acknowledgedAt ?? Infinity) : Infinity
  const since = Math.min(shownAt, writtenAt)
  const seen = reads.find(({ start, shown }) => start > since && !shown.includes(write))!
  const first = showing.filter(({ end }) => end === since).map(({ operation }) => operation)
  return { seen, operations: [write.operation, ...first] }
}
