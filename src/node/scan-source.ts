/** Makes the scans of one bucket: brings what the coordinator lists to what the consumer asks for. */
import { InvalidArgumentError, TimeoutError } from '../base/errors.ts'
import { kindsDiffer, type ReadRecord } from '../coordinator/divergence.ts'
import type { Entry } from '../coordinator/entry.ts'
import type {
  GetRequest,
  ReadRepairMode,
  ReadResult,
  TellResult,
} from '../coordinator/get-request.ts'
import { startGet } from '../coordinator/quick-get.ts'
import { ScanReader, type ScanQuery } from '../coordinator/scan.ts'
import { decodeCursor, encodeCursor, type CursorBinding } from '../coordinator/scan-cursor.ts'
import type { ScanBatch, ScannedKey, ScanPosition } from '../coordinator/scan-merge.ts'
import { splitStorageKey, storageKeyBytes } from '../replica/places.ts'
import { hasOverdue, hasValue, type RecordView } from '../versions/record-heads.ts'
import { kindNumber } from '../versions/record-layout.ts'
import type { RecordKind } from '../versions/sibling-set.ts'
import { timeLeft } from './abort.ts'
import type { BucketNode } from './bucket-node.ts'
import { BucketScan, type Scan, type ScanSource } from './bucket-scan.ts'
import { checkScanOptions, type ScanOptions } from './scan-options.ts'

/** What scans need of their bucket. */
export interface ScannedBucket<V> {
  readonly name: string
  readonly node: BucketNode
  readonly kind: RecordKind
  readonly readRepair: ReadRepairMode
  /** R of the options, or of the bucket. */
  needed(r: ScanOptions['r']): number
  /** Checks that the node takes work; a promise while the bucket's policy is being agreed on. */
  begin(): Promise<void> | undefined
  /** Counts an operation in. @throws {ClosedError} @throws {OverloadedError} */
  enter(): void
  entryOf(request: Pick<GetRequest, 'key'>, found: ReadResult): Entry<V>
}

/** What a scan gives of each key. */
interface Telling<T> {
  /** Whether it takes the values. */
  readonly isWhole: boolean
  tell(key: string, record: RecordView): T | undefined
  readonly told: TellResult<T | undefined>
}

/** `Bucket.entries`. */
export function scanEntries<V>(bucket: ScannedBucket<V>, options: ScanOptions): Scan<Entry<V>> {
  const live = (entry: Entry<V>): Entry<V> | undefined => (entry.found ? entry : undefined)
  return scan(bucket, options, {
    isWhole: true,
    tell: (key, record) => live(bucket.entryOf({ key }, record)),
    told: (request, found) => live(bucket.entryOf(request, found)),
  })
}

/** `Bucket.keys`. */
export function scanKeys<V>(bucket: ScannedBucket<V>, options: ScanOptions): Scan<string> {
  return scan(bucket, options, {
    isWhole: false,
    tell: (key, record) => (hasValue(record) ? key : undefined),
    told: ({ key }, found) =>
      found !== undefined && hasValue(recordView(found)) ? key : undefined,
  })
}

function recordView({ bytes, start, end }: ReadRecord): RecordView {
  return { form: 'record', bytes, start, end }
}

function scan<V, T>(bucket: ScannedBucket<V>, options: ScanOptions, telling: Telling<T>): Scan<T> {
  const signal = (options as ScanOptions | null)?.signal
  const source = new BucketScanSource(bucket, options, telling)
  return new BucketScan(source, signal instanceof AbortSignal ? signal : undefined)
}

class BucketScanSource<V, T> implements ScanSource<T> {
  readonly #bucket: ScannedBucket<V>
  readonly #options: ScanOptions
  readonly #telling: Telling<T>
  #reader: ScanReader | undefined

  constructor(bucket: ScannedBucket<V>, options: ScanOptions, telling: Telling<T>) {
    this.#bucket = bucket
    this.#options = options
    this.#telling = telling
  }

  async begin(): Promise<ScanPosition> {
    const { name, node, kind } = this.#bucket
    checkScanOptions(this.#options, node.n())
    const { prefix = '', after, r } = this.#options
    await this.#agreed()
    const position = after === undefined ? start : decodeCursor(this.#binding(), after)
    if (position === undefined) {
      const problem = 'is damaged, or the cursor of a scan of another cluster, bucket or prefix'
      throw new InvalidArgumentError('after', problem)
    }
    const query: ScanQuery = {
      bucket: name,
      kind,
      prefix: storageKeyBytes(name, prefix).toString('latin1'),
      isWhole: this.#telling.isWhole,
      needed: this.#bucket.needed(r),
      timeoutMs: this.#timeoutMs,
    }
    const assertOpen = (): void => node.assertOpen()
    this.#reader = new ScanReader(node.coordination, node.scanPages, query, assertOpen)
    return position
  }

  async #agreed(): Promise<void> {
    const agreed = this.#bucket.begin()
    if (agreed === undefined) return
    const afterMs = this.#timeoutMs
    if ((await timeLeft(agreed, this.#bucket.node.coordination.clock, afterMs)) > 0) return
    const { name } = this.#bucket
    throw new TimeoutError(
      `the members did not tell within ${afterMs} ms how they opened the bucket "${name}"`,
      { afterMs },
    )
  }

  async page(from: ScanPosition): Promise<ScanBatch> {
    const { stats } = this.#bucket.node.coordination
    this.#bucket.enter()
    stats.scanPages += 1
    try {
      return await this.#reader!.page(from)
    } finally {
      stats.inFlight -= 1
    }
  }

  isEnd({ partition }: ScanPosition): boolean {
    return partition >= this.#bucket.node.coordination.ring().partitions
  }

  /** A value that was left out, or one whose time has passed: a read ends it for all. */
  isUnread(agreed: RecordView): boolean {
    if (this.#telling.isWhole && agreed.form === 'heads') return true
    return hasOverdue(agreed, this.#bucket.node.coordination.clock.wallMs())
  }

  tell({ key: storageKey }: ScannedKey, agreed: RecordView): T | undefined {
    const { name, kind } = this.#bucket
    if (agreed.bytes[agreed.start + 1] !== kindNumber[kind]) throw kindsDiffer(name)
    return this.#telling.tell(splitStorageKey(storageKey).key, agreed)
  }

  async read({ partition, key: storageKey }: ScannedKey): Promise<T | undefined> {
    const { name, node, kind, readRepair } = this.#bucket
    const request: GetRequest = {
      bucket: name,
      key: splitStorageKey(storageKey).key,
      partition,
      storageKey,
      kind,
      needed: this.#bucket.needed(this.#options.r),
      sloppy: false,
      readRepair: this.#options.readRepair ?? readRepair,
      timeoutMs: this.#timeoutMs,
    }
    this.#bucket.enter()
    node.coordination.stats.gets += 1
    return startGet(node.coordination, request, this.#telling.told)
  }

  cursor(position: ScanPosition | undefined): string {
    if (position !== undefined) return encodeCursor(this.#binding(), position)
    return this.#options.after ?? encodeCursor(this.#binding(), start)
  }

  stop(): void {
    this.#reader?.stop()
  }

  #binding(): CursorBinding {
    const { name, node } = this.#bucket
    return {
      cluster: node.coordination.cluster(),
      bucket: name,
      prefix: this.#options.prefix ?? '',
    }
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? this.#bucket.node.timeoutMs
  }
}

const start: ScanPosition = { partition: 0, after: undefined }
