/** A bucket: what a service reads and writes through. Checks and encodes, then hands over to the coordinator. */
import { TimeoutError, UnavailableError } from '../base/errors.ts'
import { createEntry, type Entry, type EntryReader } from '../coordinator/entry.ts'
import { Gathering, type Gathered } from '../coordinator/gathering.ts'
import { startGets } from '../coordinator/many-gets.ts'
import { startPuts } from '../coordinator/many-puts.ts'
import { routePut } from '../coordinator/forward.ts'
import type { GetRequest, ReadResult } from '../coordinator/get-request.ts'
import { longValueBytes } from '../coordinator/long-values.ts'
import { startGet } from '../coordinator/quick-get.ts'
import { withOwnValue, type PutRequest } from '../coordinator/put-request.ts'
import type { Receipt } from '../coordinator/receipt.ts'
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
import { BucketRequests, type BucketSettings } from './bucket-requests.ts'
import { rejected, timeLeft, withSignal } from './abort.ts'
import type { KeyPlace } from './key-place.ts'
import type { Scan } from './bucket-scan.ts'
import { startInTurn } from './long-write.ts'
import { observed } from './observed.ts'
import { checkWrites, receiptsOf, type PutManyOptions, type PutManyWrite } from './put-many.ts'
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
  /**
   * Reads many keys at once, each as `get` does, with one request to each replica; rejects when one cannot be read.
   * @throws {OverloadedError} by rejection: with all of them too much would be under way; nothing was read.
   */
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
   * Writes many keys at once, each as `put` does, with one request to each replica: there is no order between them,
   * and no all or nothing. The keys must differ.
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
   * @throws {UnavailableError} fewer than R owners of some keys can be reached; fallbacks do not count.
   * @throws {TimeoutError} a page, or the read of a key that owners differ on, took longer than `timeoutMs`.
   * @throws {OverloadedError} this node, or the owners, have too much to do.
   * @throws {InvalidArgumentError} a wrong option, or a cursor of another scan.
   */
  entries(options?: ScanOptions): Scan<Entry<V>>
  /** The same, without the values: they are not even sent, where owners agree. */
  keys(options?: ScanOptions): Scan<string>
}

const noGetOptions: GetOptions = Object.freeze({})
const noPutOptions: PutOptions = Object.freeze({})
const noScanOptions: ScanOptions = Object.freeze({})

/** Whether an operation begins, or goes on with what was begun: a node that drains lets that happen. */
type Step = 'new' | 'begun'

/** A bucket of one node. Its operations reject, and never throw. */
export class NodeBucket<V> implements Bucket<V> {
  readonly name: string
  readonly #node: BucketNode
  readonly #settings: BucketSettings<V>
  readonly #requests: BucketRequests<V>
  readonly #reader: EntryReader<V>

  constructor(node: BucketNode, name: string, settings: BucketSettings<V>) {
    this.#node = node
    this.name = name
    this.#settings = settings
    this.#requests = new BucketRequests(node, name, settings)
    const { coordination } = node
    this.#reader = {
      codec: settings.codec,
      policy: settings.policy,
      binding: (key) => ({ cluster: coordination.cluster(), bucket: name, key }),
    }
  }

  get(key: string, options: GetOptions = noGetOptions): Promise<Entry<V>> {
    const { get } = this.#node.diagnostics
    if (!get.hasSubscribers) return this.#read(key, options)
    const about = { channel: get, bucket: this.name, key, options }
    return observed(this.#node, about, () => this.#read(key, options))
  }

  #read(key: string, options: GetOptions): Promise<Entry<V>> {
    try {
      if (options !== noGetOptions) checkGetOptions(options, this.#node.n())
      options.signal?.throwIfAborted()
      const place = this.#requests.place(key)
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
    const node = this.#node.coordination
    const request = this.#requests.get(key, place, options)
    this.#enter(1)
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
    if (options !== noGetOptions) checkGetOptions(options, this.#node.n())
    options.signal?.throwIfAborted()
    const distinct = [...new Set(keys)]
    const entries = await withSignal(this.#getMany(distinct, options), options.signal)
    return new Map(distinct.map((key, i) => [key, entries[i]!]))
  }

  async #getMany(keys: readonly string[], options: GetOptions): Promise<readonly Entry<V>[]> {
    if (keys.length === 0) return []
    const places = keys.map((key) => this.#requests.place(key))
    if (this.#begin('new') !== undefined)
      return Promise.all(keys.map((key) => this.get(key, options)))
    const requests = keys.map((key, i) => this.#requests.get(key, places[i]!, options))
    this.#enter(requests.length)
    const reads = new Gathering<Entry<V>>(requests.length, true)
    startGets(this.#node.coordination, requests, this.#told, reads)
    const { results } = await reads.promise
    return results as readonly Entry<V>[]
  }

  put(key: string, value: V, options: PutOptions = noPutOptions): Promise<Receipt> {
    return this.#put(key, value, options, 'new')
  }

  #put(key: string, value: V, options: PutOptions, step: Step): Promise<Receipt> {
    const { put } = this.#node.diagnostics
    if (!put.hasSubscribers) return this.#putNow(key, value, options, step)
    const about = { channel: put, bucket: this.name, key, options }
    return observed(this.#node, about, () => this.#putNow(key, value, options, step))
  }

  #putNow(key: string, value: V, options: PutOptions, step: Step): Promise<Receipt> {
    try {
      if (options !== noPutOptions) checkPutOptions(options, this.#node.n())
      this.#node.assertBearable()
      const place = this.#requests.place(key)
      return this.#write(this.#requests.put(key, place, value, options), options.signal, step)
    } catch (error) {
      return rejected(error)
    }
  }

  async putMany(
    writes: readonly PutManyWrite<V>[],
    options: PutManyOptions = noPutOptions,
  ): Promise<Map<string, Receipt>> {
    checkPutManyOptions(options, this.#node.n())
    checkWrites(writes)
    options.signal?.throwIfAborted()
    if (writes.length === 0) return new Map()
    const outcome = await withSignal(this.#putMany(writes, options), options.signal)
    return receiptsOf(writes, outcome)
  }

  #putMany(
    writes: readonly PutManyWrite<V>[],
    options: PutManyOptions,
  ): Promise<Gathered<Receipt>> {
    const node = this.#node.coordination
    const isAgreed = this.#begin('new') === undefined
    const all = new Gathering<Receipt>(writes.length, false)
    const requests = writes.map(({ key, value, context }, i) => {
      try {
        const each = context === undefined ? options : { ...options, context }
        if (each !== options) checkPutOptions(each, this.#node.n())
        const place = this.#requests.place(key)
        const request = withOwnValue(this.#requests.put(key, place, value, each))
        if (isAgreed && request.value.length >= longValueBytes) {
          all.await(i, this.#start(request))
        } else if (isAgreed) {
          this.#enter(1)
          node.stats.puts += 1
          return request
        } else {
          all.await(i, this.#putNow(key, value, each, 'new'))
        }
      } catch (error) {
        all.failed(i, error)
      }
      return undefined
    })
    startPuts(node, requests, all, this.#node.writeId)
    return all.promise
  }

  delete(key: string, options: DeleteOptions = noPutOptions): Promise<Receipt> {
    const channel = this.#node.diagnostics.delete
    if (!channel.hasSubscribers) return this.#delete(key, options)
    const about = { channel, bucket: this.name, key, options }
    return observed(this.#node, about, () => this.#delete(key, options))
  }

  #delete(key: string, options: DeleteOptions): Promise<Receipt> {
    try {
      if (options !== noPutOptions) checkDeleteOptions(options, this.#node.n())
      const put = this.#requests.delete(key, this.#requests.place(key), options)
      return this.#write(put, options.signal, 'new')
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
    return this.#put(key, value, { ...writing, context: entry.context }, 'begun')
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
      needed: (asked) => this.#requests.needed(asked ?? r),
      begin: () => this.#begin('new'),
      enter: () => this.#enter(1),
      entryOf: this.#entryOf,
    }
  }

  #write(put: PutRequest, signal: AbortSignal | undefined, step: Step): Promise<Receipt> {
    signal?.throwIfAborted()
    const agreed = this.#begin(step)
    const writing =
      agreed === undefined ? this.#start(put) : this.#node.underWay(this.#startAfter(agreed, put))
    return withSignal(writing, signal)
  }

  #start(put: PutRequest): Promise<Receipt> {
    const node = this.#node.coordination
    this.#enter(1)
    node.stats.puts += 1
    const { length } = put.value
    const turn = length < longValueBytes ? undefined : node.long.turn(length)
    if (turn === undefined) return routePut(node, put, this.#node.writeId)
    return startInTurn(this.#node, turn, withOwnValue(put))
  }

  /** The first write of a bucket waits for the agreement on its policy, within its own deadline. */
  async #startAfter(agreed: Promise<void>, asked: PutRequest): Promise<Receipt> {
    const put = withOwnValue(asked)
    const { timeoutMs, needed } = put
    const leftMs = await timeLeft(agreed, this.#node.coordination.clock, timeoutMs)
    if (leftMs > 0) return this.#start({ ...put, timeoutMs: leftMs })
    throw new UnavailableError(
      `the members did not tell within ${timeoutMs} ms how they opened the bucket "${this.name}"`,
      { needed, alive: 0 },
    )
  }

  /** Checks that the node takes work; a promise while the bucket's policy is being agreed on. */
  #begin(step: Step): Promise<void> | undefined {
    if (step === 'new') this.#node.assertOpen()
    return this.#node.agreed(this.name, this.#settings.policy.kind)
  }

  /** Counts operations in: all or none. @throws {ClosedError} @throws {OverloadedError} */
  #enter(count: number): void {
    this.#node.assertServing()
    this.#node.countIn(count)
  }
}
