/**
 * Brings many records to one owner, several in a frame, and waits for the durable acknowledgement of each; or asks
 * which of them it has. A record that is too long to share a frame is a matter of `deliver-record.ts`.
 */
import { ProtocolError, type StoreError } from '../base/errors.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import {
  AnswersReader,
  batchRecordBytesMax,
  getsItemBytes,
  GetsFrame,
  putsItemBytes,
  PutsFrame,
} from '../rpc/batch-frame.ts'
import type { Channel } from '../rpc/channel.ts'
import { frameType } from '../rpc/frame.ts'
import type { AnswerFrame } from '../rpc/pending-calls.ts'
import { answerTo, problemOf, type Wait } from './deliver-record.ts'

/** A frame is full from so many bytes on: whoever reads it does other things in between. */
const frameBytesMax = 32_768

/** A record as this node keeps it. */
export interface KeptRecord {
  readonly partition: number
  /** Storage key, a byte string. */
  readonly key: string
  readonly stored: Uint8Array
}

/** Whether the record goes by itself. */
export function goesAlone({ stored }: KeptRecord): boolean {
  return stored.length > batchRecordBytesMax
}

/** The records in lots of which each fits into one frame of `deliverRecords`. */
export function lotsToDeliver(records: readonly KeptRecord[]): readonly (readonly KeptRecord[])[] {
  return lotsOf(records, ({ key, stored }) => putsItemBytes(key, stored.length))
}

/** The records in lots of which each fits into one frame of `whichAreHeld`: of one kind each. */
export function lotsToAskFor(records: readonly KeptRecord[]): readonly (readonly KeptRecord[])[] {
  const kinds = new Map<number, KeptRecord[]>()
  for (const record of records) {
    const known = kinds.get(kindOf(record))
    if (known === undefined) kinds.set(kindOf(record), [record])
    else known.push(record)
  }
  return [...kinds.values()].flatMap((alike) => lotsOf(alike, askedBytes))
}

function lotsOf(
  records: readonly KeptRecord[],
  bytesOf: (record: KeptRecord) => number,
): readonly (readonly KeptRecord[])[] {
  const lots: KeptRecord[][] = []
  let bytes = Infinity
  for (const record of records) {
    bytes += bytesOf(record)
    if (bytes > frameBytesMax) {
      lots.push([])
      bytes = bytesOf(record)
    }
    lots.at(-1)!.push(record)
  }
  return lots
}

function kindOf({ stored }: KeptRecord): number {
  return stored[storedHeaderBytes + 1]!
}

function versionOf({ stored }: KeptRecord) {
  return { bytes: stored, start: storedHeaderBytes, end: stored.length }
}

function askedBytes(record: KeptRecord): number {
  return getsItemBytes(record.key, versionOf(record))
}

/** Resolves, for each record of a lot, with what went wrong, or with undefined when the owner has it. */
export function deliverRecords(
  channel: Channel,
  lot: readonly KeptRecord[],
  wait: Wait,
): Promise<readonly (StoreError | undefined)[]> {
  const bytes = lot.reduce((sum, { key, stored }) => sum + putsItemBytes(key, stored.length), 0)
  const frame = new PutsFrame({ epoch: wait.epoch, timeLeftMs: wait.timeoutMs }, bytes)
  for (const { partition, key, stored } of lot)
    frame.add({ partition, storageKey: key }, stored, storedHeaderBytes, stored.length)
  return answerTo(channel, frame.done(), wait, {
    answered: (answer) => problemsOf(answer, lot),
    failed: (error) => lot.map(() => error),
  })
}

function problemsOf(
  answer: AnswerFrame,
  lot: readonly KeptRecord[],
): readonly (StoreError | undefined)[] {
  if (answer.type === frameType.failed) return lot.map(() => problemOf(answer))
  const problems = meanings(answer, lot, (each) => problemOf(each) ?? 'stored')
  return problems.map((problem) => {
    if (problem === 'stored') return undefined
    return problem ?? new ProtocolError('an answer to many records left one out')
  })
}

/** Resolves, for each record of a lot, with whether the owner has this very record. Only versions are sent. */
export function whichAreHeld(
  channel: Channel,
  lot: readonly KeptRecord[],
  wait: Wait,
): Promise<readonly boolean[]> {
  const head = { epoch: wait.epoch, timeLeftMs: wait.timeoutMs }
  const bytes = lot.reduce((sum, record) => sum + askedBytes(record), 0)
  const frame = new GetsFrame(head, kindOf(lot[0]!), bytes)
  for (const record of lot)
    frame.add({ partition: record.partition, storageKey: record.key }, versionOf(record))
  return answerTo(channel, frame.done(), wait, {
    answered: (answer) => meanings(answer, lot, ({ type }) => type === frameType.same).map(Boolean),
    failed: () => lot.map(() => false),
  })
}

/** What the answers mean, record by record; undefined for one that has none. Another answer says nothing of any. */
function meanings<T>(
  answer: AnswerFrame,
  lot: readonly KeptRecord[],
  meaning: (answer: AnswerFrame) => T,
): readonly (T | undefined)[] {
  const all: (T | undefined)[] = lot.map(() => undefined)
  if (answer.type !== frameType.answers) return all
  const answers = new AnswersReader(answer)
  while (answers.next()) if (answers.index < all.length) all[answers.index] = meaning(answers)
  return all
}
