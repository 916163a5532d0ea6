/**
 * The common way of a write, with next to nothing to keep: this node owns a copy and stores it at once, every other
 * owner (before and after, while owners change) can be sent it, and each says that it has it. Whatever else happens (a
 * refusal, silence, another ring), a `PutOperation` goes on from there: it knows all ways, and this one only the
 * shortest.
 */
import { asBuffer } from '../base/bytes.ts'
import type { StoreError } from '../base/errors.ts'
import type { LentRegion, RegionHold } from '../ports/storage.ts'
import { replicaCount } from '../quorum/replica-mask.ts'
import type { AppliedWrite } from '../replica/replica-store.ts'
import { storedHeaderBytes } from '../replica/stored-record.ts'
import type { Ring } from '../ring/ring.ts'
import { flagDurable, frameType } from '../rpc/frame.ts'
import { putFrame } from '../rpc/frame-buffer.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { asStoreError, ownersHaveRoom } from './availability.ts'
import { promiseOf } from './caller.ts'
import type { Coordination } from './coordination.ts'
import { endBegunWrite, failWrite } from './end-write.ts'
import { letGo, ownRegion } from './own-region.ts'
import { localWrite, withOwnValue, type BegunPut, type PutRequest } from './put-request.ts'
import { PutOperation } from './put.ts'
import type { Receipt } from './receipt.ts'
import { Deadline } from './timer-wheel.ts'

const nobody: readonly string[] = Object.freeze([])
const noBytes = new Uint8Array(0)

/** Writes a key. The write is counted in: it counts itself out, unless it cannot even begin. */
export function startPut(node: Coordination, request: PutRequest): Promise<Receipt> {
  try {
    const ring = node.ring()
    const { partition, needed } = request
    const replicas = ring.replicas(partition)
    const self = replicas.indexOf(node.selfId)
    const isPlain =
      self >= 0 &&
      needed <= ring.owners(partition).length &&
      needed <= ring.ownersToBe(partition).length &&
      node.everyoneIsReachable()
    if (isPlain && node.store.near.isThere && ownersHaveRoom(node, replicas, request)) {
      const quick = new QuickPut(node, request, ring, self)
      if (quick.begin()) return quick.promise
    }
    return new PutOperation(node, withOwnValue(request)).start()
  } catch (error) {
    node.stats.inFlight -= 1
    throw error
  }
}

/** A write that every owner can take at once; while owners change, also those to be. */
export class QuickPut extends Deadline implements CallSink, BegunPut, LentRegion {
  readonly promise: Promise<Receipt>
  readonly ring: Ring
  readonly self: number
  readonly calls: (number | undefined)[] = [undefined, undefined, undefined]
  resolve!: (receipt: Receipt | Promise<Receipt>) => void
  reject!: (error: unknown) => void
  /** Where the record lies in this node's storage, header and all. */
  bytes: Uint8Array = noBytes
  start = 0
  end = 0
  /** Until all owners have the write, or a whole operation goes on. */
  hold: RegionHold | undefined
  storedMask = 0
  durableMask = 0
  isSettled = false
  private readonly node: Coordination
  private readonly request: PutRequest
  /** While owners change: those to be, by their numbers, and those before. Else 0, and they are all. */
  private afterMask = 0
  private beforeMask = 0
  /** What goes on in its place. */
  private whole: PutOperation | undefined

  constructor(node: Coordination, request: PutRequest, ring: Ring, self: number) {
    super()
    this.node = node
    this.request = request
    this.ring = ring
    this.self = self
    this.promise = promiseOf(this)
    const { partition } = request
    if (!ring.changesOwners(partition)) return
    this.beforeMask = ring.ownersMask(partition)
    this.afterMask = ring.ownersToBeMask(partition)
  }

  /** The write, once it is asked for by those who need all of it. */
  get applied(): AppliedWrite {
    const stored = asBuffer(this.bytes.subarray(this.start, this.end))
    return { stored, replaced: undefined, siblings: 1, durable: undefined }
  }

  /** Stores the write here and sends it. False when it is none that replaces what is stored, in memory, at once. */
  begin(): boolean {
    const { node, request } = this
    const { partition, storageKey } = request
    try {
      if (!node.store.near.write(partition, storageKey, localWrite(node, request), this))
        return false
    } catch (error) {
      failWrite(node, this, asStoreError(error))
      return true
    }
    node.wheel.set(this, request.timeoutMs)
    this.send()
    return true
  }

  private send(): void {
    const { node, request, ring, self, calls } = this
    const replicas = ring.replicas(request.partition)
    const head = { epoch: ring.epoch, timeLeftMs: request.timeoutMs }
    const body = { partition: request.partition, key: request.storageKey, hintFor: nobody }
    const frame = putFrame(head, body, this.bytes, this.start + storedHeaderBytes, this.end)
    let isSent = true
    for (let i = 0; i < replicas.length; i++) {
      if (i === self) continue
      calls[i] = node.data(replicas[i]!).call(this, i, frame)
      if (calls[i] === undefined) isSent = false
    }
    this.storedMask = 1 << self
    if (isSent) this.advance()
    else this.widen()
  }

  answered(replica: number, frame: AnswerFrame): void {
    const isStored = frame.type === frameType.stored
    if (isStored && this.whole === undefined)
      this.stored(replica, (frame.flags & flagDurable) !== 0)
    else this.widen().answered(replica, frame)
  }

  unanswered(replica: number, error: StoreError, sent: boolean): void {
    this.widen().unanswered(replica, error, sent)
  }

  expire(): void {
    this.widen().expire()
  }

  handOver(to: Deadline): void {
    this.node.wheel.replace(this, to)
  }

  /** Hands over to the whole operation. */
  private widen(): PutOperation {
    ownRegion(this)
    this.whole ??= new PutOperation(this.node, this.request, this)
    return this.whole
  }

  /** Another owner has the write. */
  private stored(replica: number, durable: boolean): void {
    this.storedMask |= 1 << replica
    if (durable) this.durableMask |= 1 << replica
    this.advance()
  }

  private advance(): void {
    const { node, request, ring } = this
    const count = this.afterMask === 0 ? replicaCount(this.storedMask) : this.countOfSides()
    if (count >= request.needed && !this.isSettled) this.settle()
    if (replicaCount(this.storedMask) < ring.replicas(request.partition).length) return
    node.wheel.cancel(this)
    letGo(this)
  }

  /** How many count: in the set that has fewer (`joint.ts`). */
  private countOfSides(): number {
    const { storedMask, beforeMask, afterMask } = this
    return Math.min(replicaCount(storedMask & beforeMask), replicaCount(storedMask & afterMask))
  }

  private settle(): void {
    this.isSettled = true
    endBegunWrite(this.node, this.request, this, undefined)
  }
}
