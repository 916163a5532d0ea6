/**
 * What R owners told of a run of partitions, as one list in the order of the scan: as far as all of them told, and for
 * each key whether they agree. Pure.
 */
import type { ScannedRange, ScannedRecord } from '../replica/scan-page.ts'
import { sameHeads, valueBytesOf, type RecordView } from '../versions/record-heads.ts'

/** How far a scan has come: to the partition, and in it up to the storage key. */
export interface ScanPosition {
  readonly partition: number
  /** Undefined at the beginning of the partition. */
  readonly after: string | undefined
}

/** One key that some owner has a record of. */
export interface ScannedKey {
  readonly partition: number
  /** Storage key, a byte string. */
  readonly key: string
  /** What all owners agree on; undefined when they differ, or the record is damaged at one of them. */
  readonly agreed: RecordView | undefined
  /** Bytes of its values, by the owner that has most. */
  readonly valueBytes: number
}

/** Keys in the order of the scan, and where it goes on. */
export interface ScanBatch {
  readonly keys: readonly ScannedKey[]
  readonly next: ScanPosition
}

/** What the owners that were asked told of one partition; undefined for an owner whose page did not get there. */
export type PartitionAnswers = readonly (ScannedRange | undefined)[]

/** Merges the answers for the partitions from `from` on. */
export function mergeScan(from: ScanPosition, partitions: readonly PartitionAnswers[]): ScanBatch {
  const keys: ScannedKey[] = []
  let position = from
  for (const answers of partitions) {
    const ranges = answers.filter((range) => range !== undefined)
    if (ranges.length < answers.length) break
    const { partition } = position
    const bound = commonBound(ranges)
    mergeRanges(ranges, bound, (key, found) => {
      keys.push({ partition, key, agreed: agreedOn(found), valueBytes: mostValueBytes(found) })
    })
    if (bound !== undefined) return { keys, next: { partition, after: bound } }
    position = { partition: partition + 1, after: undefined }
  }
  return { keys, next: position }
}

/** The last key up to which all have told; undefined when all have told everything. */
function commonBound(ranges: readonly ScannedRange[]): string | undefined {
  let bound: string | undefined
  for (const { isComplete, records } of ranges) {
    if (isComplete) continue
    const last = records.at(-1)!.key
    if (bound === undefined || last < bound) bound = last
  }
  return bound
}

function mergeRanges(
  ranges: readonly ScannedRange[],
  bound: string | undefined,
  tell: (key: string, found: readonly (ScannedRecord | undefined)[]) => void,
): void {
  const next = ranges.map(() => 0)
  for (;;) {
    let least: string | undefined
    for (let i = 0; i < ranges.length; i++) {
      const key = ranges[i]!.records[next[i]!]?.key
      if (key !== undefined && (least === undefined || key < least)) least = key
    }
    if (least === undefined || (bound !== undefined && least > bound)) return
    const found: (ScannedRecord | undefined)[] = []
    for (let i = 0; i < ranges.length; i++) {
      const record = ranges[i]!.records[next[i]!]
      found.push(record?.key === least ? record : undefined)
      if (record?.key === least) next[i]! += 1
    }
    tell(least, found)
  }
}

/** The record that all have, whole if one of them told it whole. */
function agreedOn(found: readonly (ScannedRecord | undefined)[]): RecordView | undefined {
  let agreed: RecordView | undefined
  for (const record of found) {
    if (record === undefined || record.found === 'damaged') return undefined
    if (agreed !== undefined && !sameHeads(agreed, record.found)) return undefined
    if (agreed === undefined || record.found.form === 'record') agreed = record.found
  }
  return agreed
}

function mostValueBytes(found: readonly (ScannedRecord | undefined)[]): number {
  let most = 0
  for (const record of found) {
    if (record === undefined || record.found === 'damaged') continue
    most = Math.max(most, valueBytesOf(record.found))
  }
  return most
}
