/**
 * Writes of keys that this node owns no copy of go to an owner, which coordinates them: only owners keep minting dots
 * for a key, so its clock stays as short as its owners are few. A write is coordinated once: a request that may have
 * arrived is never sent to a second coordinator (HAZARDS A7).
 */
import {
  OverloadedError,
  ProtocolError,
  TimeoutError,
  WriteUncertainError,
  type StoreError,
  type StoreErrorCode,
} from '../base/errors.ts'
import { REPLICA_MAX } from '../quorum/replica-mask.ts'
import type { Ring } from '../ring/ring.ts'
import { unpackFailure } from '../rpc/failure.ts'
import { forwardFrame, readReceipt, type ForwardedWrite } from '../rpc/forward-frame.ts'
import { frameType } from '../rpc/frame.ts'
import type { AnswerFrame, CallSink } from '../rpc/pending-calls.ts'
import { Context, contentOf, isHead, type ContextSource } from '../versions/context.ts'
import { kindNumber } from '../versions/record-layout.ts'
import { unavailable } from './availability.ts'
import { promiseOf, type Settler } from './caller.ts'
import type { Coordination } from './coordination.ts'
import { failWrite } from './end-write.ts'
import { withOwnValue, type PutRequest } from './put-request.ts'
import { startPut } from './quick-put.ts'
import { createReceipt, type Receipt } from './receipt.ts'
import { Deadline } from './timer-wheel.ts'

/** The way of a write: here when this node owns the key, else through an owner. */
export function routePut(
  node: Coordination,
  put: PutRequest,
  writeId: () => string,
): Promise<Receipt> {
  const ring = node.ring()
  if (ring.owners(put.partition).includes(node.selfId)) return startPut(node, put)
  const forwarding = new Forwarding(node, ring, withOwnValue(put), writeId())
  return forwarding.start()
}

/** Answers of an owner that did nothing, while another one may. */
const goOn: readonly StoreErrorCode[] = ['ERR_TOPOLOGY_BUSY', 'ERR_CLOSED', 'ERR_OVERLOADED']

/** A write on its way to the first owner that takes it. Counted in: it counts itself out. */
class Forwarding extends Deadline implements CallSink, Settler<Receipt> {
  resolve!: (receipt: Receipt | Promise<Receipt>) => void
  reject!: (error: unknown) => void
  private readonly node: Coordination
  private readonly ring: Ring
  private readonly put: PutRequest
  private readonly write: ForwardedWrite
  private readonly startedMs: number
  /** The owner that is asked, by its number, and the call that waits. */
  private owner = -1
  private call: number | undefined
  private last: StoreError | undefined

  constructor(node: Coordination, ring: Ring, put: PutRequest, writeId: string) {
    super()
    this.node = node
    this.ring = ring
    this.put = put
    this.write = forwardedWrite(node, put, writeId)
    this.startedMs = node.clock.monotonicMs()
  }

  start(): Promise<Receipt> {
    const promise = promiseOf(this)
    this.node.stats.forwarded += 1
    this.node.wheel.set(this, this.put.timeoutMs)
    this.askNext()
    return promise
  }

  private leftMs(): number {
    return this.put.timeoutMs - (this.node.clock.monotonicMs() - this.startedMs)
  }

  private askNext(): void {
    const { node, ring, put } = this
    const owners = ring.owners(put.partition)
    this.call = undefined
    while (++this.owner < owners.length) {
      const id = owners[this.owner]!
      if (!node.isReachable(id)) continue
      const timeLeftMs = this.last === undefined ? put.timeoutMs : this.leftMs()
      if (timeLeftMs <= 0) break
      const channel = node.data(id)
      const frame = forwardFrame({ epoch: ring.epoch, timeLeftMs }, this.write, put.value)
      this.call = channel.call(this, this.owner, frame)
      if (this.call !== undefined) return
      this.last = channel.lastError
    }
    this.noOwner()
  }

  /** With no owner in reach this node stands in for one; the operation then counts itself out. */
  private noOwner(): void {
    const { node, put, last } = this
    node.wheel.cancel(this)
    if (put.sloppy && standsIn(node, put)) {
      const timeoutMs = Math.max(1, this.leftMs())
      try {
        this.resolve(startPut(node, { ...put, timeoutMs }))
      } catch (error) {
        this.reject(error)
      }
      return
    }
    const isTooMuch = !put.sloppy && last instanceof OverloadedError
    const none = { needed: put.needed, alive: 0, cause: last }
    failWrite(node, this, isTooMuch ? last : unavailable('write', put, none))
  }

  answered(_owner: number, frame: AnswerFrame): void {
    const { type, flags, bytes, bodyStart, end } = frame
    if (type === frameType.failed) return this.refused(unpackFailure(bytes, bodyStart, end))
    const told = type === frameType.receipt ? readReceipt(flags, bytes, bodyStart, end) : undefined
    if (told === undefined) {
      const error = new ProtocolError('the peer gave no sensible answer')
      return this.fail(this.unanswering(error))
    }
    const { node, put, ring } = this
    const { nodes = ring.replicas(put.partition), storedMask, fallbackMask, durableMask } = told
    const binding = { cluster: node.cluster(), bucket: put.bucket, key: put.key }
    const source = sourceIn(told.context, binding)
    const masks = storedMask | fallbackMask | durableMask
    const isSound = nodes.length <= REPLICA_MAX && masks >>> nodes.length === 0
    if (source === undefined || !isSound) return this.fail(unreadable(put))
    node.wheel.cancel(this)
    node.stats.inFlight -= 1
    this.resolve(createReceipt(binding, source, { ...told, nodes }))
  }

  /** The owner's own error: another one may take the write, or it is refused for good. */
  private refused(error: StoreError): void {
    if (!goOn.includes(error.code)) return this.fail(error)
    this.last = error
    this.askNext()
  }

  unanswered(_owner: number, error: StoreError, sent: boolean): void {
    if (sent) return this.fail(this.unanswering(error))
    this.last = error
    this.askNext()
  }

  expire(): void {
    const { timeoutMs, partition } = this.put
    const id = this.ring.owners(partition)[this.owner]!
    if (this.call !== undefined) this.node.data(id).abandon(this.call)
    const error = new TimeoutError(`no answer within ${timeoutMs} ms`, { afterMs: timeoutMs })
    this.fail(this.unanswering(error))
  }

  /** It is not known what became of the write. */
  private unanswering(cause: StoreError): StoreError {
    const { key, needed } = this.put
    const message = `the coordinator of ${JSON.stringify(key)} did not answer: ${cause.message}`
    return new WriteUncertainError(message, { needed, acknowledged: 0, cause })
  }

  private fail(error: StoreError): void {
    this.node.wheel.cancel(this)
    failWrite(this.node, this, error)
  }
}

/** A member that leaves stands in for nobody: what it took now would go with its disk. */
function standsIn(node: Coordination, { partition }: PutRequest): boolean {
  return node.ring().preferenceList(partition).includes(node.selfId)
}

function forwardedWrite(node: Coordination, put: PutRequest, writeId: string): ForwardedWrite {
  const { bucket, key, replaces } = put
  const binding = { cluster: node.cluster(), bucket, key }
  return {
    partition: put.partition,
    kind: kindNumber[put.kind],
    needed: put.needed,
    sloppy: put.sloppy,
    tombstone: put.tombstone,
    expiresAtMs: put.expiresAtMs,
    writeId,
    key: put.storageKey,
    context: replaces === 'all' ? undefined : new Context(binding, replaces).toString(),
  }
}

/** What a receipt tells of its context; undefined when that makes no sense. */
function sourceIn(
  told: string | { readonly head: string; readonly stamp: number },
  binding: { readonly cluster: string; readonly bucket: string; readonly key: string },
): ContextSource | undefined {
  if (typeof told !== 'string') return isHead(told) ? told : undefined
  try {
    return contentOf(told, binding)
  } catch {
    return undefined
  }
}

/** The owner has the write all the same. */
function unreadable({ key, needed }: PutRequest): WriteUncertainError {
  const message = `the receipt of ${JSON.stringify(key)} cannot be read`
  return new WriteUncertainError(message, { needed, acknowledged: 0 })
}
