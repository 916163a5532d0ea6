/** A member of the store, as its service sees it. */
import { EventEmitter } from 'node:events'
import { InvalidArgumentError } from '../base/errors.ts'
import { siblings } from '../ports/conflict-policy.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import { NodeBucket, type Bucket } from './bucket.ts'
import {
  bucketNameBytesMax,
  checkBucket,
  checkCloseOptions,
  checkRemoveOptions,
  checkRequestOptions,
  type BucketOptions,
  type RemoveOptions,
  type RequestOptions,
} from './bucket-options.ts'
import { withSignal } from './abort.ts'
import { balanceOf, type Balance } from './balance.ts'
import type { ChangeRequest } from './change-request.ts'
import type { CloseOptions, CloseOutcome } from './close.ts'
import type { Member, NodeEvents, RingView } from './events.ts'
import { explainKey, type Explanation } from './explain.ts'
import { KeyPlaces, type KeyPlace } from './key-place.ts'
import type { NodeCore } from './node-core.ts'
import { textProblem } from './option-checks.ts'
import { planChange, type ChangePlan } from './plan-change.ts'
import type { NodeStats } from './stats.ts'
import { leave, removeMember } from './topology.ts'

/** One member of a key's preference list. */
export interface Replica {
  readonly id: string
  readonly role: 'primary' | 'fallback'
}

/** A node of the cluster. Made by `createNode`. */
export class CoterieNode extends EventEmitter<NodeEvents> {
  readonly #core: NodeCore
  readonly #defaultCodec: ValueCodec<unknown>
  readonly #buckets: Map<string, Bucket<unknown>> = new Map()

  /** Not for callers: nodes come from `createNode`. */
  constructor(core: NodeCore, defaultCodec: ValueCodec<unknown>) {
    super()
    this.#core = core
    this.#defaultCodec = defaultCodec
  }

  /** Unique in the cluster; kept with the data. */
  get id(): string {
    return this.#core.identity.id
  }

  /** What another node puts into its seeds. */
  get address(): string {
    return this.#core.address
  }

  /**
   * Opens a bucket. The same name gives the same bucket; its conflict policy is part of the data.
   * @throws {InvalidArgumentError} for a wrong name or option.
   * @throws {ConflictPolicyError} when this node opened the bucket with another policy before; operations reject with
   * it when another node did.
   */
  bucket<V = unknown>(name: string, options: BucketOptions<V> = {}): Bucket<V> {
    this.#core.assertOpen()
    checkBucket(name, options as BucketOptions<unknown>, this.#core.n())
    const policy = options.conflicts ?? siblings<V>()
    this.#core.policies.open(name, policy.kind)
    const isPlain = Object.keys(options).length === 0
    const opened = isPlain ? this.#buckets.get(name) : undefined
    if (opened !== undefined) return opened as Bucket<V>
    const { r, w, sloppy, readRepair } = this.#core.options
    const bucket = new NodeBucket<V>(this.#core, name, {
      policy,
      codec: options.codec ?? (this.#defaultCodec as ValueCodec<V>),
      r: options.r ?? r,
      w: options.w ?? w,
      sloppy: options.sloppy ?? sloppy,
      readRepair: options.readRepair ?? readRepair,
      ttlMs: options.ttlMs,
    })
    if (isPlain) this.#buckets.set(name, bucket)
    return bucket
  }

  /** The members of the ring, sorted by id, as this node sees them now. */
  members(): readonly Member[] {
    return this.#core.members()
  }

  /** The ring in force here. */
  ring(): RingView {
    return this.#core.ringView()
  }

  /** Who is responsible for a key: its owners in the order of the ring, then those that stand in for them. */
  preferenceList(bucket: string, key: string): readonly Replica[] {
    const ring = this.#core.coordination.ring()
    const { partition } = this.#placeOf(bucket, key)
    const owners = ring.replicas(partition)
    return ring.preferenceList(partition).map((id) => ({
      id,
      role: owners.includes(id) ? 'primary' : 'fallback',
    }))
  }

  /** @throws {InvalidArgumentError} @throws {LimitError} */
  #placeOf(bucket: string, key: string): KeyPlace {
    const problem = textProblem(bucket, bucketNameBytesMax)
    if (problem !== undefined) throw new InvalidArgumentError('bucket', problem)
    const { partitions } = this.#core.coordination.ring()
    return new KeyPlaces(bucket, this.#core.limits.keyBytesMax).place(key, partitions)
  }

  /**
   * Tells how things stand with one key: who owns it, what each of them and of those that stand in really stores, for
   * whom hints are kept, and whether and why the owners hold the same, in words. Reads no value, and repairs nothing.
   * All of them are asked, the first 64 of the preference list at most; one that does not answer is told so.
   * @param options.timeoutMs how long their answers are waited for. @default 2_000
   * @throws {InvalidArgumentError} by rejection, for a wrong bucket, key or option.
   * @throws {ClosedError} by rejection.
   */
  async explain(bucket: string, key: string, options: RequestOptions = {}): Promise<Explanation> {
    checkRequestOptions(options)
    options.signal?.throwIfAborted()
    const place = { bucket, key, ...this.#placeOf(bucket, key) }
    return withSignal(explainKey(this.#core, place, options), options.signal)
  }

  /** Every counter and gauge: one plain snapshot, safe for JSON. */
  stats(): NodeStats {
    return this.#core.stats()
  }

  /**
   * Tells how evenly ownership, operations and bytes lie on the members, by weight: the load rate of each, 1 where it
   * bears what its weight says, and the balance coefficient of all, which for ownership is `ring().balance`. All are
   * asked. One that does not answer is named, and no error.
   * @param options.timeoutMs how long their answers are waited for. @default 2_000
   * @throws {ClosedError} by rejection.
   */
  async balance(options: RequestOptions = {}): Promise<Balance> {
    checkRequestOptions(options)
    options.signal?.throwIfAborted()
    return withSignal(balanceOf(this.#core, options), options.signal)
  }

  /**
   * Tells what a change of the ring would do, and changes nothing: which partitions would move from whom to whom, about
   * how many bytes, how even the ring would be, and which partitions have fewer than N copies meanwhile. Owners of what
   * would move are asked how much they store; each reads 20 000 records, 32 MiB or for a second at most.
   * @param options.timeoutMs how long their answers are waited for. @default 2_000
   * @throws {InvalidArgumentError} by rejection, for a change that the ring could not take.
   * @throws {ClosedError} by rejection. Members that do not answer are no error.
   */
  async planChange(change: ChangeRequest, options: RequestOptions = {}): Promise<ChangePlan> {
    checkRequestOptions(options)
    options.signal?.throwIfAborted()
    return withSignal(planChange(this.#core, change, options), options.signal)
  }

  /**
   * Leaves the cluster for good: gives up its share of the ring, hands its data over, and closes. Its store can never
   * come back; start it with an empty one to join again. A node that dies before it is out, and is started again, takes
   * its leave back and is a member as before.
   * @param options.timeoutMs for each of its two changes of the ring. @default 10_000
   * @throws {TopologyBusyError} by rejection, when others change the ring for longer; the node stays a member.
   * @throws {UnavailableError} by rejection, when no majority of the members answers, or its data does not get on: it
   * stays a member, perhaps without a share, and `leave()` may be called again.
   */
  async leave(options: RequestOptions = {}): Promise<void> {
    checkRequestOptions(options)
    await leave(this.#core, options)
    await this.close()
  }

  /**
   * Removes a member that will not come back, without its data: the others fill its place. Its store can never come
   * back.
   * @param options.force also when the member answers, or when fewer than N members are left.
   * @throws {InvalidArgumentError} by rejection, when there is no such member, or it answers and `force` is not given.
   * @throws {UnavailableError} by rejection, when fewer than N members would be left and `force` is not given, or no
   * majority of the members answers.
   */
  async removeMember(id: string, options: RemoveOptions = {}): Promise<void> {
    checkRemoveOptions(options)
    await removeMember(this.#core, id, options)
  }

  /**
   * Closes the node for a restart: finishes what is under way for up to a second, keeps hints for what is not, and lets
   * go of everything. With `drain` it first makes sure that nothing depends on this node alone, for up to 10 s, and
   * tells what it had to leave behind: that stays on its disk until it is back. Idempotent; a plain `close()` ends a
   * draining.
   * @throws {InvalidArgumentError} by rejection, for a wrong option; then nothing happened.
   */
  close(options: CloseOptions & { readonly drain: true }): Promise<CloseOutcome>
  close(options?: CloseOptions): Promise<void>
  async close(options: CloseOptions = {}): Promise<CloseOutcome | void> {
    checkCloseOptions(options)
    return this.#core.close(options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
