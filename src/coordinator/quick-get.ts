/**
 * The common way of a read, with next to nothing to keep: this node owns a copy, and at most one other owner has to say
 * that its own is the same; while owners change, both are owners before and after. Whatever else happens (another
 * answer, none, a slow one), a `GetOperation` goes on from there: it knows all ways, and this one only the shortest.
 */
import type { StoreError } from '../base/errors.ts'
import type { LentRegion, RegionHold } from '../ports/storage.ts'
import { look } from '../replica/replica-store.ts'
import { storedHeaderBytes, type Stored } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import { flagGaining, flagRecovering, frameType } from '../rpc/frame.ts'
import type { Channel } from '../rpc/channel.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { kindNumber } from '../versions/record-layout.ts'
import { asStoreError, nextOwner } from './availability.ts'
import { promiseOf } from './caller.ts'
import type { Coordination } from './coordination.ts'
import type { ReadRecord } from './divergence.ts'
import { oneSidedMask } from './joint.ts'
import { recordRequest, type BegunGet, type GetRequest, type TellResult } from './get-request.ts'
import { GetOperation } from './get.ts'
import { letGo, letGoAfter, ownRegion } from './own-region.ts'
import { isOver } from './repair-after-read.ts'
import { readAnswered, readBegins } from './read-timing.ts'
import { Deadline } from './timer-wheel.ts'

/** Reads a key. The read is counted in; it counts itself out. */
export function startGet<T>(
  node: Coordination,
  request: GetRequest,
  tell: TellResult<T>,
): Promise<T> {
  const ring = node.ring()
  const { partition } = request
  const owners = ring.owners(partition)
  const self = owners.indexOf(node.selfId)
  const isPlain = request.needed <= 2 && (oneSidedMask(ring, partition) & (1 << self)) === 0
  if (self < 0 || !isPlain || !node.everyoneIsReachable() || node.lackOf(partition) !== undefined) {
    return new GetOperation(node, request, tell).start()
  }
  const own = ownCopy(node, request)
  if (own !== 'found') return new GetOperation(node, request, tell).start(own)
  const at = region.start + storedHeaderBytes
  const isDue = request.needed > 1 || !isOver(node, region.bytes, at)
  const quick = isDue ? new QuickGet(node, request, tell, ring) : undefined
  if (quick?.begin(self, region) === true) return quick.promise
  letGo(region)
  return new GetOperation(node, request, tell).start()
}

/** Where this node's copy lies, header and all. */
const region: LentRegion = { bytes: new Uint8Array(0), start: 0, end: 0, hold: undefined }

/** `found`: a record of the kind that is asked for lies in `region`. Else what the storage said, if it did. */
function ownCopy(
  node: Coordination,
  { partition, storageKey, kind }: GetRequest,
): 'found' | Stored | Promise<Stored> {
  try {
    const found = look(node.store, { partition, key: storageKey }, region, 'kept')
    if (found !== 'found') return found
  } catch (error) {
    return Promise.reject(asStoreError(error))
  }
  if (region.bytes[region.start + storedHeaderBytes + 1] === kindNumber[kind]) return 'found'
  letGo(region)
  return undefined
}

/** A read that at most one other owner has to confirm; itself the record that this node has, for `tell`. */
class QuickGet<T> extends Deadline implements CallSink, BegunGet<T>, ReadRecord, LentRegion {
  promise!: Promise<T>
  readonly ring: Ring
  self = 0
  other = 0
  call: number | undefined
  beganMs = 0
  channel: Channel | undefined
  resolve!: (result: T | Promise<T>) => void
  reject!: (error: unknown) => void
  bytes!: Uint8Array
  start = 0
  end = 0
  /** Of the record, until the caller is told. */
  hold: RegionHold | undefined
  private readonly node: Coordination
  private readonly request: GetRequest
  private readonly tell: TellResult<T>
  /** What goes on in its place. */
  private whole: GetOperation<T> | undefined

  constructor(node: Coordination, request: GetRequest, tell: TellResult<T>, ring: Ring) {
    super()
    this.ring = ring
    this.node = node
    this.request = request
    this.tell = tell
  }

  /** Begins with the copy of this node, the owner `self`. False when another owner has to be asked and cannot be. */
  begin(self: number, own: LentRegion): boolean {
    const { node, request } = this
    this.self = self
    this.bytes = own.bytes
    this.start = own.start + storedHeaderBytes
    this.end = own.end
    this.hold = own.hold
    if (request.needed === 2 && !this.ask()) return false
    this.promise = promiseOf(this)
    if (request.needed === 2)
      node.wheel.set(this, Math.min(request.timeoutMs, node.hedging.afterMs))
    else this.succeed()
    return true
  }

  private ask(): boolean {
    const { node, request, ring } = this
    const owners = ring.owners(request.partition)
    const oneSided = oneSidedMask(ring, request.partition)
    this.other = nextOwner(node, owners, 1 << this.self, oneSided)
    if (this.other < 0 || (oneSided & (1 << this.other)) !== 0) return false
    this.channel = node.data(owners[this.other]!)
    this.beganMs = readBegins(node)
    this.call = this.channel.call(this, this.other, recordRequest(ring, request, this))
    return this.call !== undefined
  }

  answered(replica: number, frame: AnswerFrame): void {
    const { type, flags } = frame
    const isPlain = type === frameType.same && (flags & (flagRecovering | flagGaining)) === 0
    if (this.whole === undefined && isPlain && !isOver(this.node, this.bytes, this.start)) {
      readAnswered(this.node, this.channel!, this.beganMs)
      this.succeed()
    } else this.widen().answered(replica, frame)
  }

  unanswered(replica: number, error: StoreError, sent: boolean): void {
    this.widen().unanswered(replica, error, sent)
  }

  expire(): void {
    this.widen().expire()
  }

  get own(): ReadRecord {
    return this
  }

  handOver(to: Deadline): void {
    to.afterMs = this.afterMs
    this.node.wheel.replace(this, to)
  }

  /** Hands over to the whole operation. */
  private widen(): GetOperation<T> {
    ownRegion(this)
    this.whole ??= new GetOperation(this.node, this.request, this.tell, this)
    return this.whole
  }

  private succeed(): void {
    const { node } = this
    node.stats.inFlight -= 1
    node.wheel.cancel(this)
    try {
      const result = this.tell(this.request, this)
      letGoAfter(this, result)
      this.resolve(result)
    } catch (error) {
      letGo(this)
      this.reject(error)
    }
  }
}
