/**
 * A scan as its consumer sees it: one key after the other, pages fetched as they are asked for, with one read ahead.
 * Whatever is held is let go when the consumer stops.
 */
import type { RecordView } from '../versions/record-heads.ts'
import type { ScanBatch, ScannedKey, ScanPosition } from '../coordinator/scan-merge.ts'
import { withSignal } from './abort.ts'

/**
 * The keys of a bucket, or their entries, one after the other. Can be gone through once; the end of a `for await`
 * that is left early ends it. After an error it has ended too, and another one goes on from `cursor`.
 */
export interface Scan<T> extends AsyncIterableIterator<T> {
  /**
   * Where the scan is: behind what it gave last. URL-safe; pass it as `after` to a scan of the same bucket with the
   * same prefix, on any node and after any change of the ring.
   */
  readonly cursor: string
  next(): Promise<IteratorResult<T, undefined>>
  return(): Promise<IteratorResult<T, undefined>>
  [Symbol.asyncIterator](): Scan<T>
  [Symbol.asyncDispose](): Promise<void>
}

/** Where the pages of a scan come from, and what it makes of them. */
export interface ScanSource<T> {
  /** Called once, before the first page. Where the scan begins. */
  begin(): Promise<ScanPosition>
  /** At most two are asked for at once. */
  page(from: ScanPosition): Promise<ScanBatch>
  /** Whether that is behind everything. */
  isEnd(position: ScanPosition): boolean
  /** Whether the key has to be read for itself, though owners agree. */
  isUnread(agreed: RecordView): boolean
  /** What the consumer gets of a key on which owners agree; undefined when it has no live value. */
  tell(key: ScannedKey, agreed: RecordView): T | undefined
  /** The same, by a read of the key. */
  read(key: ScannedKey): Promise<T | undefined>
  cursor(position: ScanPosition | undefined): string
  /** Nobody waits any more. */
  stop(): void
}

/** Most keys that are read for themselves at once, and most bytes of their values, one key excepted. */
const readsMax = 8
const readBytesMax = 4 * 1024 * 1024

const noBatch: ScanBatch = { keys: [], next: { partition: 0, after: undefined } }

/** One scan under way. */
export class BucketScan<T> implements Scan<T> {
  readonly #source: ScanSource<T>
  readonly #signal: AbortSignal | undefined
  /** Behind what was given last; undefined before the first page. */
  #position: ScanPosition | undefined
  #batch = noBatch
  /** Of the key that comes next. */
  #index = 0
  /** Undefined when there is none, and when it failed: then it is asked for when its time has come. */
  #ahead: Promise<ScanBatch | undefined> | undefined
  /** Reads of keys of this page, by their index. */
  readonly #reads: Map<number, Promise<T | undefined>> = new Map()
  #turn: Promise<unknown> = Promise.resolve()
  #isOver = false
  readonly #abort = (): void => this.#end()

  constructor(source: ScanSource<T>, signal: AbortSignal | undefined) {
    this.#source = source
    this.#signal = signal
  }

  get cursor(): string {
    return this.#source.cursor(this.#position)
  }

  /** Calls that do not wait for each other are served in turn. */
  next(): Promise<IteratorResult<T, undefined>> {
    const turn = this.#turn.then(() => this.#next())
    this.#turn = turn.catch(() => undefined)
    return withSignal(turn, this.#signal)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): Scan<T> {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    try {
      this.#signal?.throwIfAborted()
      while (!this.#isOver) {
        const found = await this.#step()
        if (found !== undefined && !this.#isOver) return { done: false, value: found }
      }
      return { done: true, value: undefined }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  /** Goes one key or one page on; what there is to give, if anything. */
  async #step(): Promise<T | undefined> {
    const { keys, next } = this.#batch
    if (this.#index < keys.length) return this.#passKey(keys[this.#index]!)
    if (this.#position === undefined) return this.#begin()
    this.#position = next
    if (this.#source.isEnd(next)) this.#end()
    else this.#turnPage((await this.#ahead) ?? (await this.#source.page(next)))
    return undefined
  }

  async #begin(): Promise<undefined> {
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
    const start = await this.#source.begin()
    this.#batch = { keys: [], next: start }
    this.#position = start
  }

  #turnPage(batch: ScanBatch): void {
    this.#ahead = undefined
    if (this.#isOver) return
    this.#batch = batch
    this.#index = 0
    if (batch.keys.length === 0 || this.#source.isEnd(batch.next)) return
    this.#ahead = this.#source.page(batch.next).catch(() => undefined)
  }

  async #passKey(key: ScannedKey): Promise<T | undefined> {
    const { agreed } = key
    const found = this.#mustBeRead(key)
      ? await this.#readOf(this.#index)
      : this.#source.tell(key, agreed!)
    if (this.#isOver) return undefined
    this.#reads.delete(this.#index)
    this.#index += 1
    this.#position = { partition: key.partition, after: key.key }
    return found
  }

  #mustBeRead({ agreed }: ScannedKey): boolean {
    return agreed === undefined || this.#source.isUnread(agreed)
  }

  /** The read of one key of the page; some of the next ones begin with it. */
  #readOf(index: number): Promise<T | undefined> {
    const { keys } = this.#batch
    let bytes = 0
    for (let i = index, count = 0; i < keys.length && count < readsMax; i++) {
      const key = keys[i]!
      if (!this.#mustBeRead(key)) continue
      bytes += key.valueBytes
      if (i > index && bytes > readBytesMax) break
      count += 1
      if (this.#reads.has(i)) continue
      const read = this.#source.read(key)
      read.catch(() => undefined)
      this.#reads.set(i, read)
    }
    return this.#reads.get(index)!
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#batch = noBatch
    this.#index = 0
    this.#ahead = undefined
    this.#reads.clear()
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#source.stop()
  }
}
