/**
 * Many reads at once. The common way of each is that of `quick-get.ts`: this node owns a copy, or knows that it has
 * none, and one other owner has to say that its own is the same. Those that ask the same owner share one frame, one
 * answer and one deadline. A read to which anything else happens leaves the others and goes on as a `GetOperation`.
 */
import type { StoreError } from '../base/errors.ts'
import { ProtocolError } from '../base/errors.ts'
import type { LentRegion, RegionHold } from '../ports/storage.ts'
import { look } from '../replica/replica-store.ts'
import { storedHeaderBytes, type Stored } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import {
  AnswersReader,
  askAlone,
  batchBytesMax,
  getsItemBytes,
  GetsFrame,
} from '../rpc/batch-frame.ts'
import type { Channel } from '../rpc/channel.ts'
import { frameType } from '../rpc/frame.ts'
import type { PeerLoad } from '../rpc/peer-load.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { kindNumber } from '../versions/record-layout.ts'
import { asStoreError, chosenOf } from './availability.ts'
import type { Coordination } from './coordination.ts'
import type { ReadRecord } from './divergence.ts'
import type { Gathering } from './gathering.ts'
import type { BegunGet, GetRequest, TellResult } from './get-request.ts'
import { GetOperation } from './get.ts'
import { startGet } from './quick-get.ts'
import { letGo, letGoAfter, ownRegion } from './own-region.ts'
import { isOver } from './repair-after-read.ts'
import { readAnswered } from './read-timing.ts'
import type { SharedCall } from './replica-calls.ts'
import { Deadline } from './timer-wheel.ts'

const noBytes = new Uint8Array(0)
/** Where this node's copy lies, header and all. */
const region: LentRegion = { bytes: noBytes, start: 0, end: 0, hold: undefined }

/** Reads many keys, and tells of each under its number. They are counted as under way; each counts itself out. */
export function startGets<T>(
  node: Coordination,
  requests: readonly GetRequest[],
  tell: TellResult<T>,
  reads: Gathering<T>,
): void {
  const asking = new Asking(node, tell, reads)
  for (let i = 0; i < requests.length; i++) asking.read(i, requests[i]!)
  asking.send()
}

/** What the reads of one call have in common. */
interface ManyReads<T> {
  readonly node: Coordination
  readonly tell: TellResult<T>
  readonly reads: Gathering<T>
  readonly ring: Ring
  readonly beganMs: number
}

/** The owners of some partitions, as far as they may be asked. */
interface Others {
  /** This node's number among them, or -1. */
  readonly self: number
  /** The numbers of the others. */
  readonly numbers: readonly number[]
  readonly loads: readonly PeerLoad[]
  readonly channels: readonly Channel[]
}

/** Begins reads, and sorts them by the owner that each asks. */
class Asking<T> {
  readonly #many: ManyReads<T>
  /** Whether the common way is open at all. */
  readonly #isPlain: boolean
  readonly #others: Map<readonly string[], Others> = new Map()
  /** What is still to be sent, by channel. */
  readonly #frames: Map<Channel, KeysAsked<T>> = new Map()

  constructor(node: Coordination, tell: TellResult<T>, reads: Gathering<T>) {
    this.#many = { node, tell, reads, ring: node.ring(), beganMs: node.clock.monotonicMs() }
    this.#isPlain = node.everyoneIsReachable()
  }

  read(index: number, request: GetRequest): void {
    const { node, tell, reads } = this.#many
    node.stats.gets += 1
    const others = this.#othersOf(request)
    if (others.self < 0 || request.needed > 2 || !this.#isCommon(request)) {
      return reads.await(index, startGet(node, request, tell))
    }
    const own = ownCopy(node, request)
    if (own !== 'found' && own !== undefined) {
      const stored = own === 'special' ? undefined : own
      return reads.await(index, new GetOperation(node, request, tell).start(stored))
    }
    const read = new KeyRead(this.#many, index, request)
    read.self = others.self
    if (own === 'found') read.found(region)
    if (request.needed === 1) read.succeed()
    else this.#ask(read, others)
  }

  /** Whether nothing is known that makes the partition special: its owners stay, and this one has everything. */
  #isCommon({ partition }: GetRequest): boolean {
    const { node, ring } = this.#many
    return this.#isPlain && !ring.changesOwners(partition) && node.lackOf(partition) === undefined
  }

  #othersOf({ partition }: GetRequest): Others {
    const { node, ring } = this.#many
    const owners = ring.owners(partition)
    const known = this.#others.get(owners)
    if (known !== undefined) return known
    const self = owners.indexOf(node.selfId)
    const numbers = owners.map((_, i) => i).filter((i) => i !== self)
    const channels = numbers.map((i) => node.data(owners[i]!))
    const others = { self, numbers, channels, loads: channels.map(({ load }) => load) }
    this.#others.set(owners, others)
    return others
  }

  #ask(read: KeyRead<T>, { numbers, loads, channels }: Others): void {
    const { node } = this.#many
    const chosen = loads.length < 2 ? 0 : chosenOf(node, loads, node.stats.gets)
    const channel = channels[chosen]!
    const itemBytes = getsItemBytes(read.request.storageKey, read)
    let frame = this.#frames.get(channel)
    if (frame !== undefined && frame.bytes + itemBytes > batchBytesMax) {
      frame.send()
      frame = undefined
    }
    if (frame === undefined) {
      frame = new KeysAsked(this.#many, channel)
      this.#frames.set(channel, frame)
    }
    read.other = numbers[chosen]!
    frame.add(read, itemBytes)
  }

  /** Sends what is not sent yet. */
  send(): void {
    for (const frame of this.#frames.values()) frame.send()
  }
}

/**
 * `found`: a record of the kind that is asked for lies in `region`, with nothing in it that is over. `special`: another
 * one does. Else what the storage said.
 */
function ownCopy(
  node: Coordination,
  { partition, storageKey, kind }: GetRequest,
): 'found' | 'special' | Stored | Promise<Stored> {
  try {
    const found = look(node.store, { partition, key: storageKey }, region, 'kept')
    if (found !== 'found') return found
  } catch (error) {
    return Promise.reject(asStoreError(error))
  }
  const { bytes, start } = region
  const isOfKind = bytes[start + storedHeaderBytes + 1] === kindNumber[kind]
  if (isOfKind && !isOver(node, bytes, start + storedHeaderBytes)) return 'found'
  letGo(region)
  return 'special'
}

/** Keys that one owner is asked about in one frame. */
class KeysAsked<T> extends Deadline implements CallSink {
  /** Length of the frame, but for its head. */
  bytes = 0
  private readonly many: ManyReads<T>
  private readonly channel: Channel
  private readonly keys: KeyRead<T>[] = []
  private call: number | undefined
  /** Keys that wait for the answer. */
  private waiting = 0

  constructor(many: ManyReads<T>, channel: Channel) {
    super()
    this.many = many
    this.channel = channel
  }

  add(key: KeyRead<T>, itemBytes: number): void {
    key.frame = this
    this.keys.push(key)
    this.bytes += itemBytes
    this.waiting += 1
    this.many.node.hedging.counted()
    // The choice of whom to ask next counts it.
    this.channel.load.addKeys(1)
  }

  send(): void {
    const { keys, channel } = this
    const { node, ring } = this.many
    const { timeoutMs, kind } = keys[0]!.request
    const head = { epoch: ring.epoch, timeLeftMs: timeoutMs }
    const frame = new GetsFrame(head, kindNumber[kind], this.bytes)
    for (const key of keys) frame.add(key.request, key)
    this.call = channel.call(this, 0, frame.done())
    // The request itself is counted by the channel.
    channel.load.addKeys(this.call === undefined ? -keys.length : -1)
    if (this.call !== undefined) node.wheel.set(this, Math.min(timeoutMs, node.hedging.afterMs))
    else for (const key of keys) key.alone()
  }

  answered(_: number, frame: AnswerFrame): void {
    this.end()
    readAnswered(this.many.node, this.channel, this.many.beganMs)
    if (frame.type === frameType.answers) {
      const answers = new AnswersReader(frame)
      while (answers.next()) this.keys[answers.index]?.answered(answers)
      const error = new ProtocolError('an answer to many keys left one out')
      for (const key of this.keys) key.unanswered(error, true)
    } else {
      for (const key of this.keys) key.answered(frame)
    }
    this.many.node.wheel.cancel(this)
  }

  unanswered(_: number, error: StoreError, sent: boolean): void {
    this.end()
    for (const key of this.keys) key.unanswered(error, sent)
    this.many.node.wheel.cancel(this)
  }

  expire(): void {
    for (const key of this.keys) key.expire()
  }

  /** One key waits no longer. */
  abandonOne(): void {
    this.waiting -= 1
    if (this.waiting > 0 || this.call === undefined) return
    this.channel.abandon(this.call)
    this.end()
  }

  /** No answer is awaited any more. */
  private end(): void {
    this.call = undefined
    this.channel.load.addKeys(1 - this.keys.length)
  }
}

/** One of the reads; itself the record that this node has, empty when it has none. */
class KeyRead<T> implements BegunGet<T>, ReadRecord, SharedCall, LentRegion {
  readonly index: number
  readonly request: GetRequest
  frame: KeysAsked<T> | undefined
  self = 0
  other = 0
  bytes: Uint8Array = noBytes
  start = 0
  end = 0
  /** Of the record, until the caller is told. */
  hold: RegionHold | undefined
  /** Whether the answer is there, or not awaited any more. */
  private isAnswered = false
  private readonly many: ManyReads<T>
  /** What goes on in its place. */
  private whole: GetOperation<T> | undefined

  constructor(many: ManyReads<T>, index: number, request: GetRequest) {
    this.many = many
    this.index = index
    this.request = request
  }

  /** This node has the record. */
  found({ bytes, start, end, hold }: LentRegion): void {
    this.bytes = bytes
    this.hold = hold
    this.start = start + storedHeaderBytes
    this.end = end
  }

  get own(): ReadRecord | undefined {
    return this.start === this.end ? undefined : this
  }

  get ring(): Ring {
    return this.many.ring
  }

  get beganMs(): number {
    return this.many.beganMs
  }

  get call(): SharedCall {
    return this
  }

  answered(frame: AnswerFrame): void {
    if (this.isAnswered) return
    this.isAnswered = true
    const { type, flags } = frame
    const same = this.start === this.end ? frameType.absent : frameType.same
    if (type === same && flags === 0 && this.whole === undefined) this.succeed()
    else if (type !== askAlone) this.widen().answered(this.other, frame)
    else this.widen().unanswered(this.other, new ProtocolError('an answer was put off'), true)
  }

  /** There is no answer, and none will come. */
  unanswered(error: StoreError, sent: boolean): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.widen().unanswered(this.other, error, sent)
  }

  expire(): void {
    if (!this.isAnswered && this.whole === undefined) this.widen().expire()
  }

  abandon(): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.frame!.abandonOne()
  }

  handOver(to: Deadline): void {
    this.many.node.wheel.join(this.frame!, to)
  }

  /** Hands over to a whole operation. */
  private widen(): GetOperation<T> {
    ownRegion(this)
    this.whole ??= new GetOperation(this.many.node, this.request, this.many.tell, this)
    return this.whole
  }

  /** The request could not be sent: the read begins anew, by itself. */
  alone(): void {
    letGo(this)
    const { node, tell, reads } = this.many
    reads.await(this.index, new GetOperation(node, this.request, tell).start())
  }

  succeed(): void {
    this.many.node.stats.inFlight -= 1
    try {
      const result = this.many.tell(this.request, this.own)
      letGoAfter(this, result)
      this.resolve(result)
    } catch (error) {
      letGo(this)
      this.reject(error)
    }
  }

  resolve(result: T | Promise<T>): void {
    if (result instanceof Promise) this.many.reads.await(this.index, result)
    else this.many.reads.succeeded(this.index, result)
  }

  reject(error: unknown): void {
    this.many.reads.failed(this.index, error)
  }
}
