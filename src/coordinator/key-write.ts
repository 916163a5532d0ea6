/** One of many writes that were begun as one; see `many-puts.ts`. */
import { asBuffer } from '../base/bytes.ts'
import { ProtocolError, type StoreError } from '../base/errors.ts'
import type { LentRegion, RegionHold } from '../ports/storage.ts'
import { replicaCount } from '../quorum/replica-mask.ts'
import type { AppliedWrite } from '../replica/replica-store.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import { askAlone } from '../rpc/batch-frame.ts'
import { flagDurable, frameType } from '../rpc/frame.ts'
import type { AnswerFrame } from '../rpc/pending-calls.ts'
import { asStoreError } from './availability.ts'
import type { Coordination } from './coordination.ts'
import { endBegunWrite, failWrite } from './end-write.ts'
import type { Gathering } from './gathering.ts'
import { letGo, ownRegion } from './own-region.ts'
import { localWrite, type BegunPut, type PutRequest } from './put-request.ts'
import { PutOperation } from './put.ts'
import type { Receipt } from './receipt.ts'
import type { SharedCall } from './replica-calls.ts'
import type { Deadline } from './timer-wheel.ts'

const noBytes = new Uint8Array(0)

/** What the writes of one call have in common. */
export interface ManyWrites {
  readonly node: Coordination
  readonly writes: Gathering<Receipt>
  readonly ring: Ring
}

/** The writes that go out together, as far as one of them needs to know. */
export interface WriteLot {
  /** The deadline of all is another's, too, from now on. */
  handOver(to: Deadline): void
}

/** A frame to one owner with several writes in it. */
export interface SharedFrame {
  readonly isSent: boolean
  /** One key waits for its answer no longer. */
  abandonOne(): void
}

/** One of many writes: stored here, and sent with the others. */
export class KeyWrite implements BegunPut, LentRegion {
  readonly request: PutRequest
  readonly owners: readonly string[]
  lot!: WriteLot
  self = 0
  /** The frame to each owner; undefined for this node. */
  frames: readonly (SharedFrame | undefined)[] = []
  /** Where the record lies in this node's storage, header and all. */
  bytes: Uint8Array = noBytes
  start = 0
  end = 0
  /** Until all owners have the write, or a whole operation goes on. */
  hold: RegionHold | undefined
  storedMask = 0
  durableMask = 0
  isSettled = false
  /** Owners that have answered, or are not waited for any more. */
  private overMask = 0
  private readonly index: number
  private readonly many: ManyWrites
  private stored: AppliedWrite | undefined
  /** What goes on in its place. */
  private whole: PutOperation | undefined

  constructor(
    many: ManyWrites,
    what: { index: number; request: PutRequest; owners: readonly string[] },
  ) {
    this.many = many
    this.index = what.index
    this.request = what.request
    this.owners = what.owners
  }

  /** Stores the write here, if that is possible at once. @throws {StoreError} */
  store(): boolean {
    const { node } = this.many
    const { partition, storageKey } = this.request
    const write = localWrite(node, this.request)
    if (node.store.near.write(partition, storageKey, write, this)) return true
    this.stored = node.store.writeNow(partition, storageKey, write)
    if (this.stored === undefined) return false
    this.bytes = this.stored.stored
    this.start = 0
    this.end = this.bytes.length
    return true
  }

  /** Where the record lies, without the header. */
  get recordStart(): number {
    return this.start + storedHeaderBytes
  }

  get ring(): Ring {
    return this.many.ring
  }

  /** The write, once it is asked for by those who need all of it. */
  get applied(): AppliedWrite {
    if (this.stored !== undefined) return this.stored
    const stored = asBuffer(this.bytes.subarray(this.start, this.end))
    return { stored, replaced: undefined, siblings: 1, durable: undefined }
  }

  get calls(): readonly (SharedCall | undefined)[] {
    return this.frames.map((frame, i) =>
      frame?.isSent === true ? { abandon: () => this.abandon(frame, i) } : undefined,
    )
  }

  /** All owners were sent the write, as far as they could be. */
  sent(): void {
    this.storedMask = 1 << this.self
    const { frames } = this
    let isSent = true
    for (let i = 0; i < frames.length; i++) if (frames[i]?.isSent === false) isSent = false
    if (isSent) this.advance()
    else this.widen()
  }

  answered(replica: number, frame: AnswerFrame): void {
    if (!this.isNews(replica)) return
    const { type, flags } = frame
    if (type === askAlone) this.widen().unanswered(replica, putOff(), true)
    else if (type !== frameType.stored || this.whole !== undefined)
      this.widen().answered(replica, frame)
    else this.acknowledged(replica, (flags & flagDurable) !== 0)
  }

  /** There is no answer, and none will come. */
  unanswered(replica: number, error: StoreError, sent: boolean): void {
    if (this.isNews(replica)) this.widen().unanswered(replica, error, sent)
  }

  private isNews(replica: number): boolean {
    const bit = 1 << replica
    if ((this.overMask & bit) !== 0) return false
    this.overMask |= bit
    return true
  }

  private abandon(frame: SharedFrame, replica: number): void {
    if (this.isNews(replica)) frame.abandonOne()
  }

  expire(): void {
    const isDone = replicaCount(this.storedMask) === this.owners.length
    if (this.whole === undefined && !isDone) this.widen().expire()
  }

  handOver(to: Deadline): void {
    this.lot.handOver(to)
  }

  /** Hands over to a whole operation. */
  private widen(): PutOperation {
    ownRegion(this)
    this.whole ??= new PutOperation(this.many.node, this.request, this)
    return this.whole
  }

  private acknowledged(replica: number, durable: boolean): void {
    this.storedMask |= 1 << replica
    if (durable) this.durableMask |= 1 << replica
    this.advance()
  }

  private advance(): void {
    const count = replicaCount(this.storedMask)
    if (count >= this.request.needed && !this.isSettled) this.settle()
    if (count === this.owners.length) letGo(this)
  }

  private settle(): void {
    this.isSettled = true
    endBegunWrite(this.many.node, this.request, this, this.stored?.replaced)
  }

  /** It could not be stored here. */
  fail(error: unknown): void {
    failWrite(this.many.node, this, asStoreError(error))
  }

  resolve(receipt: Receipt | Promise<Receipt>): void {
    if (receipt instanceof Promise) this.many.writes.await(this.index, receipt)
    else this.many.writes.succeeded(this.index, receipt)
  }

  reject(error: unknown): void {
    this.many.writes.failed(this.index, error)
  }
}

function putOff(): StoreError {
  return new ProtocolError('an answer was put off')
}
