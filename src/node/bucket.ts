/** A bucket: what a service reads and writes through. Checks and encodes, then hands over to the coordinator. */
import { OverloadedError, TimeoutError, UnavailableError } from '../base/errors.ts'
import type { ConflictPolicy } from '../ports/conflict-policy.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { quorumSize } from '../quorum/quorum-size.ts'
import { createEntry, type Entry, type EntryReader } from '../coordinator/entry.ts'
import { routePut } from '../coordinator/forward.ts'
import type { GetRequest, ReadRepairMode, ReadResult } from '../coordinator/get-request.ts'
import { longValueBytes } from '../coordinator/long-values.ts'
import { startGet } from '../coordinator/quick-get.ts'
import type { PutRequest } from '../coordinator/put-request.ts'
import type { Receipt } from '../coordinator/receipt.ts'
import { emptyContext } from '../versions/causal-context.ts'
import { contentOf, type Context, type ContextContent } from '../versions/context.ts'
import { readStamp } from '../versions/record-codec.ts'
import type { BucketNode } from './bucket-node.ts'
import {
  checkDeleteOptions,
  checkGetOptions,
  checkKeys,
  checkPutManyOptions,
  checkPutOptions,
  checkUpdate,
  type DeleteOptions,
  type GetOptions,
  type PutOptions,
  type UpdateOptions,
} from './bucket-options.ts'
import { timeLeft, withSignal } from './abort.ts'
import { KeyPlaces, type KeyPlace } from './key-place.ts'
import type { Scan } from './bucket-scan.ts'
import { encodeValue } from './encode-value.ts'
import { startInTurn } from './long-write.ts'
import { putMany, type PutManyOptions, type PutManyWrite } from './put-many.ts'
import type { Quorum } from './options.ts'
import type { ScanOptions } from './scan-options.ts'
import { scanEntries, scanKeys, type ScannedBucket } from './scan-source.ts'

/** Keys and values under one name, with one conflict policy. */
export interface Bucket<V> {
  readonly name: string
  /**
   * Reads a key.
   * @throws {UnavailableError} by rejection, as all of these: fewer than R replicas can be reached.
   * @throws {TimeoutError} the deadline passed.
   */
  get(key: string, options?: GetOptions): Promise<Entry<V>>
  /** Reads many keys at once; rejects when one of them cannot be read. */
  getMany(keys: readonly string[], options?: GetOptions): Promise<Map<string, Entry<V>>>
  /**
   * Writes a key.
   *
   * Context given: the write replaces exactly what the context covers; anything else stays beside it as a sibling.
   * Context omitted: it replaces what the coordinating replica holds; values written meanwhile through other replicas
   * stay as siblings. Context null: it replaces nothing, and is always one more sibling.
   *
   * @throws {UnavailableError} by rejection, as all of these: fewer than W replicas can be reached; nothing changed.
   * @throws {WriteUncertainError} fewer than W acknowledged in time; some hold it and it may surface.
   */
  put(key: string, value: V, options?: PutOptions): Promise<Receipt>
  /**
   * Writes many keys at once, each as `put` does: there is no order between them, and no all or nothing. The keys must
   * differ.
   * @throws {PartialWriteError} by rejection, once all have ended: some failed. It tells what became of each.
   * @throws {InvalidArgumentError} by rejection: no list of writes to different keys; nothing happened.
   */
  putMany(
    writes: readonly PutManyWrite<V>[],
    options?: PutManyOptions,
  ): Promise<Map<string, Receipt>>
  /**
   * Reads, changes, and writes with the context that was read: concurrent updates stay as siblings.
   * @param change gets the live values: none, one, or the concurrent ones; in a `merge` bucket, the merged one.
   */
  update(
    key: string,
    change: (siblings: readonly V[]) => V | Promise<V>,
    options?: UpdateOptions,
  ): Promise<Receipt>
  /** Writes a tombstone; contexts mean the same as for `put`. */
  delete(key: string, options?: DeleteOptions): Promise<Receipt>
  /**
   * Every key of the bucket that has a live value, and its entry, in an order of the store's own. Not a snapshot: a key
   * that is there during the whole scan comes exactly once, also while the ring changes; one that is written or deleted
   * meanwhile may come or not. Pages are fetched as they are asked for, one ahead. Costs about as much as reading
   * every record of the bucket, deleted ones included, on R owners.
   *
   * The iterator rejects with these errors, and has ended then; a new scan goes on from its `cursor`:
   * @throws {UnavailableError} fewer than R owners of some keys can be reached; stand-ins do not count.
   * @throws {TimeoutError} a page, or the read of a key that owners differ on, took longer than `timeoutMs`.
   * @throws {OverloadedError} this node, or the owners, have too much to do.
   * @throws {InvalidArgumentError} a wrong option, or a cursor of another scan.
   */
  entries(options?: ScanOptions): Scan<Entry<V>>
  /** The same, without the values: they are not even sent, where owners agree. */
  keys(options?: ScanOptions): Scan<string>
}

/** Settled options of a bucket. */
export interface BucketSettings<V> {
  readonly policy: ConflictPolicy<V>
  readonly codec: ValueCodec<V>
  readonly r: Quorum
  readonly w: Quorum
  readonly sloppy: boolean
  readonly readRepair: ReadRepairMode
  readonly ttlMs: number | undefined
}

const noGetOptions: GetOptions = Object.freeze({})
const noPutOptions: PutOptions = Object.freeze({})
const noScanOptions: ScanOptions = Object.freeze({})
const noValue = new Uint8Array(0)

/** Whether an operation begins, or goes on with what was begun: a node that drains lets that happen. */
type Step = 'new' | 'begun'

/** A bucket of one node. Its operations reject, and never throw. */
export class NodeBucket<V> implements Bucket<V> {
  readonly name: string
  readonly #node: BucketNode
  readonly #settings: BucketSettings<V>
  readonly #places: KeyPlaces
  readonly #reader: EntryReader<V>

  constructor(node: BucketNode, name: string, settings: BucketSettings<V>) {
    this.#node = node
    this.name = name
    this.#settings = settings
    this.#places = new KeyPlaces(name, node.limits.keyBytesMax)
    const { coordination } = node
    this.#reader = {
      codec: settings.codec,
      policy: settings.policy,
      binding: (key) => ({ cluster: coordination.cluster(), bucket: name, key }),
    }
  }

  get(key: string, options: GetOptions = noGetOptions): Promise<Entry<V>> {
    try {
      if (options !== noGetOptions) checkGetOptions(options, this.#node.n())
      options.signal?.throwIfAborted()
      const place = this.#places.place(key, this.#partitions())
      const agreed = this.#begin('new')
      const reading =
        agreed === undefined
          ? this.#get(key, place, options)
          : this.#node.underWay(
              this.#getAfter(agreed, options, (left) => this.#get(key, place, left)),
            )
      return withSignal(reading, options.signal)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The first read of a bucket waits for the agreement on its policy, within its own deadline. */
  async #getAfter(
    agreed: Promise<void>,
    options: GetOptions,
    read: (options: GetOptions) => Promise<Entry<V>>,
  ): Promise<Entry<V>> {
    const afterMs = options.timeoutMs ?? this.#node.timeoutMs
    const leftMs = await timeLeft(agreed, this.#node.coordination.clock, afterMs)
    const late = (cause?: unknown): TimeoutError =>
      new TimeoutError(`no quorum of replicas answered within ${afterMs} ms`, { afterMs, cause })
    if (leftMs === 0) throw late()
    return read({ ...options, timeoutMs: leftMs }).catch((error: unknown) => {
      throw error instanceof TimeoutError ? late(error) : error
    })
  }

  #get(key: string, place: KeyPlace, options: GetOptions): Promise<Entry<V>> {
    const { policy, r, sloppy, readRepair } = this.#settings
    const node = this.#node.coordination
    const request: GetRequest = {
      bucket: this.name,
      key,
      partition: place.partition,
      storageKey: place.storageKey,
      kind: policy.kind,
      needed: this.#needed(options.r ?? r),
      sloppy: options.sloppy ?? sloppy,
      readRepair: options.readRepair ?? readRepair,
      timeoutMs: options.timeoutMs ?? this.#node.timeoutMs,
    }
    this.#enter()
    node.stats.gets += 1
    return startGet(node, request, this.#told)
  }

  /** The entry of a long value waits for its turn. */
  readonly #told = (request: GetRequest, found: ReadResult): Entry<V> | Promise<Entry<V>> => {
    const length = found === undefined ? 0 : found.end - found.start
    if (length < longValueBytes) return this.#entryOf(request, found)
    const { bytes, start, end } = found!
    const turn = this.#node.coordination.long.turn(length)
    if (turn === undefined) return this.#entryOf(request, found)
    return turn.then(() => this.#entryOf(request, { bytes, start, end }))
  }

  readonly #entryOf = ({ key }: Pick<GetRequest, 'key'>, found: ReadResult): Entry<V> => {
    const { policy } = this.#settings
    if (policy.kind === 'lww' && found !== undefined) {
      const { hybridClock, clock } = this.#node.coordination
      hybridClock.observe(clock.wallMs(), readStamp(found.bytes, found.start))
    }
    return createEntry(key, found, this.#reader, 0)
  }

  async getMany(
    keys: readonly string[],
    options: GetOptions = noGetOptions,
  ): Promise<Map<string, Entry<V>>> {
    checkKeys(keys)
    const distinct = [...new Set(keys)]
    const entries = await Promise.all(distinct.map((key) => this.get(key, options)))
    return new Map(distinct.map((key, i) => [key, entries[i]!]))
  }

  put(key: string, value: V, options: PutOptions = noPutOptions): Promise<Receipt> {
    try {
      if (options !== noPutOptions) checkPutOptions(options, this.#node.n())
      const place = this.#places.place(key, this.#partitions())
      return this.#write(key, place, this.#encode(key, value), options)
    } catch (error) {
      return rejected(error)
    }
  }

  async putMany(
    writes: readonly PutManyWrite<V>[],
    options: PutManyOptions = noPutOptions,
  ): Promise<Map<string, Receipt>> {
    checkPutManyOptions(options, this.#node.n())
    return putMany(writes, options, (key, value, each) => this.put(key, value, each))
  }

  delete(key: string, options: DeleteOptions = noPutOptions): Promise<Receipt> {
    try {
      if (options !== noPutOptions) checkDeleteOptions(options, this.#node.n())
      return this.#write(key, this.#places.place(key, this.#partitions()), undefined, options)
    } catch (error) {
      return rejected(error)
    }
  }

  update(
    key: string,
    change: (siblings: readonly V[]) => V | Promise<V>,
    options: UpdateOptions = noPutOptions,
  ): Promise<Receipt> {
    return this.#node.underWay(this.#update(key, change, options))
  }

  async #update(
    key: string,
    change: (siblings: readonly V[]) => V | Promise<V>,
    options: UpdateOptions,
  ): Promise<Receipt> {
    checkUpdate(change, options, this.#node.n())
    const { w: _w, ttlMs: _ttlMs, ...reading } = options
    const entry = await this.get(key, reading)
    const merged = this.#settings.policy.kind === 'merge' && entry.siblings.length > 1
    const changed = change(merged ? [entry.value() as V] : entry.siblings)
    const value = await withSignal(Promise.resolve(changed), options.signal)
    const { r: _r, readRepair: _readRepair, ...writing } = options
    const place = this.#places.place(key, this.#partitions())
    const put = { ...writing, context: entry.context }
    return this.#write(key, place, this.#encode(key, value), put, 'begun')
  }

  entries(options: ScanOptions = noScanOptions): Scan<Entry<V>> {
    return scanEntries(this.#scanned(), options)
  }

  keys(options: ScanOptions = noScanOptions): Scan<string> {
    return scanKeys(this.#scanned(), options)
  }

  #scanned(): ScannedBucket<V> {
    const { policy, r, readRepair } = this.#settings
    return {
      name: this.name,
      node: this.#node,
      kind: policy.kind,
      readRepair,
      needed: (asked) => this.#needed(asked ?? r),
      begin: () => this.#begin('new'),
      enter: () => this.#enter(),
      entryOf: this.#entryOf,
    }
  }

  #encode(key: string, value: V): Uint8Array {
    const allowed = this.#node.limits.valueBytesMax
    return encodeValue(this.#settings.codec, value, { key, allowed })
  }

  #write(
    key: string,
    place: KeyPlace,
    value: Uint8Array | undefined,
    options: PutOptions,
    step: Step = 'new',
  ): Promise<Receipt> {
    options.signal?.throwIfAborted()
    const { policy, w, sloppy, ttlMs } = this.#settings
    const node = this.#node.coordination
    const tombstone = value === undefined
    const lifetimeMs = tombstone ? undefined : (options.ttlMs ?? ttlMs)
    const put: PutRequest = {
      bucket: this.name,
      key,
      partition: place.partition,
      storageKey: place.storageKey,
      kind: policy.kind,
      value: value ?? noValue,
      tombstone,
      expiresAtMs: lifetimeMs === undefined ? 0 : expiryAfter(lifetimeMs, node.clock.wallMs()),
      replaces: this.#replaces(key, options.context),
      needed: this.#needed(options.w ?? w),
      sloppy: options.sloppy ?? sloppy,
      timeoutMs: options.timeoutMs ?? this.#node.timeoutMs,
    }
    const agreed = this.#begin(step)
    const writing =
      agreed === undefined ? this.#start(put) : this.#node.underWay(this.#startAfter(agreed, put))
    return withSignal(writing, options.signal)
  }

  #start(put: PutRequest): Promise<Receipt> {
    const node = this.#node.coordination
    this.#enter()
    node.stats.puts += 1
    const { length } = put.value
    const turn = length < longValueBytes ? undefined : node.long.turn(length)
    if (turn === undefined) return routePut(node, put, this.#node.writeId)
    return startInTurn(this.#node, turn, put)
  }

  /** The first write of a bucket waits for the agreement on its policy, within its own deadline. */
  async #startAfter(agreed: Promise<void>, put: PutRequest): Promise<Receipt> {
    const { timeoutMs, needed } = put
    const leftMs = await timeLeft(agreed, this.#node.coordination.clock, timeoutMs)
    if (leftMs > 0) return this.#start({ ...put, timeoutMs: leftMs })
    throw new UnavailableError(
      `the members did not tell within ${timeoutMs} ms how they opened the bucket "${this.name}"`,
      { needed, alive: 0 },
    )
  }

  #replaces(key: string, context: Context | string | null | undefined): 'all' | ContextContent {
    if (context === undefined) return 'all'
    if (context === null) return { causal: emptyContext, stamp: 0 }
    const cluster = this.#node.coordination.cluster()
    return contentOf(context, { cluster, bucket: this.name, key })
  }

  /** Checks that the node takes work; a promise while the bucket's policy is being agreed on. */
  #begin(step: Step): Promise<void> | undefined {
    if (step === 'new') this.#node.assertOpen()
    return this.#node.agreed(this.name, this.#settings.policy.kind)
  }

  /** Counts the operation in. @throws {ClosedError} @throws {OverloadedError} */
  #enter(): void {
    this.#node.assertServing()
    const { stats } = this.#node.coordination
    const { inFlightMax } = this.#node.limits
    if (stats.inFlight >= inFlightMax) {
      throw new OverloadedError(`${inFlightMax} operations are under way: try again later`)
    }
    stats.inFlight += 1
  }

  #partitions(): number {
    return this.#node.coordination.ring().partitions
  }

  #needed(quorum: Quorum): number {
    const { n } = this.#node.coordination.ring()
    return Math.min(quorumSize(quorum, n), n)
  }
}

/** An instant above 0, which means never, also when the clock says that it is before 1970. */
function expiryAfter(lifetimeMs: number, wallMs: number): number {
  return Math.max(wallMs + lifetimeMs, Number.MIN_VALUE)
}

/** As a rejection: a method that returns a promise never throws. */
function rejected(error: unknown): Promise<never> {
  return new Promise(() => {
    throw error
  })
}
