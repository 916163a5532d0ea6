/**
 * What is said when tombstones are reaped. Both calls name the epoch under which they are made, and single tombstones
 * of one partition by their storage keys and their whole records. Readers are total.
 *
 *     call                                                  answer
 *     ['vouch', epoch, partition, keys, records, grace]     [verdicts]
 *     ['reap', epoch, partition, keys, records, grace]      [verdicts]
 *
 * A verdict is one byte for each key: 1 for yes. Nil instead of all of them: this member cannot tell now.
 */
import { isRecord } from '../versions/record-layout.ts'
import { nothingLives } from '../versions/expiry.ts'

/** Asks a member whether nothing older than these tombstones is left there. */
export const vouchCall = 'vouch'
/** Tells an owner to remove these tombstones. */
export const reapCall = 'reap'

/** Most tombstones in one call, and bytes of their keys and records, unless a single one has more. */
export const lotLimits: Readonly<{ tombstones: number; bytes: number }> = Object.freeze({
  tombstones: 128,
  bytes: 65_536,
})

/** One tombstone: a record in which nothing lives. */
export interface Tombstone {
  /** Storage key. */
  readonly key: string
  readonly record: Uint8Array
}

/** Tombstones of one partition. */
export interface Lot {
  readonly partition: number
  readonly tombstones: readonly Tombstone[]
}

/** What is asked about a lot. */
export interface ReapQuestion extends Lot {
  readonly epoch: number
  /** The grace period of whoever asks, milliseconds. */
  readonly graceMs: number
}

/** Whether nothing but marks of deletions is in a well-formed record. */
export function isTombstone(bytes: Uint8Array, start: number): boolean {
  return nothingLives(bytes, start, -Infinity)
}

/** The question as the rest of a call. */
export function packQuestion({
  epoch,
  partition,
  tombstones,
  graceMs,
}: ReapQuestion): readonly unknown[] {
  const keys = tombstones.map(({ key }) => key)
  return [epoch, partition, keys, tombstones.map(({ record }) => record), graceMs]
}

/** The question in a call; undefined for what no node of this version asks. */
export function readQuestion(
  [, epoch, partition, keys, records, graceMs]: readonly unknown[],
  partitions: number,
): ReapQuestion | undefined {
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(partition)) return undefined
  if (!Array.isArray(keys) || !Array.isArray(records) || typeof graceMs !== 'number')
    return undefined
  const isPlace = (partition as number) >= 0 && (partition as number) < partitions
  if (!isPlace || keys.length !== records.length || keys.length > lotLimits.tombstones)
    return undefined
  const tombstones: Tombstone[] = []
  for (const [i, key] of (keys as unknown[]).entries()) {
    const record: unknown = records[i]
    if (typeof key !== 'string' || !(record instanceof Uint8Array)) return undefined
    if (!isRecord(record, 0, record.length) || !isTombstone(record, 0)) return undefined
    tombstones.push({ key, record })
  }
  return { epoch: epoch as number, partition: partition as number, tombstones, graceMs }
}

/** What is said of each tombstone of a lot; undefined when nothing can be told now. */
export type Verdicts = readonly boolean[] | undefined

/** The verdicts as an answer. */
export function packVerdicts(verdicts: Verdicts): readonly unknown[] {
  return [verdicts === undefined ? null : Uint8Array.from(verdicts, Number)]
}

/** The verdicts of an answer; undefined also if it makes no sense. */
export function readVerdicts([verdicts]: readonly unknown[], count: number): Verdicts {
  if (!(verdicts instanceof Uint8Array) || verdicts.length !== count) return undefined
  return Array.from(verdicts, (each) => each === 1)
}

/** Yes where all say yes; undefined when one of them cannot tell. */
export function allOf(said: readonly Verdicts[]): Verdicts {
  const told = said.filter((verdicts) => verdicts !== undefined)
  if (told.length < said.length) return undefined
  return told[0]?.map((_, i) => told.every((verdicts) => verdicts[i] === true))
}

/** The tombstones in lots of lawful size. */
export function inLots(partition: number, tombstones: readonly Tombstone[]): readonly Lot[] {
  const lots: { partition: number; tombstones: Tombstone[] }[] = []
  let bytes = Infinity
  for (const tombstone of tombstones) {
    const size = tombstone.key.length + tombstone.record.length
    const lot = lots.at(-1)
    const isFull = lot?.tombstones.length === lotLimits.tombstones || bytes + size > lotLimits.bytes
    if (lot === undefined || isFull) {
      lots.push({ partition, tombstones: [tombstone] })
      bytes = size
    } else {
      lot.tombstones.push(tombstone)
      bytes += size
    }
  }
  return lots
}
