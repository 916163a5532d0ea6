/**
 * The question that a scan puts to a replica, and the page that it answers. Pure.
 *
 *     page body:  for each partition in the order asked:  records u32 │ records × record
 *     record:     key length u16 │ key without the prefix │ form u8 │ length u32 │ bytes
 *     form:       0 damaged, no bytes.  1 heads (`versions/record-heads.ts`).  2 the whole record
 *
 * What comes from a peer is checked, and nothing is allocated because of a count that it declares.
 */
import { readU32, toByteString, writeByteString, writeU16, writeU32 } from '../base/bytes.ts'
import { isHeads, type RecordView } from '../versions/record-heads.ts'
import { isRecord, kindNumber } from '../versions/record-layout.ts'
import type { RecordKind } from '../versions/sibling-set.ts'

/** Name of the call that asks for a page. */
export const scanCall = 'scan'

/** What one replica is asked for. */
export interface ScanRequest {
  /** Of the ring under which it is asked. */
  readonly epoch: number
  readonly bucket: string
  readonly kind: RecordKind
  /** What the storage keys begin with: bucket, NUL and the prefix of the keys; a byte string. */
  readonly prefix: string
  /** Ascending. */
  readonly partitions: readonly number[]
  /** Of which partitions, in the same order, records are told whole (but the longest); of the others, heads. */
  readonly whole: readonly boolean[]
  /** Of the first partition, only storage keys above this one. */
  readonly after: string | undefined
  /** The page ends before it gets longer; one record is told all the same. */
  readonly bytesMax: number
}

/** A record as a replica told of it, or that it is damaged there. */
export interface ScannedRecord {
  /** Storage key, a byte string. */
  readonly key: string
  readonly found: RecordView | 'damaged'
}

/** What a replica has of one partition, ascending by key. */
export interface ScannedRange {
  readonly records: readonly ScannedRecord[]
  /** Whether that is all; else all up to the last key, and there is one. */
  readonly isComplete: boolean
}

/** A replica's answer. Invariant: all ranges but the last are complete, and there is at least one. */
export interface ScanPage {
  /** Whether the replica may lack what the others have: then it counts for no quorum (HAZARDS D4). */
  readonly isRecovering: boolean
  /** Of the first partitions that were asked for. */
  readonly ranges: readonly ScannedRange[]
}

/** Most partitions of one request. */
export const scanPartitionsMax = 1024
/** Most bytes of a page, but for one record that is longer: far below the cap of the frame that it travels in. */
export const scanBytesMax: number = 1024 * 1024

/** The request as it is sent. */
export function scanTuple(request: ScanRequest): readonly unknown[] {
  const { epoch, bucket, kind, prefix, partitions, whole, after, bytesMax } = request
  return [scanCall, epoch, bucket, kind, prefix, partitions, whole, after ?? null, bytesMax]
}

/** What is asked for; undefined when it makes no sense. Total. */
export function readScanTuple(tuple: readonly unknown[]): ScanRequest | undefined {
  const [, epoch, bucket, kind, prefix, partitions, whole, after, bytesMax] = tuple
  if (
    !isCount(epoch) ||
    typeof bucket !== 'string' ||
    typeof kind !== 'string' ||
    !Object.hasOwn(kindNumber, kind) ||
    typeof prefix !== 'string' ||
    !prefix.startsWith(`${Buffer.from(bucket).toString('latin1')}\0`) ||
    !arePartitions(partitions) ||
    !Array.isArray(whole) ||
    whole.length !== partitions.length ||
    !(after === null || typeof after === 'string') ||
    !isCount(bytesMax)
  ) {
    return undefined
  }
  return {
    epoch,
    bucket,
    kind: kind as RecordKind,
    prefix,
    partitions,
    whole: whole.map((each) => each === true),
    after: after ?? undefined,
    bytesMax: Math.min(bytesMax, scanBytesMax),
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function arePartitions(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > scanPartitionsMax) return false
  return value.every((each, i) => isCount(each) && (i === 0 || each > value[i - 1]))
}

const recordHeadBytes = 7
const formNumber = { damaged: 0, heads: 1, record: 2 } as const

/** Bytes of a record in a page. */
export function scannedBytes({ key, found }: ScannedRecord, prefix: string): number {
  const bytes = found === 'damaged' ? 0 : found.end - found.start
  return recordHeadBytes + key.length - prefix.length + bytes
}

/** The page as it is sent. */
export function pageTuple(page: ScanPage, prefix: string): readonly unknown[] {
  const { isRecovering, ranges } = page
  let size = 4 * ranges.length
  for (const { records } of ranges) {
    for (const record of records) size += scannedBytes(record, prefix)
  }
  const body = Buffer.allocUnsafe(size)
  let at = 0
  for (const { records } of ranges) {
    writeU32(body, at, records.length)
    at += 4
    for (const record of records) at = writeRecord(body, at, record, prefix)
  }
  return ['page', isRecovering, ranges.at(-1)?.isComplete === true, body]
}

function writeRecord(
  body: Buffer,
  at: number,
  { key, found }: ScannedRecord,
  prefix: string,
): number {
  writeU16(body, at, key.length - prefix.length)
  at = writeByteString(body, at + 2, key.slice(prefix.length))
  const length = found === 'damaged' ? 0 : found.end - found.start
  body[at] = formNumber[found === 'damaged' ? found : found.form]
  writeU32(body, at + 1, length)
  if (found !== 'damaged') body.set(found.bytes.subarray(found.start, found.end), at + 5)
  return at + 5 + length
}

/** The page that answers the request; undefined for anything that does not. Total. */
export function readPageTuple(
  tuple: readonly unknown[],
  request: Pick<ScanRequest, 'prefix' | 'partitions' | 'after'>,
): ScanPage | undefined {
  const [name, isRecovering, isComplete, body] = tuple
  if (name !== 'page' || typeof isRecovering !== 'boolean' || typeof isComplete !== 'boolean') {
    return undefined
  }
  if (!(body instanceof Uint8Array)) return undefined
  const { prefix, partitions, after } = request
  const ranges: ScannedRange[] = []
  let at = 0
  while (at < body.length) {
    if (ranges.length === partitions.length) return undefined
    const range = readRange(body, at, { prefix, above: ranges.length === 0 ? after : undefined })
    if (range === undefined) return undefined
    at = range.end
    ranges.push({ records: range.records, isComplete: true })
  }
  const last = ranges.pop()
  if (last === undefined || (!isComplete && last.records.length === 0)) return undefined
  ranges.push({ records: last.records, isComplete })
  return { isRecovering, ranges }
}

function readRange(
  body: Uint8Array,
  at: number,
  { prefix, above }: { prefix: string; above: string | undefined },
): { records: ScannedRecord[]; end: number } | undefined {
  if (at + 4 > body.length) return undefined
  const records: ScannedRecord[] = []
  let count = readU32(body, at)
  at += 4
  for (let before = above; count > 0; count--) {
    if (at + recordHeadBytes > body.length) return undefined
    const formAt = at + 2 + (body[at]! | (body[at + 1]! << 8))
    if (formAt + 5 > body.length) return undefined
    const key = prefix + toByteString(body, at + 2, formAt)
    const end = formAt + 5 + readU32(body, formAt + 1)
    if (end > body.length || (before !== undefined && key <= before)) return undefined
    const found = readFound(body, formAt, end)
    if (found === undefined) return undefined
    records.push({ key, found })
    before = key
    at = end
  }
  return { records, end: at }
}

function readFound(
  bytes: Uint8Array,
  formAt: number,
  end: number,
): RecordView | 'damaged' | undefined {
  const start = formAt + 5
  switch (bytes[formAt]) {
    case formNumber.damaged:
      return start === end ? 'damaged' : undefined
    case formNumber.heads:
      return isHeads(bytes, start, end) ? { form: 'heads', bytes, start, end } : undefined
    case formNumber.record:
      return isRecord(bytes, start, end) ? { form: 'record', bytes, start, end } : undefined
    default:
      return undefined
  }
}
