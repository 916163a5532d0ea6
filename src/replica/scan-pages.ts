/**
 * What this node answers to scans: the records of its own storage, page by page. A page is bounded in bytes and in
 * records, and whoever else has something to do is let through while it is made.
 */
import { ConflictPolicyError, OverloadedError, ProtocolError } from '../base/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Storage, StorageEntry } from '../ports/storage.ts'
import type { Ring } from '../ring/ring.ts'
import { headsOf } from '../versions/record-heads.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import { otherPolicy } from './handlers.ts'
import type { Lack } from './lack.ts'
import {
  pageTuple,
  readScanTuple,
  scannedBytes,
  type ScannedRange,
  type ScannedRecord,
  type ScanPage,
  type ScanRequest,
} from './scan-page.ts'
import { openStored, storedHeaderBytes } from './stored-record.ts'

/** What pages need of their node. */
export interface ScanPagesOptions {
  readonly selfId: string
  readonly storage: Storage
  readonly clock: Clock
  ring(): Ring
  /** The policy with which this node's service opened the bucket, if it did. */
  kindOpened(bucket: string): RecordKind | undefined
  /** Whether this node may still lack data of the partition that others have (HAZARDS D4). */
  lackOf(partition: number): Lack | undefined
  /** The body of an answer to a request made under another epoch; also takes note of a newer one. */
  otherEpoch(theirs: number): Uint8Array
}

/** Most records of a page. */
const recordsMax = 4096
/** A longer record is told by its heads: whoever wants it asks for it alone. */
const wholeBytesMax = 2 * 1024 * 1024
/** Most records that are read from the storage at once, and most bytes of them by what was read before. */
const stepRecordsMax = 256
const stepBytesMax = 512 * 1024
const firstStepRecords = 4
/** After so many milliseconds of work others are let through. */
const sliceMs = 2
/** Most pages that are made at once. */
const underWayMax = 16

/** Lists what this node has stored. */
export class ScanPages {
  readonly #options: ScanPagesOptions
  #underWay = 0

  constructor(options: ScanPagesOptions) {
    this.#options = options
  }

  /**
   * The answer to a peer's `scan` call.
   * @throws {ProtocolError} by rejection, as all of these, for a request that makes no sense.
   * @throws {OverloadedError} when too many pages are made already.
   * @throws {ConflictPolicyError} when this node works with the bucket under another policy.
   * @throws {StorageError}
   */
  async answer(tuple: readonly unknown[]): Promise<readonly unknown[]> {
    const request = readScanTuple(tuple)
    if (request === undefined) throw new ProtocolError('a malformed scan')
    const page = await this.page(request)
    return page === 'other epoch'
      ? ['epoch', this.#options.otherEpoch(request.epoch)]
      : pageTuple(page, request.prefix)
  }

  /** One page of this node, or that it works under another epoch. Rejects as `answer` does. */
  async page(request: ScanRequest): Promise<ScanPage | 'other epoch'> {
    const node = this.#options
    if (node.ring().epoch !== request.epoch) return 'other epoch'
    this.#check(request)
    const wasRecovering = this.#isRecovering(request)
    this.#underWay += 1
    try {
      const ranges = await this.#ranges(request)
      // What was read may have changed hands meanwhile.
      if (node.ring().epoch !== request.epoch) return 'other epoch'
      return { isRecovering: wasRecovering || this.#isRecovering(request), ranges }
    } finally {
      this.#underWay -= 1
    }
  }

  /** Whether it may lack what it is asked for. What it gains it is asked for as an owner to be alone. */
  #isRecovering({ partitions }: ScanRequest): boolean {
    const { selfId } = this.#options
    const ring = this.#options.ring()
    return partitions.some((partition) => {
      const lack = this.#options.lackOf(partition)
      return (
        lack === 'recovering' || (lack === 'gaining' && ring.owners(partition).includes(selfId))
      )
    })
  }

  #check({ bucket, kind, partitions }: ScanRequest): void {
    const { selfId } = this.#options
    const ring = this.#options.ring()
    const isForeign = (partition: number): boolean =>
      partition >= ring.partitions || !ring.ownsPartition(selfId, partition)
    if (partitions.some(isForeign)) {
      throw new ProtocolError('a scan of a partition that this node does not own')
    }
    const opened = this.#options.kindOpened(bucket)
    if (opened !== undefined && opened !== kind) {
      throw new ConflictPolicyError(otherPolicy(selfId, { bucket, opened, asked: kind }), {
        bucket,
      })
    }
    if (this.#underWay >= underWayMax) {
      throw new OverloadedError(`${underWayMax} pages of scans are being made: try again later`)
    }
  }

  async #ranges(request: ScanRequest): Promise<readonly ScannedRange[]> {
    const { storage, clock } = this.#options
    const reading = new PageReading(storage, clock, request)
    const ranges = await reading.ranges()
    // What is not durable yet must not be told: a loss of power would take it away again (HAZARDS D1).
    if (storage.durability !== 'memory') await storage.write([])
    return ranges
  }
}

/** One page while it is read. */
class PageReading {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #request: ScanRequest
  #bytes = 0
  #records = 0
  #storedBytes = 0
  #step = firstStepRecords
  #sliceEndsMs: number

  constructor(storage: Storage, clock: Clock, request: ScanRequest) {
    this.#storage = storage
    this.#clock = clock
    this.#request = request
    this.#sliceEndsMs = clock.monotonicMs() + sliceMs
  }

  async ranges(): Promise<ScannedRange[]> {
    const { partitions, whole, prefix, after } = this.#request
    const ranges: ScannedRange[] = []
    for (let i = 0; i < partitions.length; i++) {
      const from = i === 0 && after !== undefined ? after : below(prefix)
      const range = await this.#range(partitions[i]!, from, whole[i]!)
      if (range.isComplete || range.records.length > 0) ranges.push(range)
      if (!range.isComplete || this.#records >= recordsMax) break
      await this.#letOthersThrough()
    }
    return ranges
  }

  async #range(partition: number, after: string, isWhole: boolean): Promise<ScannedRange> {
    const { prefix } = this.#request
    const records: ScannedRecord[] = []
    for (;;) {
      const limit = this.#step
      const read = this.#storage.scan(partition, { after, limit })
      const entries = read instanceof Promise ? await read : read
      for (const entry of entries) {
        if (!entry.key.startsWith(prefix)) return { records, isComplete: true }
        if (!this.#take(entry, isWhole, records)) return { records, isComplete: false }
      }
      if (entries.length < limit) return { records, isComplete: true }
      after = entries.at(-1)!.key
      this.#widen()
      await this.#letOthersThrough()
    }
  }

  /** False when the page is full. */
  #take({ key, value }: StorageEntry, isWhole: boolean, into: ScannedRecord[]): boolean {
    const { prefix, bytesMax } = this.#request
    const record = scanned(key, value, isWhole)
    const bytes = this.#bytes + scannedBytes(record, prefix)
    if (this.#records > 0 && (bytes > bytesMax || this.#records >= recordsMax)) return false
    this.#bytes = bytes
    this.#records += 1
    this.#storedBytes += value.length
    into.push(record)
    return true
  }

  /** More at a time, as far as what was read so far lets expect that it is not too much. */
  #widen(): void {
    const average = Math.max(1, this.#storedBytes / this.#records)
    const fitting = Math.max(1, Math.floor(stepBytesMax / average))
    this.#step = Math.min(stepRecordsMax, this.#step * 4, fitting)
  }

  async #letOthersThrough(): Promise<void> {
    if (this.#clock.monotonicMs() < this.#sliceEndsMs) return
    await new Promise<void>((resolve) => {
      this.#clock.after(0, resolve)
    })
    this.#sliceEndsMs = this.#clock.monotonicMs() + sliceMs
  }
}

/** What is told of a record: heads alone when it is not wanted whole, or too long for a page. */
function scanned(key: string, value: Uint8Array, isWhole: boolean): ScannedRecord {
  const stored = openStored(value, key)
  if (!(stored instanceof Uint8Array)) return { key, found: 'damaged' }
  const record = {
    form: 'record',
    bytes: stored,
    start: storedHeaderBytes,
    end: stored.length,
  } as const
  if (isWhole && record.end - record.start <= wholeBytesMax) return { key, found: record }
  const bytes = headsOf(record)
  return { key, found: { form: 'heads', bytes, start: 0, end: bytes.length } }
}

/**
 * A byte string below `prefix` and all that begins with it, and above every key that is less: keys are UTF-8, in which
 * the byte 255 does not occur.
 */
function below(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1)
  const head = prefix.slice(0, -1)
  return last === 0 ? head : `${head}${String.fromCharCode(last - 1)}\u00ff`
}
