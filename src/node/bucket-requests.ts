/** What the operations of a bucket ask the coordinator for: keys placed, values encoded, every option settled. */
import type { GetRequest, ReadRepairMode } from '../coordinator/get-request.ts'
import type { PutRequest } from '../coordinator/put-request.ts'
import type { ConflictPolicy } from '../ports/conflict-policy.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { quorumSize } from '../quorum/quorum-size.ts'
import { emptyContext } from '../versions/causal-context.ts'
import { contentOf, type Context, type ContextContent } from '../versions/context.ts'
import type { BucketNode } from './bucket-node.ts'
import type { GetOptions, PutOptions } from './bucket-options.ts'
import { encodeValue } from './encode-value.ts'
import { KeyPlaces, type KeyPlace } from './key-place.ts'
import type { Quorum } from './options.ts'

const noValue = new Uint8Array(0)

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

/** Makes the requests of one bucket. */
export class BucketRequests<V> {
  readonly #node: BucketNode
  readonly #name: string
  readonly #settings: BucketSettings<V>
  readonly #places: KeyPlaces

  constructor(node: BucketNode, name: string, settings: BucketSettings<V>) {
    this.#node = node
    this.#name = name
    this.#settings = settings
    this.#places = new KeyPlaces(name, node.limits.keyBytesMax)
  }

  /** Where a key belongs. @throws {InvalidArgumentError} @throws {LimitError} */
  place(key: string): KeyPlace {
    return this.#places.place(key, this.#node.coordination.ring().partitions)
  }

  /** How many replicas a quorum is, in a cluster that may be smaller than N. */
  needed(quorum: Quorum): number {
    const { n } = this.#node.coordination.ring()
    return Math.min(quorumSize(quorum, n), n)
  }

  /** A read. */
  get(key: string, place: KeyPlace, options: GetOptions): GetRequest {
    const { policy, r, sloppy, readRepair } = this.#settings
    return {
      bucket: this.#name,
      key,
      partition: place.partition,
      storageKey: place.storageKey,
      kind: policy.kind,
      needed: this.needed(options.r ?? r),
      sloppy: options.sloppy ?? sloppy,
      readRepair: options.readRepair ?? readRepair,
      timeoutMs: this.#timeoutMs(options.timeoutMs),
    }
  }

  /** A write. @throws {CodecError} @throws {LimitError} @throws {InvalidContextError} */
  put(key: string, place: KeyPlace, value: V, options: PutOptions): PutRequest {
    const allowed = this.#node.limits.valueBytesMax
    const bytes = encodeValue(this.#settings.codec, value, { key, allowed })
    return this.#write(key, place, bytes, options, (bytes as unknown) === value)
  }

  /** A write of a tombstone. @throws {InvalidContextError} */
  delete(key: string, place: KeyPlace, options: PutOptions): PutRequest {
    return this.#write(key, place, undefined, options, false)
  }

  #write(
    key: string,
    place: KeyPlace,
    value: Uint8Array | undefined,
    options: PutOptions,
    isBorrowed: boolean,
  ): PutRequest {
    const { policy, w, sloppy, ttlMs } = this.#settings
    const tombstone = value === undefined
    const lifetimeMs = tombstone ? undefined : (options.ttlMs ?? ttlMs)
    const { clock } = this.#node.coordination
    return {
      bucket: this.#name,
      key,
      partition: place.partition,
      storageKey: place.storageKey,
      kind: policy.kind,
      value: value ?? noValue,
      isBorrowed,
      tombstone,
      expiresAtMs: lifetimeMs === undefined ? 0 : expiryAfter(lifetimeMs, clock.wallMs()),
      replaces: this.#replaces(key, options.context),
      needed: this.needed(options.w ?? w),
      sloppy: options.sloppy ?? sloppy,
      timeoutMs: this.#timeoutMs(options.timeoutMs),
    }
  }

  #timeoutMs(given: number | undefined): number {
    if (given === undefined) return this.#node.timeoutMs
    this.#node.mayTake(given)
    return given
  }

  #replaces(key: string, context: Context | string | null | undefined): 'all' | ContextContent {
    if (context === undefined) return 'all'
    if (context === null) return { causal: emptyContext, stamp: 0 }
    const cluster = this.#node.coordination.cluster()
    return contentOf(context, { cluster, bucket: this.#name, key })
  }
}

/** An instant above 0, which means never, also when the clock says that it is before 1970. */
function expiryAfter(lifetimeMs: number, wallMs: number): number {
  return Math.max(wallMs + lifetimeMs, Number.MIN_VALUE)
}
